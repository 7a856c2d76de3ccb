/**
 * The smallest JPEG that every decoder reads: 8 by 8 grey pixels. The platform wants a preview with every video, and kefu has none: making one takes a
 * decoder of videos.
 */
export const GREY_JPEG: Uint8Array = Buffer.from(
  [
    'ffd8ffe000104a46494600010100000100010000',
    // One table of ones to quantise with.
    `ffdb004300${'01'.repeat(64)}`,
    // 8 bits, 8 by 8, one component.
    'ffc0000b080008000801011100',
    // One code for "no difference", one for "end of block".
    'ffc40014000100000000000000000000000000000000',
    'ffc40014100100000000000000000000000000000000',
    // Both codes, filled up with ones.
    'ffda0008010100003f003fffd9',
  ].join(''),
  'hex',
)

/** zstd frames written by hand (RFC 8878), valid or not, for tests of what must be refused. */

/** The fields of a frame header; what is left out is absent from the header. */
export type FrameHeader = {
  readonly magic?: number
  /** Declared content size and the bytes it is written in. */
  readonly size?: bigint
  readonly sizeBytes?: 1 | 2 | 4 | 8
  /** Window descriptor byte; without it the frame is a single segment. */
  readonly window?: number
  readonly hasChecksum?: boolean
  readonly dictionaryBytes?: 0 | 1 | 2 | 4
  /** Bits to set in the descriptor beside those of the fields. */
  readonly extraBits?: number
}

/** A block: its type's two bits, the size in its header, and the bytes that follow. */
export type Block = { readonly type: 0 | 1 | 2 | 3; readonly size: number; readonly content: Uint8Array }

/** Window descriptors by size. */
export const WINDOW = { kib1: 0x00, kib512: 0x48, mib1: 0x50, mib2: 0x58, mib8: 0x68, mib9: 0x69, gib8: 0xb8 } as const

/** A block of `size` equal bytes. */
export function rleBlock(size: number, byte = 0): Block {
  return { type: 1, size, content: Uint8Array.of(byte) }
}

/** A block of these bytes. */
export function rawBlock(content: Uint8Array): Block {
  return { type: 0, size: content.length, content }
}

/** A compressed block that regenerates 128 KiB of zeros from 10 bytes, in any frame with a window of 128 KiB or more. */
export function denseBlock(): Block {
  const content = Buffer.from('1000000100fbff39c002', 'hex')
  return { type: 2, size: content.length, content }
}

/** The frame of a header and blocks; the last block is marked as such. A checksum is written as zeros. */
export function zstdFrame(header: FrameHeader, blocks: readonly Block[]): Buffer {
  const pieces: Uint8Array[] = [headerBytes(header)]
  for (const [index, block] of blocks.entries()) {
    const bits = (index === blocks.length - 1 ? 1 : 0) | (block.type << 1) | (block.size << 3)
    pieces.push(Uint8Array.of(bits & 0xff, (bits >>> 8) & 0xff, (bits >>> 16) & 0xff), block.content)
  }
  if (header.hasChecksum === true) pieces.push(new Uint8Array(4))
  return Buffer.concat(pieces)
}

/** A skippable frame with this content. */
export function skippableFrame(content: Uint8Array, magic = 0x184d2a50): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(magic, 0)
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, content])
}

function headerBytes(header: FrameHeader): Buffer {
  const { magic = 0xfd2fb528, size, window, dictionaryBytes = 0, extraBits = 0 } = header
  const sizeBytes = size === undefined ? 0 : (header.sizeBytes ?? 4)
  const sizeFlag = { 0: 0, 1: 0, 2: 1, 4: 2, 8: 3 }[sizeBytes]
  const dictionaryFlag = { 0: 0, 1: 1, 2: 2, 4: 3 }[dictionaryBytes]
  const bytes = Buffer.alloc(5 + (window === undefined ? 0 : 1) + dictionaryBytes + sizeBytes)
  bytes.writeUInt32LE(magic, 0)
  bytes[4] =
    (sizeFlag << 6) | (window === undefined ? 0x20 : 0) | (header.hasChecksum ? 4 : 0) | dictionaryFlag | extraBits
  if (window !== undefined) bytes[5] = window
  if (size !== undefined) {
    const field = Buffer.alloc(8)
    field.writeBigUInt64LE(sizeBytes === 2 ? size - 256n : size)
    field.copy(bytes, bytes.length - sizeBytes, 0, sizeBytes)
  }
  return bytes
}

/** A file that a user sends. */
export type SampleFile = { readonly name: string; readonly contentType: string; readonly bytes: Buffer }

/** A picture of one point. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

const SAMPLES = {
  image: { name: 'picture.png', contentType: 'image/png', bytes: () => Buffer.from(PNG, 'base64') },
  // A header and one frame of silence.
  voice: {
    name: 'voice.amr',
    contentType: 'audio/amr',
    bytes: () => Buffer.concat([Buffer.from('#!AMR\n'), Buffer.from('7c', 'hex'), Buffer.alloc(12)]),
  },
  // No more than what says that it is a video.
  video: {
    name: 'video.mp4',
    contentType: 'video/mp4',
    bytes: () => Buffer.from('000000186674797069736f6d0000020069736f6d69736f36', 'hex'),
  },
  file: { name: 'note.txt', contentType: 'text/plain', bytes: () => Buffer.from('A note.\n') },
} as const

/** The file that something said brings: its own bytes, else a sample of its type. */
export function fileOf(said: {
  readonly type: keyof typeof SAMPLES
  readonly bytes?: string | undefined
  readonly name?: string | undefined
}): SampleFile {
  const sample = SAMPLES[said.type]
  return {
    name: said.name ?? sample.name,
    contentType: sample.contentType,
    bytes: said.bytes === undefined ? sample.bytes() : Buffer.from(said.bytes, 'base64'),
  }
}

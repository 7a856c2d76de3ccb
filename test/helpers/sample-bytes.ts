import { Random } from './random.js'

/** Seeded text of this many bytes, about as compressible as chat. */
export function prose(length: number): Uint8Array {
  const random = new Random(length + 1)
  const words = Array.from({ length: 600 }, () =>
    Buffer.from(
      `${random
        .integer(36 ** 9, 36 ** 10)
        .toString(36)
        .slice(0, random.integer(2, 9))} `,
    ),
  )
  const text = Buffer.alloc(length)
  for (let at = 0; at < text.length; ) at += words[random.integer(0, 599) & random.integer(0, 599)]!.copy(text, at)
  return text
}

/** Seeded incompressible bytes. */
export function bits(length: number): Uint8Array {
  const random = new Random(length + 7)
  return Uint8Array.from({ length }, () => random.integer(0, 255))
}

import { ByteReader } from './byte-reader.js'

/** Largest block that is unpacked. */
const LIMIT_BYTES = 64 * 1024 * 1024

/** Unpacks a Snappy block. Throws a RangeError for anything else. */
export function unpackSnappy(bytes: Uint8Array): Uint8Array {
  const input = new ByteReader(bytes)
  const length = input.varint()
  if (length > LIMIT_BYTES) throw new RangeError('the block is too large')
  const output = new Uint8Array(length)
  let at = 0
  while (!input.isAtEnd) {
    const tag = input.byte()
    if ((tag & 3) === 0) {
      const short = tag >>> 2
      const literal = input.take(1 + (short < 60 ? short : input.fixed(short - 59)))
      if (at + literal.length > length) throw new RangeError('the block is longer than it says')
      output.set(literal, at)
      at += literal.length
      continue
    }
    const isNear = (tag & 3) === 1
    const size = isNear ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2)
    const offset = isNear ? ((tag >>> 5) << 8) | input.byte() : input.fixed((tag & 3) === 2 ? 2 : 4)
    if (offset === 0 || offset > at || at + size > length) throw new RangeError('the block refers to nothing')
    // What is copied may be what is being written: byte by byte.
    for (let i = 0; i < size; i++, at++) output[at] = output[at - offset]!
  }
  if (at !== length) throw new RangeError('the block is shorter than it says')
  return output
}

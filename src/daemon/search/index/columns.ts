import type { ByteReader, ByteWriter } from './bytes.js'

/**
 * Columns of whole numbers: a fixed number of bits each above the least one, or as many bytes as each needs, whichever is shorter. A column of equal numbers
 * takes three bytes.
 */

const BYTEWISE = 33

/** Appends a column of numbers from 0 to 2^53 - 1. */
export function writeColumn(values: ArrayLike<number>, out: ByteWriter): void {
  let [least, most, bytewise] = [Number.POSITIVE_INFINITY, 0, 0]
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!
    if (value < least) least = value
    if (value > most) most = value
    bytewise += value < 128 ? 1 : value < 16_384 ? 2 : Math.ceil(Math.log2(value + 1) / 7)
  }
  const range = values.length === 0 ? 0 : most - least
  const width = range === 0 ? 0 : Math.floor(Math.log2(range)) + 1
  if (width > 32 || width * values.length > bytewise * 8) {
    out.byte(BYTEWISE)
    for (let at = 0; at < values.length; at++) out.varint(values[at]!)
    return
  }
  out.byte(width)
  out.varint(values.length === 0 ? 0 : least)
  writeBits(values, least, width, out)
}

/** Fills `into`. Throws a RangeError for bytes that cannot be a column. */
export function readColumn<T extends Uint16Array | Float64Array>(bytes: ByteReader, into: T): T {
  const width = bytes.byte()
  if (width === BYTEWISE) {
    for (let at = 0; at < into.length; at++) into[at] = bytes.varint()
    return into
  }
  if (width > 32) throw new RangeError('no such column')
  const least = bytes.varint()
  if (width === 0) into.fill(least)
  else if (width <= 24) readBits(bytes, least, width, into)
  else readManyBits(bytes, least, width, into)
  return into
}

/** A number with its sign, as one without. */
export function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2
}

/** What `zigzag` was given. */
export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

function writeBits(values: ArrayLike<number>, least: number, width: number, out: ByteWriter): void {
  let [pending, bits] = [0, 0]
  // At most 7 bits wait and 32 come: exact in a double.
  for (let at = 0; width > 0 && at < values.length; at++) {
    pending += (values[at]! - least) * 2 ** bits
    for (bits += width; bits >= 8; bits -= 8) {
      out.byte(pending % 256)
      pending = Math.floor(pending / 256)
    }
  }
  if (bits > 0) out.byte(pending)
}

function readBits(bytes: ByteReader, least: number, width: number, into: Uint16Array | Float64Array): void {
  const packed = bytes.take(Math.ceil((into.length * width) / 8))
  const mask = (1 << width) - 1
  let [pending, bits, from] = [0, 0, 0]
  for (let at = 0; at < into.length; at++) {
    for (; bits < width; bits += 8) pending |= packed[from++]! << bits
    into[at] = least + (pending & mask)
    pending >>>= width
    bits -= width
  }
}

/** As above with numbers that 32 bits cannot hold on the way. */
function readManyBits(bytes: ByteReader, least: number, width: number, into: Uint16Array | Float64Array): void {
  const span = 2 ** width
  let [pending, bits] = [0, 0]
  for (let at = 0; at < into.length; at++) {
    for (; bits < width; bits += 8) pending += bytes.byte() * 2 ** bits
    into[at] = least + (pending % span)
    pending = Math.floor(pending / span)
    bits -= width
  }
}

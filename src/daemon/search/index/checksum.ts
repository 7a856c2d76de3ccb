import { crc32c } from '../../../codec/crc32c.js'
import { ByteReader, type ByteWriter } from './bytes.js'

/** Bytes of the checksum before a part. */
export const CHECKSUM_BYTES = 4

/** Appends bytes behind their checksum: a part, which is read and checked as a whole. Returns how long it is. */
export function writePart(bytes: Uint8Array, out: ByteWriter): number {
  out.uint32(checksum(bytes))
  out.put(bytes)
  return CHECKSUM_BYTES + bytes.length
}

/** A reader of what stands in a part. Throws a RangeError when it is not what was written. */
export function openPart(part: Buffer): ByteReader {
  if (part.length < CHECKSUM_BYTES) throw new RangeError('the bytes end early')
  const bytes = part.subarray(CHECKSUM_BYTES)
  if (part.readUInt32LE(0) !== checksum(bytes)) throw new RangeError('wrong checksum')
  return new ByteReader(bytes)
}

function checksum(bytes: Uint8Array): number {
  return crc32c(new DataView(bytes.buffer, bytes.byteOffset, bytes.length))
}

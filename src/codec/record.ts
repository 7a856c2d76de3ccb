import { crc32 } from 'node:zlib'
import { KefuError } from '../errors.js'
import { pack, unpack } from './msgpack.js'

/**
 * A stored record: a fixed envelope, then one msgpack map.
 *
 * ```
 * 0  version u8 (1)      6  seq u64 BE    22  prev u64 BE (seq of the record before it in the conversation, 0 for none)
 * 1  flags u8            14 n u64 BE      30  at u64 BE (epoch ms)
 * 2  CRC-32 u32 BE over the conversation's 16 bytes, then byte 0 and 1, then everything from byte 6
 * ```
 * The CRC covers the key, so a record that turns up under another conversation or number is refused, too.
 */

/** Bytes before the body. */
export const RECORD_HEADER_BYTES = 38

const VERSION = 1
const CRC_AT = 2
const STAMP_AT = 6

/** Envelope flags. */
export const RECORD_FLAGS = {
  /** The body was forgotten and replaced; `n` and the chain remain. */
  tombstone: 1,
  /** Contacts get a stub instead of the body. */
  internal: 2,
  /** Contacts get some of the body's fields. */
  partial: 4,
  /** It was said elsewhere or earlier, and brought in: its time is that of then, and nothing follows from it. */
  imported: 8,
} as const

const KNOWN_FLAGS = RECORD_FLAGS.tombstone | RECORD_FLAGS.internal | RECORD_FLAGS.partial | RECORD_FLAGS.imported

/** The envelope's fields. */
export type RecordStamp = {
  readonly flags: number
  /** Position in the log of all conversations: 1, 2, 3 … without a gap. */
  readonly seq: number
  /** Position in its conversation: 1, 2, 3 … without a gap. */
  readonly n: number
  readonly prev: number
  /** Epoch ms at the store. */
  readonly at: number
}

/** Packs a record body behind room for its envelope, which `stampRecord` fills. */
export function packRecord(body: object): Uint8Array {
  return pack(body, RECORD_HEADER_BYTES)
}

/** The CRC of what comes before a record's stamp: the same for all records of a conversation with the same flags. */
export function recordSeed(conversation: Uint8Array, flags: number): number {
  return crc32(Uint8Array.of(VERSION, flags), crc32(conversation))
}

/** Writes the envelope into bytes of `packRecord`. They are a complete record afterwards. Who writes many records passes their `recordSeed`. */
export function stampRecord(
  bytes: Uint8Array,
  conversation: Uint8Array,
  stamp: RecordStamp,
  seed = recordSeed(conversation, stamp.flags),
): void {
  bytes[0] = VERSION
  bytes[1] = stamp.flags
  writeUint64(bytes, 6, stamp.seq)
  writeUint64(bytes, 14, stamp.n)
  writeUint64(bytes, 22, stamp.prev)
  writeUint64(bytes, 30, stamp.at)
  writeUint32(bytes, CRC_AT, crc32(bytes.subarray(STAMP_AT), seed))
}

/** The envelope of a record, after its CRC was checked. Throws `KEFU_CODEC_INVALID`: too short, unknown version or flags, wrong CRC. */
export function readStamp(bytes: Uint8Array, conversation: Uint8Array): RecordStamp {
  if (bytes.length <= RECORD_HEADER_BYTES) throw invalid('record too short')
  if (readUint32(bytes, CRC_AT) !== checksum(bytes, conversation)) throw invalid('record CRC differs')
  if (bytes[0] !== VERSION) throw invalid(`record version ${bytes[0]}`)
  const flags = bytes[1]!
  if ((flags & ~KNOWN_FLAGS) !== 0) throw invalid(`record flags ${flags}`)
  return {
    flags,
    seq: readUint64(bytes, 6),
    n: readUint64(bytes, 14),
    prev: readUint64(bytes, 22),
    at: readUint64(bytes, 30),
  }
}

/** A record's body as msgpack: a view, not a copy. */
export function rawRecordBody(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(RECORD_HEADER_BYTES)
}

/** A record's body. Throws `KEFU_CODEC_INVALID` when it is not a map. */
export function readRecordBody(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let body: unknown
  try {
    body = unpack(rawRecordBody(bytes))
  } catch {
    throw invalid('record body is not one msgpack value')
  }
  if (typeof body !== 'object' || body === null || Object.getPrototypeOf(body) !== Object.prototype)
    throw invalid('record body is not a map')
  return body as Readonly<Record<string, unknown>>
}

/** Bytes before a sealed value's msgpack: version and CRC. */
export const SEAL_BYTES = 5

/** Any small mutable value of the store (a directory entry, a digest) as bytes with a CRC over its key: version u8, CRC-32 u32 BE, then msgpack. */
export function sealValue(key: Uint8Array, value: unknown): Uint8Array {
  return sealPacked(pack(value, SEAL_BYTES), crc32(key))
}

/** Completes a value that is packed behind `SEAL_BYTES` already, with the CRC-32 of its key. */
export function sealPacked(bytes: Uint8Array, keyCrc: number): Uint8Array {
  bytes[0] = VERSION
  writeUint32(bytes, 1, crc32(bytes.subarray(SEAL_BYTES), keyCrc))
  return bytes
}

/** The value of `sealValue`. Throws `KEFU_CODEC_INVALID` when the CRC, the version or the msgpack is wrong. */
export function openValue(key: Uint8Array, bytes: Uint8Array): unknown {
  if (bytes.length <= SEAL_BYTES) throw invalid('value too short')
  if (readUint32(bytes, 1) !== crc32(bytes.subarray(SEAL_BYTES), crc32(key))) throw invalid('value CRC differs')
  if (bytes[0] !== VERSION) throw invalid(`value version ${bytes[0]}`)
  try {
    return unpack(bytes.subarray(SEAL_BYTES))
  } catch {
    throw invalid('value is not msgpack')
  }
}

/** Writes a non-negative safe integer as 8 bytes, big-endian: byte order is number order. */
export function writeUint64(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  writeUint32(bytes, at, high)
  writeUint32(bytes, at + 4, value - high * 0x1_0000_0000)
}

/** Reads 8 bytes, big-endian. Above 2^53 the result is rounded; a checked CRC excludes that. */
export function readUint64(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) * 0x1_0000_0000 + readUint32(bytes, at + 4)
}

function checksum(bytes: Uint8Array, conversation: Uint8Array): number {
  return crc32(bytes.subarray(STAMP_AT), crc32(bytes.subarray(0, CRC_AT), crc32(conversation)))
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = (value >>> 16) & 0xff
  bytes[at + 2] = (value >>> 8) & 0xff
  bytes[at + 3] = value & 0xff
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_CODEC_INVALID', { reason })
}

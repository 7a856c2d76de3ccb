import { KefuError } from '../errors.js'
import { pack, unpack } from './msgpack.js'
import { isPlainMsgpack } from './plain-msgpack.js'
import { FRAME_FLAGS, FRAME_KINDS, type FrameKind } from './wire.js'

/**
 * Wire frames as bytes (docs/protocol.md, "Frames"): an 8-byte header (channel u16 BE, kind u8, flags u8, correlation u32 BE), then one msgpack map;
 * and the same fields as JSON text. No node imports: browsers use this file.
 */

/** Bytes before the body. */
export const FRAME_HEADER_BYTES = 8

/** A decoded frame. The body is a plain object that nobody has validated yet. */
export type Frame = {
  readonly channel: number
  readonly kind: FrameKind
  readonly flags: number
  readonly correlation: number
  readonly body: Readonly<Record<string, unknown>>
}

const KIND_NAMES: readonly (FrameKind | undefined)[] = Object.entries(FRAME_KINDS).reduce<(FrameKind | undefined)[]>(
  (names, [name, code]) => {
    names[code] = name as FrameKind
    return names
  },
  [],
)

const KNOWN_FLAGS = Object.values(FRAME_FLAGS).reduce((all, flag) => all | flag, 0)

/** The binary form of a frame. Channel and correlation must fit their fields. */
export function encodeFrame(
  channel: number,
  kind: FrameKind,
  correlation: number,
  body: object,
  flags = 0,
): Uint8Array {
  const bytes = pack(body, FRAME_HEADER_BYTES)
  writeFrameHeader(bytes, channel, kind, correlation, flags)
  return bytes
}

/** A frame whose body bytes (msgpack, or zstd of it with the flag) exist already. */
export function encodeRawFrame(
  channel: number,
  kind: FrameKind,
  correlation: number,
  body: Uint8Array,
  flags = 0,
): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + body.length)
  writeFrameHeader(bytes, channel, kind, correlation, flags)
  bytes.set(body, FRAME_HEADER_BYTES)
  return bytes
}

/**
 * The frame of binary bytes. Throws `KEFU_FRAME_INVALID`, also for a body with the zstd flag: whoever asked for those takes `decodeHeader` and,
 * after inflating within bounds, `decodeBody`.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  const header = decodeHeader(bytes)
  if (header.flags !== 0) throw invalid('compressed frames are not accepted here')
  return { ...header, body: decodeBody(bytes.subarray(FRAME_HEADER_BYTES)) }
}

/** The header alone. Throws `KEFU_FRAME_INVALID` for a short frame, an unknown kind or an unknown flag. */
export function decodeHeader(bytes: Uint8Array): Omit<Frame, 'body'> {
  if (bytes.length < FRAME_HEADER_BYTES) throw invalid('it is too short for a header')
  const kind = KIND_NAMES[bytes[2]!]
  if (kind === undefined) throw invalid(`unknown kind ${bytes[2]}`)
  const flags = bytes[3]!
  if ((flags & ~KNOWN_FLAGS) !== 0) throw invalid(`unknown flags ${flags}`)
  const channel = (bytes[0]! << 8) | bytes[1]!
  const correlation = ((bytes[4]! << 24) | (bytes[5]! << 16) | (bytes[6]! << 8) | bytes[7]!) >>> 0
  return { channel, kind, flags, correlation }
}

/** A body's msgpack map. Throws `KEFU_FRAME_INVALID` for anything else. */
export function decodeBody(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (!isPlainMsgpack(bytes)) throw invalid('the body is not one msgpack value of plain data')
  let body: unknown
  try {
    body = unpack(bytes)
  } catch {
    // Whatever the decoder says of hostile bytes, RangeError of deep nesting included, is one answer to the peer.
    throw invalid('the body is not one msgpack value')
  }
  if (!isPlainObject(body)) throw invalid('the body is not a map')
  return body
}

/** The JSON form: `{"channel":…,"kind":"…","correlation":…,"body":{…}}`. */
export function encodeJsonFrame(channel: number, kind: FrameKind, correlation: number, body: object): string {
  return JSON.stringify({ channel, kind, correlation, body })
}

/** The frame of JSON text; `channel` and `correlation` may be left out (0). Throws `KEFU_FRAME_INVALID`. */
export function decodeJsonFrame(text: string): Frame {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalid('the text is not JSON')
  }
  if (!isPlainObject(value)) throw invalid('the text is not a JSON object')
  const { channel = 0, kind, correlation = 0, body = {}, ...rest } = value
  const extra = Object.keys(rest)[0]
  if (extra !== undefined) throw invalid(`unknown field "${extra.slice(0, 40)}"`)
  if (typeof kind !== 'string' || !Object.hasOwn(FRAME_KINDS, kind)) throw invalid('unknown kind')
  if (!isUint(channel, 0xffff)) throw invalid('channel must be an integer from 0 to 65535')
  if (!isUint(correlation, 0xffffffff)) throw invalid('correlation must be an integer from 0 to 4294967295')
  if (!isPlainObject(body)) throw invalid('body must be an object')
  return { channel, kind: kind as FrameKind, flags: 0, correlation, body }
}

/**
 * `fields` as a msgpack map with one more entry whose value is msgpack already: a stored body goes into a frame without being decoded.
 * `fields` must have fewer than 15 entries and `key` fewer than 32 ASCII characters.
 */
export function packWithRaw(fields: object, key: string, raw: Uint8Array): Uint8Array {
  const head = pack(fields)
  const bytes = new Uint8Array(head.length + 1 + key.length + raw.length)
  bytes.set(head)
  // fixmap: the number of entries is in the low four bits of the first byte (msgpack specification, "map format family").
  bytes[0] = head[0]! + 1
  let at = head.length
  bytes[at++] = 0xa0 | key.length
  for (let i = 0; i < key.length; i++) bytes[at++] = key.charCodeAt(i)
  bytes.set(raw, at)
  return bytes
}

/** A msgpack array of values that are msgpack already. */
export function packRawArray(items: readonly Uint8Array[]): Uint8Array {
  let length = 3
  for (const item of items) length += item.length
  const bytes = new Uint8Array(length)
  bytes[0] = 0xdc
  bytes[1] = items.length >>> 8
  bytes[2] = items.length & 0xff
  let at = 3
  for (const item of items) {
    bytes.set(item, at)
    at += item.length
  }
  return bytes
}

/** Writes a frame's header into its first 8 bytes. */
export function writeFrameHeader(
  bytes: Uint8Array,
  channel: number,
  kind: FrameKind,
  correlation: number,
  flags: number,
): void {
  bytes[0] = channel >>> 8
  bytes[1] = channel & 0xff
  bytes[2] = FRAME_KINDS[kind]
  bytes[3] = flags
  bytes[4] = correlation >>> 24
  bytes[5] = (correlation >>> 16) & 0xff
  bytes[6] = (correlation >>> 8) & 0xff
  bytes[7] = correlation & 0xff
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function isUint(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_FRAME_INVALID', { reason })
}

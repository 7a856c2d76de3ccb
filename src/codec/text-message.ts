import type { ClientFrame, MessageBody, Part } from './wire.js'
import { FRAME_KINDS, WIRE_LIMITS } from './wire.js'

/**
 * The message frame that nearly all messages are (an id, then parts that are all texts, written as encoders usually write them), read in one pass:
 * decoding and checking at once, where the general way makes three. What it does not know it leaves to that way, which also finds the words for refusals.
 */

/** A frame's first 12 bytes without channel and correlation: kind, flags, then a map of two with the key `id`. */
const MAP_OF_ID_AND_PARTS = 0x82a2_6964
const KEY_PARTS = [0xa5, 0x70, 0x61, 0x72, 0x74, 0x73] as const
/** `{"type":"text","text":` */
const TEXT_PART = [
  0x82, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xa4, 0x74, 0x65, 0x78, 0x74, 0xa4, 0x74, 0x65, 0x78, 0x74,
] as const

const FIXSTR = 0xa0
const STR_8 = 0xd9
const STR_16 = 0xda

/**
 * A binary `message` frame of this usual form, decoded and valid: what `parseClientFrame(decodeFrame(bytes))` would return. Undefined for every other
 * frame, good or bad.
 */
export function readTextMessage(bytes: Buffer): Extract<ClientFrame, { readonly kind: 'message' }> | undefined {
  const { length } = bytes
  // The shortest one has an id of one character and one text of one character.
  if (length < 39 || bytes[2] !== FRAME_KINDS.message || bytes[3] !== 0) return undefined
  if (bytes.readUInt32BE(8) !== MAP_OF_ID_AND_PARTS) return undefined
  const idLength = bytes[12]! < FIXSTR + 32 ? bytes[12]! - FIXSTR : bytes[12] === STR_8 ? bytes[13]! : 0
  if (idLength < 1 || idLength > WIRE_LIMITS.idLength) return undefined
  const idAt = bytes[12] === STR_8 ? 14 : 13
  let at = idAt + idLength
  if (at + KEY_PARTS.length > length || !isPrintableAscii(bytes, idAt, at) || !matches(bytes, at, KEY_PARTS))
    return undefined
  at += KEY_PARTS.length
  const count = (bytes[at++] ?? 0) - 0x90
  if (count < 1 || count > 15) return undefined

  const parts: Part[] = []
  for (let left = count; left > 0; left--) {
    if (!matches(bytes, at, TEXT_PART)) return undefined
    at += TEXT_PART.length
    const token = bytes[at++] ?? 0
    let textLength = 0
    if (token > FIXSTR && token < FIXSTR + 32) textLength = token - FIXSTR
    else if (token === STR_8) textLength = bytes[at++] ?? 0
    else if (token === STR_16) {
      textLength = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
      at += 2
    }
    const end = at + textLength
    // A text of as many bytes as characters are allowed never has too many characters.
    if (textLength === 0 || textLength > WIRE_LIMITS.messageBytes || end > length) return undefined
    const text = bytes.toString('utf8', at, end)
    // Either the sender's own character, or what stands for bytes that are not UTF-8: the general way tells them apart.
    if (text.includes('\ufffd')) return undefined
    parts.push({ type: 'text', text })
    at = end
  }
  if (at !== length) return undefined
  const body: MessageBody = { id: bytes.toString('latin1', idAt, idAt + idLength), parts }
  return { channel: bytes.readUInt16BE(0), kind: 'message', correlation: bytes.readUInt32BE(4), body }
}

function isPrintableAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i]! < 0x21 || bytes[i]! > 0x7e) return false
  return true
}

function matches(bytes: Uint8Array, at: number, wanted: readonly number[]): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
  return true
}

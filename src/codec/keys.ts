import { KefuError } from '../errors.js'
import { CONVERSATION_ID_BYTES } from './conversation-id.js'
import { readUint64, writeUint64 } from './record.js'

/**
 * Ordered keys of the embedded store: one prefix byte, then fixed-width big-endian fields, so that byte order is the order of the fields.
 *
 * ```
 * C conversation n      -> record                     a page of a conversation is one scan
 * L seq                 -> conversation, n            the change feed
 * H conversation        -> head                       where the conversation stands
 * I owner 0 seq         -> conversation               an agent's or app channel's inbox, by last activity
 * W since conversation  -> (nothing)                  waiting conversations, oldest first
 * A agent 0 conversation-> (nothing)                  conversations an agent has open
 * D generation hash     -> n                          platform ids seen (hashed with their conversation), in two generations
 * O lane 0 seq          -> outbox row
 * R conversation reader -> receipt cursor
 * S conversation        -> ids of its messages, up to some n
 * K name                -> directory entry
 * M name                -> facts about the store itself
 * ```
 * Texts in keys are UTF-8 without the byte 0.
 */
export const KEY = {
  record: 0x43,
  feed: 0x4c,
  head: 0x48,
  inbox: 0x49,
  waiting: 0x57,
  active: 0x41,
  dedupe: 0x44,
  outbox: 0x4f,
  receipt: 0x52,
  idWindow: 0x53,
  directory: 0x4b,
  meta: 0x4d,
} as const

const UINT64 = 8
const utf8 = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes of the keys and values of fixed length that every record needs: callers with a buffer to reuse pass it. */
export const KEY_BYTES = {
  record: 1 + CONVERSATION_ID_BYTES + UINT64,
  feed: 1 + UINT64,
  place: CONVERSATION_ID_BYTES + UINT64,
} as const

/** `C`: a record. */
export function recordKey(
  conversation: Uint8Array,
  n: number,
  key: Uint8Array = Buffer.allocUnsafe(KEY_BYTES.record),
): Uint8Array {
  key[0] = KEY.record
  key.set(conversation, 1)
  writeUint64(key, 1 + CONVERSATION_ID_BYTES, n)
  return key
}

/** The conversation (a view) and number of a `C` key. Throws `KEFU_CODEC_INVALID`. */
export function parseRecordKey(key: Uint8Array): { readonly conversation: Uint8Array; readonly n: number } {
  expect(key, KEY.record, 1 + CONVERSATION_ID_BYTES + UINT64)
  return { conversation: key.subarray(1, 1 + CONVERSATION_ID_BYTES), n: readUint64(key, 1 + CONVERSATION_ID_BYTES) }
}

/** `L`: a place in the change feed. */
export function feedKey(seq: number, key: Uint8Array = Buffer.allocUnsafe(KEY_BYTES.feed)): Uint8Array {
  key[0] = KEY.feed
  writeUint64(key, 1, seq)
  return key
}

/** The seq of an `L` key. Throws `KEFU_CODEC_INVALID`. */
export function parseFeedKey(key: Uint8Array): number {
  expect(key, KEY.feed, 1 + UINT64)
  return readUint64(key, 1)
}

/** The value of an `L` key: a record's place. */
export function placeValue(
  conversation: Uint8Array,
  n: number,
  value: Uint8Array = Buffer.allocUnsafe(KEY_BYTES.place),
): Uint8Array {
  value.set(conversation, 0)
  writeUint64(value, CONVERSATION_ID_BYTES, n)
  return value
}

/** The place in an `L` value. Throws `KEFU_CODEC_INVALID`. */
export function parsePlaceValue(value: Uint8Array): { readonly conversation: Uint8Array; readonly n: number } {
  if (value.length !== CONVERSATION_ID_BYTES + UINT64) throw invalid('place value of the wrong length')
  return { conversation: value.subarray(0, CONVERSATION_ID_BYTES), n: readUint64(value, CONVERSATION_ID_BYTES) }
}

/** `H`: a conversation's head. */
export function headKey(conversation: Uint8Array): Uint8Array {
  return conversationKey(KEY.head, conversation)
}

/** `S`: the ids that a conversation has seen last. */
export function idWindowKey(conversation: Uint8Array): Uint8Array {
  return conversationKey(KEY.idWindow, conversation)
}

function conversationKey(prefix: number, conversation: Uint8Array): Uint8Array {
  const key = Buffer.allocUnsafe(1 + CONVERSATION_ID_BYTES)
  key[0] = prefix
  key.set(conversation, 1)
  return key
}

/** A key of prefix, text, a zero byte, and a number: `I` and `O`. */
export function textSeqKey(prefix: number, text: string, seq: number): Uint8Array {
  const name = encodeText(text)
  const key = Buffer.allocUnsafe(2 + name.length + UINT64)
  key[0] = prefix
  key.set(name, 1)
  key[1 + name.length] = 0
  writeUint64(key, 2 + name.length, seq)
  return key
}

/** The text and number of a `textSeqKey`. Throws `KEFU_CODEC_INVALID`. */
export function parseTextSeqKey(prefix: number, key: Uint8Array): { readonly text: string; readonly seq: number } {
  const end = key.length - UINT64 - 1
  if (end < 1 || key[0] !== prefix || key[end] !== 0) throw invalid('not a key of this prefix')
  return { text: decodeText(key.subarray(1, end)), seq: readUint64(key, end + 1) }
}

/** A key of prefix, text, a zero byte, and a conversation: `A`. */
export function textConversationKey(prefix: number, text: string, conversation: Uint8Array): Uint8Array {
  const name = encodeText(text)
  const key = Buffer.allocUnsafe(2 + name.length + CONVERSATION_ID_BYTES)
  key[0] = prefix
  key.set(name, 1)
  key[1 + name.length] = 0
  key.set(conversation, 2 + name.length)
  return key
}

/** The text and conversation (a view) of a `textConversationKey`. Throws `KEFU_CODEC_INVALID`. */
export function parseTextConversationKey(
  prefix: number,
  key: Uint8Array,
): { readonly text: string; readonly conversation: Uint8Array } {
  const end = key.length - CONVERSATION_ID_BYTES - 1
  if (end < 1 || key[0] !== prefix || key[end] !== 0) throw invalid('not a key of this prefix')
  return { text: decodeText(key.subarray(1, end)), conversation: key.subarray(end + 1) }
}

/** `W`: a waiting conversation, by the instant (epoch ms) since which it waits. */
export function waitingKey(sinceMs: number, conversation: Uint8Array): Uint8Array {
  const key = Buffer.allocUnsafe(1 + UINT64 + CONVERSATION_ID_BYTES)
  key[0] = KEY.waiting
  writeUint64(key, 1, sinceMs)
  key.set(conversation, 1 + UINT64)
  return key
}

/** The fields of a `W` key. Throws `KEFU_CODEC_INVALID`. */
export function parseWaitingKey(key: Uint8Array): { readonly sinceMs: number; readonly conversation: Uint8Array } {
  expect(key, KEY.waiting, 1 + UINT64 + CONVERSATION_ID_BYTES)
  return { sinceMs: readUint64(key, 1), conversation: key.subarray(1 + UINT64) }
}

/** A key of prefix and text: `K` and `M`. */
export function textKey(prefix: number, text: string): Uint8Array {
  const name = encodeText(text)
  const key = Buffer.allocUnsafe(1 + name.length)
  key[0] = prefix
  key.set(name, 1)
  return key
}

/** The text of a `textKey`. Throws `KEFU_CODEC_INVALID`. */
export function parseTextKey(prefix: number, key: Uint8Array): string {
  if (key.length < 1 || key[0] !== prefix) throw invalid('not a key of this prefix')
  return decodeText(key.subarray(1))
}

/** A key of prefix, one byte, and bytes: `D` (generation, 16-byte hash). */
export function dedupeKey(generation: number, hash: Uint8Array): Uint8Array {
  const key = Buffer.allocUnsafe(2 + hash.length)
  key[0] = KEY.dedupe
  key[1] = generation
  key.set(hash, 2)
  return key
}

/** `R`: how far a reader (any text) has got in a conversation. */
export function receiptKey(conversation: Uint8Array, reader: string): Uint8Array {
  const name = encodeText(reader)
  const key = Buffer.allocUnsafe(1 + CONVERSATION_ID_BYTES + name.length)
  key[0] = KEY.receipt
  key.set(conversation, 1)
  key.set(name, 1 + CONVERSATION_ID_BYTES)
  return key
}

/** The smallest key above all keys that start with `prefix`: the open end of a scan. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  const end = Buffer.from(prefix)
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i]! < 0xff) {
      end[i]!++
      return end.subarray(0, i + 1)
    }
  }
  throw invalid('a prefix of 0xff bytes has no end')
}

function encodeText(text: string): Uint8Array {
  if (text.includes('\0')) throw invalid('a text in a key must not contain NUL')
  return utf8.encode(text)
}

function decodeText(bytes: Uint8Array): string {
  if (bytes.includes(0)) throw invalid('text in a key contains NUL')
  try {
    return utf8Decoder.decode(bytes)
  } catch {
    throw invalid('text in a key is not UTF-8')
  }
}

function expect(key: Uint8Array, prefix: number, length: number): void {
  if (key.length !== length || key[0] !== prefix) throw invalid('not a key of this prefix')
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_CODEC_INVALID', { reason })
}

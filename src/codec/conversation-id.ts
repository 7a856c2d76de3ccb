import { KefuError } from '../errors.js'
import { fromBase32, toBase32 } from './base32.js'

/** Bytes of a conversation id in keys. */
export const CONVERSATION_ID_BYTES = 16

/** A conversation's id as text: `c_` and 26 characters of Base32. */
export type ConversationId = `c_${string}`

/** The text form of a conversation's 16 bytes. */
export function formatConversationId(bytes: Uint8Array): ConversationId {
  return `c_${toBase32(bytes)}`
}

/** The 16 bytes of a conversation's id. Throws `KEFU_CODEC_INVALID` for any other text. */
export function parseConversationId(id: string): Uint8Array {
  const bytes = id.length === 28 && id.startsWith('c_') ? fromBase32(id.slice(2)) : undefined
  if (bytes === undefined) throw new KefuError('KEFU_CODEC_INVALID', { reason: 'not a conversation id' })
  return bytes
}

/** Whether a text has the form of a conversation id. */
export function isConversationId(id: string): id is ConversationId {
  return id.length === 28 && id.startsWith('c_') && fromBase32(id.slice(2)) !== undefined
}

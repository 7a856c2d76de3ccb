import { type ConversationId, parseConversationId } from '../../codec/conversation-id.js'
import { readStamp } from '../../codec/record.js'
import { LogRecord } from '../core/log-record.js'
import type { Head } from '../core/model.js'

/**
 * Records as they cross to the thread that searches: their bytes in one piece, which is handed over and not copied again, and what they do not say themselves.
 */
export type RecordBatch = {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where each record ends in `bytes`. */
  readonly ends: Uint32Array<ArrayBuffer>
  /** Of each record, which of `conversations` it is in. */
  readonly of: Uint32Array<ArrayBuffer>
  readonly conversations: readonly ConversationId[]
  readonly channels: readonly number[]
}

/** A record that came in a batch. */
export type BatchRecord = { readonly record: LogRecord; readonly channel: number }

/** A record and what has to be known of its conversation. */
export type Sent = { readonly record: LogRecord; readonly head: Pick<Head, 'channel'> }

/** Packs records; their bodies are not looked at. */
export function packBatch(sent: readonly Sent[]): RecordBatch {
  let length = 0
  for (const { record } of sent) length += record.bytes.length
  const bytes = new Uint8Array(length)
  const ends = new Uint32Array(sent.length)
  const of = new Uint32Array(sent.length)
  const conversations: ConversationId[] = []
  const channels: number[] = []
  const indexes = new Map<ConversationId, number>()
  let end = 0
  for (const [i, { record, head }] of sent.entries()) {
    bytes.set(record.bytes, end)
    end += record.bytes.length
    ends[i] = end
    let index = indexes.get(record.conversation)
    if (index === undefined) {
      index = conversations.push(record.conversation) - 1
      channels.push(head.channel)
      indexes.set(record.conversation, index)
    }
    of[i] = index
  }
  return { bytes, ends, of, conversations, channels }
}

/** What of a batch is handed over rather than copied. */
export function transferOf({ bytes, ends, of }: RecordBatch): ArrayBuffer[] {
  return [bytes.buffer, ends.buffer, of.buffer]
}

/** The records of a batch, in order. Throws `KEFU_CODEC_INVALID` for bytes that are not those of the record. */
export function unpackBatch({ bytes, ends, of, conversations, channels }: RecordBatch): BatchRecord[] {
  const keys = conversations.map(parseConversationId)
  const records: BatchRecord[] = []
  let start = 0
  for (const [i, end] of ends.entries()) {
    const index = of[i]!
    const own = bytes.subarray(start, end)
    const record = new LogRecord(conversations[index]!, readStamp(own, keys[index]!), own)
    records.push({ record, channel: channels[index]! })
    start = end
  }
  return records
}

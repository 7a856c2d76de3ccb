import { type ConversationId, formatConversationId, parseConversationId } from '../../../codec/conversation-id.js'
import { KEY, parseTextSeqKey, textSeqKey } from '../../../codec/keys.js'
import { openValue, sealValue } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import type { OutboxRow } from '../../core/ports.js'
import type { Batch } from './database.js'
import type { Digests } from './digests.js'

/** A row of the outbox as it is stored. `retryAt` (epoch ms) is when it may be tried again. */
export type OutboxEntry = OutboxRow & { readonly retryAt: number }

const STATES = ['queued', 'sending', 'unknown', 'parked', 'dead'] as const

/** A record that has to go out. */
export function newRow(lane: string, conversation: ConversationId, n: number, seq: number): OutboxEntry {
  return { lane, conversation, n, seq, state: 'queued', attempts: 0, retryAt: 0 }
}

/** Puts a row in place of its former state. */
export function putRow(batch: Batch, digests: Digests, before: OutboxEntry | undefined, row: OutboxEntry): void {
  const key = textSeqKey(KEY.outbox, row.lane, row.seq)
  if (before !== undefined) digests.subtract('outbox', key, undefined, salt(before))
  digests.add('outbox', key, undefined, salt(row))
  batch.put(
    key,
    sealValue(key, [
      parseConversationId(row.conversation),
      row.n,
      STATES.indexOf(row.state),
      row.attempts,
      row.reason ?? null,
      row.retryAt,
    ]),
  )
}

/** Takes a row out. */
export function removeRow(batch: Batch, digests: Digests, row: OutboxEntry): void {
  const key = textSeqKey(KEY.outbox, row.lane, row.seq)
  digests.subtract('outbox', key, undefined, salt(row))
  batch.del(key)
}

/** A stored row. Throws `KEFU_CODEC_INVALID`. */
export function parseRow(key: Uint8Array, value: Uint8Array): OutboxEntry {
  const { text: lane, seq } = parseTextSeqKey(KEY.outbox, key)
  const fields = openValue(key, value)
  const state = Array.isArray(fields) ? STATES[fields[2] as number] : undefined
  if (!Array.isArray(fields) || fields.length !== 6 || state === undefined)
    throw new KefuError('KEFU_CODEC_INVALID', { reason: 'not an outbox row' })
  const reason = fields[4] as string | null
  return {
    lane,
    conversation: formatConversationId(fields[0] as Uint8Array),
    n: fields[1] as number,
    seq,
    state,
    attempts: fields[3] as number,
    ...(reason === null ? {} : { reason }),
    retryAt: fields[5] as number,
  }
}

/** What of a row its digest covers besides the key. */
export function salt(row: OutboxEntry): number {
  return STATES.indexOf(row.state) * 0x10000 + Math.min(row.attempts, 0xffff)
}

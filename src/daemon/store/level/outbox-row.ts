import { type ConversationId, formatConversationId, parseConversationId } from '../../../codec/conversation-id.js'
import { KEY, parseTextSeqKey, textSeqKey } from '../../../codec/keys.js'
import { openValue, sealValue } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import {
  OUTBOX_REASON_LENGTH,
  OUTBOX_STATES,
  type OutboxProgress,
  type OutboxRow,
  type OutboxState,
  type PartPlace,
} from '../../core/ports.js'
import type { Batch } from './database.js'
import type { Digests } from './digests.js'

/** Rows that were written before places were kept have one field less. */
const FIELDS = 8
const FIELDS_BEFORE_PLACES = 7

/** A record that has to go out. */
export function newRow(lane: string, conversation: ConversationId, n: number, seq: number): OutboxRow {
  return { lane, conversation, n, seq, state: 'queued', attempts: 0 }
}

/** A row in another state. The reason stays unless there is another; instants belong to the state that they are given with. */
export function withState(
  { retryAt: _, heldUntil: __, ...row }: OutboxRow,
  state: OutboxState,
  change: {
    readonly retryAt?: number
    readonly heldUntil?: number | undefined
    readonly reason?: string | undefined
    readonly progress?: OutboxProgress | undefined
  } = {},
): OutboxRow {
  const { retryAt, heldUntil, reason, progress } = change
  return {
    ...row,
    state,
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(heldUntil === undefined ? {} : { heldUntil }),
    ...(progress === undefined ? {} : { progress }),
    ...(reason === undefined ? {} : { reason: reason.slice(0, OUTBOX_REASON_LENGTH) }),
  }
}

/** Puts a row in place of its former state. */
export function putRow(batch: Batch, digests: Digests, before: OutboxRow | undefined, row: OutboxRow): void {
  const key = textSeqKey(KEY.outbox, row.lane, row.seq)
  if (before !== undefined) digests.subtract('outbox', key, undefined, salt(before))
  digests.add('outbox', key, undefined, salt(row))
  batch.put(
    key,
    sealValue(key, [
      parseConversationId(row.conversation),
      row.n,
      OUTBOX_STATES.indexOf(row.state),
      row.attempts,
      row.reason ?? null,
      row.retryAt ?? row.heldUntil ?? 0,
      row.progress?.pieces ?? 0,
      placeFields(row.progress?.place),
    ]),
  )
}

/** Takes a row out. */
export function removeRow(batch: Batch, digests: Digests, row: OutboxRow): void {
  const key = textSeqKey(KEY.outbox, row.lane, row.seq)
  digests.subtract('outbox', key, undefined, salt(row))
  batch.del(key)
}

/** A stored row. Throws `KEFU_CODEC_INVALID`. */
export function parseRow(key: Uint8Array, value: Uint8Array): OutboxRow {
  const { text: lane, seq } = parseTextSeqKey(KEY.outbox, key)
  const fields = openValue(key, value)
  const state = Array.isArray(fields) ? OUTBOX_STATES[fields[2] as number] : undefined
  if (!Array.isArray(fields) || fields.length < FIELDS_BEFORE_PLACES || fields.length > FIELDS || state === undefined)
    throw new KefuError('KEFU_CODEC_INVALID', { reason: 'not an outbox row' })
  const reason = fields[4] as string | null
  const instant = fields[5] as number
  const pieces = fields[6] as number
  const place = fields[7] as readonly [number, number] | null | undefined
  return {
    lane,
    conversation: formatConversationId(fields[0] as Uint8Array),
    n: fields[1] as number,
    seq,
    state,
    attempts: fields[3] as number,
    ...(pieces === 0 ? {} : { progress: progressOf(pieces, place) }),
    ...(instant === 0 ? {} : state === 'unknown' ? { heldUntil: instant } : { retryAt: instant }),
    ...(reason === null ? {} : { reason }),
  }
}

function placeFields(place: PartPlace | undefined): readonly [number, number] | null {
  return place === undefined ? null : [place.part, place.offset]
}

function progressOf(pieces: number, place: readonly [number, number] | null | undefined): OutboxProgress {
  return place ? { pieces, place: { part: place[0], offset: place[1] } } : { pieces }
}

/** What of a row its digest covers besides the key. */
export function salt(row: OutboxRow): number {
  return OUTBOX_STATES.indexOf(row.state) * 0x10000 + Math.min(row.attempts, 0xffff)
}

import { RECORD_FLAGS, type RecordStamp, stampRecord } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import { dedupeSide, outboxLane, reduce } from '../../core/conversation.js'
import { isForgotten } from '../../core/forgotten.js'
import { LogRecord } from '../../core/log-record.js'
import type { Head } from '../../core/model.js'
import { type Departure, depart } from '../../core/projection.js'
import { RECORD_TYPES, type RecordBody } from '../../core/records.js'
import { type Append, packBody } from './append.js'
import type { Commit } from './commit.js'
import type { Digests } from './digests.js'
import { newRow, putRow } from './outbox-row.js'

/** What an append would put: its bodies, the opening included, with their places and the heads after each. */
export type Plan = {
  readonly bodies: readonly RecordBody[]
  readonly packed: readonly Uint8Array[]
  readonly stamps: readonly RecordStamp[]
  readonly heads: readonly Head[]
  readonly departures: readonly Departure[]
}

/**
 * The records of an append after log position `lastSeq`. Changes nothing. No bodies: it wanted to open a conversation that exists. Throws
 * `KEFU_STORE_CONFLICT`, `KEFU_CONVERSATION_NOT_FOUND`, `KEFU_MESSAGE_TOO_LARGE`.
 */
export function planAppend(append: Append, lastSeq: number, nowMs: number, messageBytes: number): Plan {
  const { conversation, expect, opening, times } = append
  const present = conversation.head?.n ?? 0
  if (expect !== undefined && expect !== present)
    throw new KefuError('KEFU_STORE_CONFLICT', { expected: expect, actual: present })
  const isKnown = conversation.head !== null && !isForgotten(conversation.head)
  const isOpening = !isKnown && opening !== undefined
  const opensItself = append.bodies[0]?.type === 'opened'
  if (!isKnown && !isOpening && !opensItself && append.bodies.some(({ type }) => type === 'message'))
    throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
  const bodies = isOpening ? [opening, ...append.bodies] : append.bodies
  const packed = isOpening ? [packBody(opening, messageBytes), ...append.packed] : append.packed
  const at = Math.max(0, Math.floor(nowMs))
  const stamps: RecordStamp[] = []
  const heads: Head[] = []
  let head = conversation.head
  let departures: readonly Departure[] = conversation.departures
  let seq = lastSeq
  for (const body of bodies) {
    seq++
    const { flags } = RECORD_TYPES[body.type]
    const place = { seq, n: (head?.n ?? 0) + 1, prev: head?.seq ?? 0 }
    const stamp: RecordStamp =
      times === undefined
        ? { flags, ...place, at }
        : { flags: flags | RECORD_FLAGS.imported, ...place, at: times[stamps.length]! }
    const next = reduce(conversation.id, head, stamp, body)
    departures = depart(head, departures, next)
    head = next
    stamps.push(stamp)
    heads.push(next)
  }
  return { bodies, packed, stamps, heads, departures }
}

/** Puts the records of a plan (at least one) into a commit, and moves the conversation and the append to their places. */
export function putPlan(plan: Plan, append: Append, commit: Commit, digests: Digests): void {
  const { conversation } = append
  const { bodies, packed, stamps, heads } = plan
  for (let i = 0; i < bodies.length; i++) {
    const stamp = stamps[i]!
    const body = bodies[i]!
    const bytes = packed[i]!
    const head = heads[i]!
    stampRecord(bytes, conversation.bytes, stamp, conversation.seed(stamp.flags))
    commit.putRecord(conversation, stamp.n, stamp.seq, bytes)
    commit.entries.push({ record: new LogRecord(conversation.id, stamp, bytes, body), head })
    if (body.type !== 'message') continue
    if (body.id !== undefined) {
      conversation.window!.remember(dedupeSide(body), body.id, stamp.n)
      if (body.id === append.id) append.keyAs(stamp)
    }
    const lane = outboxLane(head, body, stamp.flags)
    if (lane === undefined) continue
    const row = newRow(lane, conversation.id, stamp.n, stamp.seq)
    putRow(commit, digests, undefined, row)
    commit.rows.push(row)
  }
  const last = stamps[stamps.length - 1]!
  append.n = last.n
  append.seq = last.seq
  append.at = last.at
  if (append.id === undefined) append.keyAs(last)
  conversation.head = heads[heads.length - 1]!
  conversation.departures = plan.departures
  commit.touch(conversation)
  commit.appends.push(append)
}

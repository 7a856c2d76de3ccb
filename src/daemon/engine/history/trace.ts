import type { MessagePlace } from '../../../codec/message-id.js'
import { KefuError } from '../../../errors.js'
import { channelOwner } from '../../core/conversation.js'
import { formatCursor } from '../../core/cursor.js'
import type { LogRecord } from '../../core/log-record.js'
import type { Head } from '../../core/model.js'
import type { LogPort, OutboxPort, OutboxRow, ViewPort } from '../../core/ports.js'
import type { MessageRecordBody } from '../../core/records.js'

/** What tracing a message stands on. */
export type TracePorts = {
  readonly log: Pick<LogPort, 'head' | 'read'>
  readonly view: Pick<ViewPort, 'receipt'>
  readonly outbox: Pick<OutboxPort, 'rows'>
}

/** A station of a message, in the order in which it passes them. */
type Station = 'accepted' | 'stored' | 'routed' | 'pushed' | 'acknowledged' | 'sent' | 'delivered' | 'read'

/**
 * What is known of one station: `done` it has been passed, at an instant (epoch ms) where one was kept; `open` it has not; `failed`; `none` there is no such station
 * on its way; `unknown` nobody kept it. `agent` is an id.
 */
export type TraceStep = {
  readonly step: Station
  readonly state: 'done' | 'open' | 'failed' | 'none' | 'unknown'
  readonly at?: number
  readonly detail: string
  readonly agent?: string
  readonly reasons?: readonly string[]
}

/** A message and its way. */
export type Trace = {
  readonly head: Head
  readonly record: LogRecord
  readonly body: MessageRecordBody
  readonly steps: readonly TraceStep[]
}

/** Records around the message that are looked through. */
const LOOK_BACK = 500
const LOOK_AHEAD = 1_000

/**
 * What is known of the way of a message, and what is not. Throws `KEFU_CONVERSATION_NOT_FOUND`, `KEFU_MESSAGE_NOT_FOUND` (no such record, or no message),
 * `KEFU_STORE_CORRUPT`.
 */
export async function traceMessage({ log, view, outbox }: TracePorts, place: MessagePlace): Promise<Trace> {
  const { conversation, n } = place
  const head = await log.head(conversation)
  if (head === null) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
  const [record] = n >= 1 && n <= head.n ? await log.read(conversation, n - 1, 1) : []
  if (record?.body.type !== 'message') throw new KefuError('KEFU_MESSAGE_NOT_FOUND', { id: `${conversation}:${n}` })
  const { body } = record
  const isOfContact = body.by.role === 'contact'
  const [receipt, before, after, row] = await Promise.all([
    view.receipt(conversation, isOfContact ? 'agent' : 'contact'),
    readAll(log, conversation, Math.max(0, n - 1 - LOOK_BACK), n - 1),
    readAll(log, conversation, n, Math.min(head.n, n + LOOK_AHEAD)),
    head.egress === 'outbox' && !isOfContact ? rowOf(outbox, head, record) : undefined,
  ])
  const readTo = receipt?.read ?? 0
  const seenTo = Math.max(readTo, receipt?.acknowledged ?? 0)
  const reader = isOfContact ? 'an agent' : 'the contact'
  const isSocket = isOfContact || head.egress === 'socket'
  const steps: TraceStep[] = [
    accepted(record, body),
    { step: 'stored', state: 'done', at: record.at, detail: `on disk, position ${record.seq} of the log` },
    isOfContact ? routed(before, after) : none('routed', 'only what contacts write is routed'),
    ...(isSocket ? overSocket(seenTo >= n, readTo >= n, reader) : throughOutbox(head, body, row, after, n)),
  ]
  return { head, record, body, steps }
}

function accepted({ at }: LogRecord, { writtenAt, isEcho, by }: MessageRecordBody): TraceStep {
  if (isEcho) return { step: 'accepted', state: 'done', detail: 'written on the platform itself' }
  const detail =
    by.role === 'system'
      ? 'written by kefu itself'
      : 'when it came in is not kept: it is acknowledged once it is on disk'
  if (writtenAt === undefined) return { step: 'accepted', state: 'done', detail }
  return {
    step: 'accepted',
    state: 'done',
    at: writtenAt,
    detail: `written then by the platform's clock, and delivered ${Math.round((at - writtenAt) / 1_000)} s later`,
  }
}

/** Who had the conversation when it came, or got it then. */
function routed(before: readonly LogRecord[], after: readonly LogRecord[]): TraceStep {
  const had = before.findLast(({ body }) => ['assigned', 'queued', 'closed', 'reopened', 'woken'].includes(body.type))
  if (had?.body.type === 'assigned')
    return {
      step: 'routed',
      state: 'done',
      at: had.at,
      detail: 'the conversation had its agent already',
      agent: had.body.agent,
      reasons: had.body.reasons,
    }
  const next = after.find(({ body }) => body.type === 'assigned' || body.type === 'closed')
  const waits = [...after, ...(had === undefined ? [] : [had])].find(({ body }) => body.type === 'queued')
  const reasons = waits?.body.type === 'queued' ? { reasons: waits.body.reasons } : {}
  if (next?.body.type === 'assigned')
    return {
      step: 'routed',
      state: 'done',
      at: next.at,
      detail: 'assigned',
      agent: next.body.agent,
      reasons: next.body.reasons,
    }
  if (next !== undefined)
    return {
      step: 'routed',
      state: 'none',
      at: next.at,
      detail: 'the conversation was closed before anybody got it',
      ...reasons,
    }
  if (after.length >= LOOK_AHEAD)
    return {
      step: 'routed',
      state: 'unknown',
      detail: `nobody got it within the ${LOOK_AHEAD} records behind it; later ones are not looked at`,
    }
  return {
    step: 'routed',
    state: 'open',
    detail: 'waits for an agent',
    ...(waits !== undefined && { at: waits.at }),
    ...reasons,
  }
}

/** Receipts are positions without a time, at most a second old. */
function overSocket(isSeen: boolean, isRead: boolean, reader: string): TraceStep[] {
  const noTime = 'when is not kept'
  return [
    isSeen
      ? { step: 'pushed', state: 'done', detail: `it was: ${reader} has it; ${noTime}` }
      : { step: 'pushed', state: 'unknown', detail: 'what is pushed is not kept until it is acknowledged' },
    isSeen
      ? { step: 'acknowledged', state: 'done', detail: `by a client of ${reader}; ${noTime}` }
      : { step: 'acknowledged', state: 'open', detail: `no client of ${reader} has acknowledged it` },
    none('sent', 'it goes over a socket, not through a platform'),
    isSeen
      ? { step: 'delivered', state: 'done', detail: `${reader} has received it; ${noTime}` }
      : { step: 'delivered', state: 'open', detail: `${reader} has not received it` },
    isRead
      ? { step: 'read', state: 'done', detail: `by ${reader}; ${noTime}` }
      : { step: 'read', state: 'open', detail: `${reader} has not read it, or their client does not say so` },
  ]
}

function throughOutbox(
  head: Head,
  body: MessageRecordBody,
  row: OutboxRow | undefined,
  after: readonly LogRecord[],
  n: number,
): TraceStep[] {
  const news = after.findLast(({ body: told }) => told.type === 'delivery' && told.message === n)
  return [
    none('pushed', 'it goes through a platform, not over a socket'),
    none('acknowledged', 'it goes through a platform, not over a socket'),
    sent(body, row, news),
    {
      step: 'delivered',
      state: 'unknown',
      detail: `what ${head.kind} says of the delivery is kept only where it failed`,
    },
    { step: 'read', state: 'unknown', detail: `whether it was read is not kept for ${head.kind}` },
  ]
}

function sent(body: MessageRecordBody, row: OutboxRow | undefined, news: LogRecord | undefined): TraceStep {
  if (body.isEcho) return none('sent', 'it was written on the platform itself')
  const told = news?.body.type === 'delivery' ? news.body : undefined
  const why = told?.reason === undefined ? '' : `: ${told.reason}`
  const at = news === undefined ? {} : { at: news.at }
  if (row !== undefined) {
    const { state, attempts, reason } = row
    const tried = `${attempts} attempt${attempts === 1 ? '' : 's'}${reason === undefined ? '' : `, the last: ${reason}`}`
    const is = state === 'dead' ? 'failed' : state === 'unknown' ? 'unknown' : 'open'
    return { step: 'sent', state: is, ...at, detail: `in the outbox, ${state === 'queued' ? 'due' : state}; ${tried}` }
  }
  if (told?.state === 'sent') return { step: 'sent', state: 'done', ...at, detail: `it has gone out after all${why}` }
  if (told?.state === 'failed')
    return { step: 'sent', state: 'failed', ...at, detail: `given up${why}; it is not in the outbox any more` }
  if (told !== undefined)
    return {
      step: 'sent',
      state: 'unknown',
      ...at,
      detail: `${told.state} then${why}; not in the outbox any more: sent later, or dropped by an operator`,
    }
  return {
    step: 'sent',
    state: 'done',
    detail: 'not in the outbox any more: it was sent, or an operator dropped it; when is not kept',
  }
}

async function rowOf(outbox: TracePorts['outbox'], head: Head, { seq }: LogRecord): Promise<OutboxRow | undefined> {
  const { rows } = await outbox.rows({ lane: channelOwner(head.channel), after: formatCursor(seq - 1), limit: 1 })
  return rows[0]?.seq === seq ? rows[0] : undefined
}

async function readAll(
  log: TracePorts['log'],
  conversation: Head['conversation'],
  after: number,
  end: number,
): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (let n = after; n < end; ) {
    const page = await log.read(conversation, n, end - n)
    if (page.length === 0) break
    for (const record of page) records.push(record)
    n += page.length
  }
  return records
}

function none(step: TraceStep['step'], detail: string): TraceStep {
  return { step, state: 'none', detail }
}

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ConversationId } from '../../codec/conversation-id.js'
import { firstDetails } from '../core/conversation.js'
import { formatCursor, parseCursor } from '../core/cursor.js'
import type { LogRecord } from '../core/log-record.js'
import type { Head } from '../core/model.js'
import type { LogPort } from '../core/ports.js'
import type { TraceBatch, Window } from './trace.js'
import { headAfter, Tracer } from './tracer.js'

/** What reading a trace stands on. */
export type HistoryPorts = {
  readonly log: Pick<LogPort, 'tail' | 'read' | 'cursor'>
  /** The heads of all conversations that are not closed. */
  openHeads(): Iterable<Head>
  /** Id of the team for a channel's conversations that were sent to none. */
  defaultTeam(channel: number): string | undefined
}

/** What is told while a trace is read: how many records of how many, and the instant of each. */
export type HistoryEvents = {
  progress(done: number, total: number): void
  record(at: number): void
}

const BATCH = 256
/** Records of a conversation that are read back to the beginning of its episode, page by page; of what is longer nothing is known until it ends. */
const PAGES = [8, 64, 256, 1_024, 4_096]

/**
 * The trace of a window, in parts: episodes in the order of their ends, at last those that are still open. Holds what is open at an instant, and one part. Ends early when
 * the signal aborts. Whoever was had by the same agent for the whole of a window that ended in the past, and has moved since, is missing.
 */
export async function* readTrace(
  ports: HistoryPorts,
  window: Window,
  signal: AbortSignal,
  events?: HistoryEvents,
): AsyncGenerator<TraceBatch, void, undefined> {
  const { log } = ports
  const last = await lastBy(log, window.until, signal)
  const start = await seqAt(log, window.since, signal)
  if (signal.aborted) return
  const tracer = new Tracer(window, ports.defaultTeam)
  // Looked for in vain once: each record of such an episode would have all those pages read again.
  const unknown = new Set<ConversationId>()
  for await (const { record, head } of entriesBetween(log, start, last, signal)) {
    const { conversation } = record
    events?.record(record.at)
    if (tracer.needs(record) && !unknown.has(conversation)) {
      const before = await headBefore(log, record, head)
      if (before !== undefined) tracer.adopt(before)
      else unknown.add(conversation)
    }
    if (record.body.type === 'closed') unknown.delete(conversation)
    tracer.push(record)
    if (record.seq % BATCH !== 0) continue
    events?.progress(record.seq - start, last - start)
    if (tracer.endedCount >= BATCH) yield tracer.take()
    // Between the batches whoever else wants the thread has it.
    await nextTurn()
  }
  let looked = 0
  for (const head of ports.openHeads()) {
    if (head.details.openedAt < window.since && head.at <= window.until && !tracer.isKnown(head.conversation))
      tracer.adopt(head)
    if (++looked % BATCH === 0) await nextTurn()
  }
  do {
    if (signal.aborted) return
    yield tracer.take()
    await nextTurn()
  } while (tracer.finish(BATCH))
}

/** Log position before the first record that is as late as an instant, by halving: a few dozen looks into the log, whatever its length. */
export async function seqAt(log: Pick<LogPort, 'tail' | 'cursor'>, atMs: number, signal: AbortSignal): Promise<number> {
  let before = 0
  let after = parseCursor(log.cursor())
  while (before < after && !signal.aborted) {
    const middle = Math.floor((before + after) / 2)
    const at = await timeAfter(log, middle, signal)
    if (at !== undefined && at < atMs) before = middle + 1
    else after = middle
  }
  return before
}

/** Log position behind the last record that is not later than an instant. Later ones may be before it where the clock was put back: they are no end. */
async function lastBy(log: Pick<LogPort, 'tail' | 'cursor'>, atMs: number, signal: AbortSignal): Promise<number> {
  const end = parseCursor(log.cursor())
  const newest = end === 0 ? undefined : await timeAfter(log, end - 1, signal)
  return newest !== undefined && newest > atMs ? seqAt(log, atMs + 1, signal) : end
}

async function timeAfter(log: Pick<LogPort, 'tail'>, seq: number, signal: AbortSignal): Promise<number | undefined> {
  for await (const entries of log.tail(formatCursor(seq), signal)) if (entries.length > 0) return entries[0]!.record.at
  return undefined
}

async function* entriesBetween(log: Pick<LogPort, 'tail'>, start: number, last: number, signal: AbortSignal) {
  if (start >= last) return
  for await (const entries of log.tail(formatCursor(start), signal)) {
    for (const entry of entries) if (entry.record.seq <= last && !entry.record.isImported) yield entry
    if (entries.at(-1)!.record.seq >= last) return
  }
}

/** Where a conversation stood before a record: read back to where its episode began. Undefined when that is too far away. */
async function headBefore(
  log: Pick<LogPort, 'read'>,
  { conversation, n }: LogRecord,
  present: Head,
): Promise<Head | undefined> {
  let records: LogRecord[] = []
  let first = n
  for (const size of PAGES) {
    const from = Math.max(0, first - 1 - size)
    const page = await readAll(log, conversation, from, first - 1)
    const closed = page.findLastIndex(({ body }) => body.type === 'closed')
    records = [...page.slice(closed + 1), ...records]
    if (closed >= 0) return replay(closedHead(page[closed]!, present), records)
    if (from === 0) return replay(null, records) ?? undefined
    first = from + 1
  }
  return undefined
}

/** Pages may be shorter than what was asked for. */
async function readAll(
  log: Pick<LogPort, 'read'>,
  conversation: Head['conversation'],
  after: number,
  last: number,
): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  while (after + records.length < last) {
    const page = await log.read(conversation, after + records.length, last - after - records.length)
    if (page.length === 0) break
    records.push(...page)
  }
  return records
}

function replay(start: Head, records: readonly LogRecord[]): Head
function replay(start: Head | null, records: readonly LogRecord[]): Head | null
function replay(start: Head | null, records: readonly LogRecord[]): Head | null {
  return records.reduce<Head | null>(headAfter, start)
}

/** What a closed conversation hands on to its next episode: who served it, and the language, which seldom changes. */
function closedHead({ n, seq, at, body }: LogRecord, present: Head): Head {
  const from = body.type === 'closed' ? body.from : undefined
  const { language, lastAgent } = present.details
  const earlier = lastAgent !== undefined && lastAgent.at <= at ? lastAgent : undefined
  return {
    ...present,
    n,
    seq,
    at,
    state: 'closed',
    agent: undefined,
    waitingSince: undefined,
    unansweredSince: undefined,
    saidAt: at,
    details: { ...firstDetails(at), language, lastAgent: from === undefined ? earlier : { id: from, at } },
  }
}

import type { ConversationId } from '../../../codec/conversation-id.js'
import { JsonBytes } from '../../../codec/msgpack-json.js'
import { KefuError } from '../../../errors.js'
import { formatCursor, parseCursor } from '../../core/cursor.js'
import type { Head } from '../../core/model.js'
import type { Clock, Cursor, LogEntry, LogPort } from '../../core/ports.js'
import { conversationPages } from './conversation-pages.js'
import type { ReadingTurns } from './reading-turns.js'
import { createMatcher, type RecordFilter } from './record-filter.js'
import { type ChannelNames, contextOf, writeLine } from './record-line.js'

/** What readings of the log stand on. */
export type FeedPorts = {
  readonly log: Pick<LogPort, 'head' | 'read' | 'tail' | 'cursor'>
  readonly turns: ReadingTurns
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly channelName: ChannelNames
}

/** How far a reading has got, of the positions of the log that it looks at; the records that were meant. */
export type FeedProgress = { readonly type: 'progress'; readonly done: number; readonly total: number }
/** Everything has been read. A later reading with `after` this cursor tells what has come since. */
export type FeedEnd = { readonly type: 'end'; readonly cursor: Cursor; readonly records: number }

const PROGRESS_MS = 500

/**
 * Every record that is meant, from behind a cursor to what was there at the start, in log order, as pages of entries; between them how far it is. Of few
 * conversations only those are read. Throws `KEFU_CODEC_INVALID` for a cursor that is none, `KEFU_STORE_CORRUPT`, and the signal's reason.
 */
export async function* readLog(
  ports: FeedPorts,
  filter: RecordFilter,
  after: Cursor,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEntry[] | FeedProgress | FeedEnd, void, undefined> {
  const { log, turns, clock } = ports
  const first = parseCursor(after)
  const cursor = log.cursor()
  const end = parseCursor(cursor)
  if (first > end) throw new KefuError('KEFU_CODEC_INVALID', { reason: 'the cursor is behind the end of this log' })
  const matches = createMatcher(filter)
  let records = 0
  let toldAtMs = clock.monotonicMs()
  const pages =
    filter.conversations === undefined
      ? feedPages(ports, first, end, signal)
      : mergedPages(await sources({ log, turns }, filter.conversations, signal))
  for await (const page of pages) {
    signal.throwIfAborted()
    const found = page.filter(entry => entry.record.seq > first && entry.record.seq <= end && matches(entry))
    records += found.length
    if (found.length > 0) yield found
    const now = clock.monotonicMs()
    const seq = page.at(-1)!.record.seq
    if (now - toldAtMs < PROGRESS_MS || seq <= first) continue
    toldAtMs = now
    yield { type: 'progress', done: seq - first, total: end - first }
  }
  yield { type: 'end', cursor: formatCursor(Math.max(first, end)), records }
}

/** Entries as lines of NDJSON. */
export function linesOf(entries: readonly LogEntry[], channelName: ChannelNames): Buffer {
  const json = new JsonBytes(entries.reduce((sum, { record }) => sum + 2 * record.bytes.length, 4096))
  for (const { record, head } of entries) writeLine(json, record, contextOf(head, channelName))
  return json.take()
}

async function* feedPages(
  { log, turns }: FeedPorts,
  after: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEntry[], void, undefined> {
  if (after >= end) return
  const batches = log.tail(formatCursor(after), signal)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await turns.take(() => batches.next(), signal)
      if (next.done) return
      yield next.value
      if (next.value.at(-1)!.record.seq >= end) return
    }
  } finally {
    await batches.return?.()
  }
}

type Source = { readonly pages: AsyncIterator<readonly LogEntry[]>; page: readonly LogEntry[]; at: number }

async function sources(
  { log, turns }: Pick<FeedPorts, 'log' | 'turns'>,
  conversations: ReadonlySet<ConversationId>,
  signal: AbortSignal,
): Promise<Source[]> {
  const heads = await Promise.all([...conversations].map(id => log.head(id)))
  const present = heads.filter(head => head !== null)
  if (present.length === 0) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
  return present.map(head => ({ pages: entriesOf({ log, turns }, head, signal), page: [], at: 0 }))
}

async function* entriesOf(
  ports: Pick<FeedPorts, 'log' | 'turns'>,
  head: Head,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEntry[], void, undefined> {
  const range = { after: 0, limit: Number.MAX_SAFE_INTEGER, includes: () => true }
  for await (const page of conversationPages(ports, head.conversation, head.n, range, signal))
    yield page.map(record => ({ record, head }))
}

/** The records of several conversations in log order. */
async function* mergedPages(all: Source[]): AsyncGenerator<readonly LogEntry[], void, undefined> {
  for (;;) {
    for (const source of all) {
      if (source.at < source.page.length) continue
      const next = await source.pages.next()
      source.page = next.done ? [] : next.value
      source.at = 0
    }
    const open = all.filter(({ page }) => page.length > 0)
    if (open.length === 0) return
    // Up to the end of the page that ends first, nothing earlier can come any more.
    const limit = Math.min(...open.map(({ page }) => page.at(-1)!.record.seq))
    const merged = open.flatMap(source => {
      const from = source.at
      while (source.at < source.page.length && source.page[source.at]!.record.seq <= limit) source.at++
      return source.page.slice(from, source.at)
    })
    yield merged.sort((a, b) => a.record.seq - b.record.seq)
  }
}

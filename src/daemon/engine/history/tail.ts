import { formatCursor, parseCursor } from '../../core/cursor.js'
import type { Cursor, LogEntry, LogPort } from '../../core/ports.js'
import type { FeedPorts } from './feed.js'
import { createMatcher, type RecordFilter } from './record-filter.js'

const FIRST_STEP = 256

/** What is meant of everything that is appended from now on (with `since` in the filter: also of what was appended since then), until the signal. */
export async function* tailLog(
  ports: Pick<FeedPorts, 'log' | 'turns'>,
  filter: RecordFilter,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEntry[], void, undefined> {
  const { log, turns } = ports
  const { since, ...rest } = filter
  const start = since === undefined ? log.cursor() : await cursorBefore(ports, since, signal)
  const end = parseCursor(log.cursor())
  const isOfThen = createMatcher(filter)
  const isMeant = createMatcher(rest)
  const batches = log.tail(start, signal)[Symbol.asyncIterator]()
  try {
    for (let seq = parseCursor(start); ; ) {
      // What is live comes when it comes, and must not keep other readings waiting.
      const next = await (seq < end ? turns.take(() => batches.next(), signal) : batches.next())
      if (next.done) return
      seq = next.value.at(-1)!.record.seq
      const found = next.value.filter(entry => (entry.record.seq <= end ? isOfThen(entry) : isMeant(entry)))
      if (found.length > 0) yield found
    }
  } finally {
    await batches.return?.()
  }
}

/**
 * A position behind which everything of an instant and later was appended: found from the end in steps that grow. Where clocks were set back, it is looked for at the
 * first page from the end that is wholly older.
 */
async function cursorBefore(
  { log, turns }: Pick<FeedPorts, 'log' | 'turns'>,
  sinceMs: number,
  signal: AbortSignal,
): Promise<Cursor> {
  const end = parseCursor(log.cursor())
  for (let step = FIRST_STEP; step < end; step *= 2) {
    const cursor = formatCursor(end - step)
    const page = await turns.take(() => firstPage(log, cursor, signal), signal)
    if (page.every(({ record }) => record.at < sinceMs)) return cursor
  }
  return formatCursor(0)
}

async function firstPage(
  log: Pick<LogPort, 'tail'>,
  cursor: Cursor,
  signal: AbortSignal,
): Promise<readonly LogEntry[]> {
  for await (const page of log.tail(cursor, signal)) return page
  return []
}

import type { ConversationId } from '../../../codec/conversation-id.js'
import type { LogRecord } from '../../core/log-record.js'
import type { LogPort } from '../../core/ports.js'
import type { ReadingTurns } from './reading-turns.js'

/** Which records of a conversation: of those between two numbers (both exclusive) at most `limit`, the first behind `after` where it is given, the newest otherwise. */
export type RecordRange = {
  readonly after?: number | undefined
  readonly before?: number | undefined
  readonly limit: number
  /** Whether a record is meant. */
  includes(record: LogRecord): boolean
}

/** What a page of records is read with. */
export type PagePorts = { readonly log: Pick<LogPort, 'read'>; readonly turns: ReadingTurns }

const PAGE_RECORDS = 1_000
/** Of a page that is in memory; a page that waits for its reader is no larger. */
const PAGE_BYTES = 512 * 1024
/** Of records that were looked through from behind, kept until they are told; of others the place is kept, and they are read once more. */
const KEPT_BYTES = 8 * 1024 * 1024

/**
 * The records of a range in order, in pages (none of them is empty) of what is there up to `last`. Throws `KEFU_STORE_CORRUPT`, and the signal's reason.
 */
export async function* conversationPages(
  ports: PagePorts,
  conversation: ConversationId,
  last: number,
  range: RecordRange,
  signal: AbortSignal,
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  const end = Math.min(last, (range.before ?? Number.MAX_SAFE_INTEGER) - 1)
  if (range.after === undefined) yield* newest(ports, conversation, end, range, signal)
  else yield* first(ports, conversation, range.after, end, range, signal)
}

async function* first(
  { log, turns }: PagePorts,
  conversation: ConversationId,
  after: number,
  end: number,
  { limit, includes }: RecordRange,
  signal: AbortSignal,
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  let left = limit
  for (let n = after; n < end && left > 0; ) {
    const page = await turns.take(() => log.read(conversation, n, Math.min(PAGE_RECORDS, end - n), PAGE_BYTES), signal)
    if (page.length === 0) return
    n += page.length
    const found = page.filter(includes).slice(0, left)
    left -= found.length
    if (found.length > 0) yield found
  }
}

/** A page that was looked through: `count` records are meant, the last ones before `end` (inclusive). */
type Seen = { readonly after: number; readonly end: number; readonly records: readonly LogRecord[] | undefined }

async function* newest(
  ports: PagePorts,
  conversation: ConversationId,
  end: number,
  { limit, includes }: RecordRange,
  signal: AbortSignal,
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  const { log, turns } = ports
  const seen: Seen[] = []
  let left = limit
  let keptBytes = 0
  for (let high = end; high > 0 && left > 0; ) {
    const low = Math.max(0, high - PAGE_RECORDS)
    const records: LogRecord[] = []
    // A page ends by its bytes before it has all of them.
    for (let n = low; n < high; ) {
      const page = await turns.take(() => log.read(conversation, n, high - n, PAGE_BYTES), signal)
      if (page.length === 0) break
      n += page.length
      for (const record of page) if (includes(record)) records.push(record)
    }
    const found = records.slice(Math.max(0, records.length - left))
    left -= found.length
    const bytes = found.reduce((sum, record) => sum + record.bytes.length, 0)
    const isKept = keptBytes + bytes <= KEPT_BYTES
    if (isKept) keptBytes += bytes
    const from = found.length === records.length ? low : found[0]!.n - 1
    if (found.length > 0) seen.push({ after: from, end: high, records: isKept ? found : undefined })
    high = low
  }
  for (const page of seen.reverse()) {
    if (page.records !== undefined) yield page.records
    else yield* first(ports, conversation, page.after, page.end, { limit: Number.MAX_SAFE_INTEGER, includes }, signal)
  }
}

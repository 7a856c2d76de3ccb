import type { LogRecord } from '../core/log-record.js'
import type { LogPort } from '../core/ports.js'
import type { SearchHit, SearchLine } from '../core/search.js'
import type { TimeLeft } from './inquiry.js'
import type { FoundLine } from './protocol.js'

/** What is needed to see around a hit. `lines`: what records say, in their order. */
export type ContextPorts = {
  readonly log: Pick<LogPort, 'read'>
  lines(records: readonly LogRecord[]): Promise<readonly FoundLine[]>
  readonly time: TimeLeft
}

/** Between lines are records that say nothing, such as who has the conversation: so many more are read. */
const RECORDS_PER_LINE = 3
const RECORDS_MORE = 12
/** The records around one hit, were they all as large as can be. */
const READ_BYTES = 2 * 1024 * 1024
/** Characters of what stands around a hit: it helps to understand, and is not what was asked for. */
const LINE_LENGTH = 500

/** Hits with what was said around them in their conversations, at most so many lines on either side; those for which the time has sufficed, one at least. */
export async function addSurroundings(
  ports: ContextPorts,
  found: readonly FoundLine[],
  count: number,
): Promise<SearchHit[]> {
  const hits: SearchHit[] = []
  for (const line of found) {
    if (hits.length > 0 && ports.time.leftMs() <= 0) break
    hits.push(await surrounded(ports, line, count))
  }
  return hits
}

async function surrounded({ log, lines }: ContextPorts, hit: FoundLine, count: number): Promise<SearchHit> {
  const reach = count * RECORDS_PER_LINE + RECORDS_MORE
  const first = Math.max(0, hit.n - 1 - reach)
  const records = await log.read(hit.conversation, first, hit.n - first + reach, READ_BYTES)
  const around = await lines(records.filter(({ n }) => n !== hit.n))
  const before = around.filter(({ n }) => n < hit.n).slice(-count)
  const after = around.filter(({ n }) => n > hit.n).slice(0, count)
  return { ...hit, before: before.map(shortened), after: after.map(shortened) }
}

function shortened({ marks: _, text, ...line }: FoundLine): SearchLine {
  return { ...line, text: text.length <= LINE_LENGTH ? text : `${text.slice(0, LINE_LENGTH).toWellFormed()}…` }
}

import { type ConversationId, parseConversationId } from '../../../codec/conversation-id.js'
import { KEY, textSeqKey } from '../../../codec/keys.js'
import { outboxLane } from '../../core/conversation.js'
import type { Head } from '../../core/model.js'
import type { OutboxRow, OutboxState } from '../../core/ports.js'
import type { Database } from './database.js'
import { readFailure } from './failure.js'
import { parseRow } from './outbox-row.js'
import { readRecord } from './reader.js'

/** A lane to be read: rows in these states, of which there are `count`. */
export type LaneRange = { readonly lane: string; readonly states: ReadonlySet<OutboxState>; readonly count: number }

/** A message's place in the outbox. */
export type OutboxPlace = { readonly lane: string; readonly seq: number }

const PAGE_ROWS = 256

/** Rows of lanes in log order, at most `limit` and after a seq. What is held in memory is a page per lane. Throws `KEFU_STORE_CORRUPT`. */
export async function readRows(
  database: Database,
  ranges: readonly LaneRange[],
  after: number,
  limit: number,
): Promise<OutboxRow[]> {
  const lanes = ranges.map(range => new LaneReader(database, range, after))
  const rows: OutboxRow[] = []
  await Promise.all(lanes.map(lane => lane.fill()))
  while (rows.length < limit) {
    let first: LaneReader | undefined
    for (const lane of lanes) if ((lane.first?.seq ?? Infinity) < (first?.first?.seq ?? Infinity)) first = lane
    if (first?.first === undefined) return rows
    rows.push(first.first)
    await first.next()
  }
  return rows
}

/** One row. Throws `KEFU_STORE_CORRUPT`. */
export async function readRow(database: Database, { lane, seq }: OutboxPlace): Promise<OutboxRow | undefined> {
  const key = textSeqKey(KEY.outbox, lane, seq)
  try {
    const value = await database.get(key)
    return value === undefined ? undefined : parseRow(key, value)
  } catch (error) {
    throw readFailure(error, `the outbox of ${lane}`)
  }
}

/** Where a message is in the outbox, or was; undefined for one that there is not, or that has no way through an outbox. Throws `KEFU_STORE_CORRUPT`. */
export async function placeOf(
  database: Database,
  head: Head | null,
  conversation: ConversationId,
  n: number,
): Promise<OutboxPlace | undefined> {
  if (head === null || n < 1 || n > head.n) return undefined
  const record = await readRecord(database, conversation, parseConversationId(conversation), n)
  const lane = outboxLane(head, record.body, record.flags)
  return lane === undefined ? undefined : { lane, seq: record.seq }
}

/** Reads the wanted rows of one lane, page by page, until it has found as many as there are. */
class LaneReader {
  readonly #database: Database
  readonly #range: LaneRange
  #rows: OutboxRow[] = []
  #at = 0
  #after: number
  #left: number

  constructor(database: Database, range: LaneRange, after: number) {
    this.#database = database
    this.#range = range
    this.#after = after
    this.#left = range.count
  }

  /** The next row, once `fill` or `next` has resolved. */
  get first(): OutboxRow | undefined {
    return this.#rows[this.#at]
  }

  async next(): Promise<void> {
    this.#at++
    await this.fill()
  }

  async fill(): Promise<void> {
    const { lane, states } = this.#range
    while (this.first === undefined && this.#left > 0) {
      const found: OutboxRow[] = []
      let read = 0
      try {
        const pairs = await this.#database.page({
          from: textSeqKey(KEY.outbox, lane, this.#after + 1),
          to: textSeqKey(KEY.outbox, lane, Number.MAX_SAFE_INTEGER),
          limit: PAGE_ROWS,
        })
        read = pairs.length
        for (const [key, value] of pairs) {
          const row = parseRow(key, value)
          if (states.has(row.state)) found.push(row)
          this.#after = row.seq
        }
      } catch (error) {
        throw readFailure(error, `the outbox of ${lane}`)
      }
      this.#rows = found
      this.#at = 0
      this.#left = read < PAGE_ROWS ? 0 : this.#left - found.length
    }
  }
}

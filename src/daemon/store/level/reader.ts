import { type ConversationId, formatConversationId } from '../../../codec/conversation-id.js'
import { feedKey, parseFeedKey, parsePlaceValue, parseRecordKey, recordKey } from '../../../codec/keys.js'
import { type RecordStamp, readStamp } from '../../../codec/record.js'
import { isKefuError } from '../../../errors.js'
import { LogRecord } from '../../core/log-record.js'
import type { Head } from '../../core/model.js'
import type { LogEntry } from '../../core/ports.js'
import type { Database } from './database.js'
import { damaged, readFailure } from './failure.js'

/** Reads of log records. Everything is verified; what is wrong is named, never skipped. */

const PAGE_BYTES = 1024 * 1024
const FEED_PAGE = 256

/** Where the record of a seq is. */
type Place = { readonly seq: number; readonly conversation: Uint8Array; readonly n: number }

/** Records `after`+1 … of a conversation whose durable head is given, at most `limit`. Throws `KEFU_STORE_CORRUPT`. */
export async function readPage(
  database: Database,
  conversation: Uint8Array,
  head: Head,
  after: number,
  limit: number,
  limitBytes = PAGE_BYTES,
): Promise<LogRecord[]> {
  const id = head.conversation
  const last = Math.min(head.n, after + limit)
  if (after >= last) return []
  let pairs: Awaited<ReturnType<Database['page']>>
  try {
    pairs = await database.page({
      from: recordKey(conversation, after + 1),
      to: recordKey(conversation, last),
      limit: last - after,
      limitBytes,
    })
  } catch (error) {
    throw readFailure(error, `conversation ${id} n ${after + 1} to ${last}`)
  }
  const records: LogRecord[] = []
  let bytes = 0
  let previous: RecordStamp | undefined
  for (const [key, value] of pairs) {
    const n = after + records.length + 1
    const stamp = verify(id, conversation, n, key, value)
    if (previous !== undefined ? stamp.prev !== previous.seq : n === 1 && stamp.prev !== 0)
      throw damaged(`conversation ${id} n ${n}: the record before it is not the one it follows`)
    if (n === head.n && stamp.seq !== head.seq) throw damaged(`conversation ${id} n ${n}: not the record of its head`)
    previous = stamp
    records.push(new LogRecord(id, stamp, value))
    // Counted as the database counts, which ended the page by the same limit.
    bytes += key.length + value.length
    if (bytes >= limitBytes) break
  }
  if (bytes < limitBytes && after + records.length < last)
    throw damaged(`conversation ${id} n ${after + records.length + 1}: the record is missing`)
  return records
}

/** One record of a conversation. Throws `KEFU_STORE_CORRUPT`, also when it is missing. */
export async function readRecord(
  database: Database,
  id: ConversationId,
  conversation: Uint8Array,
  n: number,
): Promise<LogRecord> {
  const key = recordKey(conversation, n)
  let value: Uint8Array | undefined
  try {
    value = await database.get(key)
  } catch (error) {
    throw readFailure(error, `conversation ${id} n ${n}`)
  }
  if (value === undefined) throw damaged(`conversation ${id} n ${n}: the record is missing`)
  return new LogRecord(id, verify(id, conversation, n, key, value), value)
}

/**
 * The records after a seq in log order, up to `lastSeq`, with the heads that their conversations have now: one page, and of one with damage in it what comes
 * before. `headsOf` is asked once for all heads of a page, and answers in order. Throws `KEFU_STORE_CORRUPT` when the next record is damaged.
 */
export async function readFeed(
  database: Database,
  after: number,
  lastSeq: number,
  headsOf: (ids: readonly ConversationId[]) => Promise<readonly (Head | null)[]>,
): Promise<LogEntry[]> {
  for (let count = Math.min(lastSeq - after, FEED_PAGE); ; count = Math.floor(count / 2)) {
    try {
      return await withHeads(await readStretch(database, after, after + count), headsOf)
    } catch (error) {
      if (count <= 1 || !isKefuError(error, 'KEFU_STORE_CORRUPT')) throw error
    }
  }
}

/** The records `after`+1 to `last` of the log. */
async function readStretch(database: Database, after: number, last: number): Promise<LogRecord[]> {
  const places: Place[] = []
  try {
    const pairs = await database.page({ from: feedKey(after + 1), to: feedKey(last), limit: last - after })
    for (const [i, [key, value]] of pairs.entries()) {
      if (parseFeedKey(key) !== after + i + 1) throw damaged(`seq ${after + i + 1} is missing in the feed`)
      places.push({ seq: after + i + 1, ...parsePlaceValue(value) })
    }
    if (pairs.length < last - after) throw damaged(`seq ${after + pairs.length + 1} is missing in the feed`)
  } catch (error) {
    throw readFailure(error, `seq ${after + 1} to ${last} of the feed`)
  }
  return readPlaces(database, places)
}

/** The durable records of these seqs, in the order in which they are named. Throws `KEFU_STORE_CORRUPT`, also when one is missing. */
export async function readSeqs(database: Database, seqs: readonly number[]): Promise<LogRecord[]> {
  let places: Place[]
  try {
    const values = await database.getMany(seqs.map(seq => feedKey(seq)))
    places = values.map((value, i) => {
      if (value === undefined) throw damaged(`seq ${seqs[i]} is missing in the feed`)
      return { seq: seqs[i]!, ...parsePlaceValue(value) }
    })
  } catch (error) {
    throw readFailure(error, `${seqs.length} seqs of the feed`)
  }
  return readPlaces(database, places)
}

async function readPlaces(database: Database, places: readonly Place[]): Promise<LogRecord[]> {
  const keys = places.map(({ conversation, n }) => recordKey(conversation, n))
  let values: (Uint8Array | undefined)[]
  try {
    values = await database.getMany(keys)
  } catch (error) {
    throw readFailure(error, `seq ${places[0]?.seq} and others of the feed`)
  }
  return places.map(({ seq, conversation, n }, i) => {
    const id = formatConversationId(conversation)
    const value = values[i]
    if (value === undefined) throw damaged(`conversation ${id} n ${n}: the record (seq ${seq}) is missing`)
    const stamp = verify(id, conversation, n, keys[i]!, value)
    if (stamp.seq !== seq) throw damaged(`conversation ${id} n ${n}: its seq is ${stamp.seq}, the feed says ${seq}`)
    return new LogRecord(id, stamp, value)
  })
}

async function withHeads(
  records: readonly LogRecord[],
  headsOf: (ids: readonly ConversationId[]) => Promise<readonly (Head | null)[]>,
): Promise<LogEntry[]> {
  const ids = [...new Set(records.map(record => record.conversation))]
  const heads = new Map<ConversationId, Head>()
  for (const [at, head] of (await headsOf(ids)).entries()) {
    if (head === null) throw damaged(`conversation ${ids[at]} has records but no head`)
    heads.set(ids[at]!, head)
  }
  return records.map(record => ({ record, head: heads.get(record.conversation)! }))
}

function verify(
  id: ConversationId,
  conversation: Uint8Array,
  n: number,
  key: Uint8Array,
  value: Uint8Array,
): RecordStamp {
  let stamp: RecordStamp
  let keyN: number
  try {
    keyN = parseRecordKey(key).n
    stamp = readStamp(value, conversation)
  } catch (error) {
    throw readFailure(error, `conversation ${id} n ${n}`)
  }
  if (keyN !== n || stamp.n !== n) throw damaged(`conversation ${id} n ${n}: the record is missing`)
  return stamp
}

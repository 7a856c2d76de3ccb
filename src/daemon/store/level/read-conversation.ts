import type { ConversationId } from '../../../codec/conversation-id.js'
import { headKey, idWindowKey, parseRecordKey, recordKey } from '../../../codec/keys.js'
import { type RecordStamp, readStamp } from '../../../codec/record.js'
import { type KefuError, toKefuError } from '../../../errors.js'
import type { Conversation } from './conversation.js'
import type { Database } from './database.js'
import { damaged, readFailure } from './failure.js'
import { decodeHead, type HeadValue } from './head-value.js'
import { IdWindow } from './id-window.js'
import { readPage } from './reader.js'

/** Where conversations stand, read from the disk and checked. */

const MAX_N = Number.MAX_SAFE_INTEGER
const WINDOW_PAGE = 128

/**
 * A conversation's head as the disk has it, checked against its last record; null when there is neither. Throws `KEFU_STORE_CORRUPT` naming the
 * conversation and `n`.
 */
export async function readHead(database: Database, id: ConversationId, bytes: Uint8Array): Promise<HeadValue | null> {
  const key = headKey(bytes)
  let value: HeadValue | undefined
  let last: { readonly n: number; readonly stamp: RecordStamp } | undefined
  try {
    const [stored, page] = await Promise.all([
      database.get(key),
      database.page({ from: recordKey(bytes, 0), to: recordKey(bytes, MAX_N), reverse: true, limit: 1 }),
    ])
    if (stored !== undefined) value = decodeHead(key, stored)
    const pair = page[0]
    if (pair !== undefined) last = { n: parseRecordKey(pair[0]).n, stamp: readStamp(pair[1], bytes) }
  } catch (error) {
    throw readFailure(error, `conversation ${id}, its head or last record`)
  }
  if (value === undefined && last === undefined) return null
  if (value === undefined) throw damaged(`conversation ${id} has a record n ${last?.n} but no head`)
  const { n, seq } = value.head
  if (last === undefined) throw damaged(`conversation ${id} n ${n}: none of its records is there`)
  if (last.n !== n || last.stamp.n !== n || last.stamp.seq !== seq)
    throw damaged(`conversation ${id} n ${n}: its head and its last record (n ${last.n}) disagree`)
  return value
}

/** The ids that a loaded conversation has seen last, as of its durable head. Throws `KEFU_STORE_CORRUPT` naming it. */
export async function readWindow(database: Database, { id, bytes, durable, windowN }: Conversation): Promise<IdWindow> {
  let window = new IdWindow()
  if (durable === null) return window
  if (windowN > 0) {
    const key = idWindowKey(bytes)
    try {
      const stored = await database.get(key)
      if (stored === undefined) throw damaged(`conversation ${id} n ${windowN}: its window of recent ids is missing`)
      window = IdWindow.open(key, stored, windowN)
    } catch (error) {
      throw readFailure(error, `conversation ${id} n ${windowN}, its window of recent ids`)
    }
  }
  for (let n = windowN; n < durable.n; ) {
    const records = await readPage(database, bytes, durable, n, WINDOW_PAGE)
    for (const { n, body } of records) window.note(body, n)
    n += records.length
  }
  return window
}

/**
 * `readHead` of many conversations with two look-ups for all: the heads, then the record that each one names and the one that must not follow it. One
 * that is not as it should be, or could not be read with the others, is read by itself; its error stands in its place.
 */
export async function readHeads(
  database: Database,
  conversations: readonly { readonly id: ConversationId; readonly bytes: Uint8Array }[],
): Promise<(HeadValue | null | KefuError)[]> {
  const tryMany = (keys: Uint8Array[]) => database.getMany(keys).catch((): (Uint8Array | undefined)[] => [])
  const stored = await tryMany(conversations.map(({ bytes }) => headKey(bytes)))
  const values = conversations.map(({ bytes }, i) => tryDecode(bytes, stored[i]))
  const keys = values.flatMap((value, i) => {
    const { bytes } = conversations[i]!
    return value === undefined ? [] : [recordKey(bytes, value.head.n), recordKey(bytes, value.head.n + 1)]
  })
  const records = await tryMany(keys)
  let at = 0
  return Promise.all(
    conversations.map(({ id, bytes }, i) => {
      const value = values[i]
      if (value !== undefined) {
        const [last, next] = [records[at], records[at + 1]]
        at += 2
        if (next === undefined && last !== undefined && isOf(value, last, bytes)) return value
      }
      return readHead(database, id, bytes).catch((error: unknown) => toKefuError(error))
    }),
  )
}

function tryDecode(conversation: Uint8Array, stored: Uint8Array | undefined): HeadValue | undefined {
  try {
    return stored === undefined ? undefined : decodeHead(headKey(conversation), stored)
  } catch {
    return undefined
  }
}

function isOf({ head }: HeadValue, record: Uint8Array, conversation: Uint8Array): boolean {
  try {
    const { n, seq } = readStamp(record, conversation)
    return n === head.n && seq === head.seq
  } catch {
    return false
  }
}

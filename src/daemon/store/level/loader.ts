import { type ConversationId, parseConversationId } from '../../../codec/conversation-id.js'
import { headKey, idWindowKey, parseRecordKey, recordKey } from '../../../codec/keys.js'
import { type RecordStamp, readStamp } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import { dedupeSide } from '../../core/conversation.js'
import type { Clock } from '../../core/ports.js'
import { Fifo } from '../fifo.js'
import type { StoreLimits } from '../options.js'
import { within } from '../within.js'
import type { Append } from './append.js'
import { Conversation } from './conversation.js'
import { ConversationCache } from './conversation-cache.js'
import type { Database } from './database.js'
import { damaged, readFailure } from './failure.js'
import { decodeHead, type HeadValue } from './head-value.js'
import { IdWindow } from './id-window.js'
import { readPage } from './reader.js'

const MAX_N = Number.MAX_SAFE_INTEGER
/** Loads at once: enough for the disk, few enough that a commit does not wait behind them. */
const CONCURRENCY = 16
const WINDOW_PAGE = 128

/** Conversations in memory, loaded from disk when they are not: each is there once. */
export class ConversationLoader {
  readonly #database: Database
  readonly #clock: Clock
  readonly #durableSeq: () => number
  readonly #timeoutMs: number
  readonly #cache: ConversationCache
  readonly #queue = new Fifo<() => void>()
  #running = 0

  constructor(database: Database, clock: Clock, limits: StoreLimits, durableSeq: () => number) {
    this.#database = database
    this.#clock = clock
    this.#durableSeq = durableSeq
    this.#timeoutMs = limits.appendTimeoutMs
    this.#cache = new ConversationCache(limits.cachedConversations)
  }

  /** The conversation in memory, which may not be loaded yet. Throws `KEFU_CODEC_INVALID` for what is not an id. */
  entry(id: ConversationId): Conversation<Append> {
    const present = this.#cache.get(id)
    if (present !== undefined) return present
    const conversation = new Conversation<Append>(id, parseConversationId(id))
    this.#cache.add(conversation)
    return conversation
  }

  /** The loaded conversation, when it is in memory. */
  peek(id: ConversationId): Conversation<Append> | undefined {
    const present = this.#cache.get(id)
    return present?.isLoaded === true ? present : undefined
  }

  /** Resolves when the conversation is loaded. Throws `KEFU_STORE_CORRUPT` naming it; it is forgotten then. */
  load(conversation: Conversation<Append>): Promise<void> {
    if (conversation.isLoaded) return Promise.resolve()
    conversation.loading ??= this.#load(conversation)
    return conversation.loading
  }

  /**
   * Reads the ids that the conversation has seen last: the saved window and the records after it. For a loaded one, none of whose records under way has
   * an id. Throws `KEFU_STORE_CORRUPT` naming it, `KEFU_STORE_UNREADABLE`.
   */
  async loadWindow(conversation: Conversation<Append>): Promise<void> {
    await this.#turn()
    try {
      conversation.window = await this.#inTime(readWindow(this.#database, conversation))
    } finally {
      this.#release()
    }
  }

  /** Forgets everything: what the disk holds is not known any more. */
  clear(): void {
    this.#cache.clear()
  }

  async #load(conversation: Conversation<Append>): Promise<void> {
    conversation.pins++
    try {
      await this.#turn()
      try {
        const { id, bytes } = conversation
        const value = await this.#inTime(readHead(this.#database, id, bytes))
        // A write that was refused as failed may be there all the same; it counts when the store has recovered.
        if (value !== null && value.head.seq > this.#durableSeq())
          throw new KefuError('KEFU_STORE_UNREADABLE', { reason: 'it is being recovered' })
        conversation.load(value)
      } finally {
        this.#release()
      }
    } catch (error) {
      this.#cache.delete(conversation)
      throw error
    } finally {
      conversation.pins--
      conversation.loading = undefined
    }
  }

  #inTime<T>(read: Promise<T>): Promise<T> {
    const timeoutMs = this.#timeoutMs
    const reason = `no answer from the disk within ${timeoutMs} ms`
    return within(this.#clock, timeoutMs, read, () => new KefuError('KEFU_STORE_UNREADABLE', { reason }))
  }

  async #turn(): Promise<void> {
    if (this.#running < CONCURRENCY) this.#running++
    else await new Promise<void>(resolve => this.#queue.push(resolve))
  }

  /** Hands the place on to the next in line. */
  #release(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#running--
    else next()
  }
}

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

/** The ids that a conversation has seen last, as of its durable head. */
async function readWindow(database: Database, { id, bytes, durable, windowN }: Conversation): Promise<IdWindow> {
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
    for (const { n, body } of records)
      if (body.type === 'message' && body.id !== undefined) window.remember(dedupeSide(body), body.id, n)
    n += records.length
  }
  return window
}

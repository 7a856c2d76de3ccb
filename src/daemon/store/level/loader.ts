import { type ConversationId, parseConversationId } from '../../../codec/conversation-id.js'
import { KefuError } from '../../../errors.js'
import { Fifo } from '../../core/fifo.js'
import type { Clock } from '../../core/ports.js'
import { within } from '../../core/within.js'
import type { StoreLimits } from '../options.js'
import type { Append } from './append.js'
import { Conversation } from './conversation.js'
import { ConversationCache } from './conversation-cache.js'
import type { Database } from './database.js'
import { noAnswer } from './failure.js'
import type { HeadValue } from './head-value.js'
import { readHead, readHeads, readWindow } from './read-conversation.js'

/** Loads at once: enough for the disk, few enough that a commit does not wait behind them. */
const CONCURRENCY = 16

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
    conversation.loading ??= this.#load(
      conversation,
      this.#read(() => readHead(this.#database, conversation.id, conversation.bytes)),
    )
    return conversation.loading
  }

  /**
   * Reads the ids that the conversation has seen last: the saved window and the records after it. For a loaded one, none of whose records under way has
   * an id. Throws `KEFU_STORE_CORRUPT` naming it, `KEFU_STORE_UNREADABLE`.
   */
  async loadWindow(conversation: Conversation<Append>): Promise<void> {
    conversation.window = await this.#read(() => readWindow(this.#database, conversation))
  }

  /** Many conversations, loaded: those that are not in memory are read together. Throws as `load` does. */
  async loadAll(ids: readonly ConversationId[]): Promise<Conversation<Append>[]> {
    const missing: Conversation<Append>[] = []
    // Begins when all of them are known, and pinned: none may leave the memory before.
    const values = Promise.resolve().then(() =>
      missing.length === 0 ? [] : this.#read(() => readHeads(this.#database, missing)),
    )
    const conversations = ids.map(id => {
      const conversation = this.entry(id)
      if (!conversation.isLoaded && conversation.loading === undefined) {
        const at = missing.push(conversation) - 1
        const value = values.then(all => {
          const own = all[at]!
          if (own instanceof KefuError) throw own
          return own
        })
        conversation.loading = this.#load(conversation, value)
      }
      return conversation
    })
    await Promise.all(conversations.map(conversation => this.load(conversation)))
    return conversations
  }

  /** Forgets everything: what the disk holds is not known any more. */
  clear(): void {
    this.#cache.clear()
  }

  async #load(conversation: Conversation<Append>, read: Promise<HeadValue | null>): Promise<void> {
    conversation.pins++
    try {
      const value = await read
      // A write that was refused as failed may be there all the same; it counts when the store has recovered.
      if (value !== null && value.head.seq > this.#durableSeq())
        throw new KefuError('KEFU_STORE_UNREADABLE', { reason: 'it is being recovered' })
      conversation.load(value)
    } catch (error) {
      this.#cache.delete(conversation)
      throw error
    } finally {
      conversation.pins--
      conversation.loading = undefined
    }
  }

  /** Reads in turn, with a deadline. */
  async #read<T>(read: () => Promise<T>): Promise<T> {
    const timeoutMs = this.#timeoutMs
    await this.#turn()
    try {
      return await within(this.#clock, timeoutMs, read(), () => noAnswer(timeoutMs))
    } finally {
      this.#release()
    }
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

import { readdir } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type ConversationId, parseConversationId } from '../../../codec/conversation-id.js'
import { headKey, KEY, recordKey } from '../../../codec/keys.js'
import { KefuError } from '../../../errors.js'
import { forgottenHead, isForgettable, isForgotten, standingBody } from '../../core/forgotten.js'
import type { LogRecord } from '../../core/log-record.js'
import type { Clock, EraserPort, Forgetting } from '../../core/ports.js'
import { forgottenRecord } from '../forgotten-record.js'
import type { Append } from './append.js'
import type { Conversation } from './conversation.js'
import type { Database } from './database.js'
import { writeFailure } from './failure.js'
import type { LiveFeed } from './live-feed.js'
import type { ConversationLoader } from './loader.js'
import { liveTables } from './manifest.js'
import { readPage, readRecord } from './reader.js'
import type { LogWriter } from './writer.js'

type Ports = {
  readonly database: Database
  readonly writer: LogWriter
  readonly loader: ConversationLoader
  readonly feed: LiveFeed
  readonly clock: Clock
}

type Range = readonly [from: Uint8Array, to: Uint8Array]

/** Records that are replaced in one commit. */
const PAGE = 256
const PAGE_BYTES = 512 * 1024
/** What a head takes of a commit, more or less. */
const HEAD_BYTES = 512
/** Of conversations that are more than so many, all ranges are gone through. */
const SINGLE_LIMIT = 64
/** Files that a read still holds are looked at again, so many times. */
const ATTEMPTS = 50
const LAST_ID = new Uint8Array(16).fill(0xff)

/**
 * Forgetting on LevelDB. A key that is written again leaves its former value in older files until a compaction meets both, so:
 *
 * 1. `forget` first takes what is known of the contact out of the head, in one commit: what is appended after it begins anew.
 * 2. It replaces the records, then waits for the reads that still look at an earlier state, rolls the memory table and the write-ahead log into a table file,
 *    and puts the same once more. Now each key has a value, in newer files than all that has content, and no snapshot is older than that value.
 * 3. `expunge` compacts the ranges from top to bottom. Every former value lies below the new one, so it meets it, and is dropped. What a compaction has replaced
 *    is removed by the next one, when no read holds it.
 *
 * After each step the same call once more does the rest.
 */
export class Eraser implements EraserPort {
  readonly #ports: Ports
  #last: Promise<unknown> = Promise.resolve()
  /** The conversation that is half forgotten, and how many have been so far. */
  #underWay: ConversationId | undefined
  #count = 0

  constructor(ports: Ports) {
    this.#ports = ports
  }

  forget(what: readonly Forgetting[]): Promise<number> {
    return this.#inTurn(() => this.#forget(what))
  }

  expunge(conversations: readonly ConversationId[] | 'all', signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#expunge(conversations, signal))
  }

  /** Conversations that were changed so far; undefined while the head and the records of this one do not fit. */
  erasures(conversation: ConversationId): number | undefined {
    return this.#underWay === conversation ? undefined : this.#count
  }

  async #forget(what: readonly Forgetting[]): Promise<number> {
    const { database } = this.#ports
    let count = 0
    for (const each of what) {
      this.#underWay = each.conversation
      this.#count++
      try {
        count += await this.#replace(each)
      } finally {
        this.#underWay = undefined
      }
    }
    await database.settleReads()
    await this.#compact(() => database.flush())
    for (const each of what) await this.#putAgain(each)
    return count
  }

  /** Takes what is known of the contact, then the bodies; how many had not been forgotten. */
  #replace(what: Forgetting): Promise<number> {
    const { feed, clock } = this.#ports
    return this.#withConversation(what.conversation, async conversation => {
      if ('upTo' in what) {
        await this.#forgetContact(conversation, what.upTo)
        feed.replace(what.conversation, entry =>
          entry.record.n > what.upTo ? entry : { ...entry, head: forgottenHead(entry.head) },
        )
      }
      let count = 0
      for await (const page of this.#records(conversation, what)) {
        const left = new Map<number, LogRecord>()
        for (const record of page)
          if (record.body.type !== 'forgotten') left.set(record.n, forgottenRecord(record, clock.now()))
        if (left.size === 0) continue
        await this.#put(conversation, [...left.values()])
        feed.replace(what.conversation, entry => {
          const record = left.get(entry.record.n)
          return record === undefined ? entry : { ...entry, record }
        })
        count += left.size
      }
      return count
    })
  }

  /** Between the look at the head and its change nothing is stamped: both are done in one turn. */
  async #forgetContact(conversation: Conversation<Append>, upTo: number): Promise<void> {
    const { head, durable } = conversation
    if (head === null) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
    if (isForgotten(head) && upTo <= head.n) return
    if (head.n === upTo) {
      await this.#ports.writer.ride(HEAD_BYTES, commit => {
        conversation.head = forgottenHead(head)
        commit.touch(conversation)
      })
      return
    }
    const next =
      durable === null || upTo >= durable.n
        ? undefined
        : await readRecord(this.#ports.database, conversation.id, conversation.bytes, upTo + 1)
    if (next === undefined || standingBody(next.body).type !== 'opened')
      throw new KefuError('KEFU_STORE_CONFLICT', { expected: upTo, actual: head.n })
  }

  /** Puts what is forgotten once more, on top of everything else. */
  #putAgain(what: Forgetting): Promise<void> {
    return this.#withConversation(what.conversation, async conversation => {
      for await (const page of this.#records(conversation, what))
        await this.#put(
          conversation,
          page.filter(({ body }) => body.type === 'forgotten'),
        )
      if ('upTo' in what) await this.#ports.writer.ride(HEAD_BYTES, commit => commit.touch(conversation))
    })
  }

  async #put(conversation: Conversation<Append>, records: readonly LogRecord[]): Promise<void> {
    let bytes = 0
    for (const record of records) bytes += record.bytes.length
    await this.#ports.writer.ride(bytes, commit => {
      for (const { n, bytes } of records) commit.put(recordKey(conversation.bytes, n), bytes)
    })
  }

  /** The records that are meant, in pages. Throws `KEFU_INTERNAL` for single ones from which it follows where the conversation stands. */
  async *#records(conversation: Conversation<Append>, what: Forgetting): AsyncGenerator<LogRecord[], void, undefined> {
    const { database } = this.#ports
    const { durable, id, bytes } = conversation
    if (durable === null) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
    if ('upTo' in what) {
      for (let n = 0; n < what.upTo; ) {
        const page = await readPage(database, bytes, durable, n, Math.min(PAGE, what.upTo - n), PAGE_BYTES)
        n += page.length
        yield page
      }
      return
    }
    for (let i = 0; i < what.records.length; i += PAGE) {
      const page: LogRecord[] = []
      for (const n of what.records.slice(i, i + PAGE)) page.push(await readRecord(database, id, bytes, n))
      if (!page.every(({ body }) => isForgettable(body)))
        throw new KefuError('KEFU_INTERNAL', { reason: 'a record that cannot be forgotten by itself' })
      yield page
    }
  }

  /** Keeps a conversation in memory meanwhile. */
  async #withConversation<T>(id: ConversationId, work: (conversation: Conversation<Append>) => Promise<T>): Promise<T> {
    const { loader } = this.#ports
    const conversation = loader.entry(id)
    conversation.pins++
    try {
      await loader.load(conversation)
      return await work(conversation)
    } finally {
      conversation.pins--
    }
  }

  async #expunge(conversations: readonly ConversationId[] | 'all', signal: AbortSignal): Promise<void> {
    const { database } = this.#ports
    const before = await tableFiles(database.folder)
    await database.settleReads()
    await this.#compact(() => database.flush())
    // Of what was removed only the mark of it is on top, and that may lie in the same file: these lie above all of them.
    await database.writeUnsynced(batch => {
      for (const [from, to] of WHOLE) {
        batch.del(from)
        batch.del(to)
      }
    })
    for (const [from, to] of [...WHOLE, ...rangesOf(conversations)]) {
      if (signal.aborted) throw new KefuError('KEFU_ABORTED')
      await this.#compact(() => database.compact(from, to))
      await nextTurn()
    }
    await this.#removeReplaced(before)
  }

  /** Files that were replaced go when the last read that began before has ended. */
  async #removeReplaced(before: ReadonlySet<string>): Promise<void> {
    const { database } = this.#ports
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const live = await liveTables(database.folder)
      const present = await tableFiles(database.folder)
      const isReplaced = (name: string) => before.has(name) && live?.has(Number.parseInt(name, 10)) === false
      if (![...present].some(isReplaced)) return
      await database.settleReads()
      await this.#compact(() => database.flush())
    }
    throw new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'files that were replaced are still there' })
  }

  async #compact(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw writeFailure(error)
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work)
    this.#last = turn
    return turn
  }
}

/** The directory and the outbox: small, and without a place of their own for each conversation. */
const WHOLE: readonly Range[] = [KEY.directory, KEY.outbox].map(prefix => [
  Uint8Array.of(prefix),
  Uint8Array.of(prefix, 0xff),
])

function rangesOf(conversations: readonly ConversationId[] | 'all'): readonly Range[] {
  if (conversations !== 'all' && conversations.length <= SINGLE_LIMIT)
    return conversations.map(parseConversationId).flatMap(id => [
      [recordKey(id, 0), recordKey(id, Number.MAX_SAFE_INTEGER)],
      [headKey(id), headKey(id)],
    ])
  return Array.from({ length: 256 }, (_, first) => first).flatMap(first => {
    const [from, to] = [new Uint8Array(16), LAST_ID.slice()]
    from[0] = first
    to[0] = first
    return [
      [recordKey(from, 0), recordKey(to, Number.MAX_SAFE_INTEGER)],
      [headKey(from), headKey(to)],
    ] as const
  })
}

async function tableFiles(folder: string): Promise<ReadonlySet<string>> {
  return new Set((await readdir(folder)).filter(name => /^\d+\.(ldb|sst)$/.test(name)))
}

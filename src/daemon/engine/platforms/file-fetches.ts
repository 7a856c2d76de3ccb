import { z } from 'zod'
import { type ConversationId, isConversationId } from '../../../codec/conversation-id.js'
import { isKefuError, KefuError, toKefuError } from '../../../errors.js'
import type { MediaSource } from '../../core/channel-adapter.js'
import { isMediaId, type MediaId, type MediaPort, newMediaId } from '../../core/media.js'
import type { Head } from '../../core/model.js'
import type { RandomBytes } from '../../core/ordered-id.js'
import type { Clock, DirectoryPort, LogPort } from '../../core/ports.js'
import { SYSTEM } from '../../core/records.js'
import type { Connection } from './connection.js'
import { recordsAfter } from './records-after.js'

/** A file that a message is about to name. Without a source it is here, and has to be kept. */
export type FileFetch = {
  readonly channel: number
  readonly conversation: ConversationId
  readonly source?: MediaSource
}

/** What fetching files stands on. */
export type FileFetchPorts = {
  readonly directory: Pick<DirectoryPort, 'create' | 'get' | 'list' | 'remove'>
  readonly log: Pick<LogPort, 'append' | 'head' | 'read'>
  readonly media: Pick<MediaPort, 'put' | 'keep'>
  readonly clock: Clock
  readonly random: RandomBytes
  /** Why the store takes nothing at this moment. */
  refusal(): KefuError | undefined
  connection(channel: number): Connection | undefined
  /** An error that no caller waits for. */
  report(error: unknown): void
}

const PREFIX = 'fetch/'
/** Files that wait to be fetched; callbacks with more are told to come again. */
const PENDING_LIMIT = 10_000
/** A channel has always one place of its own, and up to so many while there are fewer than so many taken in all. */
const AT_ONCE_OF_CHANNEL = 4
const AT_ONCE = 8
const LIMIT_BYTES = 25 * 1024 * 1024
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 5 * 60_000
/** For how long a file is tried for. Platforms keep them for days, links for minutes. */
const GIVE_UP_MS = 24 * 60 * 60_000
/** Records in which a message is looked for whose file is gone. */
const LOOK_RECORDS = 500

type Turn = { readonly channel: number; readonly media: MediaId; readonly sinceMs: number; readonly retryMs: number }

const entrySchema: z.ZodType<FileFetch> = z.object({
  channel: z.int(),
  conversation: z.string().refine(isConversationId),
  source: z.string().exactOptional(),
})

/**
 * Fetches the files that contacts sent, under ids that were given out before: the note that a file has to be fetched is on disk before the message that names
 * it, and goes when the file is. What ends the process in between is made up for at the next start, and a write of which nobody knows when the store is back. A file that is here before its message is kept in the same way;
 * one whose message does not come is removed as any that none names.
 */
export class FileFetches {
  readonly #ports: FileFetchPorts
  readonly #abort = new AbortController()
  /** By channel; the channel whose turn is next comes first. */
  readonly #waiting = new Map<number, Turn[]>()
  readonly #fetches = new Map<MediaId, FileFetch>()
  readonly #cancels = new Set<() => void>()
  readonly #running = new Set<Promise<void>>()
  #fetching = 0
  readonly #runningOf = new Map<number, number>()

  constructor(ports: FileFetchPorts) {
    this.#ports = ports
  }

  /** Goes on with what an earlier process left. */
  async load(): Promise<void> {
    for (const { key, value, revision } of await this.#ports.directory.list(PREFIX)) {
      const media = key.slice(PREFIX.length)
      const entry = entrySchema.safeParse(value)
      if (!isMediaId(media) || !entry.success) await this.#ports.directory.remove(key, revision)
      else {
        this.#fetches.set(media, entry.data)
        this.start(media)
      }
    }
  }

  /** Files that are not here yet. */
  get pending(): number {
    return this.#fetches.size
  }

  /** Notes that a file has to be fetched or kept; durable on return. Throws `KEFU_LANE_CLOSED` when too many wait, and what the directory throws. */
  async reserve(fetch: FileFetch): Promise<MediaId> {
    if (this.#fetches.size >= PENDING_LIMIT)
      throw new KefuError('KEFU_LANE_CLOSED', { reason: `${PENDING_LIMIT} files wait to be fetched` })
    const media = newMediaId(this.#ports.clock.now(), this.#ports.random)
    this.#fetches.set(media, fetch)
    try {
      await this.#ports.directory.create(PREFIX + media, fetch)
    } catch (error) {
      // It may be on the disk all the same.
      if (isKefuError(error, 'KEFU_STORE_UNAVAILABLE')) this.settle(media)
      else this.#fetches.delete(media)
      throw error
    }
    return media
  }

  /** No message names it. Never rejects: what cannot be removed now is when the store is back. */
  async forget(media: MediaId): Promise<void> {
    await this.#remove(media).catch(() => this.settle(media))
  }

  /** Of a conversation nothing is fetched any more: its messages are forgotten. */
  async forgetAll(conversation: ConversationId): Promise<void> {
    for (const [media, fetch] of this.#fetches) if (fetch.conversation === conversation) await this.forget(media)
  }

  /** Its message is there: begins to fetch it, or to keep it. */
  start(media: MediaId): void {
    const channel = this.#fetches.get(media)?.channel
    if (channel === undefined) return
    this.#wait({ channel, media, sinceMs: this.#ports.clock.monotonicMs(), retryMs: FIRST_RETRY_MS })
  }

  /**
   * Nobody knows whether its message is there. Begins with it, or forgets it, when the store takes writes again: then it has read what is on the disk, and what is
   * not there does not come any more.
   */
  settle(media: MediaId): void {
    this.#after(FIRST_RETRY_MS, () => {
      if (this.#ports.refusal() === undefined) this.#keepRunning(this.#settle(media))
      else this.settle(media)
    })
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    this.#abort.abort()
    for (const cancel of this.#cancels) cancel()
    await Promise.all(this.#running)
  }

  /** Behind those of its channel that came before: what hangs does not keep what is new. */
  #wait(turn: Turn): void {
    const turns = this.#waiting.get(turn.channel)
    if (turns === undefined) this.#waiting.set(turn.channel, [turn])
    else turns.push(turn)
    this.#next()
  }

  #next(): void {
    while (!this.#abort.signal.aborted) {
      const turn = this.#take()
      if (turn === undefined) return
      const { channel } = turn
      this.#runningOf.set(channel, (this.#runningOf.get(channel) ?? 0) + 1)
      this.#fetching++
      const run = this.#fetch(turn).finally(() => {
        this.#fetching--
        const left = this.#runningOf.get(channel)! - 1
        if (left > 0) this.#runningOf.set(channel, left)
        else this.#runningOf.delete(channel)
        this.#next()
      })
      this.#keepRunning(run)
    }
  }

  #keepRunning(run: Promise<void>): void {
    this.#running.add(run)
    void run.finally(() => this.#running.delete(run))
  }

  async #settle(media: MediaId): Promise<void> {
    const fetch = this.#fetches.get(media)
    if (fetch === undefined) return
    try {
      const head = await this.#ports.log.head(fetch.conversation)
      if (head !== null && (await this.#isNamed(media, head))) this.start(media)
      else await this.#remove(media)
    } catch (error) {
      if (toKefuError(error).retryable) this.settle(media)
      else this.start(media)
    }
  }

  async #remove(media: MediaId): Promise<void> {
    const entry = await this.#ports.directory.get(PREFIX + media)
    if (entry !== null) await this.#ports.directory.remove(entry.key, entry.revision)
    this.#fetches.delete(media)
  }

  /** The next one of the first channel that has a place. */
  #take(): Turn | undefined {
    for (const [channel, turns] of this.#waiting) {
      const running = this.#runningOf.get(channel) ?? 0
      if (running > 0 && (running >= AT_ONCE_OF_CHANNEL || this.#fetching >= AT_ONCE)) continue
      this.#waiting.delete(channel)
      const turn = turns.shift()!
      if (turns.length > 0) this.#waiting.set(channel, turns)
      return turn
    }
    return undefined
  }

  /** One attempt. What may succeed later is tried again, without keeping others waiting. */
  async #fetch(turn: Turn): Promise<void> {
    const { media, sinceMs } = turn
    const fetch = this.#fetches.get(media)
    if (fetch === undefined) return
    const { media: store, clock, report } = this.#ports
    const { conversation, source } = fetch
    const connection = this.#ports.connection(fetch.channel)
    try {
      // The message that names it came into the log, or never will: a crash in between leaves the note alone.
      const head = await this.#ports.log.head(conversation)
      if (head === null) return await this.#remove(media)
      // Only the note was left of it, perhaps: the platform need not have it any more.
      if (await store.keep(conversation, media)) return await this.#remove(media)
      if (source === undefined) {
        if (await this.#isNamed(media, head)) throw new KefuError('KEFU_MEDIA_NOT_FOUND')
        return await this.#remove(media)
      }
      if (connection === undefined) return await this.#remove(media)
      const { bytes, type } = await connection.adapter.fetchFile(source, LIMIT_BYTES, this.#abort.signal)
      // Forgotten meanwhile.
      if (!this.#fetches.has(media)) return
      await store.put({ conversation, media, uploader: 'platform', declaredType: type, bytes })
      if (!(await store.keep(conversation, media)))
        throw new KefuError('KEFU_MEDIA_UNAVAILABLE', { reason: 'it went before it was kept' })
      await this.#remove(media)
      connection.counts.filesFetched++
    } catch (error) {
      if (this.#abort.signal.aborted) return
      const failure = toKefuError(error)
      const isOver = clock.monotonicMs() - sinceMs > GIVE_UP_MS
      if ((failure.retryable || isKefuError(error, 'KEFU_INTERNAL')) && !isOver) {
        this.#later(turn)
        return
      }
      try {
        await this.#lost(media, fetch, failure)
        if (connection !== undefined) connection.counts.filesLost++
      } catch (error) {
        report(error)
        if (toKefuError(error).retryable) this.#later(turn)
      }
    }
  }

  /** Whether a message names it, of those that are not far behind. */
  async #isNamed(media: MediaId, { conversation, n }: Head): Promise<boolean> {
    const records = recordsAfter(this.#ports.log, conversation, Math.max(0, n - LOOK_RECORDS), LOOK_RECORDS)
    for await (const { body } of records)
      if (body.type === 'message' && body.parts.some(part => 'media' in part && part.media === media)) return true
    return false
  }

  #later(turn: Turn): void {
    const { retryMs } = turn
    this.#after(retryMs, () => this.#wait({ ...turn, retryMs: Math.min(retryMs * 2, LAST_RETRY_MS) }))
  }

  #after(delayMs: number, act: () => void): void {
    if (this.#abort.signal.aborted) return
    const cancel = this.#ports.clock.after(delayMs, () => {
      this.#cancels.delete(cancel)
      act()
    })
    this.#cancels.add(cancel)
  }

  /** Agents see that there was a file, and why it is not here. */
  async #lost(media: MediaId, { conversation }: FileFetch, { message }: KefuError): Promise<void> {
    const data = { media, reason: message.slice(0, 300) }
    await this.#ports.log.append(conversation, [{ type: 'event', by: SYSTEM, name: 'file-lost', data }])
    // Told once, whatever becomes of the note.
    this.#fetches.delete(media)
    await this.#remove(media)
  }
}

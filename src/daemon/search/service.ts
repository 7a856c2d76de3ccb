import { isKefuError, KefuError } from '../../errors.js'
import type { Clock, LogPort } from '../core/ports.js'
import {
  SEARCH_LIMITS,
  type SearchCount,
  type SearchHit,
  type SearchPage,
  type SearchPort,
  type SearchRequest,
  type SearchStatus,
} from '../core/search.js'
import type { Log } from '../observe/log.js'
import { addSurroundings } from './context.js'
import { Feed, lastSeq, originOf } from './feed.js'
import { Gate } from './gate.js'
import { Inquiry, type InquiryPorts, type TimeLeft } from './inquiry.js'
import { Link } from './link.js'
import type { Answers, Ask, FoundLine } from './protocol.js'
import { parseQuery } from './query/parse.js'
import { narrow } from './standing.js'
import { type StartThread, startWorker } from './worker.js'

/** What a search stands on. */
export type SearchPorts = {
  readonly log: Pick<LogPort, 'tail' | 'cursor' | 'readAt' | 'read' | 'head'>
  readonly clock: Clock
  /** What happens to the index is told here. */
  readonly events: Pick<Log, 'info' | 'warn'>
  /** Another way to start the thread. */
  readonly start?: StartThread
}

/** A search that is open. */
export type OpenSearch = SearchPort & {
  /** Writes the index, and ends the thread. Idempotent. */
  close(): Promise<void>
}

/** A call answers with what it has after so long. */
const CALL_MS = 3_000
/** A search waits for so long until the newest records are with the thread; after that it reads them from the log. */
const REACH_MS = 250
/** More records than this are not waited for: the index is far behind. */
const NEAR_RECORDS = 20_000
const GATE = { atOnce: 4, waiting: 64, waitMs: 5_000 } as const
/** Characters of a page's hits, about: what a caller can be expected to take at once. */
const PAGE_LENGTH = 1_000_000
/** Threads that end shortly after their start, one after the other, before that is called a failure. */
const FAILURES = 3

/** Opens the search of a log, with its index in a folder of its own. The index is opened, and what it lacks fed to it, in the background. */
export function openSearch(ports: SearchPorts, { path }: { readonly path: string }): OpenSearch {
  return new Search(ports, path)
}

class Search implements OpenSearch {
  readonly #ports: SearchPorts
  readonly #link: Link
  readonly #feed: Feed
  readonly #gate: Gate
  readonly #inquiry: InquiryPorts
  readonly #whenOpened = new Set<() => void>()
  #searches = 0
  #isClosed = false
  #resetting: Promise<void> | undefined

  constructor(ports: SearchPorts, path: string) {
    const { log, clock, events, start = startWorker } = ports
    this.#ports = ports
    this.#gate = new Gate(clock, GATE)
    this.#link = new Link(
      { clock, start, data: async () => ({ path, origin: await this.#origin() }) },
      {
        opened: ({ indexedSeq }, discarded) => {
          if (discarded !== undefined) events.warn('search.index-discarded', { reason: discarded })
          if (indexedSeq > lastSeq(log)) this.#discard('it is ahead of the log')
          else this.#open(indexedSeq)
        },
        fed: bytes => this.#feed.fed(bytes),
        down: reason => {
          events.warn('search.thread-ended', { reason })
          void this.#feed.end()
        },
        damaged: error => this.#discard(error.message),
      },
    )
    this.#feed = new Feed({
      log,
      clock,
      link: this.#link,
      unreadable: reason => events.warn('search.log-unreadable', { reason }),
    })
    this.#inquiry = {
      log,
      handed: () => this.#feed.handed,
      ask: make => this.#ask(make),
      damaged: error => this.#discard(error.message),
    }
    void this.#link.start()
  }

  search(
    request: SearchRequest,
    { limit, context }: { readonly limit: number; readonly context: number },
    signal: AbortSignal,
  ): Promise<SearchPage> {
    return this.#inGate(request, signal, async (inquiry, time) => {
      const { log } = this.#ports
      const wanted = Math.min(limit, SEARCH_LIMITS.hits)
      const text = parseQuery(request.words)
      const { filter, isNow } = await narrow(request, log, inquiry)
      if (filter.conversations?.length === 0) return { hits: [] }
      const found: FoundLine[] = []
      let length = 0
      const next = await inquiry('rest').lines({ text, filter }, wanted, async line => {
        if (isNow !== undefined) {
          const head = await log.head(line.conversation)
          if (head === null || !isNow(head)) return false
        }
        found.push(line)
        length += line.text.length
        return found.length >= wanted || length >= PAGE_LENGTH
      })
      const lines = (records: Parameters<Inquiry['find']>[1]) =>
        inquiry('rest').find({ text: { type: 'all' }, filter: {} }, records)
      const hits: SearchHit[] =
        context === 0
          ? found.map(line => ({ ...line, before: [], after: [] }))
          : await addSurroundings({ log, lines, time }, found, Math.min(context, SEARCH_LIMITS.context))
      if (hits.length < found.length) return { hits, next: hits.at(-1)!.seq }
      return next === undefined ? { hits } : { hits, next }
    })
  }

  count(request: Omit<SearchRequest, 'order'>, signal: AbortSignal): Promise<SearchCount> {
    return this.#inGate({ ...request, order: 'newest' }, signal, async inquiry => {
      const { log } = this.#ports
      const text = parseQuery(request.words)
      const { filter, isNow } = await narrow(request, log, inquiry)
      if (filter.conversations?.length === 0) return { count: 0 }
      if (isNow === undefined) return inquiry('rest').count({ text, filter })
      let count = 0
      const next = await inquiry('rest').places({ text, filter }, async ({ conversation }) => {
        const head = await log.head(conversation)
        if (head !== null && isNow(head)) count++
        return false
      })
      return next === undefined ? { count } : { count, next }
    })
  }

  status(): SearchStatus {
    const { state, restarts, failures } = this.#link
    const { docs, segments, bytes, indexedSeq } = state ?? { docs: 0, segments: 0, bytes: 0, indexedSeq: 0 }
    const lag = Math.max(0, lastSeq(this.#ports.log) - indexedSeq)
    const reason =
      this.#feed.reason ?? (state === undefined && failures.count >= FAILURES ? failures.reason : undefined)
    const common = { lag, docs, segments, bytes, searches: this.#searches, restarts }
    if (reason !== undefined) return { state: 'failed', ...common, reason }
    return { state: state === undefined || lag > NEAR_RECORDS ? 'behind' : 'ready', ...common }
  }

  async reindex(): Promise<void> {
    await this.#opened(timeOf(this.#ports.clock))
    await this.#reset()
  }

  async remove(seqs: readonly number[]): Promise<void> {
    await this.#feed.reach(Math.max(0, ...seqs), CALL_MS)
    await this.#ask(() => ({ type: 'remove', seqs }))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#resetting?.catch(() => undefined)
    await this.#feed.end()
    await this.#link.close()
  }

  async #inGate<T>(
    request: SearchRequest,
    signal: AbortSignal,
    work: (inquiry: (share?: 'rest') => Inquiry, time: TimeLeft) => Promise<T>,
  ): Promise<T> {
    // What cannot be asked is told at once, and costs nobody a place.
    parseQuery(request.words)
    this.#searches++
    return this.#gate.run(signal, async () => {
      const { clock, log } = this.#ports
      const time = { ...timeOf(clock), signal }
      const last = lastSeq(log)
      await this.#opened(time)
      if (last - this.#feed.handed <= NEAR_RECORDS) await this.#feed.reach(last, REACH_MS)
      return work(share => {
        if (share === 'rest')
          return new Inquiry(this.#inquiry, { order: request.order, after: request.after, last }, time)
        const half = clock.monotonicMs() + time.leftMs() / 2
        const halfTime = { leftMs: () => half - clock.monotonicMs(), signal }
        return new Inquiry(this.#inquiry, { order: 'newest', after: undefined, last }, halfTime)
      }, time)
    })
  }

  /** A thread that ends is waited for; a question that it did not live to answer is asked once more, and not again, as it may be what it died of. */
  async #ask<A extends Ask>(make: () => A): Promise<Answers[A['type']]> {
    const time = timeOf(this.#ports.clock)
    await this.#opened(time)
    try {
      return await this.#link.ask(make())
    } catch (error) {
      if (!isKefuError(error, 'KEFU_SEARCH_UNAVAILABLE')) throw error
      await this.#opened(time)
      return this.#link.ask(make())
    }
  }

  /** Resolves when the index is open, or the time is over. */
  async #opened({ leftMs }: Pick<TimeLeft, 'leftMs'>): Promise<void> {
    while (this.#link.state === undefined && leftMs() > 0) {
      await new Promise<void>(resolve => {
        const done = (): void => {
          cancel()
          this.#whenOpened.delete(done)
          resolve()
        }
        const cancel = this.#ports.clock.after(leftMs(), done)
        this.#whenOpened.add(done)
      })
    }
  }

  #open(indexedSeq: number): void {
    if (!this.#isClosed) this.#feed.begin(indexedSeq)
    for (const done of [...this.#whenOpened]) done()
  }

  #discard(reason: string): void {
    if (this.#resetting !== undefined) return
    this.#ports.events.warn('search.index-discarded', { reason })
    this.#reset().catch((error: unknown) => {
      if (!(error instanceof KefuError)) throw error
      // The thread has ended, and the next one sees for itself.
      this.#ports.events.warn('search.reset-failed', { reason: error.message })
    })
  }

  #reset(): Promise<void> {
    this.#resetting ??= this.#beginAnew().finally(() => {
      this.#resetting = undefined
    })
    return this.#resetting
  }

  async #beginAnew(): Promise<void> {
    await this.#feed.end()
    await this.#link.ask({ type: 'reset' })
    this.#open(0)
  }

  async #origin(): Promise<string | undefined> {
    const { log } = this.#ports
    if (lastSeq(log) === 0) return undefined
    const [first] = await log.readAt([1])
    return first && originOf(first)
  }
}

/** The time of one call. */
function timeOf(clock: Pick<Clock, 'monotonicMs'>): Pick<TimeLeft, 'leftMs'> {
  const until = clock.monotonicMs() + CALL_MS
  return { leftMs: () => until - clock.monotonicMs() }
}

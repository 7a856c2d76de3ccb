import type { InboxBody, InboxEntry } from '../codec/wire.js'
import { KefuError } from '../errors.js'
import { backoffMs } from './backoff.js'
import type { Answer } from './session-role.js'

/** What an inbox works with. */
export type InboxPorts = {
  /** Requests the page before a cursor. */
  readonly fetch: (before: string, answer: Answer) => void
  readonly apply: (entry: InboxEntry) => void
  /** Pages are missing, and asking again would not help. */
  readonly failed: (error: KefuError) => void
  /** The server contradicts itself. */
  readonly violated: (error: KefuError) => void
  readonly monotonicMs: () => number
  readonly random: () => number
  readonly sweepSoon: () => void
}

/** Bounds of an inbox. */
export type InboxOptions = {
  /** How many conversations the first connection fetches. */
  readonly limit: number
  /** How many it fetches at most in a row, also when it resumes: what a client can remember. */
  readonly resumeLimit: number
}

/**
 * Follows the inbox of an agent or app, and knows from where the next connection has to go on: the position that is told to the server moves only when
 * every page down to the one before has been seen, so a connection that breaks in between, or a page that cannot be had, loses nothing.
 */
export class Inbox {
  readonly #ports: InboxPorts
  readonly #options: InboxOptions
  #committed: string | undefined
  #latest: string | undefined
  #oldest: string | undefined
  #seen = 0
  #isComplete = false
  /** Where the pages go on that have not come yet; none while this is undefined. */
  #next: string | undefined
  /** Counts the pages that were pushed and say that there is more. */
  #chain = 0
  #isAsking = false
  /** Monotonic instant before which a page that could not be had is not asked for again; `Infinity`: not on this connection. */
  #askAt = 0
  #refusals = 0

  constructor(ports: InboxPorts, resume: string | undefined, options: InboxOptions) {
    this.#ports = ports
    this.#committed = resume
    this.#options = options
  }

  /** Where the next hello resumes. */
  get cursor(): string | undefined {
    return this.#committed
  }

  /** A position that a cheap request can name. */
  get probeCursor(): string {
    return this.#oldest ?? this.#latest ?? ''
  }

  /** A connection is ready; pages follow. */
  connected(cursor: string | undefined): void {
    this.#latest = cursor
    this.#isComplete = false
    this.#isAsking = false
    this.#seen = 0
    this.#restart(undefined)
  }

  /** What the server pushed: a page, or a conversation that was assigned. */
  pushed(body: InboxBody): void {
    if (body.more && this.#committed !== undefined) this.#seen = 0
    const last = this.#apply(body)
    if (last === undefined) return
    if (body.more && !this.#isEnough()) {
      // Newer than all that came before: the pages below it take in those that were still to come. Also later, from a server that could not send for a while.
      this.#isComplete = false
      this.#restart(last)
      this.#ask()
    } else if (this.#next === undefined) this.#complete()
  }

  /** A record was delivered: the log has been followed up to there. */
  delivered(cursor: string): void {
    this.#latest = cursor
    if (this.#isComplete) this.#committed = cursor
  }

  /** Asks again for a page that could not be had. Returns when to come back (monotonic, `Infinity`: nothing is waited for). */
  sweep(): number {
    if (this.#next === undefined || this.#isAsking) return Number.POSITIVE_INFINITY
    if (this.#askAt > this.#ports.monotonicMs()) return this.#askAt
    this.#ask()
    return Number.POSITIVE_INFINITY
  }

  /** Applies a page. Returns the position of its last entry, '' for none; undefined when it cannot be. */
  #apply({ entries, more }: InboxBody): string | undefined {
    for (const entry of entries) this.#ports.apply(entry)
    this.#seen += entries.length
    const last = entries.at(-1)?.cursor ?? ''
    if (last === '' && more) {
      this.#violated('an inbox page says that there is more, and not where')
      return undefined
    }
    if (last !== '' && !this.#isComplete) this.#oldest = last
    return last
  }

  #isEnough(): boolean {
    return this.#seen >= (this.#committed === undefined ? this.#options.limit : this.#options.resumeLimit)
  }

  #restart(next: string | undefined): void {
    this.#next = next
    this.#chain++
    this.#askAt = 0
    this.#refusals = 0
  }

  #ask(): void {
    const before = this.#next
    if (before === undefined || this.#isAsking) return
    this.#isAsking = true
    const chain = this.#chain
    this.#ports.fetch(before, (frame, error) => {
      this.#isAsking = false
      if (frame?.kind === 'inbox') this.#answered(before, chain, frame.body)
      else
        this.#refused(error ?? new KefuError('KEFU_FRAME_INVALID', { reason: 'inbox was answered with another kind' }))
    })
  }

  #answered(before: string, chain: number, body: InboxBody): void {
    const last = this.#apply(body)
    if (last === undefined) return
    // Otherwise a page was pushed meanwhile, and what lies below that one is asked for.
    if (chain === this.#chain) {
      if (body.more && last === before) {
        this.#violated('an inbox page ends where it began')
        return
      }
      this.#next = body.more && !this.#isEnough() ? last : undefined
      this.#refusals = 0
    }
    if (this.#next === undefined) this.#complete()
    else this.#ask()
  }

  #refused(error: KefuError): void {
    if (error.code === 'KEFU_DISCONNECTED') {
      // The next connection begins anew.
      this.#askAt = Number.POSITIVE_INFINITY
    } else if (error.retryable) {
      this.#askAt = this.#ports.monotonicMs() + backoffMs(this.#refusals++, this.#ports.random)
      this.#ports.sweepSoon()
    } else {
      this.#askAt = Number.POSITIVE_INFINITY
      this.#ports.failed(error)
    }
  }

  #violated(reason: string): void {
    this.#ports.violated(new KefuError('KEFU_FRAME_INVALID', { reason }))
  }

  #complete(): void {
    this.#isComplete = true
    this.#seen = 0
    if (this.#latest !== undefined) this.#committed = this.#latest
  }
}

import type { InboxBody, InboxEntry } from '../codec/wire.js'
import type { KefuError } from '../errors.js'
import type { Answer } from './session-role.js'

/** What an inbox works with. */
export type InboxPorts = {
  /** Requests the page before a cursor. */
  readonly fetch: (before: string, answer: Answer) => void
  readonly apply: (entry: InboxEntry) => void
  readonly failed: (error: KefuError) => void
}

/**
 * Follows the inbox of an agent or app, and knows from where the next connection has to go on: the position that is told to the server moves only when
 * every page down to the one before has been seen, so a connection that breaks in between misses nothing.
 */
export class Inbox {
  readonly #ports: InboxPorts
  readonly #limit: number
  #committed: string | undefined
  #latest: string | undefined
  #oldest: string | undefined
  #seen = 0
  #isComplete = false
  #isPaging = false

  /** `limit` bounds how many conversations the first connection fetches; resuming is not bounded. */
  constructor(ports: InboxPorts, resume: string | undefined, limit: number) {
    this.#ports = ports
    this.#committed = resume
    this.#limit = limit
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
    this.#seen = 0
    this.#isComplete = false
    this.#isPaging = false
  }

  /** A page, or a conversation that was assigned. */
  take(body: InboxBody): void {
    for (const entry of body.entries) this.#ports.apply(entry)
    this.#seen += body.entries.length
    const last = body.entries.at(-1)
    if (last !== undefined && !this.#isComplete) this.#oldest = last.cursor
    const isEnough = this.#committed === undefined && this.#seen >= this.#limit
    if (body.more && last !== undefined && !isEnough) {
      // Also later: a server that could not send for a while sends pages down to the last record that it had sent.
      this.#isComplete = false
      this.#page(last.cursor)
    } else if (!this.#isPaging) this.#complete()
  }

  /** A record was delivered: the log has been followed up to there. */
  delivered(cursor: string): void {
    this.#latest = cursor
    if (this.#isComplete) this.#committed = cursor
  }

  #page(before: string): void {
    if (this.#isPaging) return
    this.#isPaging = true
    this.#ports.fetch(before, (frame, error) => {
      this.#isPaging = false
      if (frame?.kind === 'inbox') this.take(frame.body)
      else if (error !== undefined) this.#ports.failed(error)
    })
  }

  #complete(): void {
    this.#isComplete = true
    if (this.#latest !== undefined) this.#committed = this.#latest
  }
}

import type { PageBody } from '../codec/wire.js'
import { KefuError } from '../errors.js'
import { backoffMs } from './backoff.js'
import { doubtsOf, type Lane } from './outbox.js'
import type { Answer } from './session-role.js'

/** What reviews work with. */
export type ReviewPorts = {
  /** Requests the last records of a lane's conversation, or the last ones before a number. */
  readonly fetch: (lane: Lane, before: number | undefined, answer: Answer) => void
  /** Settles those of the lane's messages that a page shows to be stored. */
  readonly settle: (lane: Lane, page: PageBody) => void
  /** Every stored message that could be found is settled. */
  readonly trust: (lane: Lane) => void
  /** The server contradicts itself. */
  readonly violated: (error: KefuError) => void
  readonly monotonicMs: () => number
  readonly random: () => number
  readonly sweepSoon: () => void
}

type Review = { readonly lane: Lane; before: number | undefined; left: number; refusals: number; dueAt: number }

/** Reviews that run at once. */
const RUN_LIMIT = 4
/** Records that are looked at for one conversation. It is reached only where it is not known how far back to look. */
const RECORD_LIMIT = 1_000

/**
 * Finds out, after a connection was lost, which unanswered messages the server has stored: reads their conversations backwards, until each has been
 * found or the records are older than the message. Holds no timer: `sweep` is called from outside.
 */
export class Reviews {
  readonly #ports: ReviewPorts
  readonly #waiting = new Set<Review>()
  #running = 0
  #isStarting = false
  // Answers of an earlier connection do not count.
  #connection = 0

  constructor(ports: ReviewPorts) {
    this.#ports = ports
  }

  /** Whether nothing is being looked for. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#running === 0
  }

  /** Begins with a lane. */
  add(lane: Lane): void {
    this.#waiting.add({ lane, before: undefined, left: RECORD_LIMIT, refusals: 0, dueAt: 0 })
    this.#start()
  }

  /** The connection is gone, and with it every review. */
  disconnected(): void {
    this.#connection++
    this.#running = 0
    this.#waiting.clear()
  }

  /** Goes on with what the server has put off. Returns when the next is due (monotonic, `Infinity`: none). */
  sweep(): number {
    this.#start()
    let next = Number.POSITIVE_INFINITY
    for (const { dueAt } of this.#waiting) next = Math.min(next, dueAt)
    return next
  }

  #start(): void {
    if (this.#isStarting || this.#waiting.size === 0) return
    // Without a connection answers come at once: those must not start the next ones from within.
    this.#isStarting = true
    const now = this.#ports.monotonicMs()
    for (const review of this.#waiting) {
      if (this.#running >= RUN_LIMIT) break
      if (review.dueAt > now) continue
      this.#waiting.delete(review)
      this.#ask(review)
    }
    this.#isStarting = false
  }

  #ask(review: Review): void {
    const connection = this.#connection
    this.#running++
    this.#ports.fetch(review.lane, review.before, (frame, error) => {
      if (connection !== this.#connection) return
      this.#running--
      if (frame?.kind === 'page') this.#look(review, frame.body)
      else this.#refused(review, error)
      this.#start()
    })
  }

  #look(review: Review, page: PageBody): void {
    const { lane } = review
    this.#ports.settle(lane, page)
    const { after, records } = page
    const oldest = doubtsOf(lane)
    review.left -= Math.max(1, records.length)
    const isThrough = oldest === undefined || after <= oldest.sentAfter || records.length === 0 || review.left <= 0
    if (isThrough || (review.before !== undefined && after >= review.before - 1)) {
      this.#ports.trust(lane)
      return
    }
    review.before = after + 1
    review.refusals = 0
    this.#waiting.add(review)
  }

  #refused(review: Review, error: KefuError | undefined): void {
    if (error === undefined) {
      this.#ports.violated(new KefuError('KEFU_FRAME_INVALID', { reason: 'history without a page' }))
    } else if (error.code === 'KEFU_DISCONNECTED') {
      // The next connection reviews anew.
    } else if (error.retryable) {
      review.dueAt = this.#ports.monotonicMs() + backoffMs(review.refusals++, this.#ports.random)
      this.#waiting.add(review)
      this.#ports.sweepSoon()
    } else {
      // There is no such conversation, or it cannot be read: what the server knows of its latest ids has to do.
      this.#ports.trust(review.lane)
    }
  }
}

import { Histogram } from '../../core/histogram.js'
import type { Clock } from '../../core/ports.js'

/** Below so many messages on their way each one is timed, above it one of so many, which counts for all of them. */
const SAMPLED = 8

/**
 * What the engine has done since its start: numbers that only grow, and how long things took in microseconds. Whoever wants rates takes two readings.
 * A message costs some additions, and while many are on their way one of eight reads the clock.
 */
export class Meters {
  /** Messages on disk, by who wrote them; repetitions do not count. */
  readonly accepted = { visitor: 0, agent: 0, app: 0 }
  /** Records handed to sockets as they were written, and from the log to those who had missed them. */
  delivered = 0
  caughtUp = 0
  /** Frames refused because of a limit, and other `error` frames. */
  refused = 0
  errors = 0
  /** From a message's frame to its acknowledgement. */
  readonly append = new Histogram()
  /** From a record's commit to its frame. */
  readonly deliver = new Histogram()
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #messages = 0
  #deliveredBefore = 0

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** A message is taken: what to give `accept` for it. `onTheWay`: messages that are not on disk yet. */
  take(onTheWay: number): Taken {
    if (onTheWay < SAMPLED) return { atMs: this.#clock.monotonicMs(), times: 1 }
    return ++this.#messages % SAMPLED === 0 ? { atMs: this.#clock.monotonicMs(), times: SAMPLED } : UNTIMED
  }

  /** A message that was taken is acknowledged. */
  accept(role: keyof Meters['accepted'], { atMs, times }: Taken): void {
    this.accepted[role]++
    if (times > 0) this.append.record((this.#clock.monotonicMs() - atMs) * 1_000, times)
  }

  /** What a commit of this instant (monotonic) brought has been handed to sockets. */
  batchDelivered(committedAtMs: number): void {
    const count = this.delivered - this.#deliveredBefore
    this.#deliveredBefore = this.delivered
    if (count > 0) this.deliver.record((this.#clock.monotonicMs() - committedAtMs) * 1_000, count)
  }
}

/** When a message was taken, and how many it stands for. */
export type Taken = { readonly atMs: number; readonly times: number }

const UNTIMED: Taken = { atMs: 0, times: 0 }

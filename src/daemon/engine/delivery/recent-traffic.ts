import { type Buckets, bucketsBetween, type Distribution, distributionOf } from '../../core/histogram.js'
import type { Clock } from '../../core/ports.js'
import type { Meters } from './meters.js'

/** What went in and out lately. */
export type Traffic = {
  /** How long "lately" is. */
  readonly seconds: number
  readonly inPerSecond: number
  readonly outPerSecond: number
  /** From commits to frames, in microseconds. */
  readonly deliver: Distribution
}

type Mark = { readonly atMs: number; readonly accepted: number; readonly sent: number; readonly deliver: Buckets }

const EVERY_MS = 10_000

/** Remembers how the meters stood a while ago, for those who look once. */
export class RecentTraffic {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>
  readonly #meters: Meters
  #older: Mark
  #newer: Mark
  #cancel: (() => void) | undefined

  /** Begins to remember; until `close`. */
  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>, meters: Meters) {
    this.#clock = clock
    this.#meters = meters
    this.#newer = this.#older = this.#mark()
    this.#remember()
  }

  /** The last ten to twenty seconds; less after the start. */
  get latest(): Traffic {
    const [before, now] = [this.#older, this.#mark()]
    const seconds = (now.atMs - before.atMs) / 1_000
    const rate = (count: number): number => (seconds > 0 ? count / seconds : 0)
    return {
      seconds,
      inPerSecond: rate(now.accepted - before.accepted),
      outPerSecond: rate(now.sent - before.sent),
      deliver: distributionOf(bucketsBetween(before.deliver, now.deliver) ?? []),
    }
  }

  close(): void {
    this.#cancel?.()
  }

  #remember(): void {
    this.#cancel = this.#clock.after(EVERY_MS, () => {
      this.#older = this.#newer
      this.#newer = this.#mark()
      this.#remember()
    })
  }

  #mark(): Mark {
    const { accepted, delivered, caughtUp, deliver } = this.#meters
    return {
      atMs: this.#clock.monotonicMs(),
      accepted: accepted.visitor + accepted.agent + accepted.app,
      sent: delivered + caughtUp,
      deliver: deliver.buckets(),
    }
  }
}

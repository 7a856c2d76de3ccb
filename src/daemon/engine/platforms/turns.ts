import { KefuError } from '../../../errors.js'
import { Fifo } from '../../core/fifo.js'
import type { Clock } from '../../core/ports.js'

/** How long work is begun before sockets and disk are looked at again. */
const SLICE_MS = 2
/** What an owner may begin while others have work, too: one piece in so many ms, and what it has not begun of that in the last ones. */
const SHARE_MS = 1
const BURST_MS = 8
/** How long an owner counts as having work after it came with some. */
const ACTIVE_MS = 10_000
/** Those who may wait in a line: as many as are begun in half a second. */
const LINE_LIMIT = 512

type Lane = {
  /** Those who wait. */
  readonly line: Fifo<() => void>
  /** Until when its share is used up. */
  usedUntilMs: number
}

/**
 * Shares the event loop and the disk between owners of work. An owner alone begins whatever it comes with. While others have work, too, each begins so much a second
 * at most, and what is more waits in a line of its own; the lines are served in turn, a slice of time in each turn of the loop. So what an owner has
 * to do delays another by a part that does not grow with it.
 */
export class Turns<Owner extends object> {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>
  readonly #lanes = new WeakMap<Owner, Lane>()
  /** Those with a line, in the order in which they are served. */
  readonly #lines = new Map<Owner, Lane>()
  #isScheduled = false
  #cancelLater: (() => void) | undefined
  #sliceEndsMs = 0
  /** Who came last, and when the last one came who is another. */
  #latest: Owner | undefined
  #latestMs = Number.NEGATIVE_INFINITY
  #otherMs = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>) {
    this.#clock = clock
  }

  /** The outcome of `work`, which begins now or when it is its owner's turn. Throws `KEFU_LANE_CLOSED` when the owner's line is too long. */
  run<T>(owner: Owner, work: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonicMs()
    if (owner !== this.#latest) {
      this.#otherMs = this.#latestMs
      this.#latest = owner
    }
    this.#latestMs = nowMs
    let lane = this.#lanes.get(owner)
    if (lane === undefined) {
      lane = { line: new Fifo(), usedUntilMs: nowMs }
      this.#lanes.set(owner, lane)
    }
    if (lane.line.length === 0 && this.#waitsMs(owner, lane, nowMs) === 0 && this.#hasTime(nowMs))
      return this.#begin(lane, work)
    if (lane.line.length >= LINE_LIMIT)
      return Promise.reject(
        new KefuError('KEFU_LANE_CLOSED', { reason: 'too many callbacks at once', retryAfterMs: 1_000 }),
      )
    return this.#wait(owner, lane, work)
  }

  #wait<T>(owner: Owner, lane: Lane, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      lane.line.push(() => this.#begin(lane, work).then(resolve, reject))
      this.#lines.set(owner, lane)
      this.#schedule()
    })
  }

  #begin<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonicMs()
    // Alone it may have begun any number: that is not held against it.
    lane.usedUntilMs = Math.min(Math.max(lane.usedUntilMs, nowMs), nowMs + BURST_MS) + SHARE_MS
    return work()
  }

  /** How long it takes until an owner has a share of which something is left: 0 for one that may begin. */
  #waitsMs(owner: Owner, { usedUntilMs }: Lane, nowMs: number): number {
    const waitsMs = usedUntilMs - BURST_MS - nowMs
    if (waitsMs <= 0) return 0
    return nowMs - (owner === this.#latest ? this.#otherMs : this.#latestMs) >= ACTIVE_MS ? 0 : waitsMs
  }

  /** Whether there is time left in this turn of the loop. */
  #hasTime(nowMs: number): boolean {
    if (this.#isScheduled) return nowMs < this.#sliceEndsMs
    this.#schedule()
    return true
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#sliceEndsMs = this.#clock.monotonicMs() + SLICE_MS
    setImmediate(this.#onTurn)
  }

  readonly #onTurn = (): void => {
    this.#isScheduled = false
    this.#cancelLater?.()
    this.#cancelLater = undefined
    this.#sliceEndsMs = this.#clock.monotonicMs() + SLICE_MS
    let leastMs = Number.POSITIVE_INFINITY
    // Each owner that has a share left, one after the other.
    for (let hasServed = true; hasServed; ) {
      hasServed = false
      leastMs = Number.POSITIVE_INFINITY
      for (const [owner, lane] of [...this.#lines]) {
        const nowMs = this.#clock.monotonicMs()
        if (nowMs >= this.#sliceEndsMs) {
          this.#schedule()
          return
        }
        const waitsMs = this.#waitsMs(owner, lane, nowMs)
        leastMs = Math.min(leastMs, waitsMs)
        if (waitsMs > 0) continue
        hasServed = true
        // Behind all others, until it is its turn again.
        this.#lines.delete(owner)
        lane.line.shift()!()
        if (lane.line.length > 0) this.#lines.set(owner, lane)
      }
    }
    if (this.#lines.size > 0) this.#cancelLater = this.#clock.after(Math.max(1, leastMs), () => this.#schedule())
  }
}

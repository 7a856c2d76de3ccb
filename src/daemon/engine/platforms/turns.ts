import { KefuError } from '../../../errors.js'
import { Fifo } from '../../core/fifo.js'
import type { Clock } from '../../core/ports.js'

/** How long work is begun before sockets and disk are looked at again. */
const SLICE_MS = 2
/** What an owner may begin while others have work, too: one piece in so many ms, and what it has not begun of that in the last ones. */
const SHARE_MS = 1
const BURST_MS = 8
/** The same for one that comes with more than that, while somebody is there just now who does not. */
const YIELDING_SHARE_MS = 4
const JUST_NOW_MS = 20
/** How long an owner counts as having work after it came with some, and how often those who do not any more are looked for. */
const ACTIVE_MS = 10_000
const SWEEP_MS = 1_000
/** Those who may wait in a line: as many as are begun in two seconds at the least. */
const LINE_LIMIT = 512

type Lane = {
  /** Those who wait. */
  readonly line: Fifo<() => void>
  /** Until when its share is used up. */
  usedUntilMs: number
  /** When it came last. */
  cameMs: number
}

/**
 * Shares the event loop and the disk between owners of work. An owner alone begins whatever it comes with. While others have work, too, each begins so much a second
 * at most, and less at the moments when somebody comes who keeps to that; what is more waits in a line of its own. The lines are served in turn, a slice of
 * time in each turn of the loop. So what an owner has to do delays another by a part that does not grow with it.
 */
export class Turns<Owner extends object> {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>
  readonly #lanes = new WeakMap<Owner, Lane>()
  /** Those with a line, in the order in which they are served. */
  readonly #lines = new Map<Owner, Lane>()
  #isScheduled = false
  #cancelLater: (() => void) | undefined
  #sliceEndsMs = 0
  /** Those who have work, and perhaps some who had until a moment ago. */
  #active: Lane[] = []
  #sweptMs = Number.NEGATIVE_INFINITY
  /** One for all: whoever floods causes it as often as they like. */
  readonly #crowded = new KefuError('KEFU_LANE_CLOSED', { reason: 'too many callbacks at once', retryAfterMs: 1_000 })

  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>) {
    this.#clock = clock
  }

  /** The outcome of `work`, which begins now or when it is its owner's turn. Throws `KEFU_LANE_CLOSED` when the owner's line is too long. */
  run<T>(owner: Owner, work: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonicMs()
    const lane = this.#laneOf(owner, nowMs)
    if (lane.line.length === 0 && this.#waitsMs(lane, nowMs) === 0 && this.#hasTime(nowMs))
      return this.#begin(lane, work)
    if (lane.line.length >= LINE_LIMIT) return Promise.reject(this.#crowded)
    return this.#wait(owner, lane, work)
  }

  /** The lane of one who comes with work. */
  #laneOf(owner: Owner, nowMs: number): Lane {
    let lane = this.#lanes.get(owner)
    if (lane === undefined) {
      lane = { line: new Fifo(), usedUntilMs: nowMs, cameMs: nowMs }
      this.#lanes.set(owner, lane)
    }
    if (nowMs - this.#sweptMs >= SWEEP_MS) {
      this.#active = this.#active.filter(({ cameMs }) => nowMs - cameMs < ACTIVE_MS)
      this.#sweptMs = nowMs
    }
    if (!this.#active.includes(lane)) this.#active.push(lane)
    lane.cameMs = nowMs
    return lane
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
    const shareMs = this.#yields(lane, nowMs) ? YIELDING_SHARE_MS : SHARE_MS
    lane.usedUntilMs = Math.min(Math.max(lane.usedUntilMs, nowMs), nowMs + BURST_MS) + shareMs
    return work()
  }

  /** How long it takes until an owner has a share of which something is left: 0 for one that may begin. */
  #waitsMs(lane: Lane, nowMs: number): number {
    const waitsMs = lane.usedUntilMs - BURST_MS - nowMs
    if (waitsMs <= 0) return 0
    return this.#active.some(other => other !== lane && nowMs - other.cameMs < ACTIVE_MS) ? waitsMs : 0
  }

  /** Whether an owner that comes with more than its share gives way to one that does not. */
  #yields(lane: Lane, nowMs: number): boolean {
    return (
      lane.line.length > 0 && this.#active.some(other => other.line.length === 0 && nowMs - other.cameMs < JUST_NOW_MS)
    )
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
        const waitsMs = this.#waitsMs(lane, nowMs)
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

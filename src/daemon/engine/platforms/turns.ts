import { Fifo } from '../../core/fifo.js'
import type { Clock } from '../../core/ports.js'

/** How long work is begun before sockets and disk are looked at again. */
const SLICE_MS = 2
/** What an owner may have under way while others have work, too: so much, or more where work takes longer (a slow disk), for as much a second. */
const SHARE = 4
const SHARE_PER_MS = 1
/** How far one piece of work moves what pieces are taken to last. */
const SMOOTHING = 1 / 32
/** How long an owner counts as having work after it came with some. */
const ACTIVE_MS = 10_000

type Lane = {
  /** Those who wait. */
  readonly line: Fifo<() => void>
  underWay: number
}

/**
 * Shares the event loop and the disk between owners of work. An owner alone begins whatever it comes with. While others have work, too, each has so much under way
 * at most, and what is more waits in a line of its own; the lines are served in turn, a slice of time in each turn of the loop. So what an owner has
 * to do delays another by a part that does not grow with it. Lines are bounded by those who stand in them.
 */
export class Turns<Owner> {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  /** Owners with work under way or in line. */
  readonly #lanes = new Map<Owner, Lane>()
  /** Those with a line, in the order in which they are served. */
  readonly #lines = new Map<Owner, Lane>()
  #isScheduled = false
  #sliceEndsMs = 0
  /** Who came last, and when the last one came who is another. */
  #latest: Owner | undefined
  #latestMs = Number.NEGATIVE_INFINITY
  #otherMs = Number.NEGATIVE_INFINITY
  /** What work lasts, in the mean of late. */
  #lastsMs = 0

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** The outcome of `work`, which begins now or when it is its owner's turn, and is under way until its promise settles. */
  run<T>(owner: Owner, work: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonicMs()
    if (owner !== this.#latest) {
      this.#otherMs = this.#latestMs
      this.#latest = owner
    }
    this.#latestMs = nowMs
    let lane = this.#lanes.get(owner)
    if (lane === undefined) {
      lane = { line: new Fifo(), underWay: 0 }
      this.#lanes.set(owner, lane)
    }
    if (lane.line.length === 0 && this.#hasRoom(owner, lane, nowMs) && this.#hasTime(nowMs))
      return this.#begin(owner, lane, work)
    return this.#wait(owner, lane, work)
  }

  #wait<T>(owner: Owner, lane: Lane, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      lane.line.push(() => this.#begin(owner, lane, work).then(resolve, reject))
      this.#lines.set(owner, lane)
      this.#schedule()
    })
  }

  async #begin<T>(owner: Owner, lane: Lane, work: () => Promise<T>): Promise<T> {
    lane.underWay++
    const startedMs = this.#clock.monotonicMs()
    try {
      return await work()
    } finally {
      lane.underWay--
      this.#lastsMs += (this.#clock.monotonicMs() - startedMs - this.#lastsMs) * SMOOTHING
      if (lane.line.length > 0) this.#schedule()
      else if (lane.underWay === 0) this.#lanes.delete(owner)
    }
  }

  #hasRoom(owner: Owner, { underWay }: Lane, nowMs: number): boolean {
    if (underWay < Math.max(SHARE, this.#lastsMs * SHARE_PER_MS)) return true
    return nowMs - (owner === this.#latest ? this.#otherMs : this.#latestMs) >= ACTIVE_MS
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
    this.#sliceEndsMs = this.#clock.monotonicMs() + SLICE_MS
    // Each owner that has room, one after the other. When nobody has, whoever is through next asks for another turn.
    for (let hasServed = true; hasServed; ) {
      hasServed = false
      for (const [owner, lane] of [...this.#lines]) {
        const nowMs = this.#clock.monotonicMs()
        if (nowMs >= this.#sliceEndsMs) {
          this.#schedule()
          return
        }
        if (!this.#hasRoom(owner, lane, nowMs)) continue
        hasServed = true
        // Behind all others, until it is its turn again.
        this.#lines.delete(owner)
        lane.line.shift()!()
        if (lane.line.length > 0) this.#lines.set(owner, lane)
      }
    }
  }
}

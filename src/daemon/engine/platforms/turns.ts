import { Fifo } from '../../core/fifo.js'
import type { Clock } from '../../core/ports.js'

/** How long work is begun before sockets and disk are looked at again. */
const SLICE_MS = 2

/**
 * Shares the event loop between owners: while there is time, whoever comes begins at once; then each waits in a line of its own, and the lines are served in
 * turn. So what one owner has to do delays another by one piece of work, however long its line is. Lines are bounded by those who stand in them.
 */
export class Turns<Owner> {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  /** Those who wait, in the order in which they are served. */
  readonly #lines = new Map<Owner, Fifo<() => void>>()
  #isScheduled = false
  #untilMs = 0

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** Whether work may begin now; otherwise it has to `wait`. */
  isFree(): boolean {
    if (this.#lines.size > 0) return false
    if (this.#isScheduled) return this.#clock.monotonicMs() < this.#untilMs
    this.#schedule()
    return true
  }

  /** The outcome of `work`, which runs when it is the owner's turn. */
  wait<T>(owner: Owner, work: () => T | PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let line = this.#lines.get(owner)
      if (line === undefined) {
        line = new Fifo()
        this.#lines.set(owner, line)
      }
      line.push(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
      if (!this.#isScheduled) this.#schedule()
    })
  }

  #schedule(): void {
    this.#isScheduled = true
    this.#untilMs = this.#clock.monotonicMs() + SLICE_MS
    setImmediate(this.#onTurn)
  }

  readonly #onTurn = (): void => {
    this.#isScheduled = false
    if (this.#lines.size === 0) return
    this.#schedule()
    do {
      const [owner, line] = this.#lines.entries().next().value!
      // Behind all others, until it is its turn again.
      this.#lines.delete(owner)
      const work = line.shift()!
      if (line.length > 0) this.#lines.set(owner, line)
      work()
    } while (this.#lines.size > 0 && this.#clock.monotonicMs() < this.#untilMs)
  }
}

import { KefuError } from '../../errors.js'
import type { Clock } from '../core/ports.js'

/** How many may be at work at once, how many may wait, and for how long. */
export type GateLimits = { readonly atOnce: number; readonly waiting: number; readonly waitMs: number }

/** Lets a few in at once, the others in the order in which they came. */
export class Gate {
  readonly #clock: Pick<Clock, 'after'>
  readonly #limits: GateLimits
  readonly #line = new Set<() => void>()
  #inside = 0

  constructor(clock: Pick<Clock, 'after'>, limits: GateLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Runs work when it is its turn. Throws `KEFU_SEARCH_BUSY` when too many wait, or it waited for too long, and `KEFU_ABORTED`. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (signal.aborted) throw new KefuError('KEFU_ABORTED')
    if (this.#inside >= this.#limits.atOnce) await this.#wait(signal)
    else this.#inside++
    try {
      return await work()
    } finally {
      const next = this.#line.values().next().value
      if (next === undefined) this.#inside--
      else next()
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#line.size >= this.#limits.waiting) return Promise.reject(new KefuError('KEFU_SEARCH_BUSY'))
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#line.delete(enter)
        cancel()
        signal.removeEventListener('abort', abort)
      }
      const enter = (): void => {
        leave()
        resolve()
      }
      const abort = (): void => {
        leave()
        reject(new KefuError('KEFU_ABORTED'))
      }
      const cancel = this.#clock.after(this.#limits.waitMs, () => {
        leave()
        reject(new KefuError('KEFU_SEARCH_BUSY'))
      })
      signal.addEventListener('abort', abort, { once: true })
      this.#line.add(enter)
    })
  }
}

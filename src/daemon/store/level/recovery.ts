import { statfs } from 'node:fs/promises'
import { toKefuError } from '../../../errors.js'
import type { Clock } from '../../core/ports.js'
import type { StoreLimits, StoreLogger } from '../options.js'

/** Failures in a row after which the pauses grow, and how far. */
const PATIENCE = 3
const LONGEST_PAUSE = 30

type Ports = {
  readonly path: string
  readonly clock: Clock
  readonly limits: StoreLimits
  readonly logger: StoreLogger
  /** Replaces the handle and goes on. */
  readonly reopen: () => Promise<void>
}

/**
 * Tries, after a failed write, to get the store going again without a restart: every second (later less often), and for a full disk only when there is
 * room. Ends with the first success.
 */
export class Recovery {
  readonly #ports: Ports
  #failures = 0
  #cancel: (() => void) | undefined
  #attempt: Promise<void> | undefined
  #isClosed = false

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** Begins, unless it is under way. */
  start(isFull: boolean): void {
    if (this.#cancel !== undefined || this.#attempt !== undefined || this.#isClosed) return
    this.#failures = 0
    this.#plan(isFull)
  }

  /** Stops; resolves when an attempt under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel?.()
    await this.#attempt
  }

  #plan(isFull: boolean): void {
    const { clock, limits } = this.#ports
    const growth = Math.min(LONGEST_PAUSE, 2 ** Math.max(0, this.#failures - PATIENCE))
    this.#cancel = clock.after(limits.recoverMs * growth, () => {
      this.#cancel = undefined
      this.#attempt = this.#try(isFull).finally(() => {
        this.#attempt = undefined
      })
    })
  }

  async #try(isFull: boolean): Promise<void> {
    const { path, limits, logger, reopen } = this.#ports
    try {
      if (isFull) {
        const { bavail, bsize } = await statfs(path)
        if (bavail * bsize < limits.resumeFreeBytes) {
          if (!this.#isClosed) this.#plan(true)
          return
        }
      }
      if (this.#isClosed) return
      await reopen()
      logger.info({}, 'store.recovered')
    } catch (error) {
      this.#failures++
      const { code, message } = toKefuError(error)
      logger.warn({ code, message, attempt: this.#failures }, 'store.not_recovered')
      if (!this.#isClosed) this.#plan(isFull || code === 'KEFU_STORE_FULL')
    }
  }
}

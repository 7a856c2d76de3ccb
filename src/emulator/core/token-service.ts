import type { Clock } from './clock.js'

/** How long tokens live. */
export type TokenOptions = {
  readonly lifetimeMs: number
  /** How long the one before still works when a new one takes its place. */
  readonly overlapMs: number
  /** Asked for within this time before its end, a token is replaced. */
  readonly renewBeforeMs: number
  /** A new token: unlike every one before. */
  make(): string
}

/** A token, and for how long it works. */
export type IssuedToken = { readonly token: string; readonly remainingMs: number }

/** What a token is good for. */
export type TokenState = 'valid' | 'expired' | 'unknown'

const KNOWN_LIMIT = 1_000

/** Access tokens of one account: one is current, others may still work for a while. Times are of the monotonic clock. */
export class TokenService {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #options: TokenOptions
  /** When each one ends; -Infinity for one that was called back. */
  readonly #ends = new Map<string, number>()
  #current: string | undefined

  constructor(clock: Pick<Clock, 'monotonicMs'>, options: TokenOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** The current token; a new one, with overlap, when it is about to end. */
  current(): IssuedToken {
    const end = this.#current === undefined ? undefined : this.#ends.get(this.#current)
    const remainingMs = end === undefined ? 0 : end - this.#clock.monotonicMs()
    if (this.#current !== undefined && remainingMs > this.#options.renewBeforeMs)
      return { token: this.#current, remainingMs }
    return this.renew()
  }

  /** A new token. The one before works for the overlap (or `overlapMs`) more. */
  renew(overlapMs = this.#options.overlapMs): IssuedToken {
    const nowMs = this.#clock.monotonicMs()
    if (this.#current !== undefined) {
      const end = this.#ends.get(this.#current)!
      // One that has ended by itself stays one that has ended.
      const isCalledBack = overlapMs === 0 && end > nowMs
      this.#ends.set(this.#current, isCalledBack ? Number.NEGATIVE_INFINITY : Math.min(end, nowMs + overlapMs))
    }
    const token = this.#options.make()
    this.#current = token
    this.#ends.set(token, nowMs + this.#options.lifetimeMs)
    if (this.#ends.size > KNOWN_LIMIT) this.#ends.delete(this.#ends.keys().next().value!)
    return { token, remainingMs: this.#options.lifetimeMs }
  }

  /** What is to be said about a token: `unknown` was never given out, or called back. */
  stateOf(token: string): TokenState {
    const end = this.#ends.get(token)
    if (end === undefined || end === Number.NEGATIVE_INFINITY) return 'unknown'
    return end > this.#clock.monotonicMs() ? 'valid' : 'expired'
  }

  /** Ends every token: they are `expired`, or as if never given out. How many worked. */
  end(as: 'expired' | 'unknown'): number {
    const nowMs = this.#clock.monotonicMs()
    let count = 0
    for (const [token, end] of this.#ends) {
      if (end <= nowMs) continue
      count++
      this.#ends.set(token, as === 'expired' ? nowMs : Number.NEGATIVE_INFINITY)
    }
    return count
  }
}

import type { PullSignal } from '../../core/channel-adapter.js'

const LIFE_MS = 10 * 60_000
const ACCOUNTS_LIMIT = 5_000

/** The passes of signals: each is good for ten minutes, or until the platform refuses it. One per account is remembered, of a bounded number of accounts. */
export class Passes {
  readonly #clock: { monotonicMs(): number }
  readonly #seen = new Map<string, { readonly pass: string; readonly sinceMs: number; isRefused: boolean }>()

  constructor(clock: { monotonicMs(): number }) {
    this.#clock = clock
  }

  /** A signal has come. */
  note({ account, pass }: PullSignal): void {
    if (pass === undefined || this.#seen.get(account)?.pass === pass) return
    this.#seen.delete(account)
    this.#seen.set(account, { pass, sinceMs: this.#clock.monotonicMs(), isRefused: false })
    if (this.#seen.size > ACCOUNTS_LIMIT) this.#seen.delete(this.#seen.keys().next().value!)
  }

  /** The pass of a signal while it is good. */
  of(signal: PullSignal): string | undefined {
    this.note(signal)
    const seen = this.#seen.get(signal.account)
    if (seen === undefined || seen.pass !== signal.pass) return undefined
    return seen.isRefused || this.#clock.monotonicMs() - seen.sinceMs > LIFE_MS ? undefined : seen.pass
  }

  /** The platform does not take it (any more): the rest is fetched without it. */
  refuse({ account, pass }: PullSignal): void {
    const seen = this.#seen.get(account)
    if (seen !== undefined && seen.pass === pass) seen.isRefused = true
  }
}

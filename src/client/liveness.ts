/** What to do about a peer: nothing until `at`, ask it for a sign of life and look again at `at`, or give it up. */
export type Verdict = { readonly type: 'alive' | 'probe' | 'dead'; readonly at: number }

/** Watches one connection for silence. Pure: times are passed in, monotonic. */
export class Liveness {
  readonly #probeAfterMs: number
  readonly #probeTimeoutMs: number
  #heardAt = 0
  #isProbing = false

  constructor(probeAfterMs: number, probeTimeoutMs: number) {
    this.#probeAfterMs = probeAfterMs
    this.#probeTimeoutMs = probeTimeoutMs
  }

  /** The peer showed that it is there. */
  heard(now: number): void {
    this.#heardAt = now
  }

  /** How long it has been silent. */
  silentMs(now: number): number {
    return now - this.#heardAt
  }

  /** Judges the peer. To be called again at the time that is returned. */
  check(now: number): Verdict {
    if (now - this.#heardAt < this.#probeAfterMs) {
      this.#isProbing = false
      return { type: 'alive', at: this.#heardAt + this.#probeAfterMs }
    }
    if (this.#isProbing) return { type: 'dead', at: now }
    this.#isProbing = true
    return { type: 'probe', at: now + this.#probeTimeoutMs }
  }
}

const CONTACTS_LIMIT = 10_000

/**
 * The welcome codes of contacts who entered and have not written yet: each is the right to send one message within seconds. Only in memory: after a restart they
 * have run out anyway. The number of contacts is bounded; the oldest code gives way.
 */
export class WelcomeCodes {
  readonly #clock: { monotonicMs(): number }
  readonly #lifeMs: number
  readonly #codes = new Map<string, { readonly code: string; readonly endsAtMs: number }>()

  constructor(clock: { monotonicMs(): number }, lifeMs: number) {
    this.#clock = clock
    this.#lifeMs = lifeMs
  }

  /** Replaces the contact's code. */
  remember(contact: string, code: string): void {
    this.#codes.delete(contact)
    this.#codes.set(contact, { code, endsAtMs: this.#clock.monotonicMs() + this.#lifeMs })
    // The order of insertion is that of their ends.
    for (const [oldest, { endsAtMs }] of this.#codes) {
      if (endsAtMs > this.#clock.monotonicMs() && this.#codes.size <= CONTACTS_LIMIT) break
      this.#codes.delete(oldest)
    }
  }

  /** The contact's code, while it counts. */
  of(contact: string): string | undefined {
    const found = this.#codes.get(contact)
    return found !== undefined && found.endsAtMs > this.#clock.monotonicMs() ? found.code : undefined
  }

  /** It was used, or the contact has written: from here on the usual way is open. */
  forget(contact: string): void {
    this.#codes.delete(contact)
  }
}

/** A request to stop, from a signal or the control socket; the second one is heard, too. */
export class StopRequest {
  /** Resolves at the first request, with how to stop. */
  readonly requested: Promise<'drain' | 'now'>
  /** Resolves at the second request. */
  readonly again: Promise<'again'>
  #count = 0
  #signals: readonly NodeJS.Signals[] = []
  #resolve!: (mode: 'drain' | 'now') => void
  #resolveAgain!: (value: 'again') => void
  readonly #onSignal = (): void => this.request('drain')

  constructor() {
    this.requested = new Promise(resolve => {
      this.#resolve = resolve
    })
    this.again = new Promise(resolve => {
      this.#resolveAgain = resolve
    })
  }

  /** Asks to stop. Only the first request decides how. */
  request(mode: 'drain' | 'now'): void {
    this.#count++
    this.#resolve(mode)
    if (this.#count > 1) this.#resolveAgain('again')
  }

  /** Takes signals as requests to drain. */
  onSignals(signals: readonly NodeJS.Signals[]): void {
    this.#signals = signals
    for (const signal of signals) process.on(signal, this.#onSignal)
  }

  /** Leaves the signals alone again. */
  close(): void {
    for (const signal of this.#signals) process.off(signal, this.#onSignal)
  }
}

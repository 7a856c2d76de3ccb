/** Time, passed in, so that tests can move it. */
export type ClientClock = {
  /** Wall clock, epoch ms: for display. */
  now(): number
  /** Never goes back: for every duration. */
  monotonicMs(): number
  /** Calls once after the delay; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void
}

/** The platform's time. */
export const systemClock: ClientClock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

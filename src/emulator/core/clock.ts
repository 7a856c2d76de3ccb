/** Time for an emulator: tests stand still and move it by hand. */
export type Clock = {
  /** Epoch ms. */
  now(): number
  /** Ms since any instant; never goes back. */
  monotonicMs(): number
  /** Calls once after a delay; what is returned cancels it. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): () => void
}

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Resolves after a delay, or at once when it is aborted. */
export function pause(clock: Clock, delayMs: number, abort: AbortSignal): Promise<void> {
  if (delayMs <= 0 || abort.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const end = (): void => {
      cancel()
      abort.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(delayMs, end)
    abort.addEventListener('abort', end)
  })
}

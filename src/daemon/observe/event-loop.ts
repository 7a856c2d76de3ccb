import { Histogram } from '../core/histogram.js'

/** How late the event loop was, in microseconds, each time that it was looked at. */
export type EventLoopWatch = {
  readonly delay: Histogram
  /** Looks fifty times a second from now on. Does not keep the process alive. Call once. */
  start(): void
  stop(): void
}

const EVERY_MS = 20

/** A watch that has not been started. */
export function createEventLoopWatch(): EventLoopWatch {
  const delay = new Histogram()
  let timer: NodeJS.Timeout | undefined
  return {
    delay,
    start() {
      let lookedAt = performance.now()
      timer = setInterval(() => {
        const now = performance.now()
        delay.record((now - lookedAt - EVERY_MS) * 1_000)
        lookedAt = now
      }, EVERY_MS)
      timer.unref()
    },
    stop: () => clearInterval(timer),
  }
}

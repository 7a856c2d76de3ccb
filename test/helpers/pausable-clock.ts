import type { Clock } from '../../src/emulator/core/clock.js'

/** The machine's clocks, of which the monotonic one can stand still. */
export type PausableClock = Clock & {
  /** No time passes until what this returns is called. Not to be called again before. */
  pause(): () => void
}

/** A clock that goes on from where it stood: its timers are as late as it stood still. */
export function createPausableClock(): PausableClock {
  const held = new Set<() => void>()
  let pausedAtMs: number | undefined
  let lostMs = 0
  const monotonicMs = (): number => (pausedAtMs ?? performance.now()) - lostMs
  return {
    now: () => Date.now(),
    monotonicMs,
    after(delayMs, callback) {
      const dueMs = monotonicMs() + delayMs
      let timer: NodeJS.Timeout
      const look = (): void => {
        held.delete(look)
        const leftMs = dueMs - monotonicMs()
        if (pausedAtMs !== undefined) held.add(look)
        else if (leftMs > 0) timer = setTimeout(look, leftMs)
        else callback()
      }
      timer = setTimeout(look, delayMs)
      return () => {
        clearTimeout(timer)
        held.delete(look)
      }
    },
    pause() {
      pausedAtMs = performance.now()
      return () => {
        lostMs += performance.now() - pausedAtMs!
        pausedAtMs = undefined
        for (const look of [...held]) look()
      }
    },
  }
}

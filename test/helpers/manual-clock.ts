import type { Clock } from '../../src/daemon/core/ports.js'

/** A clock that stands still until it is told to move. */
export type ManualClock = Clock & {
  /** Moves both clocks forward and runs what became due, in order of its instant, each at its own instant. */
  advance(ms: number): void
  /** Moves the wall clock alone, in either direction: an operator or NTP set it. No timer runs. */
  setWall(epochMs: number): void
  /** Timers that wait. */
  readonly pending: number
}

type Timer = { readonly dueMs: number; readonly order: number; readonly callback: () => void }

/** A manual clock; the wall clock starts at the given instant, the monotonic one at 1,000. */
export function createManualClock(startMs = Date.UTC(2026, 0, 5, 8, 0, 0)): ManualClock {
  const timers = new Set<Timer>()
  let wallMs = startMs
  let monotonicMs = 1_000
  let order = 0

  function nextDue(limitMs: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of timers) {
      if (timer.dueMs > limitMs) continue
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order))
        next = timer
    }
    return next
  }

  function moveTo(instantMs: number): void {
    wallMs += instantMs - monotonicMs
    monotonicMs = instantMs
  }

  return {
    now: () => wallMs,
    monotonicMs: () => monotonicMs,
    after(delayMs, callback) {
      const timer: Timer = { dueMs: monotonicMs + Math.max(0, delayMs), order: order++, callback }
      timers.add(timer)
      return () => {
        timers.delete(timer)
      }
    },
    advance(ms) {
      const endMs = monotonicMs + ms
      for (let timer = nextDue(endMs); timer !== undefined; timer = nextDue(endMs)) {
        timers.delete(timer)
        moveTo(timer.dueMs)
        timer.callback()
      }
      moveTo(endMs)
    },
    setWall(epochMs) {
      wallMs = epochMs
    },
    get pending() {
      return timers.size
    },
  }
}

/** The machine's own time, for tests that measure or that run another process beside them. */
export function createSystemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs)
      timer.unref()
      return () => clearTimeout(timer)
    },
  }
}

import type { ClientClock } from '../../src/client/clock.js'

/** A clock that moves only when told. */
export type ManualClock = ClientClock & {
  /** Moves on, firing what comes due in order of its time. */
  advance(ms: number): void
  /** Timers that wait. */
  readonly timers: number
}

/** A clock that stands at an odd instant. */
export function createManualClock(): ManualClock {
  let monotonic = 1_000
  let lastId = 0
  const timers = new Map<number, { readonly dueAt: number; readonly callback: () => void }>()
  return {
    now: () => 1_760_000_000_000 + monotonic,
    monotonicMs: () => monotonic,
    after(delayMs, callback) {
      const id = ++lastId
      timers.set(id, { dueAt: monotonic + delayMs, callback })
      return () => timers.delete(id)
    },
    advance(ms) {
      const end = monotonic + ms
      for (;;) {
        let next: number | undefined
        for (const [id, { dueAt }] of timers) {
          if (dueAt <= end && (next === undefined || dueAt < timers.get(next)!.dueAt)) next = id
        }
        if (next === undefined) break
        const { dueAt, callback } = timers.get(next)!
        timers.delete(next)
        monotonic = Math.max(monotonic, dueAt)
        callback()
      }
      monotonic = end
    },
    get timers() {
      return timers.size
    },
  }
}

import type { Clock } from '../core/ports.js'

/** Tells the age of uploads by their stamps, so that a wall clock that is set makes none look older than it is. */
export type UploadClock = {
  /** The wall clock's time (epoch ms) for an upload that happens now. */
  stamp(): number
  /** The instant (epoch ms) before which no stamp of the last `ageMs` is, whatever was done to the wall clock meanwhile. */
  dueBefore(): number
}

/** By how much the wall clock was ahead of the monotonic one, at least, from an instant to that of the next reading. */
type Reading = { readonly fromMs: number; aheadMs: number }

const READINGS = 24

/**
 * The clock of uploads that are looked at when they are `ageMs` old. While the process lives, the monotonic clock measures; stamps of an earlier process are
 * compared with the wall clock as it is. After a clock was set forward, uploads may look younger than they are, for `ageMs` at most. Takes a fixed amount of memory.
 */
export function createUploadClock(clock: Pick<Clock, 'now' | 'monotonicMs'>, ageMs: number): UploadClock {
  const readings: Reading[] = []

  const read = (): number => {
    const nowMs = clock.now()
    const fromMs = clock.monotonicMs()
    const aheadMs = nowMs - fromMs
    const last = readings.at(-1)
    if (last !== undefined && fromMs - last.fromMs < ageMs / READINGS) last.aheadMs = Math.min(last.aheadMs, aheadMs)
    else readings.push({ fromMs, aheadMs })
    while (readings.length > 1 && readings[1]!.fromMs <= fromMs - ageMs) readings.shift()
    return nowMs
  }

  return {
    stamp: read,
    dueBefore() {
      read()
      const aheadMs = readings.reduce((least, reading) => Math.min(least, reading.aheadMs), Number.POSITIVE_INFINITY)
      return clock.monotonicMs() + aheadMs - ageMs
    },
  }
}

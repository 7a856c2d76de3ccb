/** When a message that a platform did not take is tried again. Pure. */

const FIRST_MS = 1_000
const LONGEST_MS = 5 * 60_000
const GIVE_UP_MS = 60 * 60_000

/**
 * How long to wait after so many attempts: 1, 2, 4 … seconds, at most five minutes; undefined when an hour has gone by so, and it is given up. Counted
 * attempts, not time: what waited behind a paused lane has not been tried.
 */
export function retryAfter(attempts: number): number | undefined {
  let total = 0
  let waitMs = FIRST_MS
  for (let attempt = 1; attempt < attempts; attempt++) {
    total += waitMs
    if (total >= GIVE_UP_MS) return undefined
    waitMs = Math.min(waitMs * 2, LONGEST_MS)
  }
  return waitMs
}

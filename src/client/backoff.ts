/** Ceiling of the first delay; it doubles with every further attempt. */
export const BACKOFF_FIRST_MS = 2_000
/** Ceiling that no delay passes. */
export const BACKOFF_MAX_MS = 30_000

/**
 * Delay before attempt number `attempt` (0 is the first), with full jitter: evenly spread from 0 to the ceiling, so that the clients of a server that
 * went away do not come back together. `random` gives numbers from 0 (inclusive) to 1 (exclusive).
 */
export function backoffMs(attempt: number, random: () => number): number {
  return random() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 16))
}

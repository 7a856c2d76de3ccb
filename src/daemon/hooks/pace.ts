const FIRST_MS = 1_000
const LONGEST_MS = 60_000

/** How long to wait after a number of failures in a row (1 is the first): 1 s, doubled each time up to a minute, of which at most half is left to chance. */
export function retryDelayMs(failures: number, random: () => number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16))
  return longest * (1 - random() / 2)
}

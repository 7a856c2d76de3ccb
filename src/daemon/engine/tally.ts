/** How many of something there are now, by key. A key without any takes no memory. */
export type Tally = {
  of(key: string): number
  add(key: string): void
  /** Once for each `add`. */
  remove(key: string): void
  /** All of them. */
  readonly total: number
}

/** A tally without anything. */
export function createTally(): Tally {
  const counts = new Map<string, number>()
  let total = 0
  return {
    of: key => counts.get(key) ?? 0,
    add(key) {
      counts.set(key, (counts.get(key) ?? 0) + 1)
      total++
    },
    remove(key) {
      const count = counts.get(key)
      if (count === undefined) return
      if (count === 1) counts.delete(key)
      else counts.set(key, count - 1)
      total--
    },
    get total() {
      return total
    },
  }
}

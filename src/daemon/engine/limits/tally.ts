/** Amounts that are held now, by key. A key that holds nothing takes no memory. */
export type Tally = {
  of(key: string): number
  add(key: string, amount?: number): void
  /** Once for each `add`, with the same amount. */
  remove(key: string, amount?: number): void
  /** Of all keys. */
  readonly total: number
}

/** A tally without anything. Amounts are whole numbers. */
export function createTally(): Tally {
  const held = new Map<string, number>()
  let total = 0
  return {
    of: key => held.get(key) ?? 0,
    add(key, amount = 1) {
      held.set(key, (held.get(key) ?? 0) + amount)
      total += amount
    },
    remove(key, amount = 1) {
      const left = (held.get(key) ?? 0) - amount
      if (left > 0) held.set(key, left)
      else held.delete(key)
      total -= amount
    },
    get total() {
      return total
    },
  }
}

/** The last entries of something that never ends, numbered from 1. Older ones are forgotten. */
export class Recent<T> {
  readonly #limit: number
  readonly #entries: T[] = []
  #total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Number of the newest entry. */
  get total(): number {
    return this.#total
  }

  /** Adds an entry, made with its number. */
  add(make: (n: number) => T): T {
    const entry = make(++this.#total)
    this.#entries.push(entry)
    if (this.#entries.length > this.#limit) this.#entries.shift()
    return entry
  }

  /** Entries after a number that are still known, oldest first. */
  after(n = 0): readonly T[] {
    const first = this.#total - this.#entries.length
    return this.#entries.slice(Math.max(0, n - first))
  }
}

/** A map of the keys that were used last; the one that was not used for longest goes first. */
export class RecentMap<V> {
  readonly #limit: number
  readonly #entries = new Map<string, V>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value!)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  /** The newest first. */
  newest(limit: number): readonly (readonly [string, V])[] {
    return [...this.#entries].slice(-limit).reverse()
  }
}

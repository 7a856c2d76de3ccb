/** A binary heap: the smallest item first. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #keyOf: (item: T) => number

  constructor(keyOf: (item: T) => number) {
    this.#keyOf = keyOf
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isLess(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  /** Takes the smallest item. */
  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length === 0 || last === undefined) return first
    items[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= items.length) return first
      const child = left + 1 < items.length && this.#isLess(left + 1, left) ? left + 1 : left
      if (!this.#isLess(child, at)) return first
      this.#swap(child, at)
      at = child
    }
  }

  #isLess(a: number, b: number): boolean {
    return this.#keyOf(this.#items[a]!) < this.#keyOf(this.#items[b]!)
  }

  #swap(a: number, b: number): void {
    const item = this.#items[a]!
    this.#items[a] = this.#items[b]!
    this.#items[b] = item
  }
}

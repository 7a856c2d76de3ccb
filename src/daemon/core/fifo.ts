/** A first-in-first-out list whose ends cost the same however long it is. */
export class Fifo<T> {
  /** What was taken leaves a hole: nothing is kept for the sake of its place. */
  #items: (T | undefined)[] = []
  #start = 0

  get length(): number {
    return this.#items.length - this.#start
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** The oldest item, which stays. */
  peek(): T | undefined {
    return this.#items[this.#start]
  }

  /** Takes the oldest item. */
  shift(): T | undefined {
    const item = this.#items[this.#start]
    if (this.#start === this.#items.length) return undefined
    this.#items[this.#start] = undefined
    this.#start++
    if (this.#start === this.#items.length) {
      this.#items = []
      this.#start = 0
    } else if (this.#start > 512 && this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start)
      this.#start = 0
    }
    return item
  }

  /** Takes all items. */
  drain(): T[] {
    const items = this.#items.slice(this.#start) as T[]
    this.#items = []
    this.#start = 0
    return items
  }
}

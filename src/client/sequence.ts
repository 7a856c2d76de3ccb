/** Anything that has a place in a conversation. */
export type Numbered = { readonly n: number }

/**
 * Puts the records of one conversation in order, whichever way and however often they arrive: `emit` gets every `n` after the start once, in order,
 * without a hole. What lies beyond a hole is kept until the hole is filled, up to a bound; past it the record is forgotten, and only its number is
 * remembered, so that it is fetched later. Pure.
 */
export class Sequence<Item extends Numbered> {
  readonly #aheadLimit: number
  #known: number
  #head: number
  // Most conversations never have anything ahead: the map is made when it is first needed.
  #ahead: Map<number, Item> | undefined

  /** `known` is the number after which records are wanted. */
  constructor(known: number, aheadLimit = 1_000) {
    this.#known = known
    this.#head = known
    this.#aheadLimit = aheadLimit
  }

  /** Everything up to this number has been emitted (or lies before the start). */
  get known(): number {
    return this.#known
  }

  /** The highest number that is known to exist. */
  get head(): number {
    return this.#head
  }

  /** How many numbers up to `head` are neither emitted nor at hand. 0: nothing is missing. */
  get missing(): number {
    return this.#head - this.#known - (this.#ahead?.size ?? 0)
  }

  /** Tells that records up to `head` exist. */
  expect(head: number): void {
    if (head > this.#head) this.#head = head
  }

  /** How many records wait beyond a hole. */
  get held(): number {
    return this.#ahead?.size ?? 0
  }

  /** Takes a record and emits what has become contiguous. A record that was here before changes nothing. Without `mayHold` none is kept beyond a hole. */
  accept(item: Item, emit: (item: Item) => void, mayHold = true): void {
    const { n } = item
    if (n <= this.#known) return
    if (n > this.#head) this.#head = n
    if (n > this.#known + 1) {
      if (mayHold) this.#keep(item)
      return
    }
    this.#known = n
    emit(item)
    this.#drain(emit)
  }

  #keep(item: Item): void {
    this.#ahead ??= new Map()
    if (this.#ahead.size < this.#aheadLimit && !this.#ahead.has(item.n)) this.#ahead.set(item.n, item)
  }

  #drain(emit: (item: Item) => void): void {
    if (this.#ahead === undefined) return
    for (;;) {
      const next = this.#ahead.get(this.#known + 1)
      if (next === undefined) break
      this.#ahead.delete(next.n)
      this.#known = next.n
      emit(next)
    }
    if (this.#ahead.size === 0) this.#ahead = undefined
  }
}

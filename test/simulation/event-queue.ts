type Event = { readonly atMs: number; readonly order: number; readonly run: () => unknown }

/** What is still to happen, by instant; at the same instant in the order in which it was put in. */
export class EventQueue {
  readonly #heap: Event[] = []
  #order = 0

  /** `atMs`: any clock, the same for all events. */
  push(atMs: number, run: () => unknown): void {
    const heap = this.#heap
    let at = heap.length
    heap.push({ atMs, order: this.#order++, run })
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(heap[at]!, heap[parent]!); parent = (at - 1) >> 1) {
      swap(heap, at, parent)
      at = parent
    }
  }

  /** The next event, which is taken out. */
  pop(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    heap[0] = last
    for (let at = 0; ; ) {
      const left = at * 2 + 1
      const child = left + 1 < heap.length && isBefore(heap[left + 1]!, heap[left]!) ? left + 1 : left
      if (child >= heap.length || !isBefore(heap[child]!, heap[at]!)) return first
      swap(heap, at, child)
      at = child
    }
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function swap(heap: Event[], a: number, b: number): void {
  const event = heap[a]!
  heap[a] = heap[b]!
  heap[b] = event
}

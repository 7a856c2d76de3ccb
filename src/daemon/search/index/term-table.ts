/** Which groups have which terms, while they are collected. Groups must come in ascending order. */
export class TermTable {
  #slots = new Int32Array(1 << 14).fill(-1)
  #terms = new Float64Array(1 << 13)
  /** The newest entry of each term. */
  #last = new Int32Array(1 << 13)
  #termCount = 0
  #groups = new Int32Array(1 << 15)
  /** The entry of the same term before; -1 at its first. */
  #before = new Int32Array(1 << 15)
  #entryCount = 0

  /** Notes that a group has a term; again does nothing. */
  put(term: number, group: number): void {
    const slot = this.#find(term)
    const id = this.#slots[slot]!
    if (id < 0) {
      this.#addTerm(term, slot)
      this.#last[this.#termCount - 1] = this.#addEntry(group, -1)
      return
    }
    const last = this.#last[id]!
    if (this.#groups[last] !== group) this.#last[id] = this.#addEntry(group, last)
  }

  /** The terms, ascending. */
  sorted(): Float64Array {
    return this.#terms.slice(0, this.#termCount).sort()
  }

  /** The groups of a term, ascending, at the end of `room`; empty for a term that no group has. */
  groupsOf(term: number, room: Int32Array): Int32Array {
    const id = this.#slots[this.#find(term)]!
    let at = room.length
    for (let entry = id < 0 ? -1 : this.#last[id]!; entry >= 0; entry = this.#before[entry]!)
      room[--at] = this.#groups[entry]!
    return room.subarray(at)
  }

  has(term: number): boolean {
    return this.#slots[this.#find(term)]! >= 0
  }

  #find(term: number): number {
    const mask = this.#slots.length - 1
    const low = (term % 0x1_0000_0000) | 0
    const high = (term / 0x1_0000_0000) | 0
    let value = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
    value ^= value >>> 15
    for (let slot = value & mask; ; slot = (slot + 1) & mask) {
      const id = this.#slots[slot]!
      if (id < 0 || this.#terms[id] === term) return slot
    }
  }

  #addTerm(term: number, slot: number): void {
    if (this.#termCount === this.#terms.length) {
      this.#terms = grown(this.#terms, new Float64Array(this.#terms.length * 2))
      this.#last = grown(this.#last, new Int32Array(this.#last.length * 2))
    }
    this.#terms[this.#termCount] = term
    this.#slots[slot] = this.#termCount++
    if (this.#termCount * 2 <= this.#slots.length) return
    this.#slots = new Int32Array(this.#slots.length * 2).fill(-1)
    for (let id = 0; id < this.#termCount; id++) this.#slots[this.#find(this.#terms[id]!)] = id
  }

  #addEntry(group: number, before: number): number {
    if (this.#entryCount === this.#groups.length) {
      this.#groups = grown(this.#groups, new Int32Array(this.#groups.length * 2))
      this.#before = grown(this.#before, new Int32Array(this.#before.length * 2))
    }
    this.#groups[this.#entryCount] = group
    this.#before[this.#entryCount] = before
    return this.#entryCount++
  }
}

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/**
 * The last 64 client ids of one side of a conversation, as 32-bit hashes with the record's `n`: small enough to ride in the head.
 * A hit is a suspicion; the caller compares the id in record `n` before it calls a message a duplicate.
 */
export class RecentIds {
  static readonly capacity = 64

  #hashes: number[] = []
  #ns: number[] = []

  /** Remembers an id; the oldest goes when there are 64. */
  add(id: string, n: number): void {
    if (this.#hashes.length === RecentIds.capacity) {
      this.#hashes.shift()
      this.#ns.shift()
    }
    this.#hashes.push(hash(id))
    this.#ns.push(n)
  }

  /** Numbers of records that may carry this id, newest first. */
  candidates(id: string): number[] {
    const wanted = hash(id)
    const found: number[] = []
    for (let i = this.#hashes.length - 1; i >= 0; i--) if (this.#hashes[i] === wanted) found.push(this.#ns[i]!)
    return found
  }

  /** Plain data: hash, n, hash, n … from oldest to newest. */
  toArray(): number[] {
    const flat: number[] = []
    for (let i = 0; i < this.#hashes.length; i++) flat.push(this.#hashes[i]!, this.#ns[i]!)
    return flat
  }

  /** The ring of `toArray`. */
  static from(flat: readonly number[]): RecentIds {
    const ids = new RecentIds()
    for (let i = 0; i + 1 < flat.length; i += 2) {
      ids.#hashes.push(flat[i]!)
      ids.#ns.push(flat[i + 1]!)
    }
    return ids
  }
}

/** FNV-1a, 32 bits, over UTF-16 code units. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}

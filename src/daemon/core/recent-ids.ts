/** Bytes of one id in `toBytes`: hash and `n`, 32 bits each. */
const ENTRY_BYTES = 8

/**
 * The last 64 client ids of one side of a conversation, as 32-bit hashes with the record's `n`: small enough to ride in the head.
 * A hit is a suspicion; the caller compares the id in record `n` before it calls a message a duplicate.
 */
export class RecentIds {
  static readonly capacity = 64

  /** A ring: hash, n, hash, n … Grows up to its capacity. */
  #ring = new Uint32Array(8)
  #start = 0
  #count = 0

  /** Remembers an id; the oldest goes when there are 64. */
  add(id: string, n: number): void {
    this.addHash(idHash(id), n)
  }

  /** As `add`, of an id of which only its hash is left. */
  addHash(hash: number, n: number): void {
    const size = this.#ring.length >> 1
    if (this.#count === size && size < RecentIds.capacity) this.#grow()
    const slots = this.#ring.length >> 1
    const at = (this.#start + this.#count) % slots
    if (this.#count === slots) this.#start = (this.#start + 1) % slots
    else this.#count++
    this.#ring[2 * at] = hash
    this.#ring[2 * at + 1] = n
  }

  /** Numbers of records that may carry this id, in no particular order. */
  candidates(id: string): readonly number[] {
    const wanted = idHash(id)
    const ring = this.#ring
    const end = 2 * this.#count
    let found: number[] | undefined
    // Slots fill from the first one on, and a ring that has begun to turn is full.
    for (let at = 0; at < end; at += 2) {
      if (ring[at] !== wanted) continue
      found ??= []
      found.push(ring[at + 1]!)
    }
    return found ?? NONE
  }

  /** From oldest to newest: hash and `n`, 32 bits little-endian each. */
  toBytes(): Uint8Array {
    const slots = this.#ring.length >> 1
    if (IS_LITTLE_ENDIAN) {
      const ring = new Uint8Array(this.#ring.buffer)
      const untilEnd = Math.min(this.#count, slots - this.#start)
      const bytes = new Uint8Array(this.#count * ENTRY_BYTES)
      bytes.set(ring.subarray(this.#start * ENTRY_BYTES, (this.#start + untilEnd) * ENTRY_BYTES), 0)
      bytes.set(ring.subarray(0, (this.#count - untilEnd) * ENTRY_BYTES), untilEnd * ENTRY_BYTES)
      return bytes
    }
    const bytes = new Uint8Array(this.#count * ENTRY_BYTES)
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < this.#count; i++) {
      const at = 2 * ((this.#start + i) % slots)
      view.setUint32(i * ENTRY_BYTES, this.#ring[at]!, true)
      view.setUint32(i * ENTRY_BYTES + 4, this.#ring[at + 1]!, true)
    }
    return bytes
  }

  /** The ids of `toBytes`; of more than 64 the newest. */
  static from(bytes: Uint8Array): RecentIds {
    const ids = new RecentIds()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const total = Math.floor(bytes.length / ENTRY_BYTES)
    const count = Math.min(total, RecentIds.capacity)
    while (ids.#ring.length >> 1 < count) ids.#ring = new Uint32Array(ids.#ring.length * 2)
    for (let i = 0; i < count; i++) {
      const from = (total - count + i) * ENTRY_BYTES
      ids.#ring[2 * i] = view.getUint32(from, true)
      ids.#ring[2 * i + 1] = view.getUint32(from + 4, true)
    }
    ids.#count = count
    return ids
  }

  /** The ring is full and starts anywhere: unrolls it into one of twice the size. */
  #grow(): void {
    const slots = this.#ring.length >> 1
    const ring = new Uint32Array(this.#ring.length * 2)
    for (let i = 0; i < this.#count; i++) {
      const at = 2 * ((this.#start + i) % slots)
      ring[2 * i] = this.#ring[at]!
      ring[2 * i + 1] = this.#ring[at + 1]!
    }
    this.#ring = ring
    this.#start = 0
  }
}

const NONE: readonly number[] = []

const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/** What is kept of an id: FNV-1a, 32 bits, over UTF-16 code units. */
export function idHash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}

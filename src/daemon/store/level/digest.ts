/**
 * A digest of a set of keys and values: its size and two sums of hashes. Every commit stores the digests of what it changed, so that an entry that
 * vanished from a table without a trace is noticed when the set is read as a whole.
 */
export class Digest {
  count = 0
  #a = 0
  #b = 0

  /** Takes one member in. `salt` stands for what key and value do not say. */
  add(key: Uint8Array, value?: Uint8Array, salt = 0): void {
    this.#change(1, key, value, salt)
  }

  /** Takes one member out; the same arguments as when it came in. */
  subtract(key: Uint8Array, value?: Uint8Array, salt = 0): void {
    this.#change(-1, key, value, salt)
  }

  /** Plain data. */
  toArray(): number[] {
    return [this.count, this.#a, this.#b]
  }

  /** The digest of `toArray`. */
  static from(values: readonly number[]): Digest {
    const digest = new Digest()
    digest.count = values[0] ?? 0
    digest.#a = values[1] ?? 0
    digest.#b = values[2] ?? 0
    return digest
  }

  equals(other: Digest): boolean {
    return this.count === other.count && this.#a === other.#a && this.#b === other.#b
  }

  // The hashes are not linear, unlike a CRC: several lost members must not cancel each other out.
  #change(sign: 1 | -1, key: Uint8Array, value: Uint8Array | undefined, salt: number): void {
    let a = salt ^ 0x2c1b3c6d
    let b = salt ^ 0x297a2d39
    for (let i = 0; i < key.length; i++) {
      a = Math.imul(a ^ key[i]!, 0x5bd1e995) ^ (a >>> 13)
      b = Math.imul(b ^ key[i]!, 0x01000193) ^ (b >>> 11)
    }
    if (value !== undefined) {
      for (let i = 0; i < value.length; i++) {
        a = Math.imul(a ^ value[i]!, 0x5bd1e995) ^ (a >>> 13)
        b = Math.imul(b ^ value[i]!, 0x01000193) ^ (b >>> 11)
      }
    }
    this.count += sign
    this.#a = (this.#a + sign * mix(a)) >>> 0
    this.#b = (this.#b + sign * mix(b)) >>> 0
  }
}

function mix(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return (h ^ (h >>> 16)) >>> 0
}

/** A set of groups of documents of a segment: a bit each. */
export class GroupSet {
  readonly words: Uint32Array

  constructor(groups: number) {
    this.words = new Uint32Array((groups + 31) >>> 5)
  }

  add(group: number): void {
    this.words[group >>> 5]! |= 1 << (group & 31)
  }

  /** Keeps what is in both; how many groups that are. */
  intersect(other: GroupSet): number {
    let count = 0
    for (let at = 0; at < this.words.length; at++) {
      const word = this.words[at]! & other.words[at]!
      this.words[at] = word
      if (word !== 0) count += bits(word)
    }
    return count
  }

  unite(other: GroupSet): void {
    for (let at = 0; at < this.words.length; at++) this.words[at]! |= other.words[at]!
  }
}

/** How many bits are set. */
function bits(word: number): number {
  let value = word - ((word >>> 1) & 0x5555_5555)
  value = (value & 0x3333_3333) + ((value >>> 2) & 0x3333_3333)
  return Math.imul((value + (value >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}

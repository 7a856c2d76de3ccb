import { type ByteReader, ByteWriter } from './bytes.js'
import type { GroupSet } from './groups.js'

/**
 * The groups that a term leads to, as they are stored: one group by itself, gaps between neighbours (Rice's code), or a bit for each group of the segment,
 * whichever is shortest. `head` is a number that says which, and holds the one group or how many bytes follow elsewhere.
 */

const ONE = 0
const GAPS = 1
const BITS = 2
const FORMS = 3

/** How many bytes belong to the postings with this head, beside the head. */
export function postingsBytes(head: number): number {
  return head % FORMS === ONE ? 0 : Math.floor(head / FORMS)
}

/** Writes `count` ascending groups; returns the head. */
export function writePostings(groups: Int32Array, count: number, out: ByteWriter): number {
  if (count === 1) return groups[0]! * FORMS + ONE
  const range = groups[count - 1]! + 1
  const bitsBytes = (range + 7) >>> 3
  const low = lowBits(range / count)
  const gapsBytes = 1 + ((gapBits(groups, count, low) + 7) >>> 3)
  if (bitsBytes <= gapsBytes) writeBits(groups, count, bitsBytes, out)
  else writeGaps(groups, count, low, out)
  return Math.min(bitsBytes, gapsBytes) * FORMS + (bitsBytes <= gapsBytes ? BITS : GAPS)
}

function writeBits(groups: Int32Array, count: number, length: number, out: ByteWriter): void {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < count; at++) bytes[groups[at]! >>> 3]! |= 1 << (groups[at]! & 7)
  out.put(bytes)
}

/** How many bits of a gap are written as they are, when gaps are `mean` wide on average: the rest is written as that many zeros and a one. */
function lowBits(mean: number): number {
  return mean < 2 ? 0 : Math.min(24, Math.floor(Math.log2(mean * Math.LN2)))
}

function gapBits(groups: Int32Array, count: number, low: number): number {
  let [bits, before] = [count * (low + 1), -1]
  for (let at = 0; at < count; at++) {
    bits += (groups[at]! - before - 1) >>> low
    before = groups[at]!
  }
  return bits
}

function writeGaps(groups: Int32Array, count: number, low: number, out: ByteWriter): void {
  out.byte(low)
  let [pending, bits, before] = [0, 0, -1]
  for (let at = 0; at < count; at++) {
    const gap = groups[at]! - before - 1
    before = groups[at]!
    for (bits += gap >>> low; bits >= 8; bits -= 8) {
      out.byte(pending)
      pending = 0
    }
    // At most 7 bits wait, one more comes, and then at most 24.
    pending |= 1 << bits
    bits++
    pending |= (gap & ((1 << low) - 1)) << bits
    for (bits += low; bits >= 8; bits -= 8) {
      out.byte(pending & 0xff)
      pending >>>= 8
    }
  }
  if (bits > 0) out.byte(pending)
}

/** Adds groups to a set. Throws a RangeError for a group that the set has no place for. */
export function addPostings(head: number, bytes: Uint8Array, to: GroupSet): void {
  const { words } = to
  const form = head % FORMS
  if (form === BITS) {
    if (bytes.length > words.length * 4) throw new RangeError('too many groups')
    for (let at = 0; at < bytes.length; at++) words[at >>> 2]! |= bytes[at]! << ((at & 3) << 3)
    return
  }
  const last = eachGroup(head, bytes, 0, group => to.add(group))
  if (last >= words.length * 32) throw new RangeError('too many groups')
}

/** Appends groups, each `shift` higher, to ascending ones; returns how many there are then. `into` must have room for all groups of the segment. */
export function readPostings(head: number, bytes: Uint8Array, shift: number, into: Int32Array, count: number): number {
  let size = count
  if (head % FORMS === BITS) {
    for (let at = 0; at < bytes.length; at++)
      for (let byte = bytes[at]!; byte !== 0; byte &= byte - 1)
        into[size++] = shift + at * 8 + 31 - Math.clz32(byte & -byte)
  } else
    eachGroup(head, bytes, shift, group => {
      into[size++] = group
    })
  if (size > into.length) throw new RangeError('too many groups')
  return size
}

/** The last group. */
function eachGroup(head: number, bytes: Uint8Array, shift: number, use: (group: number) => void): number {
  if (head % FORMS === ONE) {
    use(shift + Math.floor(head / FORMS))
    return Math.floor(head / FORMS)
  }
  const low = bytes[0]!
  const mask = (1 << low) - 1
  let [group, at, pending, bits] = [-1, 1, 0, 0]
  for (;;) {
    let high = 0
    while (pending === 0) {
      // No one comes any more: what is left fills the last byte.
      if (at >= bytes.length) return group
      high += bits
      pending = bytes[at++]!
      bits = 8
    }
    const zeros = 31 - Math.clz32(pending & -pending)
    pending >>>= zeros + 1
    bits -= zeros + 1
    for (; bits < low; bits += 8) pending |= bytes[at++]! << bits
    group += ((high + zeros) << low) + (pending & mask) + 1
    pending >>>= low
    bits -= low
    use(shift + group)
  }
}

/** One term with its groups, on its way from a reader to a writer. */
export type Postings = { readonly term: number; readonly head: number; readonly bytes: Uint8Array }

/** Puts terms with their postings together in a block that is read as a whole. */
export class PostingsBlock {
  readonly #terms = new ByteWriter(2048)
  readonly #heads = new ByteWriter(2048)
  readonly #postings = new ByteWriter(1 << 16)
  #count = 0
  #first = 0
  #last = 0

  get count(): number {
    return this.#count
  }

  /** The first term. */
  get first(): number {
    return this.#first
  }

  /** Whether the next term belongs to another block. */
  get isFull(): boolean {
    return this.#count === BLOCK_TERMS || this.#postings.length >= BLOCK_POSTINGS_BYTES
  }

  /** Terms must ascend. */
  add(term: number, groups: Int32Array, count: number): void {
    this.#addTerm(term)
    this.#heads.varint(writePostings(groups, count, this.#postings))
  }

  #addTerm(term: number): void {
    if (this.#count === 0) this.#first = term
    else this.#terms.varint(term - this.#last - 1)
    this.#last = term
    this.#count++
  }

  /** Appends the block and begins the next one. */
  writeTo(out: ByteWriter): void {
    out.byte(this.#count)
    out.put(this.#terms.view())
    out.put(this.#heads.view())
    out.put(this.#postings.view())
    for (const part of [this.#terms, this.#heads, this.#postings]) part.clear()
    this.#count = 0
  }
}

/** Few enough that finding one among them costs little beside reading the block. */
const BLOCK_TERMS = 64
const BLOCK_POSTINGS_BYTES = 4096

/** What a block that begins with `first` says of a term. Throws a RangeError for a block that cannot be. */
export function findInBlock(block: ByteReader, first: number, term: number): Postings | undefined {
  const count = block.byte()
  let place = first === term ? 0 : -1
  for (let at = 1, current = first; at < count; at++) {
    current += block.varint() + 1
    if (current === term) place = at
  }
  if (place < 0) return undefined
  let [before, head] = [0, 0]
  for (let at = 0; at < count; at++) {
    const value = block.varint()
    if (at < place) before += postingsBytes(value)
    else if (at === place) head = value
  }
  block.take(before)
  return { term, head, bytes: block.take(postingsBytes(head)) }
}

/** All of a block that begins with `first`. Throws a RangeError for a block that cannot be. */
export function* blockPostings(block: ByteReader, first: number): Generator<Postings, void, undefined> {
  const count = block.byte()
  const terms = [first]
  while (terms.length < count) terms.push(terms[terms.length - 1]! + block.varint() + 1)
  const heads = terms.map(() => block.varint())
  for (let at = 0; at < count; at++) {
    const head = heads[at]!
    yield { term: terms[at]!, head, bytes: block.take(postingsBytes(head)) }
  }
}

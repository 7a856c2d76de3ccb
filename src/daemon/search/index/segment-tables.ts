import type { ByteReader, ByteWriter } from './bytes.js'
import { unzigzag, zigzag } from './columns.js'
import { REMOVED } from './shape.js'
import type { Block } from './text-block.js'

/** What is known of a block without reading it: enough to pass over blocks in which nothing can be found. */
export type BlockFacts = {
  readonly firstSeq: number
  readonly leastAt: number
  readonly mostAt: number
  /** Bits of all its records. */
  readonly kinds: number
  /** A bit for each place in `SEARCH_DIRECTIONS`. */
  readonly directions: number
}

/** A block in the file. */
export type StoredBlock = BlockFacts & { readonly offset: number; readonly length: number }

/** Neighbouring blocks with their lists of conversations and agents. */
export type Chunk = {
  readonly firstBlock: number
  readonly conversationsOffset: number
  readonly conversations: number
  readonly agentsOffset: number
  readonly agentsLength: number
}

/** Terms from `first` on. */
export type StoredTerms = { readonly first: number; readonly offset: number; readonly length: number }

/** Where everything in a segment is; held in memory, so in columns. */
export type Tables = {
  readonly docs: number
  /** Of all texts in UTF-8. */
  readonly textBytes: number
  readonly lastSeq: number
  readonly blocks: Columns<StoredBlock>
  readonly chunks: readonly Chunk[]
  readonly terms: Columns<StoredTerms>
}

type Columns<T> = { readonly [K in keyof T]: Float64Array } & { readonly size: number }

/** What is known of the first `count` records of a block. */
export function factsOf(block: Block, count: number): BlockFacts {
  let [leastAt, mostAt, kinds, directions] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0]
  for (let at = 0; at < count; at++) {
    if (block.directions[at] === REMOVED) continue
    leastAt = Math.min(leastAt, block.ats[at]!)
    mostAt = Math.max(mostAt, block.ats[at]!)
    kinds |= block.kinds[at]!
    directions |= 1 << block.directions[at]!
  }
  const isEmpty = directions === 0
  return { firstSeq: block.seqs[0]!, leastAt: isEmpty ? 0 : leastAt, mostAt: isEmpty ? 0 : mostAt, kinds, directions }
}

/** Appends tables, for `readTables`. */
export function writeTables(
  tables: Omit<Tables, 'blocks' | 'terms'> & {
    readonly blocks: readonly StoredBlock[]
    readonly terms: readonly StoredTerms[]
  },
  out: ByteWriter,
): void {
  const { docs, textBytes, lastSeq, blocks, chunks, terms } = tables
  for (const value of [docs, textBytes, lastSeq, blocks.length, chunks.length, terms.length]) out.varint(value)
  let [end, seq, at] = [0, 0, 0]
  for (const { offset, length, firstSeq, leastAt, mostAt, kinds, directions } of blocks) {
    out.varint(offset - end)
    out.varint(length)
    out.varint(firstSeq - seq)
    out.varint(zigzag(leastAt - at))
    out.varint(mostAt - leastAt)
    out.varint(kinds)
    out.byte(directions)
    end = offset + length
    seq = firstSeq
    at = leastAt
  }
  for (const { firstBlock, conversationsOffset, conversations, agentsOffset, agentsLength } of chunks)
    for (const value of [firstBlock, conversationsOffset, conversations, agentsOffset, agentsLength]) out.varint(value)
  let before = 0
  for (const { first, offset, length } of terms) {
    out.varint(first - before)
    out.varint(offset)
    out.varint(length)
    before = first
  }
}

/** What `writeTables` wrote. Throws a RangeError for bytes that cannot be tables. */
export function readTables(bytes: ByteReader): Tables {
  const [docs, textBytes, lastSeq] = [bytes.varint(), bytes.varint(), bytes.varint()]
  const sizes = [bytes.varint(), bytes.varint(), bytes.varint()] as const
  if (sizes.some(size => size > bytes.bytes.length)) throw new RangeError('tables are too large')
  const blocks = columns(sizes[0], ['offset', 'length', 'firstSeq', 'leastAt', 'mostAt', 'kinds', 'directions'])
  let [end, seq, at] = [0, 0, 0]
  for (let block = 0; block < blocks.size; block++) {
    blocks.offset[block] = end + bytes.varint()
    blocks.length[block] = bytes.varint()
    blocks.firstSeq[block] = seq += bytes.varint()
    blocks.leastAt[block] = at += unzigzag(bytes.varint())
    blocks.mostAt[block] = at + bytes.varint()
    blocks.kinds[block] = bytes.varint()
    blocks.directions[block] = bytes.byte()
    end = blocks.offset[block]! + blocks.length[block]!
  }
  const chunks = Array.from({ length: sizes[1] }, () => ({
    firstBlock: bytes.varint(),
    conversationsOffset: bytes.varint(),
    conversations: bytes.varint(),
    agentsOffset: bytes.varint(),
    agentsLength: bytes.varint(),
  }))
  const terms = columns(sizes[2], ['first', 'offset', 'length'])
  for (let index = 0, first = 0; index < terms.size; index++) {
    terms.first[index] = first += bytes.varint()
    terms.offset[index] = bytes.varint()
    terms.length[index] = bytes.varint()
  }
  return { docs, textBytes, lastSeq, blocks, chunks, terms }
}

function columns<K extends string>(
  size: number,
  names: readonly K[],
): { readonly [N in K]: Float64Array } & { readonly size: number } {
  const made = Object.fromEntries(names.map(name => [name, new Float64Array(size)])) as { [N in K]: Float64Array }
  return { ...made, size }
}

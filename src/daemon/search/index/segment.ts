import { unlinkSync } from 'node:fs'
import { basename } from 'node:path'
import type { ConversationId } from '../../../codec/conversation-id.js'
import { openPart } from './checksum.js'
import { damaged, undamaged } from './damage.js'
import { FileReader } from './files.js'
import { GroupSet } from './groups.js'
import type { Plan } from './plan.js'
import { addPostings, blockPostings, findInBlock, type Postings } from './postings.js'
import {
  conversationOn,
  conversationPage,
  conversationsBytes,
  decodeAgents,
  FOOTER_BYTES,
  readFooter,
} from './segment-file.js'
import { type BlockFacts, type Chunk, readTables, type Tables } from './segment-tables.js'
import { BLOCK_GROUPS, SEPARATOR } from './shape.js'
import { type Candidates, candidatesIn, EVERYWHERE, type OpenBlock, type Source } from './source.js'
import { decodeFields, decodeTexts } from './text-block.js'

/** Pages and lists of names that are kept, each. */
const KEPT = 16
/** So few groups are looked into instead of looking up more terms. */
const FEW_GROUPS = 4
/** Terms that are looked up before the rarest of them are intersected. */
const LOOKUPS = 4

/** A segment's file, open for reading. Every method that reads throws `KEFU_SEARCH_DAMAGED` for bytes that are not those that were written. */
export class Segment implements Source {
  readonly tables: Tables
  readonly #file: FileReader
  readonly #pages = new Map<number, Buffer>()
  readonly #agents = new Map<number, readonly string[]>()
  #holders = 1

  private constructor(file: FileReader, tables: Tables) {
    this.#file = file
    this.tables = tables
  }

  /** Opens a file that has `bytes`. */
  static open(path: string, bytes: number): Segment {
    const file = new FileReader(path)
    try {
      const tables = undamaged(basename(path), () => {
        const { tablesOffset, tablesLength } = readFooter(file.read(bytes - FOOTER_BYTES, FOOTER_BYTES))
        if (tablesOffset + tablesLength + FOOTER_BYTES !== bytes) throw new RangeError('another size')
        return readTables(openPart(file.read(tablesOffset, tablesLength)))
      })
      return new Segment(file, tables)
    } catch (error) {
      file.close()
      throw error
    }
  }

  get blockCount(): number {
    return this.tables.blocks.size
  }

  get lastSeq(): number {
    return this.tables.lastSeq
  }

  get facts(): Source['facts'] {
    return this.tables.blocks
  }

  /** Groups of all blocks. */
  get groupCount(): number {
    return this.blockCount * BLOCK_GROUPS
  }

  factsOf(block: number): BlockFacts {
    const { firstSeq, leastAt, mostAt, kinds, directions } = this.tables.blocks
    return {
      firstSeq: firstSeq[block]!,
      leastAt: leastAt[block]!,
      mostAt: mostAt[block]!,
      kinds: kinds[block]!,
      directions: directions[block]!,
    }
  }

  find(plan: Plan): Candidates | undefined {
    const groups = this.#evaluate(plan)
    if (groups === undefined) return EVERYWHERE
    return groups.words.some(word => word !== 0) ? candidatesIn(groups) : undefined
  }

  read(block: number): OpenBlock {
    const here = `block ${block}`
    const { bytes } = this.#undamaged(here, () => openPart(this.blockPart(block)))
    let joined: string | undefined
    const join = () => (joined ??= this.#undamaged(here, () => decodeTexts(bytes)))
    return {
      fields: () => this.#undamaged(here, () => decodeFields(bytes)),
      joined: join,
      texts: () => join().split(SEPARATOR),
    }
  }

  /** A block as it is stored, unchecked. */
  blockPart(block: number): Buffer {
    const { offset, length } = this.tables.blocks
    return this.#undamaged(`block ${block}`, () => this.#file.read(offset[block]!, length[block]!))
  }

  /** A chunk's lists as they are stored, unchecked. */
  chunkParts({ conversationsOffset, conversations, agentsOffset, agentsLength }: Chunk): {
    readonly pages: Buffer
    readonly agents: Buffer
  } {
    return this.#undamaged('names', () => ({
      pages: this.#file.read(conversationsOffset, conversationsBytes(conversations)),
      agents: this.#file.read(agentsOffset, agentsLength),
    }))
  }

  conversation(block: number, place: number): ConversationId {
    return this.#undamaged('conversations', () => {
      const { conversationsOffset, conversations } = this.#chunkOf(block)
      const { offset, length } = conversationPage(place, conversations)
      return conversationOn(
        kept(this.#pages, conversationsOffset + offset, at => openPart(this.#file.read(at, length)).bytes),
        place,
      )
    })
  }

  agent(block: number, place: number): string {
    if (place === 0) return ''
    return this.#undamaged('agents', () => {
      const { agentsOffset, agentsLength } = this.#chunkOf(block)
      const agent = kept(this.#agents, agentsOffset, at => decodeAgents(this.#file.read(at, agentsLength)))[place - 1]
      if (agent === undefined) throw new RangeError('no such agent')
      return agent
    })
  }

  /** All terms, ascending. */
  *postings(): Generator<Postings, void, undefined> {
    for (let index = 0; index < this.tables.terms.size; index++)
      yield* this.#undamaged(`terms ${index}`, () => [
        ...blockPostings(this.#terms(index), this.tables.terms.first[index]!),
      ])
  }

  retain(): void {
    this.#holders++
  }

  release(): void {
    if (--this.#holders === 0) this.#file.close()
  }

  /** Removes the file and releases it: those who still use it can, but nobody else. */
  remove(): void {
    unlinkSync(this.#file.path)
    this.release()
  }

  /** Undefined: every group. */
  #evaluate(plan: Plan): GroupSet | undefined {
    switch (plan.type) {
      case 'all':
        return undefined
      case 'terms':
        return this.#withAll(plan.terms)
      case 'or': {
        const any = new GroupSet(this.groupCount)
        for (const one of plan.of) any.unite(this.#evaluate(one)!)
        return any
      }
      case 'and': {
        const all = this.#evaluate(plan.of[0]!)!
        for (const one of plan.of.slice(1)) if (all.intersect(this.#evaluate(one)!) === 0) break
        return all
      }
      default:
        return plan satisfies never
    }
  }

  /** Looks some terms up at a time, and takes the rarest of them first. */
  #withAll(terms: readonly number[]): GroupSet {
    let all: GroupSet | undefined
    for (let at = 0; at < terms.length; at += LOOKUPS) {
      const some = terms.slice(at, at + LOOKUPS).map(term => this.#lookUp(term))
      if (some.includes(undefined)) return new GroupSet(this.groupCount)
      const rarestFirst = some.filter(found => found !== undefined).sort((a, b) => a.bytes.length - b.bytes.length)
      for (const { head, bytes } of rarestFirst) {
        const groups = new GroupSet(this.groupCount)
        this.#undamaged('postings', () => addPostings(head, bytes, groups))
        if (all === undefined) all = groups
        else if (all.intersect(groups) <= FEW_GROUPS) return all
      }
    }
    return all!
  }

  #lookUp(term: number): Postings | undefined {
    const { first, size } = this.tables.terms
    const index = lastNotAbove(first, size, term)
    return index < 0
      ? undefined
      : this.#undamaged(`terms ${index}`, () => findInBlock(this.#terms(index), first[index]!, term))
  }

  #terms(index: number): ReturnType<typeof openPart> {
    const { offset, length } = this.tables.terms
    return openPart(this.#file.read(offset[index]!, length[index]!))
  }

  #chunkOf(block: number): Chunk {
    const { chunks } = this.tables
    let [low, high] = [0, chunks.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (chunks[middle]!.firstBlock <= block) low = middle
      else high = middle - 1
    }
    const chunk = chunks[low]
    if (chunk === undefined) throw damaged(basename(this.#file.path), new RangeError('no names'))
    return chunk
  }

  #undamaged<T>(what: string, read: () => T): T {
    return undamaged(`${basename(this.#file.path)}, ${what}`, read)
  }
}

/** The index of the last of the first `size` ascending values that is not above `value`; -1 when all are. */
export function lastNotAbove(values: Float64Array, size: number, value: number): number {
  let [low, high] = [0, size]
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}

function kept<T>(all: Map<number, T>, key: number, read: (key: number) => T): T {
  const known = all.get(key)
  if (known !== undefined) return known
  const value = read(key)
  if (all.size === KEPT) all.clear()
  all.set(key, value)
  return value
}

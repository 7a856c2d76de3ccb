import type { ConversationId } from '../../../codec/conversation-id.js'
import { SEARCH_DIRECTIONS, type SearchDoc } from '../../core/search.js'
import { type BlockFacts, factsOf } from './segment-tables.js'
import { BLOCK_DOCS, type IndexLimits, SEPARATOR } from './shape.js'
import { type Candidates, EVERYWHERE, type OpenBlock, type Source } from './source.js'
import { type Block, beginning, blank, createBlock } from './text-block.js'

/** The newest records, in memory as they are in blocks, until they become a segment. */
export class MemoryTable implements Source {
  readonly facts: { readonly [K in keyof BlockFacts]: Float64Array }
  readonly #limits: IndexLimits
  readonly #blocks: Block[] = []
  readonly #texts: string[][] = []
  /** Texts of a block put together, once that was of use. */
  readonly #joined: (string | undefined)[] = []
  readonly #conversations = new Places<ConversationId>()
  readonly #agents = new Places<string>()
  #docs = 0
  #units = 0
  #lastSeq = 0

  constructor(limits: IndexLimits) {
    this.#limits = limits
    const column = () => new Float64Array(Math.ceil(limits.tableDocs / BLOCK_DOCS))
    this.facts = { firstSeq: column(), leastAt: column(), mostAt: column(), kinds: column(), directions: column() }
  }

  get docs(): number {
    return this.#docs
  }

  get blockCount(): number {
    return this.#blocks.length
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Whether it takes no more: only at the end of a block. */
  get isFull(): boolean {
    const isOver = this.#docs >= this.#limits.tableDocs || this.#units >= this.#limits.tableUnits
    return isOver && this.#docs % BLOCK_DOCS === 0
  }

  get conversations(): readonly ConversationId[] {
    return this.#conversations.values
  }

  /** Without the empty one. */
  get agents(): readonly string[] {
    return this.#agents.values
  }

  /** Adds a record, with its text folded. Seqs ascend. */
  add(doc: Omit<SearchDoc, 'text'>, text: string): void {
    const at = this.#docs % BLOCK_DOCS
    if (at === 0) {
      this.#blocks.push(createBlock())
      this.#texts.push([])
    }
    const last = this.#blocks.length - 1
    const block = this.#blocks[last]!
    block.seqs[at] = doc.seq
    block.ats[at] = doc.at
    block.conversations[at] = this.#conversations.of(doc.conversation)
    block.channels[at] = doc.channel
    block.directions[at] = SEARCH_DIRECTIONS.indexOf(doc.direction)
    block.kinds[at] = doc.kinds
    block.agents[at] = doc.agent === '' ? 0 : this.#agents.of(doc.agent) + 1
    this.#texts[last]!.push(text)
    this.#joined[last] = undefined
    this.#noteFacts(last, doc, block.directions[at]!)
    this.#docs++
    this.#units += text.length
    this.#lastSeq = doc.seq
  }

  find(): Candidates {
    return EVERYWHERE
  }

  read(block: number): OpenBlock {
    const [texts, fields] = [this.#texts[block]!, this.#blocks[block]!]
    return {
      fields: () => (texts.length === BLOCK_DOCS ? fields : beginning(fields, texts.length)),
      joined: () => (this.#joined[block] ??= texts.join(SEPARATOR)),
      texts: () => texts,
    }
  }

  conversation(_block: number, place: number): ConversationId {
    return this.#conversations.values[place]!
  }

  agent(_block: number, place: number): string {
    return place === 0 ? '' : this.#agents.values[place - 1]!
  }

  /** Forgets the records with these seqs; whether it had one. */
  remove(seqs: ReadonlySet<number>): boolean {
    let hadOne = false
    for (const [index, block] of this.#blocks.entries()) {
      const texts = this.#texts[index]!
      for (let at = 0; at < texts.length; at++) {
        if (!seqs.has(block.seqs[at]!)) continue
        hadOne = true
        blank(block, at)
        texts[at] = ''
        this.#joined[index] = undefined
      }
      const facts = factsOf(block, texts.length)
      for (const key of Object.keys(facts) as (keyof BlockFacts)[]) this.facts[key][index] = facts[key]
    }
    return hadOne
  }

  retain(): void {}

  release(): void {}

  #noteFacts(block: number, { seq, at, kinds }: Omit<SearchDoc, 'text'>, direction: number): void {
    const { facts } = this
    const isFirst = this.#texts[block]!.length === 1
    if (isFirst) facts.firstSeq[block] = seq
    facts.leastAt[block] = isFirst ? at : Math.min(facts.leastAt[block]!, at)
    facts.mostAt[block] = isFirst ? at : Math.max(facts.mostAt[block]!, at)
    facts.kinds[block] = facts.kinds[block]! | kinds
    facts.directions[block] = facts.directions[block]! | (1 << direction)
  }
}

/** Values, each at the place at which it came first. */
class Places<T> {
  readonly values: T[] = []
  readonly #places = new Map<T, number>()

  of(value: T): number {
    const known = this.#places.get(value)
    if (known !== undefined) return known
    this.#places.set(value, this.values.length)
    return this.values.push(value) - 1
  }
}

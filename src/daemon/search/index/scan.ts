import { type DocFilter, type IndexQuery, SEARCH_DIRECTIONS, type SearchDirection } from '../../core/search.js'
import { compileFilter, type Filtered } from '../query/filter.js'
import { compileMatcher } from '../query/match.js'
import { both, needsOf, planFilter, planNeeds } from './plan.js'
import { GROUP_DOCS, REMOVED } from './shape.js'
import type { Candidates, Source } from './source.js'
import type { Block } from './text-block.js'
import { Turns } from './turns.js'

/** Units of text that are looked at between two looks at the clock. */
const CLOCK_UNITS = 4096

/** A record that matches. Valid until the next one is shown. */
export type Found = Pick<Filtered, 'conversation'> & { readonly seq: number }

/**
 * Shows every record that matches, in the order of the query, until `show` says false or the time is up; at least one block is looked at. Returns what `after`
 * has to be to go on, or undefined when everything was looked at. Gives way to others every few milliseconds. Throws `KEFU_SEARCH_DAMAGED`,
 * `KEFU_SEARCH_INVALID`.
 */
export async function scan(
  sources: readonly Source[],
  { text, filter, order, after }: Omit<IndexQuery, 'limit'>,
  budgetMs: number,
  show: (found: Found) => boolean,
): Promise<number | undefined> {
  const needs = needsOf(text)
  const mayMatch = needs.type === 'all' ? undefined : compileMatcher(needs)
  const plan = both([planNeeds(needs), planFilter(filter)])
  const matches = compileMatcher(text)
  const passes = compileFilter(filter)
  const progress = new Progress(budgetMs)
  const needsText = text.type !== 'all'
  const row = new Row()
  const step = order === 'oldest' ? 1 : -1
  const isBehind = (seq: number) => after === undefined || (step > 0 ? seq > after : seq < after)
  const last = step > 0 ? sources[sources.length - 1]?.lastSeq : sources[0]?.facts.firstSeq[0]

  for (const source of step > 0 ? sources : sources.toReversed()) {
    if (source.blockCount === 0 || !isBehind(step > 0 ? source.lastSeq : source.facts.firstSeq[0]!)) continue
    const candidates = source.find(plan)
    if (progress.isOver && (await progress.ends())) return edge(source, step > 0 ? 0 : source.blockCount - 1, step)
    progress.mayEnd ||= candidates === undefined
    if (candidates === undefined) continue
    for (const block of candidateBlocks(source, candidates, filter, after, step)) {
      if (progress.isOver && (await progress.ends())) return edge(source, block, step)
      progress.mayEnd = true
      const groups = candidates.groups(block)
      if (groups === 0) continue
      const opened = source.read(block)
      if (mayMatch?.(opened.joined()) === false) continue
      const [fields, texts] = [opened.fields(), needsText ? opened.texts() : undefined]
      const { length: count } = fields.seqs
      for (let at = step > 0 ? 0 : count - 1; at >= 0 && at < count; at += step) {
        if ((groups & (1 << (at / GROUP_DOCS))) === 0) continue
        const seq = fields.seqs[at]!
        if (fields.directions[at] === REMOVED || !isBehind(seq)) continue
        row.set(source, block, fields, at)
        if (!passes(row)) continue
        const words = texts?.[at] ?? ''
        if (matches(words) && !show(row)) return seq === last ? undefined : seq
        if (progress.isOverAfter(words.length) && (await progress.ends())) return seq
      }
    }
  }
  return undefined
}

/** Blocks in which something may be found, in order. */
function* candidateBlocks(
  { facts, blockCount, lastSeq }: Source,
  candidates: Candidates,
  { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, kinds, directions }: DocFilter,
  after: number | undefined,
  step: 1 | -1,
): Generator<number, void, undefined> {
  const ways = directions?.reduce((bits, direction) => bits | (1 << SEARCH_DIRECTIONS.indexOf(direction)), 0)
  for (let at = step > 0 ? 0 : blockCount - 1; ; at += step) {
    at = candidates.next(at, step)
    if (at < 0 || at >= blockCount) return
    if (after !== undefined) {
      const mostSeq = at + 1 < blockCount ? facts.firstSeq[at + 1]! - 1 : lastSeq
      if (step > 0 ? mostSeq <= after : facts.firstSeq[at]! >= after) continue
    }
    if (facts.mostAt[at]! < since || facts.leastAt[at]! >= until) continue
    if (kinds !== undefined && (facts.kinds[at]! & kinds) === 0) continue
    if (ways !== undefined && (facts.directions[at]! & ways) === 0) continue
    yield at
  }
}

/** What `after` is when everything before a block was looked at. */
function edge({ facts, blockCount, lastSeq }: Source, block: number, step: 1 | -1): number {
  if (step > 0) return facts.firstSeq[block]! - 1
  return block + 1 < blockCount ? facts.firstSeq[block + 1]! : lastSeq + 1
}

/** Gives way and ends as `Turns` say, but not before it got anywhere. */
class Progress {
  mayEnd = false
  readonly #turns: Turns
  #units = 0

  constructor(budgetMs: number) {
    this.#turns = new Turns(budgetMs)
  }

  /** Whether `ends` is to be awaited. */
  get isOver(): boolean {
    return this.#turns.isOver
  }

  /** Whether `ends` is to be awaited after so much more text: looks at the clock now and then. */
  isOverAfter(units: number): boolean {
    this.#units += units
    if (this.#units < CLOCK_UNITS) return false
    this.#units = 0
    return this.isOver
  }

  /** Lets others have their turn unless the time is up. */
  async ends(): Promise<boolean> {
    if (this.mayEnd && this.#turns.isUp) return true
    await this.#turns.next()
    return false
  }
}

/** One record of a block, its fields read when they are asked for. */
class Row implements Filtered {
  #source!: Source
  #block = 0
  #fields!: Block
  #at = 0

  set(source: Source, block: number, fields: Block, at: number): void {
    this.#source = source
    this.#block = block
    this.#fields = fields
    this.#at = at
  }

  get seq(): number {
    return this.#fields.seqs[this.#at]!
  }

  get at(): number {
    return this.#fields.ats[this.#at]!
  }

  get channel(): number {
    return this.#fields.channels[this.#at]!
  }

  get kinds(): number {
    return this.#fields.kinds[this.#at]!
  }

  get direction(): SearchDirection {
    return SEARCH_DIRECTIONS[this.#fields.directions[this.#at]!]!
  }

  get agent(): string {
    return this.#source.agent(this.#block, this.#fields.agents[this.#at]!)
  }

  get conversation(): Filtered['conversation'] {
    return this.#source.conversation(this.#block, this.#fields.conversations[this.#at]!)
  }
}

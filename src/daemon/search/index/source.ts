import type { ConversationId } from '../../../codec/conversation-id.js'
import type { GroupSet } from './groups.js'
import type { Plan } from './plan.js'
import type { BlockFacts } from './segment-tables.js'
import { BLOCK_GROUPS } from './shape.js'
import type { Block } from './text-block.js'

/** Records in ascending order, in blocks: a segment, or a table in memory. */
export type Source = {
  readonly blockCount: number
  readonly lastSeq: number
  /** What is known of each block. */
  readonly facts: { readonly [K in keyof BlockFacts]: Float64Array }
  /** Where something may be found; undefined when that is nowhere. Throws `KEFU_SEARCH_DAMAGED`. */
  find(plan: Plan): Candidates | undefined
  /** Throws `KEFU_SEARCH_DAMAGED`. */
  read(block: number): OpenBlock
  /** The conversation at a place of a block's list. Throws `KEFU_SEARCH_DAMAGED`. */
  conversation(block: number, place: number): ConversationId
  /** The agent at a place of a block's list; empty for 0. Throws `KEFU_SEARCH_DAMAGED`. */
  agent(block: number, place: number): string
  /** A source that is in use is not closed. Each `retain` needs a `release`. */
  retain(): void
  release(): void
}

/** Groups in which something may be found. */
export type Candidates = {
  /** The first block from `block` on, in steps of 1 or -1, with candidates, as far as can be told quickly; one that is none at the end. */
  next(block: number, step: 1 | -1): number
  /** A bit for each group of a block. */
  groups(block: number): number
}

/** A block's records. What is asked for is read then. */
export type OpenBlock = {
  /** Throws `KEFU_SEARCH_DAMAGED`. */
  fields(): Block
  /** All its texts, folded, with separators in between. Throws `KEFU_SEARCH_DAMAGED`. */
  joined(): string
  /** One for each record, folded. Throws `KEFU_SEARCH_DAMAGED`. */
  texts(): readonly string[]
}

const EVERY_GROUP = (1 << BLOCK_GROUPS) - 1

/** Every group of every block. */
export const EVERYWHERE: Candidates = { next: block => block, groups: () => EVERY_GROUP }

/** The groups of a set. */
export function candidatesIn({ words }: GroupSet): Candidates {
  const wordBlocks = 32 / BLOCK_GROUPS
  const groups = (block: number) =>
    (words[Math.floor(block / wordBlocks)]! >>> ((block % wordBlocks) * BLOCK_GROUPS)) & EVERY_GROUP
  return {
    groups,
    next(block, step) {
      let at = block
      while (at >= 0 && at < words.length * wordBlocks) {
        const word = Math.floor(at / wordBlocks)
        if (words[word] === 0) at = step > 0 ? (word + 1) * wordBlocks : word * wordBlocks - 1
        else if (groups(at) === 0) at += step
        else return at
      }
      return at
    },
  }
}

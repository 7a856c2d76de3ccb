import { eachTermOf, type Job, storedBlock } from './build.js'
import type { Edits } from './merge.js'
import { lastNotAbove, type Segment } from './segment.js'
import { BLOCK_GROUPS, GROUP_DOCS, REMOVED } from './shape.js'
import { blank } from './text-block.js'

/**
 * What a segment without some of its records is like: their places stay, but nothing of them is in the blocks, and no group has a term only because of them.
 * Undefined when it has none of them. Throws `KEFU_SEARCH_DAMAGED`.
 */
export async function* removalOf(segment: Segment, seqs: readonly number[]): Job<Edits | undefined> {
  const { size, firstSeq } = segment.tables.blocks
  const touched = new Map<number, Set<number>>()
  for (const seq of seqs) {
    const block = lastNotAbove(firstSeq, size, seq)
    if (block < 0 || seq > segment.lastSeq) continue
    const known = touched.get(block)
    if (known === undefined) touched.set(block, new Set([seq]))
    else known.add(seq)
  }
  const edits = { blocks: new Map<number, Stored>(), dropped: new Map<number, Set<number>>(), textBytes: 0 }
  for (const [block, gone] of touched) {
    editBlock(segment, block, gone, edits)
    yield
  }
  return edits.blocks.size === 0 ? undefined : edits
}

type Stored = ReturnType<typeof storedBlock>

function editBlock(
  segment: Segment,
  index: number,
  gone: ReadonlySet<number>,
  edits: { blocks: Map<number, Stored>; dropped: Map<number, Set<number>>; textBytes: number },
): void {
  const opened = segment.read(index)
  const [block, texts] = [opened.fields(), [...opened.texts()]]
  const termsAt = (at: number, put: (term: number) => void) => {
    const conversation = segment.conversation(index, block.conversations[at]!)
    const agent = segment.agent(index, block.agents[at]!)
    eachTermOf({ block, at, text: texts[at]! }, { conversation, agent }, put)
  }
  const isGone = (at: number) => gone.has(block.seqs[at]!) && block.directions[at] !== REMOVED
  const places = texts.map((_, at) => at)
  const removed = places.filter(isGone)
  if (removed.length === 0) return
  for (let first = 0; first < texts.length; first += GROUP_DOCS) {
    const ofGroup = places.slice(first, first + GROUP_DOCS)
    const terms = new Set<number>()
    for (const at of ofGroup.filter(isGone)) termsAt(at, term => terms.add(term))
    if (terms.size === 0) continue
    for (const at of ofGroup)
      if (!isGone(at) && block.directions[at] !== REMOVED) termsAt(at, term => terms.delete(term))
    const group = index * BLOCK_GROUPS + first / GROUP_DOCS
    for (const term of terms) {
      const groups = edits.dropped.get(term)
      if (groups === undefined) edits.dropped.set(term, new Set([group]))
      else groups.add(group)
    }
  }
  for (const at of removed) {
    edits.textBytes += Buffer.byteLength(texts[at]!)
    texts[at] = ''
    blank(block, at)
  }
  edits.blocks.set(index, storedBlock(block, texts))
}

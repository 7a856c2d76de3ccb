import type { Built, Job } from './build.js'
import { type Postings, readPostings } from './postings.js'
import type { Segment } from './segment.js'
import type { BlockFacts } from './segment-tables.js'
import { SegmentWriter } from './segment-writer.js'

/** What is different in the copy of a segment. */
export type Edits = {
  /** Blocks that replace those at their places. */
  readonly blocks: ReadonlyMap<number, { readonly facts: BlockFacts; readonly part: Uint8Array }>
  /** Groups that no longer have a term. */
  readonly dropped: ReadonlyMap<number, ReadonlySet<number>>
  /** How many bytes of text are gone. */
  readonly textBytes: number
}

const NO_EDITS: Edits = { blocks: new Map(), dropped: new Map(), textBytes: 0 }

/** What is done between two steps at most. */
const STEP = { blocks: 64, groups: 50_000 } as const

/** Writes neighbouring segments as one: blocks as they are, and for each term the groups of all. */
export async function* mergeSegments(segments: readonly Segment[], path: string, edits = NO_EDITS): Job<Built> {
  const writer = await SegmentWriter.create(path)
  let isFinished = false
  try {
    for (const segment of segments) yield* copyBlocks(segment, edits, writer)
    yield* mergeTerms(segments, edits, writer)
    const docs = segments.reduce((sum, { tables }) => sum + tables.docs, 0)
    const textBytes = segments.reduce((sum, { tables }) => sum + tables.textBytes, -edits.textBytes)
    const bytes = await writer.finish({ docs, textBytes, lastSeq: segments[segments.length - 1]!.lastSeq })
    isFinished = true
    return { path, bytes }
  } finally {
    if (!isFinished) await writer.discard()
  }
}

async function* copyBlocks(segment: Segment, { blocks }: Edits, writer: SegmentWriter): Job<void> {
  const { chunks } = segment.tables
  for (const [index, chunk] of chunks.entries()) {
    const end = chunks[index + 1]?.firstBlock ?? segment.blockCount
    for (let block = chunk.firstBlock; block < end; block++) {
      const { facts, part } = blocks.get(block) ?? { facts: segment.factsOf(block), part: segment.blockPart(block) }
      writer.addBlock(facts, part)
      if (block % STEP.blocks !== 0) continue
      await writer.drain()
      yield
    }
    const { pages, agents } = segment.chunkParts(chunk)
    writer.endChunk(chunk.conversations, pages, agents)
  }
}

async function* mergeTerms(segments: readonly Segment[], { dropped }: Edits, writer: SegmentWriter): Job<void> {
  let groupCount = 0
  const inputs = segments.map(segment => {
    const postings = segment.postings()
    const input: Input = { postings, shift: groupCount, next: postings.next().value ?? undefined }
    groupCount += segment.groupCount
    return input
  })
  const groups = new Int32Array(groupCount)
  let work = 0
  for (let term = leastTerm(inputs); term < Number.POSITIVE_INFINITY; term = leastTerm(inputs)) {
    let count = 0
    for (const input of inputs) {
      if (input.next?.term !== term) continue
      count = readPostings(input.next.head, input.next.bytes, input.shift, groups, count)
      input.next = input.postings.next().value ?? undefined
    }
    work += count + 1
    const without = dropped.get(term)
    if (without !== undefined) count = drop(groups, count, without)
    if (count > 0) writer.addTerm(term, groups, count)
    if (work < STEP.groups) continue
    work = 0
    await writer.drain()
    yield
  }
}

type Input = { readonly postings: Iterator<Postings, void>; readonly shift: number; next: Postings | undefined }

function leastTerm(inputs: readonly Input[]): number {
  let least = Number.POSITIVE_INFINITY
  for (const { next } of inputs) if (next !== undefined && next.term < least) least = next.term
  return least
}

function drop(groups: Int32Array, count: number, without: ReadonlySet<number>): number {
  let kept = 0
  for (let at = 0; at < count; at++) if (!without.has(groups[at]!)) groups[kept++] = groups[at]!
  return kept
}

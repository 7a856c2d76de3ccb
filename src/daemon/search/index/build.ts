import { ByteWriter } from './bytes.js'
import { writePart } from './checksum.js'
import type { MemoryTable } from './memory-table.js'
import { encodeAgents, writeConversations } from './segment-file.js'
import { type BlockFacts, factsOf } from './segment-tables.js'
import { SegmentWriter } from './segment-writer.js'
import { BLOCK_GROUPS, GROUP_DOCS, REMOVED } from './shape.js'
import { TermTable } from './term-table.js'
import { agentTerm, channelTerm, conversationTerm, eachTerm, kindTerms } from './terms.js'
import { type Block, encodeBlock } from './text-block.js'

/** A file that is made in steps, none of which takes long, so that searches go on in between. Ended early, it leaves no file. */
export type Job<T> = AsyncGenerator<void, T, undefined>

/** A segment's file that is finished. */
export type Built = { readonly path: string; readonly bytes: number }

/** Terms that are written in a step. */
const STEP_TERMS = 512

/** Writes a table as a segment; `isTail`: its records alone, without terms. The table must stay as it is. */
export async function* buildSegment(table: MemoryTable, path: string, isTail = false): Job<Built> {
  const writer = await SegmentWriter.create(path)
  let isFinished = false
  try {
    const terms = new TermTable()
    let textBytes = 0
    for (let block = 0; block < table.blockCount; block++) {
      const opened = table.read(block)
      const texts = opened.texts()
      for (const text of texts) textBytes += Buffer.byteLength(text)
      if (!isTail) putTerms(table, block, terms)
      const { facts, part } = storedBlock(opened.fields(), texts)
      writer.addBlock(facts, part)
      await writer.drain()
      yield
    }
    const pages = new ByteWriter()
    writeConversations(table.conversations, pages)
    writer.endChunk(table.conversations.length, pages.view(), encodeAgents(table.agents))
    yield
    const room = new Int32Array(table.blockCount * BLOCK_GROUPS)
    let count = 0
    for (const term of terms.sorted()) {
      const groups = terms.groupsOf(term, room)
      writer.addTerm(term, groups, groups.length)
      if (++count % STEP_TERMS !== 0) continue
      await writer.drain()
      yield
    }
    const bytes = await writer.finish({ docs: table.docs, textBytes, lastSeq: table.lastSeq })
    isFinished = true
    return { path, bytes }
  } finally {
    if (!isFinished) await writer.discard()
  }
}

/** A block as a segment has it. */
export function storedBlock(
  block: Block,
  texts: readonly string[],
): { readonly facts: BlockFacts; readonly part: Uint8Array } {
  const out = new ByteWriter(4096)
  writePart(encodeBlock(block, texts), out)
  return { facts: factsOf(block, texts.length), part: out.view() }
}

/** Calls `put` with every term of a record. */
export function eachTermOf(
  { block, at, text }: { readonly block: Block; readonly at: number; readonly text: string },
  names: { readonly conversation: string; readonly agent: string },
  put: (term: number) => void,
): void {
  eachTerm(text, put)
  put(conversationTerm(names.conversation))
  if (names.agent !== '') put(agentTerm(names.agent))
  put(channelTerm(block.channels[at]!))
  for (const term of kindTerms(block.kinds[at]!)) put(term)
}

function putTerms(table: MemoryTable, index: number, terms: TermTable): void {
  const opened = table.read(index)
  const [block, texts] = [opened.fields(), opened.texts()]
  for (const [at, text] of texts.entries()) {
    if (block.directions[at] === REMOVED) continue
    const group = index * BLOCK_GROUPS + Math.floor(at / GROUP_DOCS)
    const names = {
      conversation: table.conversation(index, block.conversations[at]!),
      agent: table.agent(index, block.agents[at]!),
    }
    eachTermOf({ block, at, text }, names, term => terms.put(term, group))
  }
}

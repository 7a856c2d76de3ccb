import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { ByteReader, ByteWriter } from './bytes.js'
import { readColumn, unzigzag, writeColumn, zigzag } from './columns.js'
import { BLOCK_DOCS, REMOVED, SEPARATOR } from './shape.js'

/** What is known of up to `BLOCK_DOCS` records, a column for each field. Conversations and agents are places in lists elsewhere; agent 0 is nobody. */
export type Block = {
  readonly seqs: Float64Array
  readonly ats: Float64Array
  readonly conversations: Uint16Array
  readonly channels: Uint16Array
  /** Places in `SEARCH_DIRECTIONS`, or `REMOVED`. */
  readonly directions: Uint16Array
  readonly kinds: Uint16Array
  readonly agents: Uint16Array
}

/** An empty block with room for `count` records. */
export function createBlock(count: number = BLOCK_DOCS): Block {
  return {
    seqs: new Float64Array(count),
    ats: new Float64Array(count),
    conversations: new Uint16Array(count),
    channels: new Uint16Array(count),
    directions: new Uint16Array(count),
    kinds: new Uint16Array(count),
    agents: new Uint16Array(count),
  }
}

/** The first `count` records of a block, in the same memory. */
export function beginning(block: Block, count: number): Block {
  return {
    seqs: block.seqs.subarray(0, count),
    ats: block.ats.subarray(0, count),
    conversations: block.conversations.subarray(0, count),
    channels: block.channels.subarray(0, count),
    directions: block.directions.subarray(0, count),
    kinds: block.kinds.subarray(0, count),
    agents: block.agents.subarray(0, count),
  }
}

/** The first records of a block, as many as there are texts, and the texts, as they are stored. */
export function encodeBlock(block: Block, texts: readonly string[]): Buffer {
  const count = texts.length
  const fields = new ByteWriter(1024)
  fields.varint(count)
  fields.varint(block.seqs[0]!)
  fields.varint(zigzag(block.ats[0]!))
  writeColumn(differences(block.seqs, count), fields)
  writeColumn(differences(block.ats, count).map(zigzag), fields)
  for (const column of [block.conversations, block.channels, block.directions, block.kinds, block.agents])
    writeColumn(column.subarray(0, count), fields)
  const text = encodeText(texts.join(SEPARATOR))
  const out = new ByteWriter(fields.length + text.length + 8)
  out.varint(fields.length)
  out.put(fields.view())
  out.put(text)
  return out.view()
}

/** The fields of a stored block. Throws a RangeError for bytes that cannot be a block. */
export function decodeFields(stored: Buffer): Block {
  const bytes = new ByteReader(stored)
  const length = bytes.varint()
  const end = bytes.at + length
  const count = bytes.varint()
  if (count > BLOCK_DOCS) throw new RangeError('too many records in a block')
  const block = createBlock(count)
  const [seq, at] = [bytes.varint(), unzigzag(bytes.varint())]
  accumulate(readColumn(bytes, block.seqs), seq)
  accumulate(readColumn(bytes, block.ats).map(unzigzag), at, block.ats)
  for (const column of [block.conversations, block.channels, block.directions, block.kinds, block.agents])
    readColumn(bytes, column)
  if (bytes.at !== end) throw new RangeError('a block has other fields')
  return block
}

/** The texts of a stored block, with separators in between. Throws a RangeError or what zlib throws for bytes that cannot be a block. */
export function decodeTexts(stored: Buffer): string {
  const bytes = new ByteReader(stored)
  bytes.take(bytes.varint())
  const encoding = bytes.byte() === WIDE ? 'utf16le' : 'utf8'
  // In one piece: by itself, zlib would make room for more.
  const chunkSize = Math.max(64, bytes.varint() + 1)
  return inflateRawSync(stored.subarray(bytes.at), { chunkSize }).toString(encoding)
}

/** Overwrites all of a record but its seq. */
export function blank(block: Block, at: number): void {
  block.ats[at] = at === 0 ? 0 : block.ats[at - 1]!
  block.directions[at] = REMOVED
  for (const column of [block.conversations, block.channels, block.kinds, block.agents]) column[at] = 0
}

const NARROW = 0
const WIDE = 1

/** Of two encodings the one with fewer bytes: it is also shorter compressed, and quicker to read. */
function encodeText(text: string): Buffer {
  const isWide = Buffer.byteLength(text, 'utf8') > text.length * 2
  const out = new ByteWriter(text.length)
  const bytes = Buffer.from(text, isWide ? 'utf16le' : 'utf8')
  out.byte(isWide ? WIDE : NARROW)
  out.varint(bytes.length)
  out.put(deflateRawSync(bytes))
  return out.view()
}

function differences(values: Float64Array, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, at) => (at === 0 ? 0 : values[at]! - values[at - 1]!))
}

function accumulate(steps: Float64Array, first: number, into: Float64Array = steps): void {
  let value = first
  for (let at = 0; at < steps.length; at++) {
    value += steps[at]!
    into[at] = value
  }
}

import { crc32c } from '../../../codec/crc32c.js'
import { ByteReader } from './byte-reader.js'
import { unpackSnappy } from './snappy.js'

/** LevelDB's table files, as far as their checksums go. */

const FOOTER_BYTES = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** After each block: its compression, and the masked CRC-32C of block and compression. */
const TRAILER_BYTES = 5
const MASK = 0xa282ead8
/** After each key: its sequence number and kind. */
const INTERNAL_BYTES = 8
/** Blocks are read together up to this much: large enough for the disk, small enough that others have their turn in between. */
const SPAN_BYTES = 1024 * 1024

/** A file that is read by position. `read` fills its argument, or throws. */
export type TableFile = {
  readonly size: number
  read(into: Uint8Array, position: number): Promise<unknown>
}

/** A block whose checksum is wrong: where it lies, and the user keys between which its own are (undefined: unknown). */
export type BadBlock = {
  readonly offset: number
  readonly after: Uint8Array | undefined
  readonly upTo: Uint8Array | undefined
}

type Block = { readonly offset: number; readonly length: number }

/**
 * The damaged blocks of a table file. A file that does not even end as a table does is left to LevelDB, which refuses it: it is an error for whoever reads
 * from it, or the remains of a compaction that was cut off.
 */
export async function findBadBlocks(file: TableFile): Promise<BadBlock[]> {
  const footerAt = file.size - FOOTER_BYTES
  if (footerAt < 0) return []
  const footer = new Uint8Array(FOOTER_BYTES)
  await file.read(footer, footerAt)
  if (Buffer.compare(footer.subarray(FOOTER_BYTES - MAGIC.length), MAGIC) !== 0) return []
  const reader = new ByteReader(footer)
  let metaIndex: Block
  let index: Block
  try {
    metaIndex = handle(reader)
    index = handle(reader)
  } catch {
    return [{ offset: footerAt, after: undefined, upTo: undefined }]
  }
  const bad: BadBlock[] = []
  const foundBad = ({ offset }: Block) => bad.push({ offset, after: undefined, upTo: undefined })

  const metaEntries = await readBlock(file, metaIndex)
  if (metaEntries === undefined) foundBad(metaIndex)
  else for (const block of await badOnes(file, blocksOf(metaEntries))) foundBad(block)
  const entries = await readBlock(file, index)
  if (entries === undefined) foundBad(index)
  else {
    const badBlocks = new Set((await badOnes(file, blocksOf(entries))).map(({ offset }) => offset))
    if (badBlocks.size > 0) bad.push(...withKeys(entries, badBlocks))
  }
  return bad
}

function handle(reader: ByteReader): Block {
  return { offset: reader.varint(), length: reader.varint() }
}

/** A block's content, unpacked; undefined when its checksum is wrong. */
async function readBlock(file: TableFile, { offset, length }: Block): Promise<Uint8Array | undefined> {
  if (offset + length + TRAILER_BYTES > file.size) return undefined
  const bytes = new Uint8Array(length + TRAILER_BYTES)
  await file.read(bytes, offset)
  if (!isWhole(new DataView(bytes.buffer), 0, length)) return undefined
  const content = bytes.subarray(0, length)
  return bytes[length] === 0 ? content : unpackSnappy(content)
}

/** Those of the blocks, which are in the order of the file, whose checksum is wrong. One span is read while the one before it is looked at. */
async function badOnes(file: TableFile, blocks: readonly Block[]): Promise<Block[]> {
  const bad: Block[] = []
  const spans = [new Uint8Array(SPAN_BYTES), new Uint8Array(SPAN_BYTES)] as const
  const begin = (first: number, into: Uint8Array) => {
    const start = blocks[first]!.offset
    let next = first
    let end = start
    for (; next < blocks.length; next++) {
      const { offset, length } = blocks[next]!
      const blockEnd = offset + length + TRAILER_BYTES
      const doesFit = offset >= end && blockEnd - start <= SPAN_BYTES && blockEnd <= file.size
      if (next > first && !doesFit) break
      end = blockEnd
    }
    if (end > file.size) return { first, next, bytes: undefined, done: undefined }
    const bytes = end - start > into.length ? new Uint8Array(end - start) : into.subarray(0, end - start)
    return { first, next, bytes, done: file.read(bytes, start) }
  }
  let turn = 0
  let span = blocks.length === 0 ? undefined : begin(0, spans[0])
  while (span !== undefined) {
    const { first, next, bytes, done } = span
    await done
    turn = 1 - turn
    span = next < blocks.length ? begin(next, spans[turn]!) : undefined
    const view = bytes === undefined ? undefined : new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const start = blocks[first]!.offset
    for (let i = first; i < next; i++) {
      const block = blocks[i]!
      if (view === undefined || !isWhole(view, block.offset - start, block.length)) bad.push(block)
    }
  }
  return bad
}

function isWhole(bytes: DataView, at: number, length: number): boolean {
  const end = at + length
  const stored = bytes.getUint32(end + 1, true)
  const crc = crc32c(bytes, at, end + 1)
  return ((((crc >>> 15) | (crc << 17)) >>> 0) + MASK) % 0x1_0000_0000 === stored
}

/** The blocks that the entries of an index name. */
function blocksOf(entries: Uint8Array): Block[] {
  const blocks: Block[] = []
  const end = entriesEnd(entries)
  const reader = new ByteReader(entries)
  while (reader.at < end) {
    reader.varint()
    const unshared = reader.varint()
    const valueEnd = reader.varint() + unshared + reader.at
    reader.skip(unshared)
    blocks.push(handle(reader))
    reader.skip(valueEnd - reader.at)
  }
  return blocks
}

/** The bad blocks with the keys around them, which an index is written for. */
function* withKeys(entries: Uint8Array, offsets: ReadonlySet<number>): Generator<BadBlock, void, undefined> {
  const end = entriesEnd(entries)
  const reader = new ByteReader(entries)
  let key: Uint8Array = new Uint8Array(0)
  let after: Uint8Array | undefined
  while (reader.at < end) {
    const shared = reader.varint()
    const unshared = reader.varint()
    const valueLength = reader.varint()
    key = Buffer.concat([key.subarray(0, shared), reader.take(unshared)])
    const upTo = key.subarray(0, Math.max(0, key.length - INTERNAL_BYTES))
    const { offset } = handle(new ByteReader(reader.take(valueLength)))
    if (offsets.has(offset)) yield { offset, after, upTo }
    after = upTo
  }
}

/** Where the entries end and the restart points begin. */
function entriesEnd(block: Uint8Array): number {
  const restarts = new ByteReader(block, block.length - 4).fixed(4)
  return block.length - 4 * (restarts + 1)
}

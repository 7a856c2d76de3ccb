import { ByteReader } from './byte-reader.js'
import { crc32c } from './crc32c.js'
import { unpackSnappy } from './snappy.js'

/** LevelDB's table files, as far as their checksums go. */

const FOOTER_BYTES = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** After each block: its compression, and the masked CRC-32C of block and compression. */
const TRAILER_BYTES = 5
const MASK = 0xa282ead8
/** After each key: its sequence number and kind. */
const INTERNAL_BYTES = 8

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
export function findBadBlocks(file: Uint8Array): BadBlock[] {
  if (file.length < FOOTER_BYTES || Buffer.compare(file.subarray(file.length - MAGIC.length), MAGIC) !== 0) return []
  let metaIndex: Block
  let index: Block
  try {
    const footer = new ByteReader(file.subarray(file.length - FOOTER_BYTES))
    metaIndex = handle(footer)
    index = handle(footer)
  } catch {
    return [{ offset: file.length - FOOTER_BYTES, after: undefined, upTo: undefined }]
  }
  const bad: BadBlock[] = []
  const check = (block: Block, after?: Uint8Array, upTo?: Uint8Array): boolean => {
    const isWhole = isBlockWhole(file, block)
    if (!isWhole) bad.push({ offset: block.offset, after, upTo })
    return isWhole
  }
  if (check(metaIndex)) for (const { value } of entriesOf(file, metaIndex)) check(handle(new ByteReader(value)))
  if (!check(index)) return bad
  let after: Uint8Array | undefined
  for (const { key, value } of entriesOf(file, index)) {
    const upTo = key.subarray(0, Math.max(0, key.length - INTERNAL_BYTES))
    check(handle(new ByteReader(value)), after, upTo)
    after = upTo
  }
  return bad
}

function handle(reader: ByteReader): Block {
  return { offset: reader.varint(), length: reader.varint() }
}

function isBlockWhole(file: Uint8Array, { offset, length }: Block): boolean {
  const end = offset + length
  if (end + TRAILER_BYTES > file.length) return false
  const stored = new ByteReader(file, end + 1).fixed(4)
  const crc = crc32c(file, offset, end + 1)
  return ((((crc >>> 15) | (crc << 17)) >>> 0) + MASK) % 0x1_0000_0000 === stored
}

/** The entries of a block whose checksum is right. */
function* entriesOf(
  file: Uint8Array,
  { offset, length }: Block,
): Generator<{ readonly key: Uint8Array; readonly value: Uint8Array }, void, undefined> {
  const raw = file.subarray(offset, offset + length)
  const block = file[offset + length] === 0 ? raw : unpackSnappy(raw)
  const restarts = new ByteReader(block, block.length - 4).fixed(4)
  const end = block.length - 4 * (restarts + 1)
  const reader = new ByteReader(block)
  let key: Uint8Array = new Uint8Array(0)
  while (reader.at < end) {
    const shared = reader.varint()
    const unshared = reader.varint()
    const valueLength = reader.varint()
    key = Buffer.concat([key.subarray(0, shared), reader.take(unshared)])
    yield { key, value: reader.take(valueLength) }
  }
}

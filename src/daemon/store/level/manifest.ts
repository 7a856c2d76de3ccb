import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ByteReader } from './byte-reader.js'

const LOG_BLOCK_BYTES = 32 * 1024
const LOG_HEADER_BYTES = 7
/** Fragment types of LevelDB's log files. */
const FULL = 1
const FIRST = 2
const LAST = 4

/** What a version edit can say, by tag. */
const TAGS = { comparator: 1, compactPointer: 5, deletedFile: 6, newFile: 7 } as const
const NUMBER_TAGS = [2, 3, 4, 9]

/**
 * The table files that belong to a database, by number, with their sizes: what its MANIFEST says. Undefined when that cannot be read; LevelDB refuses to
 * open such a database.
 */
export async function liveTables(folder: string): Promise<ReadonlyMap<number, number> | undefined> {
  try {
    const current = (await readFile(join(folder, 'CURRENT'), 'utf8')).trim()
    if (!/^MANIFEST-\d+$/.test(current)) return undefined
    const tables = new Map<number, number>()
    for (const edit of logRecords(await readFile(join(folder, current)))) apply(edit, tables)
    return tables
  } catch {
    return undefined
  }
}

/** The records of a log file, put together from their fragments. */
function* logRecords(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  let fragments: Uint8Array[] = []
  for (let at = 0; at + LOG_HEADER_BYTES <= bytes.length; ) {
    const left = LOG_BLOCK_BYTES - (at % LOG_BLOCK_BYTES)
    if (left < LOG_HEADER_BYTES) {
      at += left
      continue
    }
    const length = bytes[at + 4]! | (bytes[at + 5]! << 8)
    const type = bytes[at + 6]!
    const start = at + LOG_HEADER_BYTES
    if (type === 0 || start + length > bytes.length) return
    if (type === FULL || type === FIRST) fragments = []
    fragments.push(bytes.subarray(start, start + length))
    if (type === FULL || type === LAST) yield Buffer.concat(fragments)
    at = start + length
  }
}

function apply(edit: Uint8Array, tables: Map<number, number>): void {
  const reader = new ByteReader(edit)
  while (!reader.isAtEnd) {
    const tag = reader.varint()
    if (NUMBER_TAGS.includes(tag)) reader.varint()
    else if (tag === TAGS.comparator) reader.prefixed()
    else if (tag === TAGS.compactPointer) {
      reader.varint()
      reader.prefixed()
    } else if (tag === TAGS.deletedFile) {
      reader.varint()
      tables.delete(reader.varint())
    } else if (tag === TAGS.newFile) {
      reader.varint()
      const number = reader.varint()
      tables.set(number, reader.varint())
      reader.prefixed()
      reader.prefixed()
    } else throw new RangeError(`version edit tag ${tag}`)
  }
}

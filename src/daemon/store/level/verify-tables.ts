import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { formatConversationId } from '../../../codec/conversation-id.js'
import { KEY } from '../../../codec/keys.js'
import { readUint64 } from '../../../codec/record.js'
import { damaged } from './failure.js'
import { liveTables } from './manifest.js'
import { type BadBlock, findBadBlocks } from './table.js'

/**
 * Why kefu reads LevelDB's files itself: LevelDB 1.20 never looks at the checksums of its blocks (the binding has no option for it), and a damaged one
 * ends the process in an assertion, at every start and without a name (2 of 500 random damages of a compressed store, 66 of 500 without compression); or
 * it hides keys without changing a value, and the next compaction seals what is left with a new checksum.
 */

const CONVERSATION_END = 17
const N_END = 25

/**
 * Verifies the checksums of a database's table files, the newest first, up to about `limitBytes`, before LevelDB reads them: it does not look at them
 * itself, and a damaged block can end the whole process. Throws `KEFU_STORE_CORRUPT` naming the file and what lies in the block.
 */
export async function verifyTables(folder: string, limitBytes: number): Promise<void> {
  const tables = await liveTables(folder)
  if (tables === undefined) return
  let left = limitBytes
  let first: string | undefined
  let others = 0
  for (const [number, size] of [...tables].sort(([a], [b]) => b - a)) {
    if (left < size) break
    left -= size
    for (const block of await badBlocksOf(folder, number, size)) {
      if (first === undefined) first = `table file ${tableName(number)} at ${block.offset}: ${describe(block)}`
      else others++
    }
  }
  if (first !== undefined) throw damaged(others === 0 ? first : `${first}, and ${others} more`)
}

/** A file that is missing or has another size is LevelDB's to name. */
async function badBlocksOf(folder: string, number: number, size: number): Promise<BadBlock[]> {
  const file = await openTable(folder, number)
  if (file === undefined) return []
  try {
    if ((await file.stat()).size !== size) return []
    return await findBadBlocks({
      size,
      async read(into, position) {
        const { bytesRead } = await file.read(into, 0, into.length, position)
        if (bytesRead < into.length) throw damaged(`table file ${tableName(number)} ends while it is read`)
      },
    })
  } finally {
    await file.close()
  }
}

async function openTable(folder: string, number: number): Promise<FileHandle | undefined> {
  for (const name of [tableName(number), `${String(number).padStart(6, '0')}.sst`]) {
    try {
      return await open(join(folder, name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return undefined
}

function tableName(number: number): string {
  return `${String(number).padStart(6, '0')}.ldb`
}

function describe({ after, upTo }: BadBlock): string {
  if (upTo === undefined) return 'its index'
  return after === undefined ? `up to ${describeKey(upTo)}` : `from ${describeKey(after)} to ${describeKey(upTo)}`
}

/** What a key, perhaps a shortened one, is about. */
function describeKey(key: Uint8Array): string {
  const conversation =
    key.length >= CONVERSATION_END ? formatConversationId(key.subarray(1, CONVERSATION_END)) : undefined
  switch (key[0]) {
    case KEY.record:
      if (conversation === undefined) return 'the records of conversations'
      return key.length >= N_END
        ? `conversation ${conversation} n ${readUint64(key, CONVERSATION_END)}`
        : `conversation ${conversation}`
    case KEY.head:
      return conversation === undefined ? 'the heads of conversations' : `the head of conversation ${conversation}`
    case KEY.feed:
      return key.length >= 9 ? `seq ${readUint64(key, 1)} of the feed` : 'the feed'
    case KEY.receipt:
      return conversation === undefined ? 'the receipts' : `the receipts of conversation ${conversation}`
    default:
      return `the entries "${String.fromCharCode(key[0] ?? 0x20)}"`
  }
}

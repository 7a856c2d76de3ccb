import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SEARCH_DIRECTIONS } from '../../core/search.js'
import { undamaged } from './damage.js'
import { type FileEntry, MANIFEST_NAME, type Manifest, readManifest } from './manifest.js'
import { MemoryTable } from './memory-table.js'
import { Segment } from './segment.js'
import { type IndexLimits, REMOVED } from './shape.js'

/** What was found in an index's folder. */
export type Opened = {
  readonly manifest: Manifest
  readonly segments: readonly Segment[]
  /** The newest records, as far as they were flushed. */
  readonly table: MemoryTable
}

/** An index of nothing. */
export const EMPTY_MANIFEST: Manifest = { indexedSeq: 0, nextFile: 1, segments: [] }

/** Where a file of an index is. */
export function filePath(folder: string, file: number): string {
  return join(folder, `${String(file).padStart(8, '0')}.part`)
}

/**
 * Opens an index's folder, which is made if need be (mode 0700), and removes what no index names. Throws `KEFU_SEARCH_DAMAGED` when the index cannot be used,
 * and what the system throws.
 */
export function openFolder(folder: string, limits: IndexLimits): Opened {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const manifest = undamaged(MANIFEST_NAME, () => readManifest(folder)) ?? EMPTY_MANIFEST
  const segments: Segment[] = []
  try {
    for (const entry of manifest.segments) segments.push(openSegment(folder, entry))
    const table = new MemoryTable(limits)
    if (manifest.tail !== undefined) loadTail(openSegment(folder, manifest.tail), manifest.indexedSeq, table)
    removeOthers(folder, manifest)
    return { manifest, segments, table }
  } catch (error) {
    for (const segment of segments) segment.release()
    throw error
  }
}

/** Removes an index. Throws what the system throws. */
export function clearFolder(folder: string): void {
  // First, so that no index names files that are gone.
  rmSync(join(folder, MANIFEST_NAME), { force: true })
  removeOthers(folder, EMPTY_MANIFEST)
}

/** Opens a file of an index. Throws `KEFU_SEARCH_DAMAGED`, also when there is none. */
export function openSegment(folder: string, { file, bytes }: FileEntry): Segment {
  const path = filePath(folder, file)
  return undamaged(`${file}`, () => {
    try {
      return Segment.open(path, bytes)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
        throw new RangeError('there is no such file')
      throw error
    }
  })
}

function removeOthers(folder: string, { segments, tail }: Manifest): void {
  const own = new Set([...segments, ...(tail === undefined ? [] : [tail])].map(({ file }) => filePath(folder, file)))
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if ((/^\d{8}\.part$/.test(name) && !own.has(path)) || name === `${MANIFEST_NAME}.new`) rmSync(path)
  }
}

/** Records that came while the tail was written are not known to be all there are: they come again. */
function loadTail(tail: Segment, upToSeq: number, table: MemoryTable): void {
  try {
    for (let index = 0; index < tail.blockCount; index++) {
      const opened = tail.read(index)
      const block = opened.fields()
      for (const [at, text] of opened.texts().entries()) {
        const seq = block.seqs[at]!
        if (seq > upToSeq || block.directions[at] === REMOVED) continue
        const doc = {
          seq,
          at: block.ats[at]!,
          conversation: tail.conversation(index, block.conversations[at]!),
          channel: block.channels[at]!,
          direction: SEARCH_DIRECTIONS[block.directions[at]!]!,
          kinds: block.kinds[at]!,
          agent: tail.agent(index, block.agents[at]!),
        }
        table.add(doc, text)
      }
    }
  } finally {
    tail.release()
  }
}

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { isKefuError, KefuError } from '../../../errors.js'
import type { IndexHit, IndexPage, IndexQuery, SearchDoc } from '../../core/search.js'
import { foldText } from '../query/fold.js'
import { type Built, buildSegment, type Job } from './build.js'
import { clearFolder, filePath, type Opened, openFolder, openSegment } from './folder.js'
import { type FileEntry, MANIFEST_NAME, type Manifest, writeManifest } from './manifest.js'
import { MemoryTable } from './memory-table.js'
import { mergeSegments } from './merge.js'
import { removalOf } from './removal.js'
import { type Found, scan } from './scan.js'
import type { Segment } from './segment.js'
import { INDEX_LIMITS, type IndexLimits } from './shape.js'
import type { Source } from './source.js'
import { Turns } from './turns.js'

/**
 * An index of what was said, derived from the log. What was added is found by the next search; it is on disk when it has become part of a segment, or after
 * `flush`. Opened again, the index is at an earlier `indexedSeq` and has to be fed from there.
 *
 * Everything that takes time gives way to the rest of its thread every few milliseconds. When stored bytes are not those that were written, the call throws
 * `KEFU_SEARCH_DAMAGED`, as does every call after it: closed and opened again, the index is empty.
 */
export type SearchIndex = {
  /** Every record up to this one was added. */
  readonly indexedSeq: number
  /** Whether `add` takes more: otherwise `maintain` first. */
  readonly hasRoom: boolean
  /**
   * Adds records in ascending order, and notes that there are no others up to `upToSeq`. What was added before is passed over. Throws `KEFU_INTERNAL` when it
   * has no room.
   */
  add(docs: readonly SearchDoc[], upToSeq: number): void
  /** A page of hits; after about `budgetMs` the hits up to there. Throws `KEFU_SEARCH_INVALID`. */
  search(query: IndexQuery, budgetMs: number): Promise<IndexPage>
  /** How many records match from `after` on, as far as the time allows; `next` as of a page. The limit does not matter. Throws `KEFU_SEARCH_INVALID`. */
  count(query: IndexQuery, budgetMs: number): Promise<{ readonly count: number; readonly next?: number }>
  /**
   * Forgets records. On return nothing of them is found, and nothing of their texts, their agents and their terms is in any file. Takes as long as copying the
   * segments that have them.
   */
  remove(seqs: readonly number[]): Promise<void>
  /** On return everything that was added is on disk. */
  flush(): Promise<void>
  /** Writes and merges segments for about `budgetMs`; false when there is nothing more to do. Throws what the system throws; then it begins again. */
  maintain(budgetMs: number): Promise<boolean>
  info(): IndexInfo
  /** Ends after what is under way. What was not flushed is not on disk. */
  close(): Promise<void>
}

/** Facts of an index. */
export type IndexInfo = {
  readonly docs: number
  readonly segments: number
  /** Bytes of the segments' files, and of the folded texts in them. */
  readonly bytes: number
  readonly textBytes: number
  /** What was damaged, when it had to start over for that. */
  readonly damage?: string
}

/**
 * Opens the index of a folder, which nothing else uses; makes it if need be. An index that is damaged, or of another version, is removed: `info` says why. Throws what
 * the system throws.
 */
export async function openSearchIndex(options: {
  readonly path: string
  readonly limits?: Partial<IndexLimits>
}): Promise<SearchIndex> {
  const limits = { ...INDEX_LIMITS, ...options.limits }
  try {
    return new LiveIndex(options.path, limits, openFolder(options.path, limits))
  } catch (error) {
    if (!isKefuError(error, 'KEFU_SEARCH_DAMAGED')) throw error
    clearFolder(options.path)
    return new LiveIndex(options.path, limits, openFolder(options.path, limits), error.message)
  }
}

/** A segment with its line of the manifest. */
type Part = { readonly entry: FileEntry; readonly segment: Segment }

/** A full table that waits until it is a segment; it holds everything up to `upToSeq`. */
type Sealed = { readonly table: MemoryTable; readonly upToSeq: number }

/** A file that is being made, and what to do when it is. */
type Work = { readonly job: Job<Built>; install(built: Built): Promise<void> }

class LiveIndex implements SearchIndex {
  readonly #folder: string
  readonly #limits: IndexLimits
  readonly #damage: string | undefined
  #failure: KefuError | undefined
  #isClosed = false
  #manifest: Manifest
  #nextFile: number
  /** Replaced, never changed. */
  #parts: readonly Part[]
  readonly #sealed: Sealed[] = []
  #open: MemoryTable
  #indexedSeq: number
  #build: Work | undefined
  #merge: Work | undefined
  /** What changes files waits for this. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(folder: string, limits: IndexLimits, { manifest, segments, table }: Opened, damage?: string) {
    this.#folder = folder
    this.#limits = limits
    this.#damage = damage
    this.#manifest = manifest
    this.#nextFile = manifest.nextFile
    this.#parts = segments.map((segment, index) => ({ segment, entry: manifest.segments[index]! }))
    this.#open = table
    this.#indexedSeq = manifest.indexedSeq
  }

  get indexedSeq(): number {
    return this.#indexedSeq
  }

  get hasRoom(): boolean {
    return this.#sealed.length < this.#limits.waiting
  }

  add(docs: readonly SearchDoc[], upToSeq: number): void {
    this.#throwFailure()
    if (!this.hasRoom) throw new KefuError('KEFU_INTERNAL', { reason: 'the search index has no room' })
    for (const doc of docs) {
      if (doc.seq <= this.#indexedSeq) continue
      this.#open.add(doc, foldText(doc.text))
      this.#indexedSeq = doc.seq
      if (!this.#open.isFull) continue
      this.#sealed.push({ table: this.#open, upToSeq: doc.seq })
      this.#open = new MemoryTable(this.#limits)
    }
    this.#indexedSeq = Math.max(this.#indexedSeq, upToSeq)
  }

  async search(query: IndexQuery, budgetMs: number): Promise<IndexPage> {
    const hits: IndexHit[] = []
    const next = await this.#scan(query, budgetMs, ({ seq, conversation }) => {
      hits.push({ seq, conversation })
      return hits.length < query.limit
    })
    return next === undefined ? { hits } : { hits, next }
  }

  async count(query: IndexQuery, budgetMs: number): Promise<{ readonly count: number; readonly next?: number }> {
    let count = 0
    const next = await this.#scan(query, budgetMs, () => {
      count++
      return true
    })
    return next === undefined ? { count } : { count, next }
  }

  remove(seqs: readonly number[]): Promise<void> {
    return this.#alone(async () => {
      await this.#abandon()
      const gone = new Set(seqs)
      const tables = [...this.#sealed.map(({ table }) => table), this.#open]
      const wereInMemory = tables.filter(table => table.remove(gone)).length > 0
      for (const part of this.#parts) {
        const edits = await run(removalOf(part.segment, seqs))
        if (edits === undefined) continue
        const { path, file } = this.#newFile()
        const { bytes } = await run(mergeSegments([part.segment], path, edits))
        await this.#replace([part], { file, bytes, level: part.entry.level })
      }
      if (wereInMemory && this.#manifest.tail !== undefined) await this.#writeTail()
    })
  }

  flush(): Promise<void> {
    return this.#alone(async () => {
      if (this.#manifest.indexedSeq !== this.#indexedSeq) await this.#writeTail()
    })
  }

  maintain(budgetMs: number): Promise<boolean> {
    return this.#alone(async () => {
      const turns = new Turns(budgetMs)
      for (;;) {
        this.#planWork()
        const work = this.#build ?? this.#merge
        if (work === undefined) return false
        await this.#step(work)
        if (!turns.isOver) continue
        if (turns.isUp) return true
        await turns.next()
      }
    })
  }

  info(): IndexInfo {
    const tables = [...this.#sealed.map(({ table }) => table), this.#open]
    const { length: segments } = this.#parts
    const docs = sum([...this.#parts.map(({ segment }) => segment.tables.docs), ...tables.map(table => table.docs)])
    const bytes = sum(this.#parts.map(({ entry }) => entry.bytes))
    const textBytes = sum(this.#parts.map(({ segment }) => segment.tables.textBytes))
    const damage = this.#failure?.message ?? this.#damage
    return { docs, segments, bytes, textBytes, ...(damage !== undefined && { damage }) }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#last
    await this.#abandon()
    for (const { segment } of this.#parts) segment.release()
    this.#parts = []
  }

  async #scan(query: IndexQuery, budgetMs: number, show: (found: Found) => boolean): Promise<number | undefined> {
    this.#throwFailure()
    const sources: Source[] = [
      ...this.#parts.map(({ segment }) => segment),
      ...this.#sealed.map(({ table }) => table),
      this.#open,
    ].filter(({ blockCount }) => blockCount > 0)
    for (const source of sources) source.retain()
    try {
      return await this.#guard(() => scan(sources, query, budgetMs, show))
    } finally {
      for (const source of sources) source.release()
    }
  }

  /** Chooses what to do next: tables come first, as they fill the memory, unless merging is far behind. */
  #planWork(): void {
    const isBehind = runOf(this.#parts, this.#limits.fan * 2) !== undefined
    if (this.#build === undefined && !isBehind) this.#planBuild()
    if (this.#merge !== undefined) return
    const parts = runOf(this.#parts, this.#limits.fan)
    if (parts === undefined) return
    const { path, file } = this.#newFile()
    const job = mergeSegments(
      parts.map(({ segment }) => segment),
      path,
    )
    const level = parts[0]!.entry.level + 1
    this.#merge = { job, install: ({ bytes }) => this.#replace(parts, { file, bytes, level }) }
  }

  #planBuild(): void {
    const [sealed] = this.#sealed
    if (sealed === undefined) return
    const { path, file } = this.#newFile()
    this.#build = {
      job: buildSegment(sealed.table, path),
      install: async ({ bytes }) => {
        // What was flushed of this table is in the segment.
        await this.#adopt({ file, bytes, level: 0 }, part => this.#commit([...this.#parts, part], sealed.upToSeq))
      },
    }
  }

  async #step(work: Work): Promise<void> {
    try {
      const result = await work.job.next()
      if (result.done !== true) return
      await work.install(result.value)
    } catch (error) {
      this.#forget(work)
      throw error
    }
    this.#forget(work)
  }

  #forget(work: Work): void {
    if (this.#build === work) this.#build = undefined
    if (this.#merge === work) this.#merge = undefined
  }

  async #abandon(): Promise<void> {
    for (const work of [this.#build, this.#merge]) {
      if (work === undefined) continue
      this.#forget(work)
      await work.job.return(undefined as never)
    }
  }

  /** Writes all that is in memory: full tables as segments, the rest without terms. */
  async #writeTail(): Promise<void> {
    const turns = new Turns(0)
    while (this.#sealed.length > 0) {
      if (this.#build === undefined) this.#planBuild()
      await this.#step(this.#build!)
      if (turns.isOver) await turns.next()
    }
    const [table, upToSeq] = [this.#open, this.#indexedSeq]
    if (table.docs === 0) return this.#commit(this.#parts, upToSeq)
    const { path, file } = this.#newFile()
    const { bytes } = await run(buildSegment(table, path, true))
    await this.#commit(this.#parts, upToSeq, { file, bytes, level: 0 })
  }

  /** Puts a new file in the place of neighbouring segments. */
  async #replace(parts: readonly Part[], entry: FileEntry): Promise<void> {
    await this.#adopt(entry, part => {
      const { indexedSeq, tail } = this.#manifest
      return this.#commit(this.#parts.toSpliced(this.#parts.indexOf(parts[0]!), parts.length, part), indexedSeq, tail)
    })
    for (const { segment } of parts) segment.remove()
  }

  async #adopt(entry: FileEntry, commit: (part: Part) => Promise<void>): Promise<void> {
    const segment = openSegment(this.#folder, entry)
    try {
      await commit({ entry, segment })
    } catch (error) {
      segment.remove()
      throw error
    }
  }

  /** From here on these are the files of the index, also after a crash. Tables up to `indexedSeq` are among them. */
  async #commit(parts: readonly Part[], indexedSeq: number, tail?: FileEntry): Promise<void> {
    const old = this.#manifest.tail
    const segments = parts.map(({ entry }) => entry)
    const manifest = { indexedSeq, nextFile: this.#nextFile, segments, ...(tail !== undefined && { tail }) }
    await writeManifest(this.#folder, manifest)
    this.#manifest = manifest
    this.#parts = parts
    while (this.#sealed[0] !== undefined && this.#sealed[0].upToSeq <= indexedSeq) this.#sealed.shift()
    if (old !== undefined && old.file !== tail?.file) rmSync(filePath(this.#folder, old.file), { force: true })
  }

  #newFile(): { readonly path: string; readonly file: number } {
    const file = this.#nextFile++
    return { file, path: filePath(this.#folder, file) }
  }

  /** One after the other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => {
      this.#throwFailure()
      return this.#guard(work)
    })
    this.#last = done.catch(() => undefined)
    return done
  }

  /** After damage the index is not used any more, now or later. */
  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (isKefuError(error, 'KEFU_SEARCH_DAMAGED') && this.#failure === undefined) {
        this.#failure = error
        rmSync(join(this.#folder, MANIFEST_NAME), { force: true })
      }
      throw error
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isClosed) throw new KefuError('KEFU_INTERNAL', { reason: 'the search index is closed' })
  }
}

/** The first `count` neighbouring segments of one level. */
function runOf(parts: readonly Part[], count: number): readonly Part[] | undefined {
  let start = 0
  for (let at = 0; at < parts.length; at++) {
    if (parts[at]!.entry.level !== parts[start]!.entry.level) start = at
    if (at - start + 1 === count) return parts.slice(start, at + 1)
  }
  return undefined
}

/** Carries out a job, giving way to others in between. */
async function run<T>(job: Job<T>): Promise<T> {
  const turns = new Turns(Number.POSITIVE_INFINITY)
  for (;;) {
    const result = await job.next()
    if (result.done === true) return result.value
    if (turns.isOver) await turns.next()
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

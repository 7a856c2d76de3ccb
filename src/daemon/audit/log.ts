import { constants } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { isKefuError, KefuError } from '../../errors.js'
import type {
  AuditAct,
  AuditCheck,
  AuditCheckOptions,
  AuditEnd,
  AuditEntry,
  AuditFilter,
  AuditPage,
  AuditPort,
  AuditRange,
  AuditReader,
  NoteEnd,
} from '../core/audit.js'
import type { Clock } from '../core/ports.js'
import { type AuditHead, openAfter } from './chain.js'
import type { AuditHeads } from './head.js'
import { encodeLine } from './line.js'
import { listAudit } from './listing.js'
import { recover } from './recovery.js'
import { hasCode, type Segment, segmentAt } from './segments.js'
import { type AuditSubject, verifyAudit } from './verify.js'

/** What the log stands on. */
export type AuditLogPorts = {
  /** Its own; made when it is not there. */
  readonly folder: string
  readonly heads: AuditHeads
  readonly clock: Pick<Clock, 'now'>
  /** It cannot be written, or was not as it was left: the first of failures in a row. */
  report(error: unknown): void
}

/** Bounds of the log. `segmentBytes`: the size from which a file is closed and the next one begun. */
export type AuditLogOptions = { readonly segmentBytes?: number }

type Note = Omit<AuditEntry, 'n' | 'at'> & { readonly at: number }
type Waiting = { readonly note: Note; settle(failure: KefuError | undefined, entry: AuditEntry | undefined): void }

const SEGMENT_BYTES = 8 * 1024 * 1024
/** Entries that may wait for the disk. */
const WAITING_LIMIT = 1_024
const BATCH_LIMIT = 128
/** What may have begun and not be over, at once. */
const OPEN_LIMIT = 96
/** How much of each of them the store keeps. */
const OPEN_BYTES = 512

/**
 * The audit log on disk: files of lines, each line naming the hash of the one before, and the head in the store. Every batch is on disk, with its head, before
 * anybody is told. After a write that failed the next one begins by cutting off what did not get to the disk.
 */
export class AuditLog implements AuditPort, AuditReader {
  readonly #ports: AuditLogPorts
  readonly #segmentBytes: number
  readonly #waiting: Waiting[] = []
  /** What is over, and could not be written. */
  #owed: Note[] = []
  #open: ReadonlyMap<number, AuditEntry> = new Map()
  #beginning = 0
  #head: Omit<AuditHead, 'open'> | undefined
  #segment: Segment | undefined
  /** How much of the file is written and on disk. */
  #bytes = 0
  #file: FileHandle | undefined
  #failure: KefuError | undefined
  #damage: readonly string[] = []
  #work: Promise<void> | undefined
  #isClosed = false
  /** What was open when it was taken up was begun by a daemon that is no more. */
  #isTakenUp = false

  private constructor(ports: AuditLogPorts, { segmentBytes = SEGMENT_BYTES }: AuditLogOptions) {
    this.#ports = ports
    this.#segmentBytes = segmentBytes
  }

  /**
   * Takes the log up where it was left; what a crash left of a line is cut off, what was begun and not ended is noted as `unknown`, and damage is noted and
   * reported. Never rejects: a log that cannot be read or written refuses entries until it can. One process at a time: open it under the store's lock.
   */
  static async open(ports: AuditLogPorts, options: AuditLogOptions = {}): Promise<AuditLog> {
    const log = new AuditLog(ports, options)
    await log.#run([])
    return log
  }

  /** What an operator should know of it. */
  get warnings(): readonly string[] {
    const warnings: string[] = []
    if (this.#failure !== undefined) warnings.push(`${this.#failure.message}: what changes something is refused`)
    if (this.#damage.length > 0)
      warnings.push(`the audit log was not as it was left: ${this.#damage[0]}; kefu audit verify`)
    return warnings
  }

  async list(filter: AuditFilter, range: AuditRange): Promise<AuditPage> {
    const open = new Set(this.#open.keys())
    return readable(listAudit({ ...this.#subject(), open }, filter, range))
  }

  async check(options?: AuditCheckOptions): Promise<AuditCheck> {
    return readable(verifyAudit(this.#subject(), options))
  }

  async record(act: AuditAct, end: AuditEnd = { outcome: 'done' }): Promise<void> {
    await this.#add(ended(act, end, this.#ports.clock.now()))
  }

  async begin(act: AuditAct): Promise<NoteEnd> {
    if (this.#beginning + this.#open.size >= OPEN_LIMIT) throw unavailable('too much is done at once')
    this.#beginning++
    const { n } = await this.#add({ ...act, outcome: 'begun', at: this.#ports.clock.now() }).finally(() => {
      this.#beginning--
    })
    return async end => {
      const note = { ...ended(act, end, this.#ports.clock.now()), of: n }
      await this.#add(note).catch((error: unknown) => {
        if (!isKefuError(error, 'KEFU_AUDIT_UNAVAILABLE')) throw error
        this.#owed.push(note)
      })
    }
  }

  /** Writes what waits, and ends. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#work
    if (this.#owed.length > 0 && this.#head !== undefined) await this.#run([])
    await this.#file?.close()
    this.#file = undefined
  }

  /** Where it stands: what comes later is not part of it. */
  #subject(): AuditSubject {
    if (this.#head === undefined) throw this.#failure ?? unavailable('it is not open')
    const last = this.#segment === undefined ? {} : { last: { first: this.#segment.first, bytes: this.#bytes } }
    return { folder: this.#ports.folder, head: this.#head, ...last }
  }

  #add(note: Note): Promise<AuditEntry> {
    if (this.#isClosed) return Promise.reject(unavailable('the daemon is ending'))
    if (this.#waiting.length >= WAITING_LIMIT) return Promise.reject(unavailable('the disk is too slow'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        note,
        settle: (failure, entry) => (entry === undefined ? reject(failure) : resolve(entry)),
      })
      this.#work ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    // Calls of the same turn of the event loop go together.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#run(this.#waiting.splice(0, BATCH_LIMIT))
    this.#work = undefined
  }

  /** Writes what is owed and a batch; never rejects. */
  async #run(batch: readonly Waiting[]): Promise<void> {
    let entries: readonly AuditEntry[] = []
    try {
      await this.#takeUp()
      const owed = this.#owed.filter(({ of }) => of === undefined || this.#open.has(of))
      entries = (await this.#write([...owed, ...batch.map(({ note }) => note)])).slice(owed.length)
      this.#owed = []
      this.#failure = undefined
    } catch (error) {
      const failure = unavailable(reasonOf(error), error)
      await this.#file?.close().catch(() => undefined)
      this.#file = undefined
      if (this.#failure === undefined) this.#ports.report(failure)
      this.#failure = failure
    }
    for (const [index, { settle }] of batch.entries()) settle(this.#failure, entries[index])
  }

  /** Opens the file to go on with: as it was left, without what nobody was told of. One that is not, or is gone, is damage. */
  async #takeUp(): Promise<void> {
    if (this.#file === undefined && this.#head !== undefined && this.#segment !== undefined) {
      const { O_WRONLY, O_NOFOLLOW } = constants
      this.#file = await open(this.#segment.path, O_WRONLY | O_NOFOLLOW).catch(error => {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
        throw error
      })
      if (this.#file !== undefined && (await this.#file.stat()).size > this.#bytes) {
        await this.#file.truncate(this.#bytes)
        await this.#file.datasync()
      }
    }
    if (await this.#isAsLeft()) return
    await this.#file?.close()
    this.#file = undefined
    this.#head = undefined
    await this.#recover()
    if (this.#segment === undefined) return
    this.#file = await open(this.#segment.path, constants.O_WRONLY | constants.O_NOFOLLOW)
    await this.#file.truncate(this.#bytes)
    await this.#file.datasync()
  }

  async #isAsLeft(): Promise<boolean> {
    if (this.#head === undefined) return false
    if (this.#segment === undefined) return true
    if (this.#file === undefined) return false
    const { size, nlink } = await this.#file.stat()
    return size === this.#bytes && nlink > 0
  }

  async #recover(): Promise<void> {
    const { folder, heads, clock } = this.#ports
    await mkdir(folder, { mode: 0o700 }).catch(error => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
    const found = await recover(folder, await heads.load())
    this.#segment = found.segment
    this.#bytes = found.bytes
    this.#open = found.open
    const at = clock.now()
    const by = { kind: 'daemon' } as const
    if (found.damage.length > 0) {
      this.#damage = found.damage
      this.#owed.push({ action: 'audit.damage', by, fields: { found: found.damage }, outcome: 'done', at })
      const where = `the audit log (${found.damage.join('; ')}), which goes on in a new file`
      this.#ports.report(new KefuError('KEFU_STORE_CORRUPT', { where }))
    }
    if (found.tornBytes > 0)
      this.#owed.push({ action: 'audit.repair', by, fields: { bytes: found.tornBytes }, outcome: 'done', at })
    if (!this.#isTakenUp) this.#owed.push(...[...found.open.values()].map(entry => forgotten(entry, at)))
    this.#isTakenUp = true
    this.#head = { n: found.n, hash: found.hash }
  }

  /** Appends entries; they, and the head, are on disk on return. Throws what the system and the store throw. */
  async #write(notes: readonly Note[]): Promise<readonly AuditEntry[]> {
    if (notes.length === 0) return []
    const open = new Map(this.#open)
    let { n, hash } = this.#head!
    const lines: Buffer[] = []
    const entries = notes.map(note => {
      const entry = { ...note, n: ++n }
      const line = encodeLine(entry, hash)
      hash = line.hash
      lines.push(line.bytes)
      openAfter(open, entry)
      return entry
    })
    const bytes = Buffer.concat(lines)
    if (this.#segment === undefined || this.#bytes >= this.#segmentBytes) await this.#beginSegment()
    await writeAll(this.#file!, bytes, this.#bytes)
    await this.#file!.datasync()
    this.#bytes += bytes.length
    this.#head = { n, hash }
    this.#open = open
    try {
      await this.#ports.heads.save({ n, hash, open: [...open.values()].map(briefly) })
    } catch (error) {
      // They stand in the log, and whoever waits for them is told that they may not: what would begin with them does not.
      const at = this.#ports.clock.now()
      for (const { n: of, outcome, at: _, ...act } of entries)
        if (outcome === 'begun') this.#owed.push({ ...act, outcome: 'refused', code: 'KEFU_AUDIT_UNAVAILABLE', at, of })
      throw error
    }
    return entries
  }

  /** A file of this name is none that anybody was told of. */
  async #beginSegment(): Promise<void> {
    const { folder } = this.#ports
    const segment = segmentAt(folder, this.#head!.n + 1)
    const { O_CREAT, O_TRUNC, O_WRONLY, O_NOFOLLOW } = constants
    const file = await open(segment.path, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW, 0o600)
    await this.#file?.close().catch(() => undefined)
    this.#file = file
    this.#segment = segment
    this.#bytes = 0
    await syncFolder(folder)
  }
}

/** The end of something that a daemon that is no more had begun. */
function forgotten({ n, at: _, outcome: __, ...act }: AuditEntry, at: number): Note {
  return { ...act, outcome: 'unknown', at, of: n }
}

/** What the store keeps of something that has begun. */
function briefly({ n, at, action, by, target }: AuditEntry): AuditEntry {
  const brief = { n, at, action, by, outcome: 'begun' as const }
  const full = target === undefined ? brief : { ...brief, target }
  return Buffer.byteLength(JSON.stringify(full)) <= OPEN_BYTES ? full : { ...brief, by: { kind: 'daemon' } }
}

function ended(act: AuditAct, { fields, ...end }: AuditEnd, at: number): Note {
  const all = fields === undefined ? act.fields : { ...act.fields, ...fields }
  return { ...act, ...end, ...(all === undefined ? {} : { fields: all }), at }
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done)
    if (bytesWritten === 0) throw unavailable('nothing was written')
    done += bytesWritten
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Rejects with `KEFU_AUDIT_UNAVAILABLE` where the system does not let it be read. */
async function readable<T>(reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    throw error instanceof Error && 'syscall' in error ? unavailable(reasonOf(error), error) : error
  })
}

function unavailable(reason: string, cause?: unknown): KefuError {
  return new KefuError('KEFU_AUDIT_UNAVAILABLE', { reason }, cause === undefined ? undefined : { cause })
}

function reasonOf(error: unknown): string {
  if (isKefuError(error)) return error.code === 'KEFU_AUDIT_UNAVAILABLE' ? String(error.detail.reason) : error.message
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

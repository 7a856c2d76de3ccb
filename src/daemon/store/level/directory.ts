import { KEY, textKey } from '../../../codec/keys.js'
import { sealValue } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import type { Clock, DirectoryEvent, DirectoryPort, Entry } from '../../core/ports.js'
import { WatchQueue } from '../watch-queue.js'
import type { Commit } from './commit.js'
import type { Digests } from './digests.js'
import { type DirectoryEntry, entryFields, parseEntry } from './directory-entry.js'
import { damaged } from './failure.js'
import { putFact } from './format.js'
import type { LogWriter } from './writer.js'

const KEY_LIMIT = 512
/** Longest timer; a longer time to live is waited for in pieces. */
const TIMER_LIMIT_MS = 24 * 60 * 60 * 1000

/** A present entry: as others see it, as it is stored, and when it goes. */
type Present = {
  readonly entry: Entry
  readonly stored: DirectoryEntry
  readonly expiresAtMs: number
  cancel: (() => void) | undefined
}

type Ports = {
  readonly writer: LogWriter
  readonly digests: Digests
  readonly clock: Clock
  readonly valueBytes: number
}

/** The directory: all of it in memory, every change in a group commit. Changes of one key take turns, so that each is decided on what is durable. */
export class Directory implements DirectoryPort {
  readonly #ports: Ports
  readonly #entries = new Map<string, Present>()
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #watchers = new Map<WatchQueue, string>()
  #revision = 0
  #isUnsound = false
  #isClosed = false

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** Starts over from what the disk holds; watchers are told what differs. An unsound directory answers only for what is there. */
  reset(entries: readonly DirectoryEntry[], revision: number, isUnsound: boolean): void {
    this.#revision = Math.max(revision, this.#revision)
    this.#isUnsound = isUnsound
    const now = this.#ports.clock.now()
    const gone = new Set(this.#entries.keys())
    for (const stored of entries) {
      this.#revision = Math.max(this.#revision, stored.revision)
      gone.delete(stored.key)
      const before = this.#entries.get(stored.key)
      if (before?.stored.revision === stored.revision) continue
      // The wall clock may have been set meanwhile: never longer than what was given.
      const leftMs =
        stored.ttlMs === undefined ? undefined : Math.min(Math.max(0, stored.expiresAt - now), stored.ttlMs)
      this.#set(stored, leftMs)
    }
    for (const key of gone) this.#unset(key)
  }

  async get(key: string): Promise<Entry | null> {
    const present = this.#live(key)
    if (present === undefined && this.#isUnsound) throw damaged('the directory has lost entries')
    return present?.entry ?? null
  }

  async list(prefix: string): Promise<Entry[]> {
    if (this.#isUnsound) throw damaged('the directory has lost entries')
    return this.#list(prefix)
  }

  create(key: string, value: unknown, ttlMs?: number): Promise<number> {
    return this.#inTurn(key, () => {
      if (this.#isUnsound) throw damaged('the directory has lost entries')
      if (this.#live(key) !== undefined) throw new KefuError('KEFU_DIRECTORY_EXISTS', { key })
      return this.#store(key, value, ttlMs)
    })
  }

  update(key: string, value: unknown, revision: number, ttlMs?: number): Promise<number> {
    return this.#inTurn(key, () => {
      this.#expect(key, revision)
      return this.#store(key, value, ttlMs)
    })
  }

  remove(key: string, revision: number): Promise<void> {
    return this.#inTurn(key, async () => {
      const present = this.#expect(key, revision)
      await this.#ports.writer.ride(key.length, commit => this.#drop(commit, present.stored))
      if (this.#entries.get(key) === present) this.#unset(key)
    })
  }

  async *watch(prefix: string, signal: AbortSignal): AsyncGenerator<DirectoryEvent, void, undefined> {
    if (this.#isUnsound) throw damaged('the directory has lost entries')
    const queue = new WatchQueue(this.#list(prefix).map(entry => ({ type: 'put', entry })))
    const wake = () => queue.wake()
    this.#watchers.set(queue, prefix)
    signal.addEventListener('abort', wake)
    try {
      yield* queue.take(() => signal.aborted || this.#isClosed)
    } finally {
      signal.removeEventListener('abort', wake)
      this.#watchers.delete(queue)
    }
  }

  /** Ends watches and timers. */
  close(): void {
    this.#isClosed = true
    for (const present of this.#entries.values()) present.cancel?.()
    for (const queue of this.#watchers.keys()) queue.wake()
  }

  #list(prefix: string): Entry[] {
    const found: Entry[] = []
    for (const key of this.#entries.keys()) {
      const present = key.startsWith(prefix) ? this.#live(key) : undefined
      if (present !== undefined) found.push(present.entry)
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  async #store(key: string, value: unknown, ttlMs: number | undefined): Promise<number> {
    const { writer, digests, clock, valueBytes } = this.#ports
    const revision = ++this.#revision
    const recordKey = textKey(KEY.directory, key)
    const bytes = sealValue(
      recordKey,
      entryFields({ key, value, revision, ttlMs, expiresAt: ttlMs === undefined ? 0 : Math.ceil(clock.now() + ttlMs) }),
    )
    if (bytes.length > valueBytes)
      throw new KefuError('KEFU_MESSAGE_TOO_LARGE', { bytes: bytes.length, limit: valueBytes })
    const stored = parseEntry(recordKey, bytes)
    const before = this.#entries.get(key)?.stored
    await writer.ride(bytes.length, commit => {
      if (before !== undefined) digests.subtract('directory', recordKey, undefined, before.revision)
      digests.add('directory', recordKey, undefined, revision)
      commit.put(recordKey, bytes)
      putFact(commit, 'revision', revision)
    })
    this.#set(stored, ttlMs)
    return revision
  }

  #drop(commit: Commit, stored: DirectoryEntry): void {
    const key = textKey(KEY.directory, stored.key)
    this.#ports.digests.subtract('directory', key, undefined, stored.revision)
    commit.del(key)
  }

  #set(stored: DirectoryEntry, leftMs: number | undefined): void {
    const { key, value, revision } = stored
    this.#entries.get(key)?.cancel?.()
    const entry: Entry = Object.freeze({ key, value, revision })
    const expiresAtMs = leftMs === undefined ? Number.POSITIVE_INFINITY : this.#ports.clock.monotonicMs() + leftMs
    const present: Present = { entry, stored, expiresAtMs, cancel: undefined }
    this.#entries.set(key, present)
    if (leftMs !== undefined) this.#arm(present)
    this.#tell(key, { type: 'put', entry })
  }

  #unset(key: string): void {
    this.#entries.get(key)?.cancel?.()
    this.#entries.delete(key)
    this.#tell(key, { type: 'gone', key })
  }

  #arm(present: Present): void {
    const { clock } = this.#ports
    const leftMs = Math.min(TIMER_LIMIT_MS, Math.max(0, present.expiresAtMs - clock.monotonicMs()))
    present.cancel = clock.after(leftMs, () => {
      if (clock.monotonicMs() < present.expiresAtMs) this.#arm(present)
      else this.#expire(present)
    })
  }

  /** The entry is gone for everyone at once; its key follows in its turn, and after a crash it is expired anyway. */
  #expire(present: Present): void {
    const { key } = present.entry
    if (this.#entries.get(key) !== present) return
    this.#inTurn(key, async () => {
      if (this.#entries.get(key) !== present) return
      this.#unset(key)
      await this.#ports.writer.ride(key.length, commit => this.#drop(commit, present.stored))
    }).catch(() => {
      // A store that takes no writes keeps the key: expired, and dropped when it is opened again.
    })
  }

  /** The entry, unless it has expired. */
  #live(key: string): Present | undefined {
    const present = this.#entries.get(key)
    return present === undefined || this.#ports.clock.monotonicMs() >= present.expiresAtMs ? undefined : present
  }

  #expect(key: string, revision: number): Present {
    const present = this.#live(key)
    if (present === undefined || present.entry.revision !== revision)
      throw new KefuError('KEFU_DIRECTORY_CONFLICT', { key })
    return present
  }

  #tell(key: string, event: DirectoryEvent): void {
    for (const [queue, prefix] of this.#watchers) if (key.startsWith(prefix)) queue.push(event)
  }

  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (key.length === 0 || key.length > KEY_LIMIT || key.includes('\0') || !key.isWellFormed())
      throw new KefuError('KEFU_INTERNAL', { reason: 'not a directory key' })
    const former = this.#turns.get(key)
    const turn = former === undefined ? work() : former.then(work, work)
    this.#turns.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
  }
}

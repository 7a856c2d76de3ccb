import { setImmediate as nextTurn } from 'node:timers/promises'
import { pack } from '../../../codec/msgpack.js'
import { KefuError } from '../../../errors.js'
import type { Clock, DirectoryEvent, DirectoryPort, Entry } from '../../core/ports.js'
import { STORE_LIMITS } from '../options.js'
import { WatchQueue } from '../watch-queue.js'

type Present = { readonly entry: Entry; readonly expiresAtMs: number }

/** The directory as a map. */
export class MemoryDirectory implements DirectoryPort {
  readonly #clock: Clock
  readonly #entries = new Map<string, Present>()
  readonly #watchers = new Map<WatchQueue, string>()
  #revision = 0
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async get(key: string): Promise<Entry | null> {
    return this.#live(key) ?? null
  }

  async list(prefix: string): Promise<Entry[]> {
    return [...this.#entries.keys()]
      .filter(key => key.startsWith(prefix))
      .map(key => this.#live(key))
      .filter(entry => entry !== undefined)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  async create(key: string, value: unknown, ttlMs?: number): Promise<number> {
    await this.#turn()
    if (this.#live(key) !== undefined) throw new KefuError('KEFU_DIRECTORY_EXISTS', { key })
    return this.#set(key, value, ttlMs)
  }

  async update(key: string, value: unknown, revision: number, ttlMs?: number): Promise<number> {
    await this.#turn()
    this.#expect(key, revision)
    return this.#set(key, value, ttlMs)
  }

  async remove(key: string, revision: number): Promise<void> {
    await this.#turn()
    this.#expect(key, revision)
    this.#unset(key)
  }

  async *watch(prefix: string, signal: AbortSignal): AsyncGenerator<DirectoryEvent, void, undefined> {
    const present = await this.list(prefix)
    const queue = new WatchQueue(present.map(entry => ({ type: 'put', entry })))
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

  close(): void {
    this.#isClosed = true
    for (const queue of this.#watchers.keys()) queue.wake()
  }

  async #turn(): Promise<void> {
    if (this.#isClosed) throw new KefuError('KEFU_DRAINING')
    await nextTurn()
  }

  #set(key: string, value: unknown, ttlMs: number | undefined): number {
    const bytes = pack(value).length
    const limit = STORE_LIMITS.directoryValueBytes
    if (bytes > limit) throw new KefuError('KEFU_MESSAGE_TOO_LARGE', { bytes, limit })
    const entry: Entry = { key, value: structuredClone(value), revision: ++this.#revision }
    const expiresAtMs = ttlMs === undefined ? Number.POSITIVE_INFINITY : this.#clock.monotonicMs() + ttlMs
    const present: Present = { entry, expiresAtMs }
    this.#entries.set(key, present)
    if (ttlMs !== undefined)
      this.#clock.after(ttlMs, () => {
        if (this.#entries.get(key) === present) this.#unset(key)
      })
    this.#tell(key, { type: 'put', entry })
    return entry.revision
  }

  #unset(key: string): void {
    this.#entries.delete(key)
    this.#tell(key, { type: 'gone', key })
  }

  #live(key: string): Entry | undefined {
    const present = this.#entries.get(key)
    return present !== undefined && this.#clock.monotonicMs() < present.expiresAtMs ? present.entry : undefined
  }

  #expect(key: string, revision: number): void {
    if (this.#live(key)?.revision !== revision) throw new KefuError('KEFU_DIRECTORY_CONFLICT', { key })
  }

  #tell(key: string, event: DirectoryEvent): void {
    for (const [queue, prefix] of this.#watchers) if (key.startsWith(prefix)) queue.push(event)
  }
}

import { Level } from 'level'
import { KefuError } from '../../../errors.js'
import type { Clock } from '../../core/ports.js'
import type { StoreLimits } from '../options.js'
import { openFailure } from './failure.js'
import { verifyTables } from './verify-tables.js'

/** A LevelDB handle as the store uses it. */
export type Handle = Level<Uint8Array, Uint8Array> & {
  /** Of `classic-level`, which is what `level` is outside of browsers. */
  compactRange(from: Uint8Array, to: Uint8Array): Promise<void>
}

/** Opens a LevelDB folder. Tests pass one whose handle fails or stalls. */
export type OpenHandle = (folder: string, limits: StoreLimits) => Promise<Handle>

/** Operations that are written together or not at all. */
export type Batch = {
  put(key: Uint8Array, value: Uint8Array): void
  del(key: Uint8Array): void
}

/** A batch of the present handle. */
export type HandleBatch = ReturnType<Handle['batch']>

/** A key and its value. */
export type Pair = [key: Uint8Array, value: Uint8Array]

/** Bounds of a scan: `from` and `to` are part of it. */
export type Range = {
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly reverse?: boolean
  readonly limit: number
  /** Ends the page after about this many bytes (at least one pair). */
  readonly limitBytes?: number
}

/** A read under way: of which handle, and among which others it is counted. */
type Use = { readonly handle: Handle; readonly reads: Reads }

/** Reads that began between two calls of `settleReads`. */
type Reads = { count: number; onSettled: (() => void) | undefined }

/** Behind all keys. */
const NO_KEY = Uint8Array.of(0xff)

const SYNC = { sync: true } as const
const UNSYNCED = { sync: false } as const
const FETCH_BYTES = 256 * 1024

/** Opens the LevelDB folder, after verifying its table files. Throws what `openFailure` says, and `KEFU_STORE_CORRUPT`. */
export async function openHandle(folder: string, limits: StoreLimits, createIfMissing = false): Promise<Handle> {
  try {
    if (!createIfMissing) await verifyTables(folder, limits.verifyBytes)
  } catch (error) {
    throw openFailure(folder, error)
  }
  const handle = new Level<Uint8Array, Uint8Array>(folder, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    createIfMissing,
    writeBufferSize: limits.writeBufferBytes,
    maxFileSize: limits.fileBytes,
    cacheSize: limits.blockCacheBytes,
    maxOpenFiles: limits.openFiles,
  }) as Handle
  try {
    await handle.open()
  } catch (error) {
    throw openFailure(folder, error)
  }
  return handle
}

/**
 * The LevelDB handle and its exchange. A handle that a write failed on takes no more writes; `reopen` replaces it. Reads go on until then, wait (with
 * a deadline) while it is replaced, and fail with `KEFU_STORE_UNREADABLE` when there is none.
 */
export class Database {
  readonly folder: string
  readonly #limits: StoreLimits
  readonly #clock: Clock
  readonly #open: OpenHandle
  #handle: Handle | undefined
  #users = 0
  #reads: Reads = { count: 0, onSettled: undefined }
  #whenUnused: (() => void) | undefined
  #waiters: (() => void)[] = []
  #isClosed = false

  constructor(folder: string, handle: Handle, limits: StoreLimits, clock: Clock, open: OpenHandle = openHandle) {
    this.folder = folder
    this.#handle = handle
    this.#limits = limits
    this.#clock = clock
    this.#open = open
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const use = await this.#enter()
    try {
      return await use.handle.get(key)
    } finally {
      this.#leave(use)
    }
  }

  async getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    if (keys.length === 0) return []
    const use = await this.#enter()
    try {
      return await use.handle.getMany(keys)
    } finally {
      this.#leave(use)
    }
  }

  /** One page of a range, in order. Fewer pairs than the limit (and its bytes) mean that there are no more. */
  async page(range: Range): Promise<Pair[]> {
    const { limit, limitBytes = Number.POSITIVE_INFINITY } = range
    const use = await this.#enter()
    try {
      const iterator = use.handle.iterator({
        gte: range.from,
        lte: range.to,
        reverse: range.reverse === true,
        limit,
        highWaterMarkBytes: Math.min(limitBytes, FETCH_BYTES),
      })
      try {
        const first = await iterator.nextv(limit)
        let bytes = sizeOf(first)
        if (first.length === 0 || first.length >= limit || bytes >= limitBytes) return first
        const pairs = first
        for (;;) {
          const more = await iterator.nextv(limit - pairs.length)
          if (more.length === 0) return pairs
          for (const pair of more) pairs.push(pair)
          bytes += sizeOf(more)
          if (pairs.length >= limit || bytes >= limitBytes) return pairs
        }
      } finally {
        await iterator.close()
      }
    } finally {
      this.#leave(use)
    }
  }

  /** A batch of the present handle; undefined while there is none. Close or write it. */
  batch(): HandleBatch | undefined {
    return this.#handle?.batch()
  }

  /** Writes a batch and waits for the disk. */
  static commit(batch: HandleBatch): Promise<void> {
    return batch.write(SYNC)
  }

  /** Writes without waiting for the disk: a later commit makes it durable, too. */
  async writeUnsynced(put: (batch: Batch) => void): Promise<void> {
    const use = await this.#enter()
    try {
      const batch = use.handle.batch()
      put(batch)
      await batch.write(UNSYNCED)
    } finally {
      this.#leave(use)
    }
  }

  /** Resolves when the reads that run now have ended: none looks at an earlier state of the database any more. One call at a time. */
  async settleReads(): Promise<void> {
    const reads = this.#reads
    this.#reads = { count: 0, onSettled: undefined }
    if (reads.count > 0) await new Promise<void>(resolve => (reads.onSettled = resolve))
  }

  /** What is in the memory table goes into a table file, the write-ahead log begins anew, and files that nobody needs are removed. */
  flush(): Promise<void> {
    return this.compact(NO_KEY, NO_KEY)
  }

  /** As `flush`; then all table files that have keys of the range are made anew, those at the bottom only where others lie above them. */
  async compact(from: Uint8Array, to: Uint8Array): Promise<void> {
    const use = await this.#enter()
    try {
      await use.handle.compactRange(from, to)
    } finally {
      this.#leave(use)
    }
  }

  /** Replaces the handle, after the reads that use it have ended. Throws what `openFailure` says; there is no handle then, until another attempt. */
  async reopen(prepare: (database: Database) => Promise<void>): Promise<void> {
    const old = this.#handle
    this.#handle = undefined
    if (this.#users > 0) await new Promise<void>(resolve => (this.#whenUnused = resolve))
    await old?.close()
    const handle = await this.#open(this.folder, this.#limits)
    if (this.#isClosed) {
      await handle.close()
      return
    }
    const fresh = new Database(this.folder, handle, this.#limits, this.#clock)
    try {
      await prepare(fresh)
    } catch (error) {
      await handle.close()
      throw error
    }
    this.#handle = handle
    for (const wake of this.#waiters.splice(0)) wake()
  }

  /** Waits for reads, then closes. Reads fail from now on. */
  async close(): Promise<void> {
    this.#isClosed = true
    const handle = this.#handle
    this.#handle = undefined
    for (const wake of this.#waiters.splice(0)) wake()
    if (this.#users > 0) await new Promise<void>(resolve => (this.#whenUnused = resolve))
    await handle?.close()
  }

  async #enter(): Promise<Use> {
    if (this.#handle === undefined && !this.#isClosed) await this.#waitForHandle()
    const handle = this.#handle
    if (handle === undefined)
      throw new KefuError('KEFU_STORE_UNREADABLE', {
        reason: this.#isClosed ? 'it is closed' : 'it is being recovered',
      })
    const reads = this.#reads
    this.#users++
    reads.count++
    return { handle, reads }
  }

  #leave({ reads }: Use): void {
    reads.count--
    if (reads.count === 0) reads.onSettled?.()
    this.#users--
    if (this.#users > 0) return
    this.#whenUnused?.()
    this.#whenUnused = undefined
  }

  #waitForHandle(): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#clock.after(this.#limits.readWaitMs, resolve)
      this.#waiters.push(() => {
        cancel()
        resolve()
      })
    })
  }
}

function sizeOf(pairs: readonly Pair[]): number {
  let bytes = 0
  for (const [key, value] of pairs) bytes += key.length + value.length
  return bytes
}

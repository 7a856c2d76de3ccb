import { hash as digest } from 'node:crypto'
import { dedupeKey, KEY } from '../../../codec/keys.js'
import { openValue, sealValue } from '../../../codec/record.js'
import type { Clock } from '../../core/ports.js'
import { within } from '../../core/within.js'
import type { StoreLogger } from '../options.js'
import type { Batch, Database } from './database.js'
import { noAnswer, readFailure } from './failure.js'
import { type Facts, putFact } from './format.js'

/** How long a platform's id is remembered at least; at most twice as long. */
export const GENERATION_MS = 8 * 24 * 60 * 60 * 1000

const HASH_BYTES = 16
const DROP_CHUNK = 1_000
const DROP_PAUSE_MS = 50

type Question = {
  readonly hash: Uint8Array
  readonly resolve: (n: number | undefined) => void
  readonly reject: (error: unknown) => void
}

/**
 * Platforms' ids of messages, as hashes, in two generations: written to the newer one, looked up in both. The generation before them is dropped in
 * small chunks in the background.
 */
export class PlatformKeys {
  readonly #database: Database
  readonly #clock: Clock
  readonly #logger: StoreLogger
  readonly #timeoutMs: number
  /** Counted from 0; keys hold its last byte. */
  #generation = 0
  /** Look-ups of this turn of the event loop. */
  #asked: Question[] = []
  #turnAtMs = 0
  #cancelDrop: (() => void) | undefined
  #isClosed = false

  /** `timeoutMs`: how long a look-up may take. */
  constructor(database: Database, clock: Clock, logger: StoreLogger, timeoutMs: number) {
    this.#database = database
    this.#clock = clock
    this.#logger = logger
    this.#timeoutMs = timeoutMs
  }

  /** Starts over from what the disk holds. The wall clock counts only while the store was closed, and never more than one generation. */
  reset(fact: Facts['dedupe'] | undefined): void {
    const [generation, startedAt] = fact ?? [0, this.#clock.now()]
    this.#generation = generation
    const age = Math.min(Math.max(0, this.#clock.now() - startedAt), GENERATION_MS)
    this.#turnAtMs = this.#clock.monotonicMs() + GENERATION_MS - age
    this.#scheduleDrop()
  }

  /** A key within a conversation as a hash. */
  static hash(conversation: Uint8Array, platformKey: string): Buffer {
    return digest('sha256', Buffer.concat([conversation, Buffer.from(platformKey)]), 'buffer').subarray(0, HASH_BYTES)
  }

  /** Number of the record that a key came with, if it is remembered. Throws `KEFU_STORE_CORRUPT`, `KEFU_STORE_UNREADABLE`. */
  lookup(hash: Uint8Array): Promise<number | undefined> {
    // A call costs more than what it looks up: all that is asked in this turn of the event loop goes in one.
    if (this.#asked.length === 0) setImmediate(this.#ask)
    return new Promise((resolve, reject) => this.#asked.push({ hash, resolve, reject }))
  }

  readonly #ask = async (): Promise<void> => {
    const asked = this.#asked
    this.#asked = []
    const generations = this.#generations()
    const keys = asked.flatMap(({ hash }) => generations.map(generation => dedupeKey(generation, hash)))
    const timeoutMs = this.#timeoutMs
    let values: (Uint8Array | undefined)[]
    try {
      values = await within(this.#clock, timeoutMs, this.#database.getMany(keys), () => noAnswer(timeoutMs))
    } catch (error) {
      const failure = readFailure(error, 'the entries of platform ids')
      for (const { reject } of asked) reject(failure)
      return
    }
    for (const [index, { resolve, reject }] of asked.entries()) {
      const first = generations.length * index
      const at = values[first] === undefined ? first + generations.length - 1 : first
      const value = values[at]
      try {
        resolve(value === undefined ? undefined : (openValue(keys[at]!, value) as number))
      } catch (error) {
        reject(readFailure(error, 'the entry of a platform id'))
      }
    }
  }

  /** Remembers a key with its record. */
  put(batch: Batch, hash: Uint8Array, n: number): void {
    if (this.#clock.monotonicMs() >= this.#turnAtMs) this.#turn(batch)
    const key = dedupeKey(lastByte(this.#generation), hash)
    batch.put(key, sealValue(key, n))
  }

  close(): void {
    this.#isClosed = true
    this.#cancelDrop?.()
  }

  #turn(batch: Batch): void {
    this.#generation++
    this.#turnAtMs = this.#clock.monotonicMs() + GENERATION_MS
    putFact(batch, 'dedupe', [this.#generation, this.#clock.now()])
    this.#scheduleDrop()
  }

  /** Those that are looked up, as keys hold them: nothing is before the first one. */
  #generations(): readonly number[] {
    const generation = this.#generation
    return generation === 0 ? [0] : [lastByte(generation), lastByte(generation - 1)]
  }

  #scheduleDrop(): void {
    this.#cancelDrop?.()
    if (!this.#isClosed) this.#cancelDrop = this.#clock.after(DROP_PAUSE_MS, () => void this.#drop())
  }

  /** Deletes one chunk of what is not remembered any more, then plans the next. */
  async #drop(): Promise<void> {
    try {
      for (const [from, to] of runs(new Set(this.#generations()))) {
        const page = await this.#database.page({
          from: Uint8Array.of(KEY.dedupe, from),
          to: Uint8Array.of(KEY.dedupe, to, ...new Uint8Array(HASH_BYTES + 1).fill(0xff)),
          limit: DROP_CHUNK,
        })
        if (page.length === 0) continue
        await this.#database.writeUnsynced(batch => {
          for (const [key] of page) batch.del(key)
        })
        this.#scheduleDrop()
        return
      }
    } catch (error) {
      // What stays is looked at again when the generation turns or the store is opened.
      if (!this.#isClosed) this.#logger.warn({ err: error }, 'store.platform_keys_not_dropped')
    }
  }
}

function lastByte(generation: number): number {
  return generation & 0xff
}

/** Runs of generations that are not live, from first to last. */
function runs(live: ReadonlySet<number>): [from: number, to: number][] {
  const found: [number, number][] = []
  for (let generation = 0; generation < 256; generation++) {
    if (live.has(generation)) continue
    const last = found.at(-1)
    if (last !== undefined && last[1] === generation - 1) last[1] = generation
    else found.push([generation, generation])
  }
  return found
}

import { crc32 } from 'node:zlib'
import type { ConversationId } from '../../../codec/conversation-id.js'
import { headKey } from '../../../codec/keys.js'
import { recordSeed } from '../../../codec/record.js'
import { Fifo } from '../../core/fifo.js'
import type { Head } from '../../core/model.js'
import { type Departure, NO_DEPARTURES } from '../../core/projection.js'
import type { HeadValue } from './head-value.js'
import { IdWindow } from './id-window.js'

/**
 * A conversation in memory. `head` and what belongs to it run ahead of the disk, by the records that are being written; `durable` is what others see.
 * `Queued` is what waits to be stamped.
 */
export class Conversation<Queued = unknown> {
  readonly id: ConversationId
  readonly bytes: Uint8Array
  /** Its `H` key with the CRC, and the CRCs that its records begin with, by their flags. */
  readonly headKey: Uint8Array
  readonly headKeyCrc: number
  readonly #seeds: number[] = []
  isLoaded = false
  /** The load under way, shared by all who wait for it. */
  loading: Promise<void> | undefined

  head: Head | null = null
  departures: readonly Departure[] = NO_DEPARTURES
  /** Undefined until the first append with an id asks for it. */
  window: IdWindow | undefined
  /** The record after which the window was saved last; 0 for never. */
  windowN = 0

  durable: Head | null = null
  durableDepartures: readonly Departure[] = NO_DEPARTURES

  /** The standing that the operations put so far lead to. */
  projectedHead: Head | null = null
  projectedDepartures: readonly Departure[] = NO_DEPARTURES
  /** It has records in the batch being built that its projection does not show yet. */
  isDirty = false
  /** Number of the last commit that has records of it. */
  touchedBy = 0

  /** Appends under way, and loads: it stays in memory as long as there are any. */
  pins = 0
  /** The first of `waiting` is being looked up. */
  isBusy = false
  /** It stands in the writer's line for room in the next batch. */
  isInLine = false
  /** Appends not stamped yet, in call order. */
  readonly waiting = new Fifo<Queued>()

  constructor(id: ConversationId, bytes: Uint8Array) {
    this.id = id
    this.bytes = bytes
    this.headKey = headKey(bytes)
    this.headKeyCrc = crc32(this.headKey)
  }

  /** `recordSeed` of its records with these flags. */
  seed(flags: number): number {
    this.#seeds[flags] ??= recordSeed(this.bytes, flags)
    return this.#seeds[flags]
  }

  /** Takes what the disk holds. */
  load(value: HeadValue | null): void {
    this.isLoaded = true
    if (value === null) {
      this.window = new IdWindow()
      return
    }
    this.head = value.head
    this.durable = value.head
    this.projectedHead = value.head
    this.departures = value.departures
    this.projectedDepartures = value.departures
    this.durableDepartures = value.departures
    this.windowN = value.windowN
  }
}

import {
  feedKey,
  idWindowKey,
  KEY,
  KEY_BYTES,
  placeValue,
  recordKey,
  textConversationKey,
  waitingKey,
} from '../../../codec/keys.js'
import type { Head } from '../../core/model.js'
import type { LogEntry, OutboxRow } from '../../core/ports.js'
import { type Departure, type ProjectionSink, project } from '../../core/projection.js'
import type { Append } from './append.js'
import type { Conversation } from './conversation.js'
import type { Batch, HandleBatch } from './database.js'
import { type Digests, type Inbox, inboxKey } from './digests.js'
import { putFact } from './format.js'
import { encodeHead, type HeadValue } from './head-value.js'
import { type IdWindow, SAVE_RECORDS } from './id-window.js'

const EMPTY = new Uint8Array(0)

/** Where a conversation stands after a commit. */
type Standing = { readonly head: Head; readonly departures: readonly Departure[] }

/** Someone who waits for a commit because of something that rides in it. */
export type Rider = { readonly resolve: () => void; readonly reject: (error: unknown) => void }

/** A batch on its way to the disk: filled, sealed, written. */
export class Commit implements Batch, ProjectionSink<Conversation> {
  readonly number: number
  readonly batch: HandleBatch
  readonly appends: Append[] = []
  readonly entries: LogEntry[] = []
  readonly riders: Rider[] = []
  /** Outbox rows that came with the records. */
  readonly rows: OutboxRow[] = []
  /** Conversations with records here, and (sealed) their standings after it. */
  readonly touched: Conversation[] = []
  readonly standings: Standing[] = []
  /** Agents whose number of open conversations changes: agent, +1 or -1, agent … */
  readonly activeChanges: (string | number)[] = []
  records = 0
  bytes = 0
  lastSeq = 0
  readonly #digests: Digests
  // LevelDB copies what is put at once: these are written over for every record.
  readonly #recordKey = new Uint8Array(KEY_BYTES.record)
  readonly #feedKey = new Uint8Array(KEY_BYTES.feed)
  readonly #place = new Uint8Array(KEY_BYTES.place)
  #dirty: Conversation[] = []

  constructor(number: number, batch: HandleBatch, digests: Digests) {
    this.number = number
    this.batch = batch
    this.#digests = digests
  }

  get isEmpty(): boolean {
    return this.appends.length === 0 && this.riders.length === 0
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.bytes += key.length + value.length
    this.batch.put(key, value)
  }

  del(key: Uint8Array): void {
    this.bytes += key.length
    this.batch.del(key)
  }

  /** Puts a stamped record and its place in the feed. */
  putRecord(conversation: Conversation, n: number, seq: number, bytes: Uint8Array): void {
    this.records++
    this.bytes += bytes.length
    this.lastSeq = seq
    this.batch.put(recordKey(conversation.bytes, n, this.#recordKey), bytes)
    this.batch.put(feedKey(seq, this.#feedKey), placeValue(conversation.bytes, n, this.#place))
  }

  /** Notes that a conversation's standing has changed. */
  touch(conversation: Conversation): void {
    if (!conversation.isDirty) {
      conversation.isDirty = true
      this.#dirty.push(conversation)
    }
    if (conversation.touchedBy !== this.number) {
      conversation.touchedBy = this.number
      this.touched.push(conversation)
    }
  }

  /** Puts what follows from the records so far. May run more than once: each time from where the last one stopped. */
  project(): void {
    const dirty = this.#dirty
    if (dirty.length === 0) return
    this.#dirty = []
    for (const conversation of dirty) {
      const head = conversation.head!
      const { departures } = conversation
      if (conversation.window !== undefined && head.n >= conversation.windowN + SAVE_RECORDS)
        this.#saveWindow(conversation, conversation.window, head.n)
      const value: HeadValue = { head, departures, windowN: conversation.windowN }
      this.batch.put(conversation.headKey, encodeHead(value, conversation.headKeyCrc))
      project(conversation, conversation.projectedHead, conversation.projectedDepartures, head, departures, this)
      conversation.projectedHead = head
      conversation.projectedDepartures = departures
      conversation.isDirty = false
    }
  }

  /** Completes the batch: nothing is added afterwards. */
  seal(lastSeq: number): void {
    this.project()
    this.lastSeq = lastSeq
    for (const { head, departures } of this.touched) this.standings.push({ head: head!, departures })
    this.#digests.put(this.batch)
    putFact(this.batch, 'commit', [this.number, lastSeq])
  }

  /** Tells the conversations that their standing of this batch is on disk. */
  notePersisted(): void {
    for (let i = 0; i < this.touched.length; i++) {
      const conversation = this.touched[i]!
      const { head, departures } = this.standings[i]!
      conversation.durable = head
      conversation.durableDepartures = departures
    }
  }

  agentInbox(conversation: Conversation, agent: string, seq: number, isPresent: boolean): void {
    this.#inbox(conversation, this.#digests.agentInbox(agent), seq, isPresent)
  }

  channelInbox(conversation: Conversation, channel: number, seq: number, isPresent: boolean): void {
    this.#inbox(conversation, this.#digests.channelInbox(channel), seq, isPresent)
  }

  waiting(conversation: Conversation, sinceMs: number, isPresent: boolean): void {
    const key = waitingKey(sinceMs, conversation.bytes)
    if (isPresent) {
      this.batch.put(key, EMPTY)
      this.#digests.add('waiting', key)
    } else {
      this.batch.del(key)
      this.#digests.subtract('waiting', key)
    }
  }

  active(conversation: Conversation, agent: string, isPresent: boolean): void {
    const key = textConversationKey(KEY.active, agent, conversation.bytes)
    if (isPresent) {
      this.batch.put(key, EMPTY)
      this.#digests.add('active', key)
    } else {
      this.batch.del(key)
      this.#digests.subtract('active', key)
    }
    this.activeChanges.push(agent, isPresent ? 1 : -1)
  }

  #saveWindow(conversation: Conversation, window: IdWindow, n: number): void {
    const key = idWindowKey(conversation.bytes)
    this.batch.put(key, window.seal(key, n))
    conversation.windowN = n
  }

  #inbox({ bytes }: Conversation, inbox: Inbox, seq: number, isPresent: boolean): void {
    const key = inboxKey(inbox, seq)
    if (isPresent) {
      this.batch.put(key, bytes)
      this.#digests.add(inbox.name, key, bytes)
    } else {
      this.batch.del(key)
      this.#digests.subtract(inbox.name, key, bytes)
    }
  }
}

import type { ConversationId } from '../codec/conversation-id.js'
import type { MessageBody } from '../codec/wire.js'
import { KefuError } from '../errors.js'
import { backoffMs } from './backoff.js'

/** A message was stored: as number `n`. `duplicate` when the server had it from an earlier attempt. */
export type Sent = {
  readonly id: string
  readonly conversation: ConversationId
  readonly n: number
  readonly duplicate: boolean
}

/** A message that has no acknowledgement yet. */
export type OutboxEntry = {
  readonly lane: Lane
  readonly body: MessageBody
  /** Monotonic instant at which trying ends. */
  readonly expiresAt: number
  readonly resolve: (sent: Sent) => void
  readonly reject: (error: KefuError) => void
  /** Of the present connection; 0 while it waits. */
  correlation: number
  sentAt: number
  /** The conversation's last number, as far as it was known, when the message was sent for the first time: if it is stored, then behind that. -1: it never was sent. */
  sentAfter: number
  refusals: number
}

/** The messages of one conversation, in order: those before `next` have been sent on this connection, the others wait. */
export type Lane = {
  /** What the caller addresses: a conversation, or an app's contact. */
  readonly target: string
  readonly entries: OutboxEntry[]
  next: number
  inFlight: number
  /** Monotonic instant until which the server wants nothing here. */
  pausedUntil: number
  /** Messages that an earlier connection sent may be stored: nothing is sent before it is known which. */
  isInDoubt: boolean
}

/** Messages of all conversations that may be unanswered at once: a server closes connections that have too many frames waiting. */
const CONNECTION_WINDOW = 512

/** A refused message is not sent again sooner, whatever the server says. */
const PAUSE_LEAST_MS = 20

/** What an outbox works with. */
export type OutboxPorts = {
  /** Sends a message on the present connection; its correlation, or 0 when there is none to send on. */
  readonly transmit: (entry: OutboxEntry) => number
  /** The last number that is known of a conversation, 0 when nothing is. */
  readonly headOf: (target: string) => number
  /** Finds out which messages of a lane in doubt are stored, settles those, and calls `trust`. */
  readonly review: (lane: Lane) => void
  readonly monotonicMs: () => number
  readonly random: () => number
}

/** Bounds of an outbox. */
export type OutboxOptions = {
  readonly limit: number
  readonly window: number
  readonly timeoutMs: number
}

/**
 * Messages until their acknowledgement: in order per conversation, at most `window` of them unacknowledged, sent again with the same id on the next
 * connection unless they turn out to be stored. Holds no timer: `sweep` is called from outside.
 */
export class Outbox {
  readonly #ports: OutboxPorts
  readonly #options: OutboxOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #sent = new Map<number, OutboxEntry>()
  /** Lanes that could send if the connection had room. */
  readonly #held = new Set<Lane>()
  #size = 0

  constructor(ports: OutboxPorts, options: OutboxOptions) {
    this.#ports = ports
    this.#options = options
  }

  /** Messages without an acknowledgement. */
  get size(): number {
    return this.#size
  }

  /** Messages of a conversation that were sent on this connection and not answered yet. */
  inFlight(target: string): number {
    return this.#lanes.get(target)?.inFlight ?? 0
  }

  /** Resolves when the server has stored the message. Rejects with `KEFU_QUEUE_FULL`, `KEFU_USAGE` (the id waits already), `KEFU_TIMEOUT`, or what the server refused it with. */
  add(target: string, body: MessageBody): Promise<Sent> {
    if (this.#size >= this.#options.limit) return Promise.reject(new KefuError('KEFU_QUEUE_FULL'))
    let lane = this.#lanes.get(target)
    if (lane === undefined) {
      lane = { target, entries: [], next: 0, inFlight: 0, pausedUntil: 0, isInDoubt: false }
      this.#lanes.set(target, lane)
    } else if (find(lane, body.id) !== undefined) {
      return Promise.reject(new KefuError('KEFU_USAGE', { reason: 'a message with this id is waiting already' }))
    }
    const to = lane
    const expiresAt = this.#ports.monotonicMs() + this.#options.timeoutMs
    const stored = new Promise<Sent>((resolve, reject) => {
      to.entries.push({
        lane: to,
        body,
        expiresAt,
        resolve,
        reject,
        correlation: 0,
        sentAt: 0,
        sentAfter: -1,
        refusals: 0,
      })
    })
    this.#size++
    this.#pump(to)
    return stored
  }

  /** The entry that this acknowledgement or error answers. */
  answered(correlation: number): OutboxEntry | undefined {
    return this.#sent.get(correlation)
  }

  /** The entry with this id, when the message turned up in the log before its acknowledgement. */
  find(target: string, id: string): OutboxEntry | undefined {
    const lane = this.#lanes.get(target)
    return lane === undefined ? undefined : find(lane, id)
  }

  /** The message is on disk. */
  settle(entry: OutboxEntry, conversation: ConversationId, n: number, duplicate: boolean): void {
    this.#remove(entry)
    entry.resolve({ id: entry.body.id, conversation, n, duplicate })
    this.#pump(entry.lane)
    this.#pumpHeld()
  }

  /** The server did not take the message: it fails, or waits where it was if the same message may be taken later. */
  refuse(entry: OutboxEntry, error: KefuError, retryable: boolean, retryAfterMs: number | undefined): void {
    const { lane } = entry
    if (!retryable) {
      this.#remove(entry)
      entry.reject(error)
      this.#pump(lane)
      this.#pumpHeld()
      return
    }
    // The server says when, or each refusal of the same message doubles the time.
    const delayMs = Math.max(PAUSE_LEAST_MS, retryAfterMs ?? backoffMs(entry.refusals, this.#ports.random))
    entry.refusals++
    this.#unsend(entry)
    lane.next = Math.min(lane.next, lane.entries.indexOf(entry))
    lane.pausedUntil = Math.max(lane.pausedUntil, this.#ports.monotonicMs() + delayMs)
    this.#pumpHeld()
  }

  /** The connection is gone: everything waits again. */
  disconnect(): void {
    this.#sent.clear()
    this.#held.clear()
    for (const lane of this.#lanes.values()) {
      for (let at = 0; at < lane.entries.length; at++) lane.entries[at]!.correlation = 0
      lane.next = 0
      lane.inFlight = 0
      lane.isInDoubt = doubtsOf(lane) !== undefined
    }
  }

  /**
   * There is a connection: sends what waits. Messages that an earlier one sent are looked for first: a server knows again only the latest ids of a
   * conversation, and other devices may have written any number of messages since.
   */
  resume(): void {
    for (const lane of this.#lanes.values()) {
      if (lane.isInDoubt) this.#ports.review(lane)
      else this.#pump(lane)
    }
  }

  /** What of a lane in doubt is stored has been settled: sends the rest again. */
  trust(lane: Lane): void {
    lane.isInDoubt = false
    this.#pump(lane)
  }

  /**
   * Rejects what has waited too long and wakes paused conversations. Returns when the next of them wakes (monotonic, `Infinity` for none) and how long the
   * oldest sent message has been without an answer.
   */
  sweep(): { readonly wakesAt: number; readonly oldestMs: number } {
    const now = this.#ports.monotonicMs()
    let wakesAt = Number.POSITIVE_INFINITY
    let oldestMs = 0
    for (const lane of this.#lanes.values()) {
      for (let entry = lane.entries[0]; entry !== undefined && entry.expiresAt <= now; entry = lane.entries[0]) {
        this.#remove(entry)
        entry.reject(new KefuError('KEFU_TIMEOUT', { what: 'the message', timeoutMs: this.#options.timeoutMs }))
      }
      if (lane.pausedUntil > now) wakesAt = Math.min(wakesAt, lane.pausedUntil)
      else this.#pump(lane)
      const first = lane.entries[0]
      if (first !== undefined && first.correlation !== 0) oldestMs = Math.max(oldestMs, now - first.sentAt)
    }
    return { wakesAt, oldestMs }
  }

  /** Rejects everything. */
  close(error: KefuError): void {
    const lanes = [...this.#lanes.values()]
    this.#lanes.clear()
    this.#sent.clear()
    this.#held.clear()
    this.#size = 0
    for (const lane of lanes) for (const entry of lane.entries) entry.reject(error)
  }

  #pump(lane: Lane): void {
    if (lane.entries.length === 0) {
      // It may have been forgotten already, and another one have taken its place.
      if (this.#lanes.get(lane.target) === lane) this.#lanes.delete(lane.target)
      return
    }
    if (lane.isInDoubt) return
    if (lane.pausedUntil > 0 && lane.pausedUntil > this.#ports.monotonicMs()) return
    while (lane.inFlight < this.#options.window && lane.next < lane.entries.length) {
      const entry = lane.entries[lane.next]!
      if (entry.correlation === 0) {
        if (this.#sent.size >= CONNECTION_WINDOW) {
          this.#held.add(lane)
          return
        }
        const correlation = this.#ports.transmit(entry)
        if (correlation === 0) return
        entry.correlation = correlation
        entry.sentAt = this.#ports.monotonicMs()
        if (entry.sentAfter < 0) entry.sentAfter = this.#ports.headOf(lane.target)
        this.#sent.set(correlation, entry)
        lane.inFlight++
      }
      lane.next++
    }
  }

  #pumpHeld(): void {
    for (const lane of this.#held) {
      if (this.#sent.size >= CONNECTION_WINDOW) return
      this.#held.delete(lane)
      this.#pump(lane)
    }
  }

  #unsend(entry: OutboxEntry): void {
    if (entry.correlation === 0) return
    this.#sent.delete(entry.correlation)
    entry.correlation = 0
    entry.lane.inFlight--
  }

  #remove(entry: OutboxEntry): void {
    const { lane } = entry
    const at = lane.entries.indexOf(entry)
    if (at < 0) return
    this.#unsend(entry)
    if (at === 0) lane.entries.shift()
    else lane.entries.splice(at, 1)
    if (at < lane.next) lane.next--
    this.#size--
  }
}

/** The first message of a lane that was sent and may be stored: others that were sent are stored behind it. */
export function doubtsOf(lane: Lane): OutboxEntry | undefined {
  for (const entry of lane.entries) if (entry.sentAfter >= 0) return entry
  return undefined
}

function find(lane: Lane, id: string): OutboxEntry | undefined {
  for (const entry of lane.entries) if (entry.body.id === id) return entry
  return undefined
}

import type { ConversationId } from '../../codec/conversation-id.js'
import type { LogEntry } from '../core/ports.js'

/** What waits to be delivered of one conversation, in order. */
export type Line = {
  readonly conversation: ConversationId
  readonly entries: LogEntry[]
  /** Whether the record before has been given up: then the next one gets less patience, so that one conversation does not fill the window. */
  isSuspect: boolean
  /** Attempts of the first entry that failed while others got through. */
  attempts: number
  /** How many deliveries the hook had made when the first of them failed. */
  deliveredBefore: number
  /** Monotonic instants: of the last attempt, and before which there is no other. */
  triedAtMs: number
  retryAtMs: number
}

/** Bounds of a window. */
export type WindowLimits = {
  /** Records that wait. */
  readonly pending: number
  /** Bytes of them; the one with which there are more is still taken. */
  readonly pendingBytes: number
  /** Records behind the oldest that waits, delivered ones included: after a crash those go out once more. */
  readonly span: number
}

/**
 * The part of the log between what is done and what has been read: a line per conversation, of which one record at a time is on its way. Pure; knows nothing
 * of time but what it is told.
 */
export class DeliveryWindow {
  readonly #limits: WindowLimits
  readonly #lines = new Map<ConversationId, Line>()
  /** Lines whose first record may go, in the order in which that became so; lines that wait for an instant. Those on their way are in neither. */
  readonly #ready = new Set<Line>()
  readonly #waiting = new Set<Line>()
  /** Numbers of the records behind the cursor that have or had to be delivered, ascending from `#first` on, and those of them that are done. */
  #order: number[] = []
  #first = 0
  readonly #done = new Set<number>()
  #read: number
  #pending = 0
  #pendingBytes = 0

  constructor(cursor: number, limits: WindowLimits) {
    this.#read = cursor
    this.#limits = limits
  }

  /** Up to where the log has been read. */
  get read(): number {
    return this.#read
  }

  /** Everything up to here is done. */
  get cursor(): number {
    const oldest = this.#order[this.#first]
    return oldest === undefined ? this.#read : oldest - 1
  }

  get hasRoom(): boolean {
    const { pending, pendingBytes, span } = this.#limits
    const hasPlace = this.#pending < pending && this.#pendingBytes < pendingBytes
    return hasPlace && this.#order.length - this.#first < span
  }

  /** Lines that wait for another attempt. */
  get waiting(): number {
    return this.#waiting.size
  }

  get isEmpty(): boolean {
    return this.#lines.size === 0
  }

  /** A record of the log that need not be delivered. */
  pass(seq: number): void {
    this.#read = seq
  }

  /** The next record of the log that has to be. */
  add(entry: LogEntry): void {
    const { conversation, seq } = entry.record
    this.#read = seq
    this.#order.push(seq)
    this.#pending++
    this.#pendingBytes += entry.record.bytes.length
    const line = this.#lines.get(conversation)
    if (line !== undefined) {
      line.entries.push(entry)
      return
    }
    const begun: Line = { conversation, entries: [entry], isSuspect: false, ...UNTRIED }
    this.#lines.set(conversation, begun)
    this.#ready.add(begun)
  }

  /** The line whose turn it is; its first record is on its way until `done` or `retry`. Undefined: none may go at this moment. */
  take(nowMs: number): Line | undefined {
    this.#wake(nowMs)
    const [line] = this.#ready
    if (line !== undefined) this.#ready.delete(line)
    return line
  }

  /** The line that has been tried longest ago, whether its time has come or not; as `take` otherwise. */
  takeOldest(): Line | undefined {
    let oldest: Line | undefined
    for (const lines of [this.#ready, this.#waiting])
      for (const line of lines) if (oldest === undefined || line.triedAtMs < oldest.triedAtMs) oldest = line
    if (oldest !== undefined && !this.#ready.delete(oldest)) this.#waiting.delete(oldest)
    return oldest
  }

  /** The first record of a line is done: delivered, or a dead letter. */
  done(line: Line, isDead = false): void {
    line.isSuspect = isDead
    const entry = line.entries.shift()
    if (entry === undefined) return
    this.#pending--
    this.#pendingBytes -= entry.record.bytes.length
    this.#done.add(entry.record.seq)
    this.#advance()
    if (line.entries.length === 0) {
      this.#lines.delete(line.conversation)
      return
    }
    Object.assign(line, UNTRIED)
    this.#ready.add(line)
  }

  /** The first record of a line goes once more, not before an instant. */
  retry(line: Line, atMs: number): void {
    line.retryAtMs = atMs
    this.#waiting.add(line)
  }

  /** Lets all lines go that wait. */
  release(): void {
    this.#wake(Number.POSITIVE_INFINITY)
  }

  /** When the next line may go that waits; undefined when none does. */
  nextAtMs(): number | undefined {
    let next: number | undefined
    for (const { retryAtMs } of this.#waiting) if (next === undefined || retryAtMs < next) next = retryAtMs
    return next
  }

  #wake(nowMs: number): void {
    for (const line of this.#waiting) {
      if (line.retryAtMs > nowMs) continue
      this.#waiting.delete(line)
      this.#ready.add(line)
    }
  }

  #advance(): void {
    for (
      let seq = this.#order[this.#first];
      seq !== undefined && this.#done.delete(seq);
      seq = this.#order[this.#first]
    )
      this.#first++
    if (this.#first < COMPACT_AT) return
    this.#order = this.#order.slice(this.#first)
    this.#first = 0
  }
}

const UNTRIED = { attempts: 0, deliveredBefore: 0, triedAtMs: 0, retryAtMs: 0 }
const COMPACT_AT = 1_024

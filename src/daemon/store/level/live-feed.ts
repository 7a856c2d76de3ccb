import type { ConversationId } from '../../../codec/conversation-id.js'
import type { LogEntry } from '../../core/ports.js'

/** Bytes of records kept for those who read along. */
const LIVE_BYTES = 16 * 1024 * 1024

type Committed = { readonly firstSeq: number; readonly entries: readonly LogEntry[]; readonly bytes: number }

/**
 * The records committed last, shared by all who read along: nobody has a queue of its own, and who falls behind the window reads from disk again.
 */
export class LiveFeed {
  readonly #limitRecords: number
  #window: Committed[] = []
  #records = 0
  #bytes = 0
  #durableSeq = 0
  #isClosed = false
  /** What all who wait are waiting for. */
  #next: Promise<void> | undefined
  #tellNext: (() => void) | undefined

  constructor(limitRecords: number) {
    this.#limitRecords = limitRecords
  }

  /** Seq of the last durable record. */
  get durableSeq(): number {
    return this.#durableSeq
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Adds what one commit made durable: the records that follow `durableSeq`. Wakes those who wait. */
  publish(entries: readonly LogEntry[]): void {
    let bytes = 0
    for (const { record } of entries) bytes += record.bytes.length
    this.#window.push({ firstSeq: this.#durableSeq + 1, entries, bytes })
    this.#durableSeq += entries.length
    this.#records += entries.length
    this.#bytes += bytes
    while (this.#window.length > 1 && (this.#records > this.#limitRecords || this.#bytes > LIVE_BYTES)) {
      const oldest = this.#window.shift()!
      this.#records -= oldest.entries.length
      this.#bytes -= oldest.bytes
    }
    this.wake()
  }

  /** Gives other entries in place of those of a conversation, from now on. */
  replace(conversation: ConversationId, change: (entry: LogEntry) => LogEntry): void {
    this.#window = this.#window.map(committed => {
      if (!committed.entries.some(({ record }) => record.conversation === conversation)) return committed
      const entries = committed.entries.map(entry =>
        entry.record.conversation === conversation ? change(entry) : entry,
      )
      return { ...committed, entries }
    })
  }

  /** Starts over: the disk holds records up to this seq. */
  reset(durableSeq: number): void {
    this.#window = []
    this.#records = 0
    this.#bytes = 0
    this.#durableSeq = durableSeq
    this.wake()
  }

  /** The records after a seq, as far as one commit goes; undefined when the window does not hold the next one. */
  after(seq: number): readonly LogEntry[] | undefined {
    if (seq >= this.#durableSeq) return undefined
    for (let i = this.#window.length - 1; i >= 0; i--) {
      const { firstSeq, entries } = this.#window[i]!
      if (seq + 1 < firstSeq) continue
      return seq + 1 === firstSeq ? entries : entries.slice(seq + 1 - firstSeq)
    }
    return undefined
  }

  /** The record of a seq; undefined when the window does not hold it. */
  at(seq: number): LogEntry | undefined {
    let [low, high] = [0, this.#window.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#window[middle]!.firstSeq <= seq) low = middle
      else high = middle - 1
    }
    const committed = this.#window[low]
    return committed === undefined || seq < committed.firstSeq ? undefined : committed.entries[seq - committed.firstSeq]
  }

  /** Resolves when something happened: more records, a new start, the end, or `wake`. */
  wait(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#next ??= new Promise(resolve => {
      this.#tellNext = resolve
    })
    return this.#next
  }

  /** Lets those who wait look again. */
  wake(): void {
    this.#next = undefined
    this.#tellNext?.()
    this.#tellNext = undefined
  }

  /** Nothing comes any more. */
  close(): void {
    this.#isClosed = true
    this.wake()
  }
}

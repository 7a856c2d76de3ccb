import type { ConversationId } from '../../../codec/conversation-id.js'
import { Heap } from '../../core/heap.js'
import type { Clock } from '../../core/ports.js'
import type { OutboxEntry } from './outbox-row.js'

/** The rows of one conversation, oldest first. Only the first can go. A line is in one place: ready, delayed, held by a worker, or parked. */
type Line = { readonly rows: OutboxEntry[]; isHeld: boolean; dueAtMs: number }

/** The rows of a lane that still have to go: one line per conversation, handed out to whoever asks, the oldest row first. */
export class Lane {
  readonly #clock: Clock
  readonly #lines = new Map<ConversationId, Line>()
  readonly #ready = new Heap<Line>(line => line.rows[0]!.seq)
  readonly #delayed = new Heap<Line>(line => line.dueAtMs)
  readonly #waiting = new Set<() => void>()
  #cancelTimer: (() => void) | undefined
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes a row as it is on disk. Of a known one the state is taken, unless a worker holds it; a finished one changes nothing. */
  add(row: OutboxEntry): void {
    if (row.state === 'dead' || row.state === 'unknown') return
    const line = this.#lines.get(row.conversation)
    if (line === undefined) {
      const fresh: Line = { rows: [row], isHeld: false, dueAtMs: 0 }
      this.#lines.set(row.conversation, fresh)
      this.#place(fresh)
      return
    }
    const { rows } = line
    if (row.seq > rows.at(-1)!.seq) {
      rows.push(row)
      return
    }
    const at = rows.findIndex(({ seq }) => seq === row.seq)
    if (at === -1 || (at === 0 && line.isHeld)) return
    const wasParked = at === 0 && rows[0]!.state === 'parked'
    rows[at] = row
    if (wasParked) this.#place(line)
  }

  /** Hands out the first row of a conversation that nobody works on and that is due; waits for one. Undefined when the signal aborts. */
  async next(signal: AbortSignal): Promise<OutboxEntry | undefined> {
    for (;;) {
      if (signal.aborted || this.#isClosed) return undefined
      this.#takeDue()
      const line = this.#ready.pop()
      if (line !== undefined) {
        line.isHeld = true
        return line.rows[0]
      }
      await this.#wait(signal)
    }
  }

  /** Gives a conversation back with its first row in a new state, to be tried again or parked. */
  release(row: OutboxEntry): void {
    const line = this.#lines.get(row.conversation)
    if (line === undefined) return
    line.rows[0] = row
    line.isHeld = false
    this.#place(line)
  }

  /** The first row of a conversation is through: the next may go. */
  finish(row: OutboxEntry): void {
    const line = this.#lines.get(row.conversation)
    if (line === undefined) return
    line.rows.shift()
    line.isHeld = false
    if (line.rows.length === 0) this.#lines.delete(row.conversation)
    else this.#place(line)
  }

  /** The parked row that holds a conversation up. */
  parked(conversation: ConversationId): OutboxEntry | undefined {
    const line = this.#lines.get(conversation)
    const first = line?.rows[0]
    return first?.state === 'parked' && line?.isHeld === false ? first : undefined
  }

  /** Lets a parked row go, unless that has happened meanwhile. */
  unpark(before: OutboxEntry, after: OutboxEntry): void {
    if (this.#lines.get(after.conversation)?.rows[0] === before) this.release(after)
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
    this.#wake()
  }

  /** Puts a line where its first row belongs. */
  #place(line: Line): void {
    const first = line.rows[0]!
    if (first.state === 'parked') return
    const now = this.#clock.monotonicMs()
    line.dueAtMs = first.retryAt === 0 ? now : now + Math.max(0, first.retryAt - this.#clock.now())
    if (line.dueAtMs <= now) this.#ready.push(line)
    else this.#delayed.push(line)
    this.#wake()
  }

  #takeDue(): void {
    const now = this.#clock.monotonicMs()
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    for (let line = this.#delayed.peek(); line !== undefined; line = this.#delayed.peek()) {
      if (line.dueAtMs > now) {
        this.#cancelTimer = this.#clock.after(line.dueAtMs - now, () => this.#wake())
        return
      }
      this.#delayed.pop()
      this.#ready.push(line)
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done)
    })
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}

import type { ConversationId } from '../../../codec/conversation-id.js'
import { Heap } from '../../core/heap.js'
import type { Clock, OutboxRow } from '../../core/ports.js'

/** A row that still has to go. `isTaken`: somebody is changing it on disk, so that nobody else may. */
type Job = { row: OutboxRow; isTaken: boolean }

/**
 * The jobs of one conversation, oldest first. Only the first can go, none while a worker has one, nor before an instant, which is that of the row `heldFor`.
 * `place`: where the line waits, if it does.
 */
type Line = {
  readonly jobs: Job[]
  isWorked: boolean
  place: Place | undefined
  notBeforeMs: number
  heldFor: number
}

/** A line's place in a heap; void as soon as it is not the line's own any more. */
type Place = { readonly line: Line; readonly key: number }

/** Void places that are suffered before the heaps are made anew. */
const VOID_LIMIT = 256

/**
 * The rows of a lane that still have to go: one line per conversation, handed out to whoever asks, the oldest row first. A row is handed out to a worker
 * (`next`) or lent to somebody who changes it (`take`); both give it back with `put`, or say that it is `gone`.
 */
export class Lane {
  readonly #clock: Clock
  readonly #lines = new Map<ConversationId, Line>()
  #ready = new Heap<Place>(({ key }) => key)
  #delayed = new Heap<Place>(({ key }) => key)
  #voidPlaces = 0
  readonly #waiting = new Set<() => void>()
  #cancelTimer: (() => void) | undefined
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes a row that is on disk and was not known. */
  add(row: OutboxRow): void {
    const line = this.#line(row.conversation)
    const { jobs } = line
    let at = jobs.length
    while (at > 0 && jobs[at - 1]!.row.seq > row.seq) at--
    if (jobs[at - 1]?.row.seq === row.seq) return
    jobs.splice(at, 0, { row, isTaken: false })
    if (at === 0) this.#place(line)
  }

  /** Forgets what nobody has in hand: the disk is read again. */
  reset(): void {
    for (const [conversation, line] of this.#lines) {
      const taken = line.jobs.filter(({ isTaken }) => isTaken)
      line.jobs.splice(0, line.jobs.length, ...taken)
      if (taken.length === 0) this.#lines.delete(conversation)
    }
    this.#placeAll()
  }

  /** Hands out the first row of a conversation that nobody works on and that is due; waits for one. Undefined when the signal aborts. */
  async next(signal: AbortSignal): Promise<OutboxRow | undefined> {
    for (;;) {
      if (signal.aborted || this.#isClosed) return undefined
      this.#takeDue()
      const place = this.#ready.pop()
      if (place !== undefined) {
        const { line } = place
        if (line.place !== place) {
          this.#voidPlaces--
          continue
        }
        line.place = undefined
        line.isWorked = true
        const first = line.jobs[0]!
        first.isTaken = true
        return first.row
      }
      await this.#wait(signal)
    }
  }

  /** A row of the lane; as `sending` while somebody has it. */
  find(conversation: ConversationId, seq: number): OutboxRow | undefined {
    const job = this.#lines.get(conversation)?.jobs.find(({ row }) => row.seq === seq)
    return job?.isTaken === true ? { ...job.row, state: 'sending' } : job?.row
  }

  /** Lends a row for a change: nobody sends it, and nothing of its conversation passes it, until it is back. False: it is not there in this state. */
  take(row: OutboxRow): boolean {
    const line = this.#lines.get(row.conversation)
    const job = line?.jobs.find(each => each.row === row)
    if (line === undefined || job === undefined || job.isTaken) return false
    job.isTaken = true
    if (job === line.jobs[0]) this.#place(line)
    return true
  }

  /** Takes a row back, in the state that it is in now. `isWorker`: from whom `next` gave it to. */
  put(row: OutboxRow, isWorker: boolean): void {
    const line = this.#lines.get(row.conversation)
    const job = line?.jobs.find(({ row: { seq } }) => seq === row.seq)
    if (line === undefined || job === undefined) return
    job.row = row
    job.isTaken = false
    if (isWorker) line.isWorked = false
    this.#place(line)
  }

  /** A row that was handed out or lent does not have to go any more. What follows it waits for `holdMs`. */
  gone(row: OutboxRow, isWorker: boolean, holdMs = 0): void {
    const line = this.#lines.get(row.conversation)
    const at = line?.jobs.findIndex(({ row: { seq } }) => seq === row.seq) ?? -1
    if (line === undefined || at === -1) return
    line.jobs.splice(at, 1)
    if (isWorker) line.isWorked = false
    if (holdMs > 0) this.#hold(row, line, holdMs)
    else if (line.jobs.length === 0 && line.notBeforeMs <= this.#clock.monotonicMs())
      this.#lines.delete(row.conversation)
    if (isWorker || at === 0) this.#place(line)
  }

  /** What follows a row that does not have to go waits for so long. */
  hold(row: OutboxRow, holdMs: number): void {
    const line = this.#line(row.conversation)
    this.#hold(row, line, holdMs)
    if (!line.isWorked) this.#place(line)
  }

  /** What follows a row does not wait for it any more. */
  release({ conversation, seq }: OutboxRow): void {
    const line = this.#lines.get(conversation)
    if (line === undefined || line.heldFor !== seq) return
    line.notBeforeMs = 0
    if (line.jobs.length === 0) this.#lines.delete(conversation)
    else this.#place(line)
  }

  #line(conversation: ConversationId): Line {
    let line = this.#lines.get(conversation)
    if (line === undefined) {
      line = { jobs: [], isWorked: false, place: undefined, notBeforeMs: 0, heldFor: 0 }
      this.#lines.set(conversation, line)
    }
    return line
  }

  #hold({ conversation, seq }: OutboxRow, line: Line, holdMs: number): void {
    const notBeforeMs = this.#clock.monotonicMs() + holdMs
    if (notBeforeMs <= line.notBeforeMs) return
    line.notBeforeMs = notBeforeMs
    line.heldFor = seq
    this.#clock.after(holdMs, () => {
      if (line.jobs.length === 0 && this.#lines.get(conversation) === line) this.#lines.delete(conversation)
    })
  }

  /** The parked rows of a conversation: one, unless an operator had another one before it tried again. */
  parked(conversation: ConversationId): OutboxRow[] {
    const jobs = this.#lines.get(conversation)?.jobs ?? []
    return jobs.flatMap(({ row, isTaken }) => (row.state === 'parked' && !isTaken ? [row] : []))
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
    this.#wake()
  }

  /** Puts a line where its first row belongs, and nowhere else. */
  #place(line: Line): void {
    if (line.place !== undefined) {
      line.place = undefined
      // Without workers nobody would ever come across the void ones.
      this.#voidPlaces++
      if (this.#voidPlaces > VOID_LIMIT + this.#lines.size) {
        this.#placeAll()
        return
      }
    }
    const first = line.jobs[0]
    if (line.isWorked || first === undefined || first.isTaken || first.row.state === 'parked') return
    const { seq, retryAt } = first.row
    const now = this.#clock.monotonicMs()
    const retryAtMs = retryAt === undefined ? now : now + Math.max(0, retryAt - this.#clock.now())
    const dueAtMs = Math.max(retryAtMs, line.notBeforeMs)
    const isDue = dueAtMs <= now
    const place: Place = { line, key: isDue ? seq : dueAtMs }
    line.place = place
    if (isDue) this.#ready.push(place)
    else this.#delayed.push(place)
    this.#wake()
  }

  #placeAll(): void {
    this.#ready = new Heap<Place>(({ key }) => key)
    this.#delayed = new Heap<Place>(({ key }) => key)
    this.#voidPlaces = 0
    for (const line of this.#lines.values()) {
      line.place = undefined
      this.#place(line)
    }
  }

  #takeDue(): void {
    const now = this.#clock.monotonicMs()
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    for (let place = this.#delayed.peek(); place !== undefined; place = this.#delayed.peek()) {
      const { line, key } = place
      if (line.place === place && key > now) {
        this.#cancelTimer = this.#clock.after(key - now, () => this.#wake())
        return
      }
      this.#delayed.pop()
      if (line.place !== place) {
        this.#voidPlaces--
        continue
      }
      const ready: Place = { line, key: line.jobs[0]!.row.seq }
      line.place = ready
      this.#ready.push(ready)
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

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ConversationId } from '../../../codec/conversation-id.js'
import { KefuError } from '../../../errors.js'
import { outboxLane } from '../../core/conversation.js'
import { formatCursor, parseCursor } from '../../core/cursor.js'
import {
  type Clock,
  type Cursor,
  type LogEntry,
  NOTHING_SENT,
  OUTBOX_REASON_LENGTH,
  OUTBOX_STATES,
  type OutboxHandler,
  type OutboxJob,
  type OutboxPort,
  type OutboxProgress,
  type OutboxRange,
  type OutboxResult,
  type OutboxRow,
  type OutboxState,
  type OutboxTotals,
} from '../../core/ports.js'
import { SignalList } from './signal-list.js'

type Row = {
  readonly job: OutboxJob
  state: OutboxState
  attempts: number
  progress: OutboxProgress
  reason: string | undefined
  retryAt: number
  dueAtMs: number
  heldUntil: number
}

/** The outbox as an array in log order. */
export class MemoryOutbox implements OutboxPort {
  readonly #clock: Clock
  readonly #signals = new SignalList()
  #rows: Row[] = []
  /** Every message that was in the outbox, as `conversation:n`. */
  readonly #known = new Set<string>()
  /** Conversations whose followers wait for what is unknown, and for which row. */
  readonly #held = new Map<ConversationId, Row>()
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes a record that may have to go out. */
  added({ record, head }: LogEntry): void {
    const lane = outboxLane(head, record.body, record.flags)
    if (lane === undefined) return
    const { conversation, n, seq } = record
    this.#known.add(`${conversation}:${n}`)
    this.#rows.push({
      job: { lane, conversation, n, seq },
      state: 'queued',
      attempts: 0,
      progress: NOTHING_SENT,
      reason: undefined,
      retryAt: 0,
      dueAtMs: 0,
      heldUntil: 0,
    })
    this.#signals.wake()
  }

  async work(
    lane: string,
    concurrency: number,
    handler: OutboxHandler,
    signal: AbortSignal,
    admit?: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const worker = async () => {
      let isAdmitted = false
      while (!signal.aborted && !this.#isClosed) {
        if (!isAdmitted) {
          await admit?.(signal)
          isAdmitted = true
          continue
        }
        const row = this.#next(lane)
        if (row === undefined) await this.#signals.wait(signal)
        else {
          await this.#attempt(row, handler)
          isAdmitted = false
        }
      }
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
  }

  async resume(conversation: ConversationId): Promise<void> {
    for (const row of this.#rows)
      if (row.job.conversation === conversation && row.state === 'parked') row.state = 'queued'
    this.#signals.wake()
  }

  async retry(
    conversation: ConversationId,
    n: number,
    options: { readonly mayRepeat?: boolean } = {},
  ): Promise<boolean> {
    const row = this.#find(conversation, n)
    if (row === undefined) throw new KefuError('KEFU_OUTBOX_NOT_FOUND', { conversation, n })
    const { state } = row
    if (state === 'queued' || state === 'retrying') return false
    if (state === 'sending' || state === 'parked')
      throw new KefuError('KEFU_OUTBOX_STATE', { conversation, n, state, command: 'retry' })
    if (state === 'unknown' && options.mayRepeat !== true)
      throw new KefuError('KEFU_OUTBOX_UNKNOWN', { conversation, n })
    row.state = 'queued'
    this.#release(row)
    return true
  }

  async drop(conversation: ConversationId, n: number): Promise<boolean> {
    const row = this.#find(conversation, n)
    if (row === undefined) {
      if (this.#known.has(`${conversation}:${n}`)) return false
      throw new KefuError('KEFU_OUTBOX_NOT_FOUND', { conversation, n })
    }
    if (row.state === 'sending')
      throw new KefuError('KEFU_OUTBOX_STATE', { conversation, n, state: row.state, command: 'drop' })
    this.#remove(row)
    this.#release(row)
    return true
  }

  async rows({ lane, states, after, limit }: OutboxRange): Promise<{ rows: OutboxRow[]; next?: Cursor }> {
    const seq = after === undefined ? 0 : parseCursor(after)
    const found = this.#rows.filter(
      ({ job, state }) =>
        job.seq > seq && (lane === undefined || job.lane === lane) && (states === undefined || states.includes(state)),
    )
    const rows = found.slice(0, limit).map(({ job, state, attempts, progress, reason, retryAt, heldUntil }) => ({
      ...job,
      state,
      attempts,
      ...(progress.pieces === 0 ? {} : { progress }),
      ...(state === 'retrying' ? { retryAt } : {}),
      ...(state === 'unknown' && heldUntil > 0 ? { heldUntil } : {}),
      ...(reason === undefined ? {} : { reason }),
    }))
    return found.length <= limit ? { rows } : { rows, next: formatCursor(rows.at(-1)?.seq ?? seq) }
  }

  async totals(): Promise<ReadonlyMap<string, OutboxTotals>> {
    const totals = new Map<string, Record<OutboxState, number>>()
    for (const { job, state } of this.#rows) {
      const none = Object.fromEntries(OUTBOX_STATES.map(each => [each, 0])) as Record<OutboxState, number>
      const lane = totals.get(job.lane) ?? none
      lane[state]++
      totals.set(job.lane, lane)
    }
    return totals
  }

  close(): void {
    this.#isClosed = true
    this.#signals.wake()
  }

  #find(conversation: ConversationId, n: number): Row | undefined {
    return this.#rows.find(({ job }) => job.conversation === conversation && job.n === n)
  }

  #remove(row: Row): void {
    this.#rows = this.#rows.filter(other => other !== row)
    this.#signals.wake()
  }

  /** The oldest row that is due, among the first open ones of each conversation that nobody works on. */
  #next(lane: string): Row | undefined {
    const passed = new Set(this.#held.keys())
    for (const { job, state } of this.#rows) if (state === 'sending') passed.add(job.conversation)
    for (const row of this.#rows) {
      const { conversation } = row.job
      if (row.job.lane !== lane || row.state === 'dead' || row.state === 'unknown' || passed.has(conversation)) continue
      if (row.state === 'queued') return row
      if (row.state === 'retrying' && row.dueAtMs <= this.#clock.monotonicMs()) return row
      passed.add(conversation)
    }
    return undefined
  }

  async #attempt(row: Row, handler: OutboxHandler): Promise<void> {
    row.state = 'sending'
    row.attempts++
    await nextTurn()
    let result: OutboxResult
    try {
      result = await handler(row.job, row.attempts, row.progress)
    } catch {
      result = { type: 'unknown' }
    }
    if (result.type === 'sent') return this.#remove(row)
    row.progress = result.progress ?? row.progress
    if ('isFree' in result && result.isFree) row.attempts--
    row.reason = result.reason?.slice(0, OUTBOX_REASON_LENGTH) ?? row.reason
    switch (result.type) {
      case 'unknown':
        row.state = 'unknown'
        this.#hold(row, result.holdMs ?? 0)
        break
      case 'park':
        row.state = 'parked'
        break
      case 'dead':
        row.state = 'dead'
        break
      case 'retry':
        row.state = 'retrying'
        row.retryAt = this.#clock.now() + result.retryMs
        row.dueAtMs = this.#clock.monotonicMs() + result.retryMs
        this.#clock.after(result.retryMs, () => this.#signals.wake())
    }
    this.#signals.wake()
  }

  #hold(row: Row, holdMs: number): void {
    if (holdMs === 0) return
    row.heldUntil = this.#clock.now() + holdMs
    this.#held.set(row.job.conversation, row)
    this.#clock.after(holdMs, () => this.#release(row))
  }

  #release(row: Row): void {
    if (this.#held.get(row.job.conversation) === row) this.#held.delete(row.job.conversation)
    this.#signals.wake()
  }
}

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ConversationId } from '../../../codec/conversation-id.js'
import { outboxLane } from '../../core/conversation.js'
import type { Clock, LogEntry, OutboxJob, OutboxPort, OutboxResult, OutboxRow } from '../../core/ports.js'
import { SignalList } from './signal-list.js'

type Row = {
  readonly job: OutboxJob
  state: OutboxRow['state']
  attempts: number
  reason: string | undefined
  dueAtMs: number
}

/** The outbox as an array in log order. */
export class MemoryOutbox implements OutboxPort {
  readonly #clock: Clock
  readonly #signals = new SignalList()
  #rows: Row[] = []
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes a record that may have to go out. */
  added({ record, head }: LogEntry): void {
    const lane = outboxLane(head, record.body)
    if (lane === undefined) return
    const { conversation, n, seq } = record
    this.#rows.push({
      job: { lane, conversation, n, seq },
      state: 'queued',
      attempts: 0,
      reason: undefined,
      dueAtMs: 0,
    })
    this.#signals.wake()
  }

  async work(
    lane: string,
    concurrency: number,
    handler: (job: OutboxJob, attempt: number) => Promise<OutboxResult>,
    signal: AbortSignal,
  ): Promise<void> {
    const worker = async () => {
      while (!signal.aborted && !this.#isClosed) {
        const row = this.#next(lane)
        if (row === undefined) await this.#signals.wait(signal)
        else await this.#attempt(row, handler)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
  }

  async resume(conversation: ConversationId): Promise<void> {
    for (const row of this.#rows)
      if (row.job.conversation === conversation && row.state === 'parked') row.state = 'queued'
    this.#signals.wake()
  }

  async rows(lane: string, limit: number): Promise<OutboxRow[]> {
    return this.#rows
      .filter(({ job }) => job.lane === lane)
      .slice(0, limit)
      .map(({ job, state, attempts, reason }) => ({
        ...job,
        state,
        attempts,
        ...(reason === undefined ? {} : { reason }),
      }))
  }

  close(): void {
    this.#isClosed = true
    this.#signals.wake()
  }

  /** The oldest row that is due, among the first open ones of each conversation. */
  #next(lane: string): Row | undefined {
    const passed = new Set<ConversationId>()
    for (const row of this.#rows) {
      const { conversation } = row.job
      if (row.job.lane !== lane || row.state === 'dead' || row.state === 'unknown' || passed.has(conversation)) continue
      if (row.state === 'queued' && row.dueAtMs <= this.#clock.monotonicMs()) return row
      passed.add(conversation)
    }
    return undefined
  }

  async #attempt(row: Row, handler: (job: OutboxJob, attempt: number) => Promise<OutboxResult>): Promise<void> {
    row.state = 'sending'
    row.attempts++
    await nextTurn()
    let result: OutboxResult
    try {
      result = await handler(row.job, row.attempts)
    } catch {
      result = { type: 'unknown' }
    }
    switch (result.type) {
      case 'sent':
        this.#rows = this.#rows.filter(other => other !== row)
        break
      case 'unknown':
        row.state = 'unknown'
        break
      case 'park':
        row.state = 'parked'
        break
      case 'dead':
        row.state = 'dead'
        row.reason = result.reason
        break
      case 'retry':
        row.state = 'queued'
        row.dueAtMs = this.#clock.monotonicMs() + result.retryMs
        this.#clock.after(result.retryMs, () => this.#signals.wake())
    }
    this.#signals.wake()
  }
}

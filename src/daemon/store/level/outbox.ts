import type { ConversationId } from '../../../codec/conversation-id.js'
import { KEY, textSeqKey } from '../../../codec/keys.js'
import { toKefuError } from '../../../errors.js'
import type { Clock, OutboxJob, OutboxPort, OutboxResult, OutboxRow } from '../../core/ports.js'
import type { StoreLogger } from '../options.js'
import type { Database } from './database.js'
import type { Digests } from './digests.js'
import { damaged, readFailure } from './failure.js'
import { Lane } from './lane.js'
import { type OutboxEntry, parseRow, putRow, removeRow } from './outbox-row.js'
import type { LogWriter } from './writer.js'

/** Pause before a state that could not be stored is tried again. */
const STORE_RETRY_MS = 500

type Handler = (job: OutboxJob, attempt: number) => Promise<OutboxResult>

type Ports = {
  readonly database: Database
  readonly writer: LogWriter
  readonly digests: Digests
  readonly clock: Clock
  readonly logger: StoreLogger
}

/**
 * The outbox: rows on disk, and in memory the ones that still have to go, by lane and conversation. What is `dead` or `unknown` stays on disk to be
 * shown and holds nobody up.
 */
export class Outbox implements OutboxPort {
  readonly #ports: Ports
  readonly #lanes = new Map<string, Lane>()
  #isUnsound = false
  #isClosed = false

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** Takes rows that are on disk and not known yet. At start those found `sending` were cut off in the middle: the rows to store as `unknown`. */
  load(rows: readonly OutboxEntry[], isStart: boolean, isUnsound: boolean): OutboxEntry[] {
    this.#isUnsound = isUnsound
    const cutOff: OutboxEntry[] = []
    for (const row of rows) {
      if (row.state === 'sending' && isStart) cutOff.push(row)
      else this.#lane(row.lane).add(row)
    }
    return cutOff
  }

  /** Stores rows that were cut off as `unknown`. */
  async markUnknown(rows: readonly OutboxEntry[]): Promise<void> {
    await Promise.all(rows.map(row => this.#change(row, { ...row, state: 'unknown' })))
  }

  /** Takes the rows of a commit. */
  added(rows: readonly OutboxEntry[]): void {
    for (const row of rows) this.#lane(row.lane).add(row)
  }

  async work(name: string, concurrency: number, handler: Handler, signal: AbortSignal): Promise<void> {
    const lane = this.#lane(name)
    const worker = async () => {
      for (;;) {
        const row = await lane.next(signal)
        if (row === undefined) return
        await this.#attempt(lane, row, handler)
      }
    }
    await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker))
  }

  async resume(conversation: ConversationId): Promise<void> {
    for (const lane of this.#lanes.values()) {
      const parked = lane.parked(conversation)
      if (parked === undefined) continue
      const queued: OutboxEntry = { ...parked, state: 'queued', retryAt: 0 }
      await this.#change(parked, queued)
      lane.unpark(parked, queued)
    }
  }

  async rows(lane: string, limit: number): Promise<OutboxRow[]> {
    if (this.#isUnsound) throw damaged('the outbox has lost rows')
    try {
      const pairs = await this.#ports.database.page({
        from: textSeqKey(KEY.outbox, lane, 0),
        to: textSeqKey(KEY.outbox, lane, Number.MAX_SAFE_INTEGER),
        limit,
      })
      return pairs.map(([key, value]) => {
        const { retryAt: _, ...row } = parseRow(key, value)
        return row
      })
    } catch (error) {
      throw readFailure(error, `the outbox of ${lane}`)
    }
  }

  /** Ends the work on all lanes. */
  close(): void {
    this.#isClosed = true
    for (const lane of this.#lanes.values()) lane.close()
  }

  #lane(name: string): Lane {
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = new Lane(this.#ports.clock)
      this.#lanes.set(name, lane)
      if (this.#isClosed) lane.close()
    }
    return lane
  }

  /** One attempt: `sending` on disk, the handler, its result on disk. The conversation is held until then. */
  async #attempt(lane: Lane, row: OutboxEntry, handler: Handler): Promise<void> {
    const attempt = row.attempts + 1
    const sending: OutboxEntry = { ...row, state: 'sending', attempts: attempt }
    if (!(await this.#store(row, sending))) return lane.release(row)
    const { lane: name, conversation, n, seq } = row
    let result: OutboxResult
    try {
      result = await handler({ lane: name, conversation, n, seq }, attempt)
    } catch (error) {
      this.#ports.logger.error({ err: error, conversation, n }, 'outbox.handler_failed')
      result = { type: 'unknown' }
    }
    const after = this.#apply(sending, result)
    if (!(await this.#store(sending, after))) return
    if (after !== undefined && (after.state === 'queued' || after.state === 'parked')) lane.release(after)
    else lane.finish(row)
  }

  #apply(row: OutboxEntry, result: OutboxResult): OutboxEntry | undefined {
    switch (result.type) {
      case 'sent':
        return undefined
      case 'unknown':
        return { ...row, state: 'unknown' }
      case 'park':
        return { ...row, state: 'parked' }
      case 'dead':
        return { ...row, state: 'dead', reason: result.reason }
      case 'retry':
        return { ...row, state: 'queued', retryAt: this.#ports.clock.now() + result.retryMs }
    }
  }

  /** Stores a change, again and again while the store takes no writes: what was sent must not be forgotten. False when the store closes. */
  async #store(before: OutboxEntry, after: OutboxEntry | undefined): Promise<boolean> {
    let hasFailed = false
    for (;;) {
      if (this.#isClosed) return false
      try {
        // A write that failed may have reached the disk all the same.
        const present = hasFailed ? await this.#read(before) : before
        if (present !== undefined || after !== undefined) await this.#change(present, after)
        return true
      } catch (error) {
        hasFailed = true
        const { code } = toKefuError(error)
        this.#ports.logger.warn({ code, conversation: before.conversation, n: before.n }, 'outbox.state_not_stored')
        await new Promise<void>(resolve => this.#ports.clock.after(STORE_RETRY_MS, resolve))
      }
    }
  }

  async #read({ lane, seq }: OutboxEntry): Promise<OutboxEntry | undefined> {
    const key = textSeqKey(KEY.outbox, lane, seq)
    const value = await this.#ports.database.get(key)
    return value === undefined ? undefined : parseRow(key, value)
  }

  #change(before: OutboxEntry | undefined, after: OutboxEntry | undefined): Promise<void> {
    const { writer, digests } = this.#ports
    return writer.ride(128, commit => {
      if (after !== undefined) putRow(commit, digests, before, after)
      else if (before !== undefined) removeRow(commit, digests, before)
    })
  }
}

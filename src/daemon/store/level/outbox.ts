import type { ConversationId } from '../../../codec/conversation-id.js'
import { KefuError, toKefuError } from '../../../errors.js'
import { formatCursor, parseCursor } from '../../core/cursor.js'
import type { Head } from '../../core/model.js'
import {
  type Clock,
  type Cursor,
  NOTHING_SENT,
  OUTBOX_HOLD_MS,
  OUTBOX_STATES,
  type OutboxHandler,
  type OutboxPort,
  type OutboxRange,
  type OutboxResult,
  type OutboxRow,
  type OutboxTotals,
} from '../../core/ports.js'
import type { StoreLogger } from '../options.js'
import type { Database } from './database.js'
import type { Digests } from './digests.js'
import { damaged } from './failure.js'
import { Lane } from './lane.js'
import { type OutboxPlace, placeOf, readRow, readRows } from './outbox-reader.js'
import { putRow, removeRow, withState } from './outbox-row.js'
import { OutboxCounter } from './outbox-totals.js'
import type { LogWriter } from './writer.js'

/** Pause before a state that could not be stored is tried again. */
const STORE_RETRY_MS = 500

const CUT_OFF = 'kefu ended while it was being sent'

type Ports = {
  readonly database: Database
  readonly writer: LogWriter
  readonly digests: Digests
  readonly clock: Clock
  readonly logger: StoreLogger
  head(conversation: ConversationId): Promise<Head | null>
}

/**
 * The outbox: rows on disk, and in memory the ones that still have to go, by lane and conversation. What is `dead` or `unknown` stays on disk to be
 * shown and holds nobody up. A row is changed by one at a time, since every change takes its former state out of the digest: one that has to go by
 * whoever took it from its lane, any other by operators, who take turns per conversation.
 */
export class Outbox implements OutboxPort {
  readonly #ports: Ports
  readonly #lanes = new Map<string, Lane>()
  readonly #counter = new OutboxCounter()
  readonly #turns = new Map<ConversationId, Promise<unknown>>()
  #isUnsound = false
  #isClosed = false

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** Takes the rows that are on disk, in place of what was known. Those found `sending` that no worker has were cut off in the middle: the rows to store as `unknown`. */
  load(rows: readonly OutboxRow[], isUnsound: boolean): OutboxRow[] {
    this.#isUnsound = isUnsound
    this.#counter.clear()
    for (const lane of this.#lanes.values()) lane.reset()
    const cutOff: OutboxRow[] = []
    const now = this.#ports.clock.now()
    for (const row of rows) {
      this.#counter.count(row, 1)
      const lane = this.#lane(row.lane)
      if (row.state === 'sending' && lane.find(row.conversation, row.seq) === undefined) {
        cutOff.push(row)
        lane.hold(row, OUTBOX_HOLD_MS)
      } else if (hasToGo(row)) lane.add(row)
      // Clocks may have been set since.
      else if (row.heldUntil !== undefined && row.heldUntil > now)
        lane.hold(row, Math.min(row.heldUntil - now, OUTBOX_HOLD_MS))
    }
    return cutOff
  }

  /** Stores rows that were cut off as `unknown`. */
  async markUnknown(rows: readonly OutboxRow[]): Promise<void> {
    const heldUntil = this.#ports.clock.now() + OUTBOX_HOLD_MS
    await Promise.all(rows.map(row => this.#change(row, withState(row, 'unknown', { reason: CUT_OFF, heldUntil }))))
  }

  /** Takes the rows of a commit. */
  added(rows: readonly OutboxRow[]): void {
    for (const row of rows) {
      this.#counter.count(row, 1)
      this.#lane(row.lane).add(row)
    }
  }

  async work(
    name: string,
    concurrency: number,
    handler: OutboxHandler,
    signal: AbortSignal,
    admit?: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const lane = this.#lane(name)
    const worker = async () => {
      for (;;) {
        await admit?.(signal)
        const row = await lane.next(signal)
        if (row === undefined) return
        await this.#attempt(lane, row, handler)
      }
    }
    await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker))
  }

  resume(conversation: ConversationId): Promise<void> {
    return this.#inTurn(conversation, async () => {
      for (const lane of this.#lanes.values()) {
        for (const parked of lane.parked(conversation))
          if (lane.take(parked)) await this.#replace(lane, parked, withState(parked, 'queued'))
      }
    })
  }

  retry(conversation: ConversationId, n: number, options: { readonly mayRepeat?: boolean } = {}): Promise<boolean> {
    return this.#inTurn(conversation, async () => {
      const place = await this.#placeOf(conversation, n)
      const row = place && (await this.#rowAt(place, conversation))
      if (row === undefined) throw new KefuError('KEFU_OUTBOX_NOT_FOUND', { conversation, n })
      const { state } = row
      if (state === 'queued' || state === 'retrying') return false
      if (state === 'sending' || state === 'parked') throw unfit(row, 'retry')
      if (state === 'unknown' && options.mayRepeat !== true)
        throw new KefuError('KEFU_OUTBOX_UNKNOWN', { conversation, n })
      const queued = withState(row, 'queued')
      await this.#change(row, queued)
      const lane = this.#lane(row.lane)
      lane.add(queued)
      lane.release(row)
      return true
    })
  }

  drop(conversation: ConversationId, n: number): Promise<boolean> {
    return this.#inTurn(conversation, async () => {
      const place = await this.#placeOf(conversation, n)
      if (place === undefined) throw new KefuError('KEFU_OUTBOX_NOT_FOUND', { conversation, n })
      const row = await this.#rowAt(place, conversation)
      if (row === undefined) return false
      const lane = this.#lane(row.lane)
      if (!hasToGo(row)) {
        await this.#change(row, undefined)
        lane.release(row)
      }
      // Who takes a row besides operators, in their turns, is a worker that is about to send it.
      else if (row.state === 'sending' || !lane.take(row)) throw unfit({ ...row, state: 'sending' }, 'drop')
      else await this.#replace(lane, row, undefined)
      return true
    })
  }

  async rows({
    lane,
    states = OUTBOX_STATES,
    after,
    limit,
  }: OutboxRange): Promise<{ rows: OutboxRow[]; next?: Cursor }> {
    if (this.#isUnsound) throw damaged('the outbox has lost rows')
    const wanted = new Set(states)
    const ranges = (lane === undefined ? this.#counter.lanes() : [lane]).map(name => ({
      lane: name,
      states: wanted,
      count: this.#counter.sum(name, [...wanted]),
    }))
    const present = ranges.filter(({ count }) => count > 0)
    const seq = after === undefined ? 0 : parseCursor(after)
    const rows = await readRows(this.#ports.database, present, seq, limit + 1)
    if (rows.length <= limit) return { rows }
    rows.pop()
    return { rows, next: formatCursor(rows.at(-1)?.seq ?? seq) }
  }

  async totals(): Promise<ReadonlyMap<string, OutboxTotals>> {
    return this.#counter.totals()
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
  async #attempt(lane: Lane, row: OutboxRow, handler: OutboxHandler): Promise<void> {
    const attempt = row.attempts + 1
    const sending: OutboxRow = { ...withState(row, 'sending'), attempts: attempt }
    if (!(await this.#store(row, sending))) return lane.put(row, true)
    const { lane: name, conversation, n, seq, progress = NOTHING_SENT } = row
    let result: OutboxResult
    try {
      result = await handler({ lane: name, conversation, n, seq }, attempt, progress)
    } catch (error) {
      this.#ports.logger.error({ err: error, conversation, n }, 'outbox.handler_failed')
      result = { type: 'unknown' }
    }
    const after = this.#apply(sending, result)
    if (!(await this.#store(sending, after))) return
    if (after !== undefined && hasToGo(after)) lane.put(after, true)
    else lane.gone(row, true, result.type === 'unknown' ? result.holdMs : 0)
  }

  #apply(sending: OutboxRow, result: OutboxResult): OutboxRow | undefined {
    if (result.type === 'sent') return undefined
    const { reason, progress } = result
    const isFree = 'isFree' in result && result.isFree
    const row = isFree ? { ...sending, attempts: sending.attempts - 1 } : sending
    switch (result.type) {
      case 'unknown':
        return withState(row, 'unknown', { reason, progress, heldUntil: this.#heldUntil(result.holdMs) })
      case 'park':
        return withState(row, 'parked', { reason, progress })
      case 'dead':
        return withState(row, 'dead', { reason, progress })
      case 'retry':
        return withState(row, 'retrying', {
          retryAt: this.#ports.clock.now() + result.retryMs,
          reason,
          progress,
        })
    }
  }

  #heldUntil(holdMs: number | undefined): number | undefined {
    return holdMs ? this.#ports.clock.now() + holdMs : undefined
  }

  /** What operators do to one conversation is done one after the other, whatever became of the former. */
  #inTurn<T>(conversation: ConversationId, work: () => Promise<T>): Promise<T> {
    const outcome = (this.#turns.get(conversation) ?? Promise.resolve()).then(work)
    const end: Promise<void> = outcome.then(
      () => this.#endTurn(conversation, end),
      () => this.#endTurn(conversation, end),
    )
    this.#turns.set(conversation, end)
    return outcome
  }

  #endTurn(conversation: ConversationId, turn: Promise<unknown>): void {
    if (this.#turns.get(conversation) === turn) this.#turns.delete(conversation)
  }

  async #placeOf(conversation: ConversationId, n: number): Promise<OutboxPlace | undefined> {
    if (this.#isUnsound) throw damaged('the outbox has lost rows')
    return await placeOf(this.#ports.database, await this.#ports.head(conversation), conversation, n)
  }

  /** A row as it is now. One that has to go is as its lane knows it: on disk it may be changing. */
  async #rowAt(place: OutboxPlace, conversation: ConversationId): Promise<OutboxRow | undefined> {
    const lane = this.#lane(place.lane)
    const known = lane.find(conversation, place.seq)
    if (known !== undefined) return known
    const row = await readRow(this.#ports.database, place)
    return lane.find(conversation, place.seq) ?? row
  }

  /** Changes a row that was taken from its lane. */
  async #replace(lane: Lane, before: OutboxRow, after: OutboxRow | undefined): Promise<void> {
    try {
      await this.#change(before, after)
    } catch (error) {
      lane.put(before, false)
      throw error
    }
    if (after === undefined) lane.gone(before, false)
    else lane.put(after, false)
  }

  /** Stores a change, again and again while the store takes no writes: what was sent must not be forgotten. False when the store closes. */
  async #store(before: OutboxRow, after: OutboxRow | undefined): Promise<boolean> {
    let hasFailed = false
    for (;;) {
      if (this.#isClosed) return false
      try {
        // A write that failed may have reached the disk all the same.
        const present = hasFailed ? await readRow(this.#ports.database, before) : before
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

  async #change(before: OutboxRow | undefined, after: OutboxRow | undefined): Promise<void> {
    const { writer, digests } = this.#ports
    await writer.ride(128 + 4 * (after?.reason?.length ?? 0), commit => {
      if (after !== undefined) putRow(commit, digests, before, after)
      else if (before !== undefined) removeRow(commit, digests, before)
    })
    if (before !== undefined) this.#counter.count(before, -1)
    if (after !== undefined) this.#counter.count(after, 1)
  }
}

/** Whether a row is still on its way: its lane knows it. */
function hasToGo({ state }: OutboxRow): boolean {
  return state !== 'dead' && state !== 'unknown'
}

function unfit({ conversation, n, state }: OutboxRow, command: 'retry' | 'drop'): KefuError {
  return new KefuError('KEFU_OUTBOX_STATE', { conversation, n, state, command })
}

import { toKefuError } from '../../errors.js'
import { formatCursor, parseCursor } from '../core/cursor.js'
import type { Hook, HookState, HookStatus, HookStop } from '../core/hook.js'
import { pause } from '../core/pause.js'
import type { LogEntry, LogPort } from '../core/ports.js'
import type { Log } from '../observe/log.js'
import type { HookCursors } from './cursors.js'
import type { DeadLetters } from './dead-letters.js'
import { type DeliveryPorts, deliverRecord, type Outcome } from './delivery.js'
import { Outage } from './outage.js'
import { retryDelayMs } from './pace.js'
import { DeliveryWindow, type Line } from './window.js'

/** What a hook's worker stands on. */
export type WorkerPorts = DeliveryPorts & {
  readonly log: Pick<LogPort, 'tail' | 'cursor'>
  readonly cursors: HookCursors
  readonly dead: DeadLetters
  readonly events: Pick<Log, 'info' | 'warn'>
  random(): number
  /** Ends the hook's deliveries; the worker is closed then. */
  stop(why: HookStop): void
  /** An error that no caller waits for. */
  report(error: unknown): void
}

const IN_FLIGHT = 16
const WINDOW = { pending: 1_000, pendingBytes: 2 * 1024 * 1024, span: 10_000 }
/** Attempts of a record until it is given up: about four minutes. */
const ATTEMPTS = 10
const SAVE_AFTER_MS = 1_000
/** How long calls that are on their way may take to end when the worker does. */
const GRACE_MS = 2_000

/**
 * Delivers what a hook wants to know: follows the log from the hook's cursor, one record at a time of a conversation, several conversations at once. The log
 * is its outbox: while the endpoint is down it stays where it is. The cursor moves over what is done and is stored behind it, so that a crash repeats
 * deliveries (under the same ids) and leaves none out.
 */
export class HookWorker {
  readonly #ports: WorkerPorts
  readonly #hook: Hook
  readonly #window: DeliveryWindow
  readonly #outage: Outage
  readonly #reading = new AbortController()
  readonly #calls = new AbortController()
  #reader: Promise<void> = Promise.resolve()
  /** Failures in a row to read on, and what the last one was. */
  #unread: { readonly times: number; readonly reason: string } | undefined
  #inFlight = 0
  #saved: number
  #saving: Promise<void> | undefined
  #isSaveFailing = false
  #cancelSave: (() => void) | undefined
  #cancelPump: (() => void) | undefined
  #whenRoom: (() => void) | undefined
  #whenIdle: (() => void) | undefined
  #delivered = 0
  #failed = 0
  #deliveredAt: number | undefined
  #lastError: HookStatus['lastError']

  constructor(ports: WorkerPorts, hook: Hook) {
    const cursor = ports.cursors.get(hook.id) ?? hook.begin
    this.#ports = ports
    this.#hook = hook
    this.#window = new DeliveryWindow(cursor, WINDOW)
    this.#outage = new Outage(ports.random)
    this.#saved = cursor
  }

  start(): void {
    this.#reader = this.#read()
  }

  get status(): Omit<HookStatus, 'lag' | 'dead'> {
    return {
      state: this.#state,
      cursor: this.#window.cursor,
      delivered: this.#delivered,
      failed: this.#failed,
      ...(this.#deliveredAt === undefined ? {} : { deliveredAt: this.#deliveredAt }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    }
  }

  /** Begins nothing any more, gives calls on their way a moment to end, and stores the cursor. Never rejects. */
  async close(): Promise<void> {
    this.#reading.abort()
    this.#whenRoom?.()
    this.#cancelPump?.()
    this.#cancelSave?.()
    const cancel = this.#ports.clock.after(GRACE_MS, () => this.#calls.abort())
    await this.#reader
    if (this.#inFlight > 0) await new Promise<void>(resolve => (this.#whenIdle = resolve))
    cancel()
    await this.#saving
    await this.#save()
  }

  get #state(): HookState {
    if (this.#unread !== undefined && parseCursor(this.#ports.log.cursor()) > this.#window.read) return 'unreadable'
    if (this.#outage.nextAtMs !== undefined) return 'down'
    return this.#window.waiting > 0 ? 'retrying' : 'running'
  }

  async #read(): Promise<void> {
    const { log, clock, random } = this.#ports
    const { signal } = this.#reading
    while (!signal.aborted) {
      try {
        for await (const entries of log.tail(formatCursor(this.#window.read), signal)) {
          this.#unread = undefined
          for (const entry of entries) {
            if (!this.#window.hasRoom) await this.#room()
            if (signal.aborted) return
            if (this.#wants(entry)) this.#window.add(entry)
            else this.#window.pass(entry.record.seq)
          }
          this.#pump()
          this.#saveSoon()
        }
      } catch (error) {
        this.#readFailed(error)
      }
      await pause(clock, retryDelayMs(this.#unread?.times ?? 1, random), signal)
    }
  }

  /** Told of once: what is damaged stays so however often it is read. */
  #readFailed(error: unknown): void {
    const { clock, events, report } = this.#ports
    const reason = toKefuError(error).message
    this.#lastError = { at: Math.floor(clock.now()), reason }
    if (this.#unread?.reason !== reason) {
      report(error)
      events.warn('hook.unreadable', { hook: this.#hook.name, reason })
    }
    this.#unread = { times: (this.#unread?.times ?? 0) + 1, reason }
  }

  async #room(): Promise<void> {
    this.#pump()
    if (this.#reading.signal.aborted) return
    await new Promise<void>(resolve => {
      this.#whenRoom = resolve
    })
  }

  #wants({ record, head }: LogEntry): boolean {
    if (record.isImported) return false
    const { events, channels } = this.#hook
    if (channels !== undefined && !channels.includes(head.channel)) return false
    return events === undefined || events.includes(record.body.type)
  }

  /** Sends what may go at this moment. */
  #pump(): void {
    if (this.#reading.signal.aborted) return
    const { clock } = this.#ports
    const nowMs = clock.monotonicMs()
    const downUntilMs = this.#outage.nextAtMs
    if (downUntilMs === undefined) {
      while (this.#inFlight < IN_FLIGHT) {
        const line = this.#window.take(nowMs)
        if (line === undefined) break
        void this.#deliver(line)
      }
    } else if (this.#inFlight === 0 && nowMs >= downUntilMs) {
      const line = this.#window.takeOldest()
      if (line !== undefined) void this.#deliver(line)
    }
    const nextAtMs = downUntilMs ?? this.#window.nextAtMs()
    this.#cancelPump?.()
    if (nextAtMs !== undefined && nextAtMs > nowMs) this.#cancelPump = clock.after(nextAtMs - nowMs, () => this.#pump())
  }

  async #deliver(line: Line): Promise<void> {
    const { clock } = this.#ports
    const [entry] = line.entries
    if (entry === undefined) return
    this.#inFlight++
    line.triedAtMs = clock.monotonicMs()
    try {
      const outcome = await deliverRecord(this.#ports, this.#hook, entry.record, entry.head, this.#calls.signal)
      // What was cut short tells nothing.
      if (!this.#calls.signal.aborted || outcome.type === 'delivered') await this.#settle(line, entry, outcome)
    } catch (error) {
      this.#ports.report(error)
      this.#window.retry(line, clock.monotonicMs() + retryDelayMs(1, this.#ports.random))
    }
    this.#inFlight--
    if (this.#inFlight === 0) this.#whenIdle?.()
    if (this.#window.hasRoom) this.#whenRoom?.()
    this.#saveSoon()
    this.#pump()
  }

  async #settle(line: Line, entry: LogEntry, outcome: Outcome): Promise<void> {
    const { clock, events, random } = this.#ports
    if (outcome.type === 'delivered') {
      await this.#revive(entry)
      this.#delivered++
      this.#deliveredAt = Math.floor(clock.now())
      this.#answered()
      this.#window.done(line)
      return
    }
    const { reason } = outcome
    this.#failed++
    this.#lastError = { at: Math.floor(clock.now()), reason }
    if (outcome.type === 'gone') {
      this.#stop('gone')
      this.#window.retry(line, Number.POSITIVE_INFINITY)
      return
    }
    const nowMs = clock.monotonicMs()
    const isRefused = outcome.type === 'refused'
    if (isRefused) this.#answered()
    // What is tried while nothing gets through is no attempt: it says nothing about this record.
    if (isRefused || this.#outage.nextAtMs === undefined) {
      if (line.attempts++ === 0) line.deliveredBefore = this.#delivered
    }
    if (!isRefused && this.#outage.failed(entry.record.conversation, nowMs))
      events.warn('hook.down', { hook: this.#hook.name, reason })
    const limit = line.isSuspect ? 1 : ATTEMPTS
    const isHopeless = isRefused || this.#delivered > line.deliveredBefore
    if (line.attempts >= limit && isHopeless && (await this.#bury(line, entry, reason))) return
    this.#window.retry(line, nowMs + retryDelayMs(Math.max(1, line.attempts), random))
  }

  /** The endpoint works: what waited because it did not may go. */
  #answered(): void {
    if (!this.#outage.succeeded()) return
    this.#ports.events.info('hook.up', { hook: this.#hook.name })
    this.#window.release()
  }

  /** A crash may have come between a dead letter and the cursor: what was given up has been delivered after all. */
  async #revive({ record: { seq } }: LogEntry): Promise<void> {
    const { dead, report } = this.#ports
    if (dead.get(this.#hook.id, seq) === undefined) return
    // Delivered is delivered: it does not go out again because its letter could not be removed.
    await dead.remove(this.#hook.id, seq).catch(report)
  }

  /** Makes the first record of a line a dead letter; false when there are too many. */
  async #bury(line: Line, { record }: LogEntry, reason: string): Promise<boolean> {
    const { clock, dead, events } = this.#ports
    const { seq, conversation, n, body } = record
    const { attempts } = line
    const at = Math.floor(clock.now())
    const letter = { seq, conversation, n, type: body.type, at, attempts, reason }
    if (!(await dead.put(this.#hook.id, letter))) {
      this.#stop('dead-letters')
      return false
    }
    events.warn('hook.dead-letter', { hook: this.#hook.name, conversation, n, attempts, reason })
    this.#window.done(line, true)
    return true
  }

  #stop(why: HookStop): void {
    this.#ports.events.warn('hook.stopped', { hook: this.#hook.name, why })
    this.#reading.abort()
    this.#ports.stop(why)
  }

  #saveSoon(): void {
    if (this.#reading.signal.aborted || this.#window.cursor === this.#saved) return
    this.#cancelSave ??= this.#ports.clock.after(SAVE_AFTER_MS, () => {
      this.#saving = this.#save().then(() => {
        this.#cancelSave = undefined
        this.#saving = undefined
        this.#saveSoon()
      })
    })
  }

  async #save(): Promise<void> {
    const { cursor } = this.#window
    if (cursor === this.#saved) return
    try {
      await this.#ports.cursors.set(this.#hook.id, cursor)
      this.#saved = cursor
      this.#isSaveFailing = false
    } catch (error) {
      // The first of failures in a row tells enough: a full disk would be told of every second.
      if (!this.#isSaveFailing) this.#ports.report(error)
      this.#isSaveFailing = true
    }
  }
}

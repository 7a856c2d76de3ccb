import type { ConversationId } from '../../../codec/conversation-id.js'
import { KefuError } from '../../../errors.js'
import { Fifo } from '../../core/fifo.js'
import type { LogRecord } from '../../core/log-record.js'
import type { Appended, AppendOptions } from '../../core/ports.js'
import type { RecordBody } from '../../core/records.js'
import { within } from '../../core/within.js'
import { Append, OVERHEAD_BYTES } from './append.js'
import { Commit } from './commit.js'
import type { Conversation } from './conversation.js'
import { type Batch, Database } from './database.js'
import { tooSlow, writeFailure } from './failure.js'
import { type Plan, planAppend, putPlan } from './plan.js'
import { lastOf, Repetitions } from './repetitions.js'
import type { WriterPorts } from './writer-ports.js'

const NO_OPTIONS: AppendOptions = {}

/** Whom a look-up is for: of a conversation, and of its ids. */
const ANY = (): boolean => true
const HAS_IDS = ({ hasIds }: Append): boolean => hasIds

/**
 * Group commit. One batch is on its way to the disk while the next is filled:
 *
 * 1. An append whose conversation is in memory is stamped at once (seq, n, chain, time, CRC) and put into the batch being filled.
 * 2. What is not in memory, or might be a repetition, is looked up first; later appends to the same conversation wait behind it, others pass.
 * 3. At the end of each turn of the event loop the projection of what was stamped is put, so that nothing remains to be done when the disk is ready.
 * 4. When the batch on its way is durable, the next one is written first, then the appends of the former are answered in order.
 * 5. A batch is full at `batchRecords` or `batchBytes`; conversations with more stand in line, with `queueBytes` at most, those that wait for the end of one that they repeat
 *    included.
 */
export class LogWriter {
  readonly #ports: WriterPorts
  #building: Commit | undefined
  #flight: Commit | undefined
  #flightDone: Promise<void> = Promise.resolve()
  #cancelDeadline: (() => void) | undefined
  #lastSeq = 0
  #commitNumber = 0
  #refusal: (() => KefuError) | undefined
  /** Conversations that wait for room in a batch. */
  readonly #line = new Fifo<Conversation<Append>>()
  /** Conversations whose first append is being looked up. */
  readonly #busy = new Set<Conversation<Append>>()
  readonly #repetitions: Repetitions
  /** What waits for its place in a batch, and what has joined an append under way. */
  #waitingBytes = 0
  #riderBytes = 0
  #isTurnScheduled = false
  #onIdle: (() => void)[] = []

  constructor(ports: WriterPorts) {
    this.#ports = ports
    this.#repetitions = new Repetitions(ports)
  }

  /** Goes on from a state of the disk. */
  resume(lastSeq: number, commitNumber: number): void {
    this.#lastSeq = lastSeq
    this.#commitNumber = commitNumber
    this.#refusal = undefined
  }

  /** Refuses appends from now on. What is under way goes on. */
  refuse(error: () => KefuError): void {
    this.#refusal = error
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#flight !== undefined || this.#building !== undefined || this.#busy.size > 0)
      await new Promise<void>(resolve => this.#onIdle.push(resolve))
  }

  /** Resolves when the write that is on its way, if any, has ended in one way or another. */
  async settled(): Promise<void> {
    await this.#flightDone
  }

  append(id: ConversationId, bodies: readonly RecordBody[], options: AppendOptions = NO_OPTIONS): Promise<Appended> {
    return new Promise((resolve, reject) => {
      if (this.#refusal !== undefined) throw this.#refusal()
      const { loader, limits } = this.#ports
      const conversation = loader.entry(id)
      const append = new Append(conversation, bodies, options, limits.messageBytes, resolve, reject)
      if (
        !conversation.isBusy &&
        conversation.isLoaded &&
        conversation.waiting.length === 0 &&
        this.#line.length === 0
      ) {
        if (this.#process(append)) return
        if (!conversation.isBusy) this.#standInLine(conversation)
      }
      this.#wait(append)
    })
  }

  /** Lets operations ride in the next commit; resolves when they are on disk. `put` must not throw. */
  async ride(weightBytes: number, put: (batch: Commit) => void): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal()
    if (this.#riderBytes + weightBytes > this.#ports.limits.queueBytes) throw new KefuError('KEFU_QUEUE_FULL')
    const commit = this.#open()
    this.#riderBytes += weightBytes
    put(commit)
    this.#arrange()
    try {
      await new Promise<void>((resolve, reject) => commit.riders.push({ resolve, reject }))
    } finally {
      this.#riderBytes -= weightBytes
    }
  }

  /** Writes what may be lost with the machine: not fsynced, until the next commit. */
  async writeUnsynced(put: (batch: Batch) => void): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal()
    const { database, clock, limits } = this.#ports
    try {
      await within(clock, limits.appendTimeoutMs, database.writeUnsynced(put), () => tooSlow(limits.appendTimeoutMs))
    } catch (error) {
      const failure = writeFailure(error)
      if (this.#refusal === undefined) this.#failAll(failure)
      throw failure
    }
  }

  #wait(append: Append): void {
    const { conversation } = append
    if (this.#waitingBytes + append.weightBytes > this.#ports.limits.queueBytes) {
      append.fail(new KefuError('KEFU_QUEUE_FULL'))
      return
    }
    this.#waitingBytes += append.weightBytes
    conversation.waiting.push(append)
    if (conversation.isBusy || conversation.isInLine) return
    if (conversation.isLoaded) this.#standInLine(conversation)
    else this.#lookUp(conversation, this.#ports.loader.load(conversation), ANY)
  }

  #standInLine(conversation: Conversation<Append>): void {
    conversation.isInLine = true
    this.#line.push(conversation)
  }

  /** Holds a conversation's appends back until a look-up has ended; its failure refuses those that it was for, all at once and not each after a wait of its own. */
  #lookUp(conversation: Conversation<Append>, work: Promise<void>, isFor: (append: Append) => boolean): void {
    conversation.isBusy = true
    this.#busy.add(conversation)
    work.then(
      () => this.#proceed(conversation),
      error => {
        for (const append of conversation.waiting.drain()) {
          if (isFor(append)) this.#fail(append, error)
          else conversation.waiting.push(append)
        }
        this.#proceed(conversation)
      },
    )
  }

  #proceed(conversation: Conversation<Append>): void {
    if (!this.#busy.delete(conversation)) return
    conversation.isBusy = false
    if (conversation.waiting.length > 0) {
      if (this.#line.length > 0) this.#standInLine(conversation)
      else if (!this.#processWaiting(conversation)) this.#standInLine(conversation)
    }
    this.#tellIdle()
  }

  /** Works through what waits at a conversation; false when there is no room left for its first append. */
  #processWaiting(conversation: Conversation<Append>): boolean {
    for (let append = conversation.waiting.peek(); append !== undefined; append = conversation.waiting.peek()) {
      if (!this.#process(append)) return conversation.isBusy
      conversation.waiting.shift()
      this.#waitingBytes -= append.weightBytes
    }
    return true
  }

  /** Stamps, joins, answers or refuses an append: true. False when it has to be looked up first (its conversation is busy then) or finds no room. */
  #process(append: Append): boolean {
    const { conversation } = append
    if (append.hasIds && conversation.window === undefined) {
      this.#lookUp(conversation, this.#ports.loader.loadWindow(conversation), HAS_IDS)
      return false
    }
    if (!append.isChecked) {
      const verdict = this.#repetitions.judge(append, this.#flight, this.#building)
      if (verdict instanceof Append) {
        this.#join(verdict, append)
        return true
      }
      if (verdict !== 'new') {
        this.#lookUp(conversation, this.#compare(append, verdict), other => other === append)
        return false
      }
    }
    return this.#stamp(append)
  }

  /** Lets a repetition wait for the end of the first; refuses it when there is no room. One that waits has its place already, and a larger one. */
  #join(first: Append, repetition: Append): void {
    const isWaiting = repetition.conversation.waiting.peek() === repetition
    if (!isWaiting && this.#waitingBytes + OVERHEAD_BYTES > this.#ports.limits.queueBytes) {
      repetition.fail(new KefuError('KEFU_QUEUE_FULL'))
      return
    }
    this.#waitingBytes += OVERHEAD_BYTES
    first.join(repetition)
  }

  async #compare(append: Append, suspects: readonly number[]): Promise<void> {
    const first = await this.#repetitions.find(append, suspects)
    if (first !== undefined) this.#answerFirst(append, first)
  }

  /** Answers the append that its conversation's look-up was for. */
  #answerFirst(append: Append, record: LogRecord): void {
    if (append.conversation.waiting.peek() !== append) return
    append.conversation.waiting.shift()
    this.#waitingBytes -= append.weightBytes
    append.answerWith(record.n, record.seq, record.at)
  }

  /** Gives the bodies their places and puts them into the batch; true when the append is out of the way. */
  #stamp(append: Append): boolean {
    const { clock, limits } = this.#ports
    let plan: Plan
    let commit: Commit
    try {
      plan = planAppend(append, this.#lastSeq, clock.now(), limits.messageBytes)
      if (plan.bodies.length === 0) {
        this.#answerWithHead(append)
        return true
      }
      if (!this.#hasRoom(plan.bodies.length, append.weightBytes)) return false
      commit = this.#open()
    } catch (error) {
      append.fail(error)
      return true
    }

    putPlan(plan, append, commit, this.#ports.digests)
    this.#repetitions.took(append, commit)
    this.#lastSeq = append.seq
    this.#arrange()
    return true
  }

  /** Nothing to append, the conversation exists: as if the opening were repeated. */
  #answerWithHead(append: Append): void {
    const head = append.conversation.head!
    const isDurable = append.conversation.durable?.n === head.n
    if (isDurable) append.answerWith(head.n, head.seq, head.at)
    else this.#join(lastOf(append.conversation, this.#flight, this.#building), append)
  }

  #hasRoom(records: number, bytes: number): boolean {
    const commit = this.#building
    if (commit === undefined || commit.records === 0) return true
    const { batchRecords, batchBytes } = this.#ports.limits
    return commit.records + records <= batchRecords && commit.bytes + bytes <= batchBytes
  }

  #open(): Commit {
    if (this.#building === undefined) {
      const batch = this.#ports.database.batch()
      if (batch === undefined) throw new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'it is being recovered' })
      this.#building = new Commit(++this.#commitNumber, batch, this.#ports.digests)
    }
    return this.#building
  }

  /** After something was put: writes at the end of this turn, or at once when the batch is full. */
  #arrange(): void {
    if (this.#isTurnScheduled) return
    this.#isTurnScheduled = true
    setImmediate(this.#onTurn)
  }

  readonly #onTurn = (): void => {
    this.#isTurnScheduled = false
    const commit = this.#building
    if (commit === undefined) return
    if (this.#flight !== undefined) {
      this.#guard(() => commit.project())
      return
    }
    this.#write(commit)
    // Those the batch had no room for fill the next one now, not when the disk has answered.
    this.#fill()
  }

  #write(commit: Commit): void {
    this.#building = undefined
    this.#flight = commit
    const isSealed = this.#guard(() => {
      commit.seal(this.#lastSeq)
      this.#ports.onSeal(commit)
    })
    if (!isSealed) return
    const { clock, limits } = this.#ports
    this.#cancelDeadline = clock.after(limits.appendTimeoutMs, () => {
      if (this.#flight === commit) this.#failAll(tooSlow(limits.appendTimeoutMs))
    })
    this.#flightDone = Database.commit(commit.batch).then(
      () => {
        if (this.#flight === commit) this.#committed(commit)
      },
      error => {
        if (this.#flight === commit) this.#failAll(writeFailure(error))
      },
    )
  }

  #committed(commit: Commit): void {
    this.#cancelDeadline?.()
    this.#flight = undefined
    commit.notePersisted()
    if (this.#building !== undefined) this.#write(this.#building)
    this.#ports.onCommit(commit)
    for (const append of commit.appends) {
      this.#repetitions.wrote(append)
      this.#waitingBytes -= append.joinedBytes
      append.settle(false)
    }
    for (const rider of commit.riders) rider.resolve()
    this.#fill()
    this.#tellIdle()
  }

  /** Lets those in line go on while there is room. */
  #fill(): void {
    for (let conversation = this.#line.peek(); conversation !== undefined; conversation = this.#line.peek()) {
      if (!this.#processWaiting(conversation)) return
      this.#line.shift()
      conversation.isInLine = false
    }
  }

  /** Runs what must not fail half-way; its failure is the batch's. */
  #guard(work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      this.#failAll(writeFailure(error))
      return false
    }
  }

  #fail(append: Append, error: unknown): void {
    this.#waitingBytes -= append.weightBytes
    append.fail(error)
  }

  /** Refuses everything that is under way. Nothing of it counts as written, though some of it may turn out to be. */
  #failAll(error: KefuError): void {
    this.#cancelDeadline?.()
    const commits = [this.#flight, this.#building]
    const lines = [...this.#line.drain(), ...this.#busy]
    this.#flight = undefined
    this.#building = undefined
    this.#busy.clear()
    this.#repetitions.clear()
    this.#refusal = () => new KefuError(error.code, error.detail, { cause: error })
    for (const commit of commits) {
      if (commit === undefined) continue
      // A batch that is being written closes when the write has ended.
      commit.batch.close().catch(() => undefined)
      for (const append of commit.appends) {
        this.#waitingBytes -= append.joinedBytes
        append.fail(error)
      }
      for (const rider of commit.riders) rider.reject(error)
    }
    for (const conversation of lines) {
      conversation.isBusy = false
      conversation.isInLine = false
      for (const append of conversation.waiting.drain()) this.#fail(append, error)
    }
    this.#ports.onFailure(error)
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.#onIdle.length === 0) return
    if (this.#flight !== undefined || this.#building !== undefined || this.#busy.size > 0) return
    for (const tell of this.#onIdle.splice(0)) tell()
  }
}

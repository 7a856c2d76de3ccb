import { type ConversationId, parseConversationId } from '../../../codec/conversation-id.js'
import { packRecord, RECORD_FLAGS, RECORD_HEADER_BYTES, readStamp, stampRecord } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import { dedupeSide, reduce } from '../../core/conversation.js'
import { formatCursor, parseCursor } from '../../core/cursor.js'
import { isForgettable, isForgotten, standingBody } from '../../core/forgotten.js'
import { LogRecord } from '../../core/log-record.js'
import type { Head } from '../../core/model.js'
import type { Appended, AppendOptions, Clock, Cursor, Forgetting, LogEntry, LogPort } from '../../core/ports.js'
import { RecentIds } from '../../core/recent-ids.js'
import { RECORD_TYPES, type RecordBody } from '../../core/records.js'
import { forgottenRecord } from '../forgotten-record.js'
import { STORE_LIMITS } from '../options.js'
import { SignalList } from './signal-list.js'

const PLATFORM_KEY_MS = 8 * 24 * 60 * 60 * 1000
const TAIL_PAGE = 256

type Job = {
  readonly conversation: ConversationId
  readonly bodies: readonly RecordBody[]
  readonly options: AppendOptions
  readonly resolve: (result: Appended) => void
  readonly reject: (error: unknown) => void
  readonly weightBytes: number
}

/**
 * The log as arrays: the model that other logs are compared with. Appends are worked off one after the other at the end of a turn; nothing of them can be
 * seen before.
 */
export class MemoryLog implements LogPort {
  /** Every record in log order, with the head right after it: seq is the index plus one. */
  readonly entries: LogEntry[] = []
  /** The same by conversation: `n` is the index plus one. */
  readonly conversations = new Map<ConversationId, LogEntry[]>()
  commits = 0
  #committedAtMs = 0
  readonly #clock: Clock
  readonly #onAppend: (entry: LogEntry) => void
  readonly #platformKeys = new Map<string, { readonly n: number; readonly storedAtMs: number }>()
  readonly #signals = new SignalList()
  #jobs: Job[] = []
  #waitingBytes = 0
  #isClosed = false

  constructor(clock: Clock, onAppend: (entry: LogEntry) => void) {
    this.#clock = clock
    this.#onAppend = onAppend
  }

  append(conversation: ConversationId, bodies: readonly RecordBody[], options: AppendOptions = {}): Promise<Appended> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw new KefuError('KEFU_DRAINING')
      parseConversationId(conversation)
      const weightBytes = check(bodies, options)
      if (this.#waitingBytes + weightBytes > STORE_LIMITS.queueBytes) throw new KefuError('KEFU_QUEUE_FULL')
      this.#waitingBytes += weightBytes
      this.#jobs.push({ conversation, bodies, options, resolve, reject, weightBytes })
      if (this.#jobs.length === 1) setImmediate(() => this.flush())
    })
  }

  async head(conversation: ConversationId): Promise<Head | null> {
    parseConversationId(conversation)
    return this.cachedHead(conversation) ?? null
  }

  cachedHead(conversation: ConversationId): Head | undefined {
    return this.conversations.get(conversation)?.at(-1)?.head
  }

  async read(
    conversation: ConversationId,
    after: number,
    limit: number,
    limitBytes = 1024 * 1024,
  ): Promise<LogRecord[]> {
    parseConversationId(conversation)
    const found: LogRecord[] = []
    let bytes = 0
    for (const { record } of (this.conversations.get(conversation) ?? []).slice(after, after + limit)) {
      found.push(record)
      bytes += record.bytes.length
      if (bytes >= limitBytes) break
    }
    return found
  }

  async readAt(seqs: readonly number[]): Promise<LogRecord[]> {
    return seqs.map(seq => {
      const entry = this.entries[seq - 1]
      if (entry === undefined) throw new KefuError('KEFU_STORE_CORRUPT', { where: `seq ${seq} is missing in the feed` })
      return entry.record
    })
  }

  async *tail(after: Cursor, signal: AbortSignal): AsyncGenerator<readonly LogEntry[], void, undefined> {
    let seq = parseCursor(after)
    while (!signal.aborted && !this.#isClosed) {
      const page = this.entries.slice(seq, seq + TAIL_PAGE)
      if (page.length === 0) await this.#signals.wait(signal)
      else {
        seq += page.length
        yield page
      }
    }
  }

  /** As `EraserPort.forget`. */
  async forget(what: readonly Forgetting[]): Promise<number> {
    this.flush()
    let count = 0
    for (const each of what) {
      const entries = this.conversations.get(each.conversation)
      if (entries === undefined) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
      if ('upTo' in each) expectLast(entries, each.upTo)
      else if (!each.records.every(n => isForgettable(entries[n - 1]!.record.body)))
        throw new KefuError('KEFU_INTERNAL', { reason: 'a record that cannot be forgotten by itself' })
      const isMeant = 'upTo' in each ? (n: number) => n <= each.upTo : (n: number) => each.records.includes(n)
      let head: Head | null = null
      const after = entries.map(({ record }) => {
        const isToGo = record.body.type !== 'forgotten' && isMeant(record.n)
        const next = isToGo ? forgottenRecord(record, this.#clock.now()) : record
        if (isToGo) count++
        head = reduce(each.conversation, head, readStamp(next.bytes, parseConversationId(each.conversation)), next.body)
        return { record: next, head }
      })
      this.conversations.set(each.conversation, after)
      for (const entry of after) this.entries[entry.record.seq - 1] = entry
    }
    return count
  }

  cursor(): Cursor {
    return formatCursor(this.entries.length)
  }

  committedAtMs(): number {
    return this.#committedAtMs
  }

  /** Works off what waits. */
  flush(): void {
    const jobs = this.#jobs
    this.#jobs = []
    const before = this.entries.length
    if (jobs.length > 0) this.commits++
    const answers: (() => void)[] = []
    for (const job of jobs) {
      this.#waitingBytes -= job.weightBytes
      try {
        const result = this.#apply(job)
        answers.push(() => job.resolve(result))
      } catch (error) {
        answers.push(() => job.reject(error))
      }
    }
    if (this.entries.length > before) this.#committedAtMs = this.#clock.monotonicMs()
    for (const answer of answers) answer()
    this.#signals.wake()
  }

  close(): void {
    this.flush()
    this.#isClosed = true
    this.#signals.wake()
  }

  #apply({ conversation, bodies, options }: Job): Appended {
    const entries = this.conversations.get(conversation) ?? []
    const first = this.#findFirst(conversation, entries, bodies, options)
    if (first !== undefined) return { ...placeOf(first), duplicate: true }
    const head = entries.at(-1)?.head ?? null
    const n = head?.n ?? 0
    const isKnown = head !== null && !isForgotten(head)
    const opensItself = bodies[0]?.type === 'opened'
    if (!isKnown && options.opening === undefined && !opensItself && bodies.some(({ type }) => type === 'message'))
      throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
    if (options.expect !== undefined && options.expect !== n)
      throw new KefuError('KEFU_STORE_CONFLICT', { expected: options.expect, actual: n })
    const all = !isKnown && options.opening !== undefined ? [options.opening, ...bodies] : bodies
    if (all.length === 0) return { ...placeOf(entries.at(-1)!.record), duplicate: true }
    const added = this.#stamp(conversation, head, all, options.times)
    this.conversations.set(conversation, [...entries, ...added])
    for (const entry of added) {
      this.entries.push(entry)
      this.#onAppend(entry)
    }
    const last = added.at(-1)!.record
    const key = added.find(({ record: { body } }) => body.type === 'message' && body.id === options.id)?.record ?? last
    if (options.platformKey !== undefined)
      this.#platformKeys.set(`${conversation} ${options.platformKey}`, {
        n: (options.id === undefined ? last : key).n,
        storedAtMs: this.#clock.monotonicMs(),
      })
    return { ...placeOf(last), duplicate: false }
  }

  #stamp(
    conversation: ConversationId,
    before: Head | null,
    bodies: readonly RecordBody[],
    times: readonly number[] | undefined,
  ): LogEntry[] {
    const added: LogEntry[] = []
    let head = before
    for (const body of bodies) {
      const stamp = {
        flags: RECORD_TYPES[body.type].flags | (times === undefined ? 0 : RECORD_FLAGS.imported),
        seq: this.entries.length + added.length + 1,
        n: (head?.n ?? 0) + 1,
        prev: head?.seq ?? 0,
        at: times?.[added.length] ?? Math.max(0, Math.floor(this.#clock.now())),
      }
      head = reduce(conversation, head, stamp, body)
      const bytes = packRecord(body)
      stampRecord(bytes, parseConversationId(conversation), stamp)
      added.push({ record: new LogRecord(conversation, stamp, bytes), head })
    }
    return added
  }

  /** The record that an append repeats. */
  #findFirst(
    conversation: ConversationId,
    entries: readonly LogEntry[],
    bodies: readonly RecordBody[],
    options: AppendOptions,
  ): LogRecord | undefined {
    if (options.id !== undefined) {
      const side = dedupeSide(bodies.find(body => body.type === 'message' && body.id === options.id)!)
      const recent = entries.filter(({ record: { body } }) => {
        const hasId = body.type === 'forgotten' ? body.idHash : body.type === 'message' ? body.id : undefined
        return hasId !== undefined && dedupeSide(body) === side
      })
      const found = recent
        .slice(-RecentIds.capacity)
        .findLast(({ record: { body } }) => body.type === 'message' && body.id === options.id)
      if (found !== undefined) return found.record
    }
    if (options.platformKey === undefined) return undefined
    const known = this.#platformKeys.get(`${conversation} ${options.platformKey}`)
    if (known === undefined || this.#clock.monotonicMs() - known.storedAtMs > PLATFORM_KEY_MS) return undefined
    return entries[known.n - 1]?.record
  }
}

/** What is not the last record may be forgotten up to there only if it is: the contact has written again since. */
function expectLast(entries: readonly LogEntry[], upTo: number): void {
  const { head } = entries.at(-1)!
  const { body } = entries[upTo]?.record ?? {}
  const isDone = (isForgotten(head) && upTo <= head.n) || (body !== undefined && standingBody(body).type === 'opened')
  if (head.n !== upTo && !isDone) throw new KefuError('KEFU_STORE_CONFLICT', { expected: upTo, actual: head.n })
}

function placeOf({ n, seq, at }: LogRecord): Omit<Appended, 'duplicate'> {
  return { n, cursor: formatCursor(seq), at }
}

/** Refuses what no log takes; the weight of the rest. */
function check(bodies: readonly RecordBody[], options: AppendOptions): number {
  const all = options.opening === undefined ? bodies : [options.opening, ...bodies]
  if (all.length === 0) throw new KefuError('KEFU_INTERNAL', { reason: 'an append of 0 bodies' })
  if (options.id !== undefined && !bodies.some(body => body.type === 'message' && body.id === options.id))
    throw new KefuError('KEFU_INTERNAL', { reason: 'the id of an append is not the id of one of its messages' })
  let weightBytes = 512
  for (const body of all) {
    const bytes = packRecord(body).length - RECORD_HEADER_BYTES
    if (bytes > STORE_LIMITS.messageBytes)
      throw new KefuError('KEFU_MESSAGE_TOO_LARGE', { bytes, limit: STORE_LIMITS.messageBytes })
    weightBytes += bytes
  }
  return weightBytes
}

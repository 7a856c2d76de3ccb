import type { ConversationId } from '../../codec/conversation-id.js'
import type { ClientFrame } from '../../codec/wire.js'
import type { KefuError } from '../../errors.js'
import type { LogRecord } from './log-record.js'
import type { Head } from './model.js'
import type { OpenedBody, RecordBody } from './records.js'

/**
 * What the engine needs from outside. Each port is small, says what it guarantees, and has a conformance suite (`test/conformance/`) that every
 * implementation passes: embedded on LevelDB, in memory, and later on a cluster.
 */

/** An opaque position in the log of all conversations. Embedded: `0:<seq>`. `START` is before the first record. */
export type Cursor = string

/** The cursor before the first record. */
export const START: Cursor = '0:0'

/** How an append is made idempotent, conditional or a first one. */
export type AppendOptions = {
  /** The writer's id of the message. The same id again, within the last 64 of that side of the conversation, returns the first result. */
  readonly id?: string
  /** Append only if this is the conversation's last `n`. */
  readonly expect?: number
  /** A platform's id of the message (any text): the same key again within 8 days returns the first result. */
  readonly platformKey?: string
  /** Appended first when the conversation does not exist yet. */
  readonly opening?: OpenedBody
  /**
   * What is appended was said elsewhere or earlier: when each body was (epoch ms). Such records are told from others by a flag; the conversation is closed behind each of
   * them, nobody is given it, and nothing goes out. A first body that is `opened` begins the conversation.
   */
  readonly times?: readonly number[]
}

/** What an append did. */
export type Appended = {
  /** Number of the last body. */
  readonly n: number
  readonly cursor: Cursor
  /** Store time of the record, epoch ms. */
  readonly at: number
  readonly duplicate: boolean
}

/**
 * What is to be forgotten of a conversation: everything up to its last record, and with it who the contact is; or the bodies of some of its records, from which
 * nothing of that follows (messages, notes and events).
 */
export type Forgetting =
  | { readonly conversation: ConversationId; readonly upTo: number }
  | { readonly conversation: ConversationId; readonly records: readonly number[] }

/** A committed record and the conversation's head: live, as of that record; replayed, as of now. */
export type LogEntry = { readonly record: LogRecord; readonly head: Head }

/** The ordered, durable log of all conversations. */
export type LogPort = {
  /**
   * Appends bodies as one atomic unit and resolves when they are on disk (fsync), in call order per conversation.
   * Throws `KEFU_STORE_CONFLICT` (expect), `KEFU_CONVERSATION_NOT_FOUND` (does not exist, no opening), `KEFU_MESSAGE_TOO_LARGE` (a body over 12 KiB),
   * `KEFU_QUEUE_FULL` and `KEFU_STORE_FULL` (nothing stored), `KEFU_STORE_UNAVAILABLE` (indeterminate: send again with the same id),
   * `KEFU_STORE_UNREADABLE` (it, or an earlier one that it might repeat, could not be looked up: nothing stored, send again),
   * `KEFU_STORE_CORRUPT` (this conversation is damaged).
   */
  append(conversation: ConversationId, bodies: readonly RecordBody[], options?: AppendOptions): Promise<Appended>
  /** Where a conversation stands, durable; null when it does not exist. Throws `KEFU_STORE_CORRUPT`. */
  head(conversation: ConversationId): Promise<Head | null>
  /** The committed head, when it is in memory: for paths that must not wait. */
  cachedHead(conversation: ConversationId): Head | undefined
  /**
   * Records `after`+1, `after`+2 …: contiguous and verified, at most `limit` and about `limitBytes` (at least one). Only durable records.
   * Throws `KEFU_STORE_CORRUPT` naming conversation and `n` instead of leaving a hole or ending early.
   */
  read(conversation: ConversationId, after: number, limit: number, limitBytes?: number): Promise<LogRecord[]>
  /**
   * The durable records at these positions of the log, verified, in the order in which they are named. Throws `KEFU_STORE_CORRUPT`, also when one is not there.
   */
  readAt(seqs: readonly number[]): Promise<LogRecord[]>
  /**
   * Every record after a cursor, in log order, in batches, then live ones as they become durable, until the signal aborts (it then ends without an
   * error). A consumer that does not pull is not buffered for without bound: it is fed from disk again.
   */
  tail(after: Cursor, signal: AbortSignal): AsyncIterable<readonly LogEntry[]>
  /** The position of the last durable record. */
  cursor(): Cursor
  /** The monotonic instant at which the last record became durable; 0 while none has since the log was opened. */
  committedAtMs(): number
}

/** The exception to a log that is written once: what was said is forgotten, that it was said is not. One call at a time, the others wait. */
export type EraserPort = {
  /**
   * Replaces bodies by what is left of them (`forgotten`); numbers, positions and times stay, and so does where the conversation stands. Durable on return, and
   * nobody is given the originals any more; how many were replaced. One that ended in the middle is done by the same call once more.
   * Throws `KEFU_STORE_CONFLICT` (`upTo` is not the last record, and it was not forgotten before), `KEFU_CONVERSATION_NOT_FOUND`, and what `read` and `append` throw.
   */
  forget(what: readonly Forgetting[]): Promise<number>
  /**
   * After it no file of the store holds a byte of what was forgotten before the call: of these conversations, and of directory and outbox entries that were removed;
   * or of all conversations. Takes long, and leaves others their turn. Throws `KEFU_ABORTED`, `KEFU_STORE_UNAVAILABLE`: then call again.
   */
  expunge(conversations: readonly ConversationId[] | 'all', signal: AbortSignal): Promise<void>
}

/** A directory entry and its revision. */
export type Entry = { readonly key: string; readonly value: unknown; readonly revision: number }

/** A change seen by `watch`. Gone also on expiry. */
export type DirectoryEvent =
  | { readonly type: 'put'; readonly entry: Entry }
  | { readonly type: 'gone'; readonly key: string }

/** Small, durable, mutable facts by key (configuration, channels, agents, leases), with compare-and-set. Values are plain data, at most 64 KiB packed. */
export type DirectoryPort = {
  /** May be stale in a cluster. */
  get(key: string): Promise<Entry | null>
  /** Entries whose key starts with the prefix, in key order. */
  list(prefix: string): Promise<Entry[]>
  /** Durable on return; the revision. Throws `KEFU_DIRECTORY_EXISTS`. With `ttlMs` the entry goes by itself, on the monotonic clock. */
  create(key: string, value: unknown, ttlMs?: number): Promise<number>
  /** Throws `KEFU_DIRECTORY_CONFLICT` when the revision is not the present one (changed, removed, expired). Without `ttlMs` the entry does not expire any more. */
  update(key: string, value: unknown, revision: number, ttlMs?: number): Promise<number>
  /** Throws `KEFU_DIRECTORY_CONFLICT` as update does. */
  remove(key: string, revision: number): Promise<void>
  /** Starts with the present entries, then every change in order. Ends when the signal aborts. */
  watch(prefix: string, signal: AbortSignal): AsyncIterable<DirectoryEvent>
}

/** Signals between the nodes of an engine: at most once, no history. */
export type BusPort = {
  /** Reaches every present subscriber of the topic, the publisher's own included, once, in order per publisher, after this call has returned. */
  publish(topic: string, payload: Uint8Array): void
  /** Returns the function that ends the subscription. A callback that throws does not disturb the others. */
  subscribe(topic: string, callback: (payload: Uint8Array, reply?: (answer: Uint8Array) => void) => void): () => void
  /** The first answer. Throws `KEFU_TIMEOUT` when none comes within the time. */
  request(topic: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>
}

/** A message that must go out through a channel's platform. */
export type OutboxJob = {
  readonly lane: string
  readonly conversation: ConversationId
  readonly n: number
  readonly seq: number
}

/**
 * What became of an attempt. `park` waits for `resume`, `retryMs` keeps the place, `dead` and `unknown` let followers go, that after `holdMs`: it may still be on its way. Of a reason the first
 * `OUTBOX_REASON_LENGTH` characters are kept. `progress`: what of it has gone; the next attempt is told, and without it what the attempt was told. An attempt
 * that `isFree` is not counted.
 */
export type OutboxResult =
  | { readonly type: 'sent' }
  | ({ readonly type: 'unknown'; readonly reason?: string; readonly holdMs?: number } & Progressed)
  | ({ readonly type: 'park'; readonly reason?: string; readonly isFree?: true } & Progressed)
  | ({
      readonly type: 'retry'
      readonly retryMs: number
      readonly reason?: string
      readonly isFree?: true
    } & Progressed)
  | ({ readonly type: 'dead'; readonly reason: string } & Progressed)

type Progressed = { readonly progress?: OutboxProgress }

/** A place in a message: in one of its parts (counted from 0), behind so many UTF-16 units of the text that the part becomes. */
export type PartPlace = { readonly part: number; readonly offset: number }

/**
 * What of a message has gone: so many of the platform's messages, up to a place. By the number alone nobody could tell where to go on, since messages may be cut
 * otherwise by then; rows that were written before places were kept have none.
 */
export type OutboxProgress = { readonly pieces: number; readonly place?: PartPlace }

/** Nothing of it. */
export const NOTHING_SENT: OutboxProgress = { pieces: 0, place: { part: 0, offset: 0 } }

/** Makes an attempt at a job: the how-maniest, counted from 1, and what of it has gone before. */
export type OutboxHandler = (job: OutboxJob, attempt: number, progress: OutboxProgress) => Promise<OutboxResult>

/** How long what follows waits for a message of which nobody knows whether it went: the longest `holdMs`, and what is cut off by a crash has it. */
export const OUTBOX_HOLD_MS = 30_000

/** Characters of a reason that are kept: platforms write what they like. */
export const OUTBOX_REASON_LENGTH = 500

/** What became of a message: not tried yet, tried and to be tried again, being sent, perhaps sent, waiting for `resume`, given up. */
export const OUTBOX_STATES = ['queued', 'sending', 'unknown', 'parked', 'dead', 'retrying'] as const

/** Where a message in the outbox stands. */
export type OutboxState = (typeof OUTBOX_STATES)[number]

/** A row of the outbox as views show it. */
export type OutboxRow = OutboxJob & {
  readonly state: OutboxState
  readonly attempts: number
  /** What of it has gone; absent: nothing. */
  readonly progress?: OutboxProgress
  /** While it is `retrying`: when it may be tried again, epoch ms. */
  readonly retryAt?: number
  /** While it is `unknown`: until when what follows waits for it, epoch ms; absent: it never did. */
  readonly heldUntil?: number
  /** Why the last attempt that ended did not succeed. */
  readonly reason?: string
}

/** Which rows: of one lane or of all, in some states or in any, after a position of the log. */
export type OutboxRange = {
  readonly lane?: string
  readonly states?: readonly OutboxState[]
  readonly after?: Cursor
  readonly limit: number
}

/** How many rows there are in each state. */
export type OutboxTotals = Readonly<Record<OutboxState, number>>

/** Messages on their way to platforms. Rows come from the log's projection, in the same batch as their record. */
export type OutboxPort = {
  /**
   * Works through a lane until the signal aborts: one job per conversation at a time, in log order within a conversation, at most `concurrency` at once. What
   * runs then is waited for. A job is taken only when `admit` has resolved.
   * `sending` is durable before the handler runs. A job found `sending` at start (a crash in between) is `unknown` before anybody works, never a second attempt;
   * what follows it waits for `OUTBOX_HOLD_MS`. A restart ends no waiting before its time.
   * A handler that throws counts as `unknown`.
   */
  work(
    lane: string,
    concurrency: number,
    handler: OutboxHandler,
    signal: AbortSignal,
    admit?: (signal: AbortSignal) => Promise<void>,
  ): Promise<void>
  /** Lets the parked jobs of a conversation go. */
  resume(conversation: ConversationId): Promise<void>
  /**
   * An operator's word that a dead message is to be tried again. It is queued at its place: before what of its conversation still waits, and after the job
   * that is being sent, if any; followers that have gone are not sent again. Attempts go on being counted. An `unknown` one only with `mayRepeat`: it may then
   * go out twice, and nothing waits for it any more. Durable on return; whether anything changed (false: it is queued or retrying already). Throws `KEFU_OUTBOX_NOT_FOUND` (not in the
   * outbox, or no more), `KEFU_OUTBOX_STATE` (sending, parked), `KEFU_OUTBOX_UNKNOWN`, and what an append throws.
   *
   * No record tells of it: what an operator does to the delivery is not part of what was said, and every reader of the conversation would have to learn to
   * skip it. Whoever calls this logs it.
   */
  retry(conversation: ConversationId, n: number, options?: { readonly mayRepeat?: boolean }): Promise<boolean>
  /**
   * An operator's word that a message is not to be sent any more: its row goes, followers go on, also those of an `unknown` one. Durable on return; whether anything changed (false: it is
   * not in the outbox any more, sent or dropped). Throws `KEFU_OUTBOX_NOT_FOUND` (no such message, or none that goes through an outbox),
   * `KEFU_OUTBOX_STATE` while it is being sent, and what an append throws. The record stays; no other tells of it, as with `retry`.
   */
  drop(conversation: ConversationId, n: number): Promise<boolean>
  /** A page of rows in log order; `next` when there are more. Also of lanes whose channel is gone. Throws `KEFU_CODEC_INVALID` for a position that is none. */
  rows(range: OutboxRange): Promise<{ readonly rows: OutboxRow[]; readonly next?: Cursor }>
  /** Of each lane with rows. Kept, not counted at each call. Of a damaged store: of what could be read. */
  totals(): Promise<ReadonlyMap<string, OutboxTotals>>
}

/** How far one reader of a conversation has got. */
export type Receipt = {
  readonly conversation: ConversationId
  readonly reader: string
  readonly acknowledged: number
  readonly read: number
}

/** Reads of the projection. */
export type ViewPort = {
  /**
   * An owner's conversations by last activity, newest first, after one cursor and before another (both exclusive). `more` says that older ones remain.
   * A conversation that left the owner stays at the place where it left.
   */
  inbox(
    owner: string,
    range: { readonly after: Cursor; readonly before?: Cursor; readonly limit: number },
  ): Promise<{ readonly entries: readonly InboxPosition[]; readonly more: boolean }>
  /** Conversations that wait, longest first, a page after the given one. */
  waiting(limit: number, after?: { readonly sinceMs: number; readonly conversation: ConversationId }): Promise<Head[]>
  /** How many conversations each agent has open. */
  activeCounts(): Promise<ReadonlyMap<string, number>>
  /** Heads of the conversations an agent has open. */
  active(agent: string, limit: number): Promise<Head[]>
  receipt(conversation: ConversationId, reader: string): Promise<Receipt | null>
  /** Stores receipts; not fsynced by itself: losing one only redelivers. */
  putReceipts(receipts: readonly Receipt[]): Promise<void>
}

/** A conversation in an inbox, with the position at which it stands there. */
export type InboxPosition = { readonly head: Head; readonly cursor: Cursor }

/** Facts about a store. */
export type StoreInfo = {
  readonly engine: string
  readonly path: string
  readonly format: number
  /** Durable records. */
  readonly records: number
  readonly sizeBytes: number
  /** `ready`; `full` or `failed` while writes are refused and it tries to recover; `damaged` when a check at start found a hole (reads go on, writes are refused). */
  readonly state: 'ready' | 'full' | 'failed' | 'damaged'
  readonly damage: readonly StoreFinding[]
  /** Group commits since start, and the records in them. */
  readonly commits: number
  readonly committedRecords: number
}

/** One thing that is wrong in a store. */
export type StoreFinding = {
  /** `gap`, `crc`, `feed`, `head`, `lost`, `unreadable`. */
  readonly kind: string
  readonly conversation?: ConversationId
  readonly n?: number
  readonly seq?: number
  readonly message: string
}

/** A report of `check`. */
export type StoreCheck = {
  readonly deep: boolean
  readonly records: number
  readonly conversations: number
  readonly findings: readonly StoreFinding[]
}

/** An opened store: its ports and its life. */
export type Store = {
  readonly log: LogPort
  readonly eraser: EraserPort
  readonly directory: DirectoryPort
  readonly bus: BusPort
  readonly outbox: OutboxPort
  readonly view: ViewPort
  info(): Promise<StoreInfo>
  /** Why appends are refused at this moment: `KEFU_STORE_FULL`, `KEFU_STORE_UNAVAILABLE`, `KEFU_STORE_CORRUPT`, `KEFU_DRAINING`. Undefined while they are taken. */
  refusal(): KefuError | undefined
  /** Shallow: the feed is contiguous and every head agrees with its conversation's last record. Deep: every record is read and verified, too. */
  check(options: {
    readonly deep: boolean
    readonly signal?: AbortSignal
    readonly onProgress?: (done: number, total: number) => void
  }): Promise<StoreCheck>
  /** Finishes what is in flight and closes. Idempotent. */
  close(): Promise<void>
}

/** Time, passed in. */
export type Clock = {
  /** Wall clock, epoch ms: for display and stamps. */
  now(): number
  /** Never goes back: for every duration. */
  monotonicMs(): number
  /** Calls once after the delay; the returned function cancels. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): () => void
}

/** A client's connection, as the engine knows it: a number, unique while the process lives. */
export type SessionId = number

/** What the gateway tells the engine. Plain data only, so that it can cross a pipe to gateway processes. */
export type SessionEvents = {
  /** A socket was accepted. `origin` is what its page claims to be. */
  opened(session: SessionId, info: { readonly remoteAddress: string; readonly origin: string | undefined }): void
  /** A valid frame, in order. */
  frame(session: SessionId, frame: ClientFrame): void
  /** What was buffered for this socket has been taken. */
  drained(session: SessionId): void
  /** The socket is gone; nothing follows. */
  closed(session: SessionId): void
}

/** What the engine tells the gateway. Frames are binary; the gateway turns them into the session's subprotocol. */
export type GatewayPort = {
  /** Queues frames to one session, in order. `false` when more than the high-water mark waits for that peer: stop until `drained`. A session that is gone takes and drops them. */
  send(session: SessionId, frames: readonly Uint8Array[]): boolean
  /** Bytes that wait for that peer and that the kernel has not taken; 0 for a session that is gone. */
  bufferedBytes(session: SessionId): number
  /** Sends what is queued, then closes with a WebSocket code. `closed` follows. */
  close(session: SessionId, code: number, reason: string): void
  /** Origins that may open sockets at all (those of the web channels). */
  allowOrigins(origins: ReadonlySet<string>): void
}

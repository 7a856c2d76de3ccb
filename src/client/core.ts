import type { ConversationId } from '../codec/conversation-id.js'
import type {
  AckBody,
  Author,
  DeliverBody,
  ErrorBody,
  HistoryBody,
  MediaRequestBody,
  MessageBody,
  PageBody,
  ServerFrame,
  WelcomeBody,
  WireRecord,
} from '../codec/wire.js'
import type { CommandBody, DoneBody } from '../codec/wire-commands.js'
import { KefuError } from '../errors.js'
import { ask, doneOf, mediaOf, pageOf } from './answers.js'
import { Emitter } from './emitter.js'
import type { AgentEvents, ContactEvents, MessageRecordEvent } from './events.js'
import { disconnected, fromErrorBody } from './failure.js'
import { type MediaLink, mediaUrl } from './media.js'
import { type Content, checkCommand, checkMessage, createMessageIds, toParts } from './message.js'
import type { Settings } from './options.js'
import { doubtsOf, type Lane, Outbox, type OutboxEntry, type Sent } from './outbox.js'
import { Receipts } from './receipts.js'
import { Reviews } from './reviews.js'
import { Session } from './session.js'
import type { SessionRole, StateChange } from './session-role.js'
import { type RecordEvent, Track, Tracker } from './tracker.js'

/** How many conversations a client remembers. */
export const CONVERSATION_LIMIT = 100_000

/** Receipts that are sent together: a server closes connections that have too many frames waiting. */
const RECEIPTS_AT_ONCE = 256

/** What differs from role to role. */
export type CoreRole = Pick<SessionRole, 'hello' | 'probe' | 'heartbeat'> & {
  /** The author of this client's own messages, as its own copies show it. */
  readonly author: () => Author
  /** Whether a record was written by this client's contact or agent. */
  readonly isOwn: (record: WireRecord) => boolean
  /** What messages to this conversation are addressed to. */
  readonly targetOf: (track: Track) => string
  /** The channel number of a target, 0 while it is not known. */
  readonly channelOf: (target: string) => number
  /** How requests name a target. */
  readonly addressOf: (target: string) => Pick<HistoryBody, 'conversation' | 'contact'>
  /** The last number that is known of a target, 0 when nothing is. */
  readonly headOf: (target: string) => number
  /** Whether each welcome tells the last number. */
  readonly isHeadWelcomed: boolean
  /** A conversation that is not followed yet and was seen at number `n`: where to start. */
  readonly startBefore: (n: number) => number
  /** The connection is ready; follows, or goes on following, its conversations. */
  readonly welcome: (body: WelcomeBody) => void
  /** A frame that only this role gets. */
  readonly frame: (frame: ServerFrame) => void
  /** The log was followed up to this cursor. */
  readonly delivered: (cursor: string) => void
  /** A record is about to reach its listeners. */
  readonly recorded: (track: Track, record: WireRecord, n: number) => void
  /** A conversation was seen for the first time, by a record: the server shows it. */
  readonly discovered: (track: Track) => void
  /** The server does not show this conversation any more. */
  readonly refused: (track: Track) => void
  /** About once a second while anything is outstanding: when to come again (monotonic), `Infinity` when the role itself waits for nothing. */
  readonly sweep: () => number
}

/**
 * What all clients have in common: the session, messages on their way, conversations in order, receipts, events. Events of all roles go through one
 * emitter; each role's type shows its own.
 */
export class Core implements SessionRole {
  readonly events = new Emitter<AgentEvents & ContactEvents>()
  readonly session: Session
  readonly tracker: Tracker
  readonly settings: Settings
  readonly #role: CoreRole
  readonly #outbox: Outbox
  readonly #reviews: Reviews
  readonly #receipts = new Receipts()
  readonly #nextId = createMessageIds()
  #failure: KefuError | undefined

  constructor(settings: Settings, role: CoreRole) {
    this.settings = settings
    this.#role = role
    const { clock, random } = settings
    this.session = new Session(settings, this)
    this.#outbox = new Outbox(
      {
        transmit: entry => this.session.post(role.channelOf(entry.lane.target), 'message', entry.body),
        headOf: target => role.headOf(target),
        review: lane => this.#review(lane),
        monotonicMs: () => clock.monotonicMs(),
        random,
      },
      { limit: settings.outboxLimit, window: settings.window, timeoutMs: settings.messageTimeoutMs },
    )
    this.#reviews = new Reviews({
      fetch: ({ target }, before, answer) => {
        const range = before === undefined ? {} : { before }
        this.session.request(role.channelOf(target), 'history', { ...role.addressOf(target), ...range }, answer)
      },
      settle: ({ target }, { conversation, records }) => {
        for (const { n, record } of records) this.#settleStored(target, conversation, n, record)
      },
      trust: lane => this.#outbox.trust(lane),
      violated: error => this.session.cut(error),
      monotonicMs: () => clock.monotonicMs(),
      random,
      sweepSoon: () => this.session.sweepSoon(),
    })
    this.tracker = new Tracker(
      {
        fetch: (track, after, answer) => {
          this.session.request(track.channel, 'history', { conversation: track.conversation, after }, answer)
        },
        inFlight: track => this.#outbox.inFlight(role.targetOf(track)),
        emit: this.#emit,
        arrived: (track, n, at, record) => this.#arrived(track, n, at, record),
        refused: track => role.refused(track),
        failed: error => this.fail(error),
        violated: error => this.session.cut(error),
        monotonicMs: () => clock.monotonicMs(),
        sweepSoon: () => this.session.sweepSoon(),
      },
      CONVERSATION_LIMIT,
    )
  }

  /** Messages without an acknowledgement. */
  get unacknowledged(): number {
    return this.#outbox.size
  }

  /** Begins in the next microtask, so that listeners can be added first. */
  start(): void {
    queueMicrotask(() => this.session.start())
  }

  /** Resolves with the first state `ready` from now. Rejects when the client ends before, or with `KEFU_ABORTED`. */
  ready(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: KefuError): void => {
        off()
        signal?.removeEventListener('abort', aborted)
        if (error === undefined) resolve()
        else reject(error)
      }
      const aborted = (): void => settle(new KefuError('KEFU_ABORTED'))
      const look = (): void => {
        if (this.session.state === 'ready') settle()
        else if (this.session.state === 'closed') settle(this.#failure ?? disconnected('the client was closed'))
      }
      const off = this.events.on('state', look)
      signal?.addEventListener('abort', aborted, { once: true })
      if (signal?.aborted) aborted()
      else look()
    })
  }

  /** Sends a message to a target, now or when there is a connection. */
  send(target: string, address: Omit<MessageBody, 'id' | 'parts'>, content: Content, id?: string): Promise<Sent> {
    if (this.session.state === 'closed') return Promise.reject(this.#failure ?? disconnected('the client was closed'))
    const body: MessageBody = { ...address, id: id ?? this.#nextId(), parts: toParts(content) }
    try {
      checkMessage(body)
    } catch (error) {
      return Promise.reject(error)
    }
    const sent = this.#outbox.add(target, body)
    // A message that waits for a connection has a deadline, too.
    this.session.sweepSoon()
    return sent
  }

  /** Tells the server, with the next receipts, that everything up to `n` was read. */
  markRead(conversation: ConversationId, n: number): void {
    this.#receipts.add('read', conversation, n)
    this.session.flushWithin(this.settings.receiptIntervalMs)
  }

  /** One page of a conversation, as the server has it; does not touch what listeners get. */
  history(channel: number, body: HistoryBody): Promise<PageBody> {
    return ask(answer => this.session.request(channel, 'history', body, answer), pageOf)
  }

  /** A link to a file of a conversation, valid until `expiresAt` (epoch ms). */
  async mediaLink(channel: number, body: MediaRequestBody): Promise<MediaLink> {
    const { url, expiresAt } = await ask(answer => this.session.request(channel, 'media', body, answer), mediaOf)
    return { url: mediaUrl(url, this.settings.httpUrl), expiresAt }
  }

  /** Has something done to a conversation; the promise is of the server's answer. Nothing is sent again by itself. */
  async command(channel: number, body: CommandBody): Promise<DoneBody> {
    checkCommand(body)
    return ask(answer => this.session.request(channel, 'command', body, answer), doneOf)
  }

  /** The conversation, which is followed from here on if it was not before. */
  follow(conversation: ConversationId, n: number, channel: number, contact: string | undefined): Track {
    const present = this.tracker.get(conversation)
    if (present !== undefined) {
      if (present.channel === 0) present.channel = channel
      if (present.contact === undefined && contact !== undefined) this.tracker.name(present, contact)
      return present
    }
    const track = this.tracker.add(new Track(conversation, this.#role.startBefore(n), channel, contact))
    this.#role.discovered(track)
    return track
  }

  /** Tells listeners of something that no promise tells. */
  fail(error: KefuError): void {
    this.events.emit('error', error)
  }

  /** Ends the client. What was not acknowledged rejects with `KEFU_DISCONNECTED`. Idempotent. */
  close(): Promise<void> {
    const closed = this.session.close()
    this.#outbox.close(disconnected('the client was closed'))
    return closed
  }

  hello(zstd: boolean): ReturnType<SessionRole['hello']> {
    return this.#role.hello(zstd)
  }

  probe(): void {
    this.#role.probe()
  }

  heartbeat(): void {
    this.#role.heartbeat()
  }

  welcome(body: WelcomeBody): void {
    this.#role.welcome(body)
    if (!this.session.isReady) return
    this.#outbox.resume()
    this.session.sweepSoon()
    if (!this.#receipts.isEmpty) this.session.flushWithin(this.settings.receiptIntervalMs)
  }

  lost(): void {
    this.#outbox.disconnect()
    this.#reviews.disconnected()
    this.tracker.disconnected()
  }

  stateChanged(change: StateChange): void {
    if (change.state === 'closed') {
      this.#failure = change.error
      this.#outbox.close(change.error ?? disconnected('the client was closed'))
    }
    this.events.emit('state', change)
    if (change.state === 'closed' && change.error !== undefined) this.fail(change.error)
  }

  sweep(): { readonly isIdle: boolean; readonly wakesAt: number } {
    const { wakesAt, oldestMs } = this.#outbox.sweep()
    const timeoutMs = 2 * this.settings.requestTimeoutMs
    if (oldestMs > timeoutMs) this.session.cut(new KefuError('KEFU_TIMEOUT', { what: 'an acknowledgement', timeoutMs }))
    this.tracker.sweep()
    const nextAt = Math.min(this.#role.sweep(), this.#reviews.sweep())
    const isIdle = this.#outbox.size === 0 && this.tracker.isIdle && nextAt === Number.POSITIVE_INFINITY
    return { isIdle, wakesAt: Math.min(wakesAt, nextAt) }
  }

  flush(): void {
    this.#receipts.flush(RECEIPTS_AT_ONCE, (kind, conversation, n) => {
      const track = this.tracker.get(conversation)
      // What was taken from an agent, the server does not know any more.
      if (track?.isMine !== false) this.session.send(track?.channel ?? 0, kind, { conversation, n })
    })
    if (!this.#receipts.isEmpty) this.session.flushWithin(this.settings.receiptIntervalMs)
  }

  frame(frame: ServerFrame): void {
    switch (frame.kind) {
      case 'deliver':
        this.#delivered(frame.channel, frame.body)
        break
      case 'ack':
        this.#acknowledged(frame.channel, frame.correlation, frame.body)
        break
      case 'page': {
        const { conversation, after, records } = frame.body
        this.tracker.pushed(this.follow(conversation, after + records.length, frame.channel, undefined), frame.body)
        break
      }
      case 'error':
        this.#refused(frame.correlation, frame.body)
        break
      case 'typing':
        this.events.emit('typing', frame.body)
        break
      case 'presence':
        this.events.emit('presence', frame.body)
        break
      case 'queue':
        this.events.emit('queue', frame.body)
        break
      default:
        this.#role.frame(frame)
    }
  }

  #delivered(channel: number, body: DeliverBody): void {
    const track = this.follow(body.conversation, body.n, channel, body.contact)
    this.tracker.deliver(track, body.n, body.at, body.record)
    if (body.cursor !== undefined) this.#role.delivered(body.cursor)
  }

  #acknowledged(channel: number, correlation: number, body: AckBody): void {
    const entry = this.#outbox.answered(correlation)
    if (entry === undefined) return
    const { conversation, n } = body
    const { contact } = entry.body
    const track = this.follow(conversation, n, channel, contact)
    const record = ownRecord(this.#role.author(), entry)
    const at = this.settings.clock.now()
    this.tracker.acknowledged(track, {
      conversation,
      channel: track.channel,
      contact: track.contact,
      n,
      at,
      record,
      own: true,
    })
    this.#outbox.settle(entry, conversation, n, body.duplicate === true)
  }

  #refused(correlation: number, body: ErrorBody): void {
    const entry = this.#outbox.answered(correlation)
    const error = fromErrorBody(body)
    if (entry === undefined) {
      this.fail(error)
      return
    }
    this.#outbox.refuse(entry, error, body.retryable, body.retryAfterMs)
    this.session.sweepSoon(this.settings.clock.monotonicMs() + (body.retryAfterMs ?? 0))
  }

  #arrived(track: Track, n: number, at: number, record: WireRecord): RecordEvent {
    const own = this.#settleStored(this.#role.targetOf(track), track.conversation, n, record)
    return { conversation: track.conversation, channel: track.channel, contact: track.contact, n, at, record, own }
  }

  /** Settles a message of this client that the log shows to be stored. Whether the record is of this client's contact or agent. */
  #settleStored(target: string, conversation: ConversationId, n: number, record: WireRecord): boolean {
    const isOwn = this.#role.isOwn(record)
    if (isOwn && record.id !== undefined && this.#outbox.size > 0) {
      const entry = this.#outbox.find(target, record.id)
      if (entry !== undefined) this.#outbox.settle(entry, conversation, n, true)
    }
    return isOwn
  }

  #review(lane: Lane): void {
    const { isHeadWelcomed, headOf } = this.#role
    // Nothing has been stored since the first of them was sent.
    if (isHeadWelcomed && headOf(lane.target) <= (doubtsOf(lane)?.sentAfter ?? 0)) this.#outbox.trust(lane)
    else this.#reviews.add(lane)
  }

  readonly #emit = (event: RecordEvent): void => {
    const track = this.tracker.get(event.conversation)
    if (track !== undefined) {
      if (event.at > track.at) track.at = event.at
      this.#role.recorded(track, event.record, event.n)
    }
    if (!event.own) {
      this.#receipts.add('ack', event.conversation, event.n)
      this.session.flushWithin(this.settings.receiptIntervalMs)
    }
    this.events.emit('record', event)
    if (event.record.type === 'message') this.events.emit('message', event as MessageRecordEvent)
  }
}

function ownRecord(by: Author, entry: OutboxEntry): WireRecord {
  return { type: 'message', by, id: entry.body.id, parts: entry.body.parts }
}

import { CLOSE } from '../../../codec/close-codes.js'
import { type ConversationId, isConversationId } from '../../../codec/conversation-id.js'
import { type ClientFrame, type ClientKind, type ListenBody, WIRE_LIMITS } from '../../../codec/wire.js'
import { KefuError } from '../../../errors.js'
import type { AgentRole } from '../../core/model.js'
import type { SessionId } from '../../core/ports.js'
import type { Inboxes } from '../delivery/inbox.js'
import type { Outbound } from '../delivery/outbound.js'
import type { RateLimiter } from '../limits/rate-limit.js'
import type { Commands } from '../routing/commands.js'
import type { Presence } from '../routing/presence.js'
import { actorOf, type KnownSession, type NewSession, type Session, type VisitorSession } from '../session/session.js'
import type { Sessions } from '../session/sessions.js'
import type { CannedOffers } from './canned-offers.js'
import type { Contacts } from './contacts.js'
import type { Conversations, Target } from './conversations.js'
import { type Greeting, greetingCloseCode } from './greeting.js'
import type { Messages } from './messages.js'
import type { Requests } from './requests.js'
import type { Searches } from './searches.js'

/** What the dispatcher stands on. */
export type DispatcherPorts = {
  readonly sessions: Sessions
  readonly outbound: Outbound
  readonly inboxes: Inboxes
  readonly greeting: Greeting
  readonly conversations: Conversations
  readonly contacts: Contacts
  readonly canned: CannedOffers
  readonly messages: Messages
  readonly requests: Requests
  readonly searches: Searches
  readonly commands: Commands
  readonly presence: Presence
  /** Messages and commands of visitors, per contact: a contact may have any number of sessions. */
  readonly messageLimit: RateLimiter
  /** The same for other frames, and for those that are refused. */
  readonly frameLimit: RateLimiter
  /** A session has been welcomed. The promise, if any, never rejects. */
  welcomed(session: KnownSession): Promise<void> | undefined
  isDraining(): boolean
  /** What an agent may do at this moment. */
  roleOf(agent: string): AgentRole | undefined
}

/** Which frames each role may send once it is known. */
const ALLOWED: { readonly [R in KnownSession['role']]: ReadonlySet<ClientKind> } = {
  visitor: new Set(['message', 'ack', 'read', 'typing', 'history', 'media', 'command']),
  agent: new Set([
    'message',
    'ack',
    'read',
    'typing',
    'history',
    'media',
    'command',
    'listen',
    'contact',
    'canned',
    'search',
    'inbox',
    'presence',
  ]),
  app: new Set(['message', 'ack', 'read', 'typing', 'history', 'media', 'command', 'inbox']),
}

/** Frames that show something and change nothing. */
const READS: ReadonlySet<ClientKind> = new Set(['history', 'media'])

/** Frames of visitors that are stored. */
const STORED: ReadonlySet<ClientKind> = new Set(['message', 'command'])

type CommandFrame = Extract<ClientFrame, { readonly kind: 'command' }>

/** Frames of one session that may wait for an earlier one. */
const PENDING_LIMIT = 1_024

/**
 * Takes the frames of sessions to the use cases. Frames of one session are handled in order: one whose first step has to wait (a head that is not in
 * memory) holds back those behind it. Visitors are held to their rates when a frame comes, so that few can wait. Every failure is answered with one
 * `error` frame.
 */
export class Dispatcher {
  readonly #ports: DispatcherPorts

  constructor(ports: DispatcherPorts) {
    this.#ports = ports
  }

  /** Handles a frame now, or when those before it are through. */
  frame(id: SessionId, frame: ClientFrame): void {
    const session = this.#ports.sessions.get(id)
    if (session === undefined || session.isClosed) return
    const isNew = session.role === 'new'
    if (!isNew && !this.#isAdmitted(session, frame)) return
    const before = session.pending
    if (before === undefined) {
      const work = this.#handle(session, frame)
      if (work !== undefined) this.#hold(id, session, work)
      return
    }
    if (session.pendingCount >= PENDING_LIMIT) {
      this.#ports.outbound.reject(
        session,
        frame.correlation,
        new KefuError('KEFU_RATE_LIMITED', { what: 'frames' }),
        CLOSE.tooMany,
      )
      return
    }
    session.pendingCount++
    const next = before.then(() => {
      const current = this.#ports.sessions.get(id)
      if (current === undefined) return undefined
      current.pendingCount--
      if (current.isClosed) return undefined
      if (isNew && current.role !== 'new' && !this.#isAdmitted(current, frame)) return undefined
      return this.#handle(current, frame)
    })
    this.#hold(id, session, next)
  }

  /** Whether a frame is within its sender's rate; otherwise it has been answered. Who goes on and on is closed. */
  #isAdmitted(session: KnownSession, frame: ClientFrame): boolean {
    if (session.role !== 'visitor') return true
    const { messageLimit, frameLimit } = this.#ports
    const isMessage = STORED.has(frame.kind)
    const retryAfterMs = (isMessage ? messageLimit : frameLimit).take(session.conversation)
    if (retryAfterMs === 0) return true
    this.#refuse(
      session,
      frame,
      new KefuError('KEFU_RATE_LIMITED', { what: isMessage ? 'messages' : 'frames' }),
      retryAfterMs,
    )
    return false
  }

  #refuse(session: VisitorSession, frame: ClientFrame, error: KefuError, retryAfterMs: number): void {
    const { outbound, frameLimit } = this.#ports
    if (frameLimit.take(`refused ${session.conversation}`) > 0) {
      outbound.reject(session, frame.correlation, error, CLOSE.tooMany)
      return
    }
    const extra = frame.kind === 'message' ? { id: frame.body.id, retryAfterMs } : { retryAfterMs }
    outbound.fail(session, frame.correlation, error, extra)
  }

  #hold(id: SessionId, session: Session, work: Promise<void>): void {
    session.pending = work
    void work.then(() => {
      const current = this.#ports.sessions.get(id)
      if (current?.pending === work) current.pending = undefined
    })
  }

  #handle(session: Session, frame: ClientFrame): Promise<void> | undefined {
    try {
      return this.#dispatch(session, frame)?.catch((error: unknown) => this.#fail(session, frame, error))
    } catch (error) {
      this.#fail(session, frame, error)
      return undefined
    }
  }

  #fail(session: Session, frame: ClientFrame, error: unknown): void {
    const extra = frame.kind === 'message' ? { id: frame.body.id } : undefined
    this.#ports.outbound.fail(session, frame.correlation, error, extra)
  }

  #dispatch(session: Session, frame: ClientFrame): Promise<void> | undefined {
    if (this.#ports.isDraining()) throw new KefuError('KEFU_DRAINING')
    if (session.role === 'new') return this.#greet(session, frame)
    const { kind } = frame
    if (!ALLOWED[session.role].has(kind)) {
      const reason = kind === 'hello' ? 'it was said already' : `it is not for the role ${session.role}`
      throw new KefuError('KEFU_FRAME_UNEXPECTED', { kind, reason })
    }
    return this.#dispatchKnown(session, frame)
  }

  #dispatchKnown(session: KnownSession, frame: ClientFrame): Promise<void> | undefined {
    const { conversations, contacts, canned, messages, requests, searches, presence, inboxes } = this.#ports
    switch (frame.kind) {
      case 'hello':
        return undefined
      case 'presence':
        if (session.role === 'agent') presence.heartbeat(session, frame.body.state)
        return undefined
      case 'inbox':
        return session.role === 'visitor' ? undefined : inboxes.answer(session, frame.correlation, frame.body.before)
      case 'search':
        if (session.role === 'agent') searches.begin(session, frame.correlation, frame.body)
        return undefined
      case 'message': {
        const target = conversations.resolve(session, frame.body)
        if (target instanceof Promise)
          return target.then(found => messages.accept(session, found, frame.correlation, frame.body))
        return messages.accept(session, target, frame.correlation, frame.body)
      }
      case 'listen': {
        const target = conversations.resolve(session, frame.body, 'reader')
        if (target instanceof Promise) return target.then(() => this.#listen(session, frame.body))
        this.#listen(session, frame.body)
        return undefined
      }
      case 'command': {
        // Whether this actor may do it is for the commands to say; here it is whose channel the conversation is of.
        const target = conversations.resolve(session, frame.body, 'reader')
        if (target instanceof Promise) return target.then(found => this.#command(session, found.conversation, frame))
        return this.#command(session, target.conversation, frame)
      }
      case 'contact': {
        const target = conversations.resolve(session, frame.body, 'relative')
        if (target instanceof Promise) return target.then(found => contacts.answer(session, found, frame.correlation))
        return contacts.answer(session, target, frame.correlation)
      }
      case 'canned': {
        const target = conversations.resolve(session, frame.body, 'reader')
        const offer = (found: Target): void => canned.answer(session, found, frame.correlation, frame.body)
        if (target instanceof Promise) return target.then(offer)
        offer(target)
        return undefined
      }
      default: {
        const access = READS.has(frame.kind) ? 'relative' : 'holder'
        const target = conversations.resolve(session, frame.body, access)
        if (target instanceof Promise) return target.then(found => requests.answer(session, found, frame))
        return requests.answer(session, target, frame)
      }
    }
  }

  /** The conversation exists, and may be seen. */
  #listen(session: KnownSession, { conversation, on }: ListenBody): void {
    const { sessions, roleOf } = this.#ports
    if (session.role !== 'agent' || session.isClosed || !isConversationId(conversation)) return
    if (!on) sessions.endListening(session, conversation)
    else if (roleOf(session.agent.id) !== 'supervisor')
      throw new KefuError('KEFU_COMMAND_REFUSED', { command: 'listen' })
    else if (session.listens.size >= WIRE_LIMITS.listens)
      throw new KefuError('KEFU_RATE_LIMITED', { what: 'conversations that are listened to' })
    else sessions.listen(session, conversation)
  }

  async #command(
    session: KnownSession,
    conversation: ConversationId,
    { channel, correlation, body }: CommandFrame,
  ): Promise<void> {
    const done = await this.#ports.commands.run(conversation, actorOf(session, this.#ports.roleOf), body.command)
    this.#ports.outbound.send(session, channel, 'done', correlation, done)
  }

  async #greet(session: NewSession, frame: ClientFrame): Promise<void> {
    const { outbound, greeting, sessions } = this.#ports
    if (frame.kind !== 'hello' || session.isGreeting) {
      const error = new KefuError('KEFU_FRAME_UNEXPECTED', { kind: frame.kind, reason: 'hello comes first, once' })
      outbound.reject(session, frame.correlation, error, CLOSE.protocolError)
      return
    }
    session.isGreeting = true
    let known: KnownSession
    try {
      const greeted = await greeting.greet(session, frame.body)
      if (session.isClosed) return
      known = greeted.session
      sessions.promote(session, known)
      outbound.send(known, 0, 'welcome', frame.correlation, greeted.welcome)
    } catch (error) {
      outbound.reject(session, frame.correlation, error, greetingCloseCode(error))
      return
    }
    await this.#ports.welcomed(known)
  }
}

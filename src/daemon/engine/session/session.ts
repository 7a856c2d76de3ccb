import type { ConversationId } from '../../../codec/conversation-id.js'
import type { Author } from '../../../codec/wire.js'
import type { Actor } from '../../core/commands.js'
import type { Agent, AgentRole, Channel } from '../../core/model.js'
import type { SessionId } from '../../core/ports.js'

/**
 * A client's connection as the engine sees it. One class per role, fields fixed, because a machine holds a hundred thousand visitors.
 */
export type Session = NewSession | VisitorSession | AgentSession | AppSession
/** Sessions that follow the log of many conversations. */
export type StaffSession = AgentSession | AppSession
/** Sessions that said hello. */
export type KnownSession = VisitorSession | StaffSession

class SessionBase {
  readonly id: SessionId
  /** Where it comes from, as limits tell addresses apart. */
  readonly address: string
  /** Frames that wait for the end of the event-loop turn, and their size. */
  outgoing: Uint8Array[] | undefined
  outgoingBytes = 0
  /** The peer reads too slowly: nothing is pushed until it has caught up from the log. */
  isLagging = false
  /** Closed, or told to close: nothing is taken from it or sent to it any more. */
  isClosed = false
  /** Steps that had to wait; later frames of the session queue behind them. */
  pending: Promise<void> | undefined
  pendingCount = 0

  constructor(id: SessionId, address: string) {
    this.id = id
    this.address = address
  }
}

/** Connected, but no hello yet. */
export class NewSession extends SessionBase {
  readonly role = 'new'
  readonly origin: string | undefined
  /** Monotonic instant of its opening. */
  readonly openedAt: number
  /** Monotonic instant at which its patience ends. */
  readonly helloDeadline: number
  isGreeting = false

  constructor(id: SessionId, address: string, origin: string | undefined, openedAt: number, helloDeadline: number) {
    super(id, address)
    this.origin = origin
    this.openedAt = openedAt
    this.helloDeadline = helloDeadline
  }
}

/** A contact on a web page: one conversation. */
export class VisitorSession extends SessionBase {
  readonly role = 'visitor'
  readonly channel: Channel
  readonly contact: string
  readonly name: string | undefined
  readonly language: string | undefined
  readonly conversation: ConversationId
  readonly acceptsZstd: boolean
  /** Last `n` that was sent or acknowledged to this session; what follows is owed. */
  pushedN: number
  /** `live`: records are pushed as they come. `fed`: from the log, until level with it. `stalled`: not being fed yet, or waiting for the peer to read. */
  feed: 'live' | 'fed' | 'stalled' = 'stalled'
  /** Messages sent and not yet answered. */
  inFlight = 0
  /** Messages that this session sent and that have not come by in the log: see `own-messages.ts`. */
  ownMessages: Set<string> | undefined
  /** The next session of the same conversation. */
  sibling: VisitorSession | undefined

  constructor(
    base: NewSession,
    channel: Channel,
    contact: string,
    name: string | undefined,
    language: string | undefined,
    conversation: ConversationId,
    pushedN: number,
    acceptsZstd: boolean,
  ) {
    super(base.id, base.address)
    this.channel = channel
    this.contact = contact
    this.name = name
    this.language = language
    this.conversation = conversation
    this.pushedN = pushedN
    this.acceptsZstd = acceptsZstd
  }
}

/** An agent's desk: the conversations assigned to the agent. */
export class AgentSession extends SessionBase {
  readonly role = 'agent'
  readonly agent: Agent
  readonly author: Author
  readonly acceptsZstd: boolean
  /** Messages in flight by conversation. */
  readonly inFlight = new Map<ConversationId, number>()
  ownMessages: Set<string> | undefined
  /** Position of the last record pushed. */
  pushedSeq: number
  /** There are inbox pages that the client has not been sent; how far down they go. */
  inboxMore = true
  inboxAfterSeq = 0
  /** Inbox pages about to be pushed. Until they are out, the client cannot know that it lacks something. */
  inboxesDue = 0
  /** Monotonic instant at which it was last told once more of all its conversations. */
  repeatedAt = Number.NEGATIVE_INFINITY
  /** Conversations of others whose records it gets. */
  readonly listens = new Set<ConversationId>()
  /** The fingerprint of the token that it came with. */
  readonly token: string
  declared: 'online' | 'away' = 'online'
  heartbeatAt: number

  constructor(base: NewSession, agent: Agent, pushedSeq: number, acceptsZstd: boolean, now: number, token: string) {
    super(base.id, base.address)
    this.agent = agent
    this.token = token
    this.author = { role: 'agent', id: agent.id, name: agent.name }
    this.pushedSeq = pushedSeq
    this.acceptsZstd = acceptsZstd
    this.heartbeatAt = now
  }
}

/** An app server: every contact of its channel. */
export class AppSession extends SessionBase {
  readonly role = 'app'
  readonly channel: Channel
  readonly acceptsZstd: boolean
  readonly inFlight = new Map<ConversationId, number>()
  ownMessages: Set<string> | undefined
  pushedSeq: number
  inboxMore = true
  inboxAfterSeq = 0
  inboxesDue = 0

  constructor(base: NewSession, channel: Channel, pushedSeq: number, acceptsZstd: boolean) {
    super(base.id, base.address)
    this.channel = channel
    this.pushedSeq = pushedSeq
    this.acceptsZstd = acceptsZstd
  }
}

/** Who acts through a session: apps speak for their contacts. `roleOf`: what an agent may do at this moment. */
export function actorOf(session: KnownSession, roleOf: (agent: string) => AgentRole | undefined): Actor {
  if (session.role !== 'agent') return { role: 'contact' }
  const { id, name } = session.agent
  return { role: 'agent', id, name, isSupervisor: roleOf(id) === 'supervisor', token: session.token }
}

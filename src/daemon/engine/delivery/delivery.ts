import type { ConversationId } from '../../../codec/conversation-id.js'
import { encodeDeliver } from '../../../codec/message-bytes.js'
import { formatCursor } from '../../core/cursor.js'
import type { LogRecord } from '../../core/log-record.js'
import type { AgentRole, Head } from '../../core/model.js'
import type { LogEntry } from '../../core/ports.js'
import type { AgentSession, AppSession, StaffSession, VisitorSession } from '../session/session.js'
import type { Sessions } from '../session/sessions.js'
import type { CatchUp } from './catch-up.js'
import { inboxEntry } from './inbox-entries.js'
import type { Meters } from './meters.js'
import type { Outbound } from './outbound.js'
import { takeOwn } from './own-messages.js'
import { visibleBody } from './pages.js'

/** What deliveries stand on. */
export type DeliveryPorts = {
  readonly sessions: Sessions
  readonly outbound: Outbound
  readonly catchUp: CatchUp
  readonly meters: Meters
  /** What an agent may do at this moment. */
  roleOf(agent: string): AgentRole | undefined
  /** A session was told of a conversation that is its agent's now. */
  announced(session: AgentSession, conversation: ConversationId): void
}

/**
 * Hands committed records to the sessions that follow them. Each record is encoded once per audience, from its stored bytes. A session that lags is
 * left out: it is fed from the log when it reads again.
 */
export class Delivery {
  readonly #ports: DeliveryPorts

  constructor(ports: DeliveryPorts) {
    this.#ports = ports
  }

  /** Delivers one committed record. Records must come in log order. `before`: where the conversation stood before this one, if it was open. */
  deliver(entry: LogEntry, before: Head | undefined): void {
    const { record, head } = entry
    const { body } = record
    const { sessions } = this.#ports
    const visitors = sessions.visitorsOf(record.conversation)
    if (visitors !== undefined) this.#toVisitors(visitors, entry)
    if (head.kind === 'app') this.#toApps(sessions.appsOf(head.channel), entry)
    if (body.type === 'message' && body.by.id !== undefined && body.by.id !== head.agent) {
      // The conversation was taken from its writer meanwhile, who gets nothing of it any more.
      for (const session of sessions.agentsOf(body.by.id) ?? []) takeOwn(session, record)
    }
    const previous = previousAgent(record, before)
    if (head.agent !== undefined || previous !== undefined) this.#toAgents(entry, previous)
    const listeners = sessions.listenersOf(record.conversation)
    if (listeners !== undefined) this.#toListeners(listeners, entry)
  }

  /** Supervisors who listen; who has the conversation has been told. */
  #toListeners(listeners: ReadonlySet<AgentSession>, entry: LogEntry): void {
    const frames: StaffFrames = { complete: undefined, bare: undefined }
    for (const session of listeners) {
      const { id } = session.agent
      if (id === entry.head.agent || this.#ports.roleOf(id) !== 'supervisor') continue
      if (this.#isDue(session, entry)) this.#push(session, entry, frames)
    }
  }

  #toVisitors(first: VisitorSession, entry: LogEntry): void {
    let frame: Uint8Array | undefined
    for (let session: VisitorSession | undefined = first; session !== undefined; session = session.sibling) {
      if (!this.#isDueToVisitor(session, entry)) continue
      frame ??= visitorFrame(entry)
      this.#ports.meters.delivered++
      this.#ports.outbound.push(session, frame)
    }
  }

  #isDueToVisitor(session: VisitorSession, { record }: LogEntry): boolean {
    const isOwn = takeOwn(session, record)
    if (session.feed !== 'live' || record.n <= session.pushedN) return false
    if (session.isLagging) {
      session.feed = 'stalled'
      return false
    }
    if (record.n !== session.pushedN + 1) {
      this.#ports.catchUp.start(session)
      return false
    }
    session.pushedN = record.n
    return !isOwn
  }

  #toApps(apps: ReadonlySet<AppSession> | undefined, entry: LogEntry): void {
    if (apps === undefined) return
    const frames: StaffFrames = { complete: undefined, bare: undefined }
    for (const session of apps) if (this.#isDue(session, entry)) this.#push(session, entry, frames)
  }

  #toAgents(entry: LogEntry, previous: string | undefined): void {
    const { record, head } = entry
    const { body } = record
    const { sessions } = this.#ports
    const frames: StaffFrames = { complete: undefined, bare: undefined }
    if (previous !== undefined && previous !== head.agent) {
      for (const session of sessions.agentsOf(previous) ?? [])
        if (this.#isDue(session, entry)) this.#push(session, entry, frames)
    }
    if (head.agent === undefined) return
    for (const session of sessions.agentsOf(head.agent) ?? []) {
      if (!this.#isDue(session, entry)) continue
      if (body.type === 'assigned') this.#announce(session, entry)
      else this.#push(session, entry, frames)
    }
  }

  /**
   * A conversation new to an agent comes as an inbox entry: the client asks for as much of it as it wants. Ahead of a page that is due it says that there is
   * more, so that no client takes it for all that there is.
   */
  #announce(session: AgentSession, { record, head }: LogEntry): void {
    const entries = [inboxEntry({ ...head, n: record.n }, formatCursor(record.seq))]
    this.#ports.meters.delivered++
    this.#ports.outbound.send(session, head.channel, 'inbox', 0, { entries, more: session.inboxesDue > 0 })
    this.#ports.announced(session, head.conversation)
  }

  #push(session: StaffSession, entry: LogEntry, frames: StaffFrames): void {
    let frame: Uint8Array
    // A client that resumed from here would never ask for what the page that is due tells.
    if (session.inboxesDue > 0) frame = frames.bare ??= staffFrame(entry, session.role === 'app', false)
    else frame = frames.complete ??= staffFrame(entry, session.role === 'app', true)
    this.#ports.meters.delivered++
    this.#ports.outbound.push(session, frame)
  }

  #isDue(session: StaffSession, { record }: LogEntry): boolean {
    const isOwn = takeOwn(session, record)
    if (session.isLagging) return false
    session.pushedSeq = record.seq
    return !isOwn
  }
}

/** The agent from whom this record takes the conversation: it is the last one that goes there. */
function previousAgent({ body }: LogRecord, before: Head | undefined): string | undefined {
  if ('from' in body) return body.from
  // A contact's message names nobody, and takes a conversation that was put aside from its agent.
  return body.type === 'message' && body.by.role === 'contact' && before?.state === 'snoozed' ? before.agent : undefined
}

/** A record as agents, or apps, get it: with and without its cursor, each encoded when it is first needed. */
type StaffFrames = { complete: Uint8Array | undefined; bare: Uint8Array | undefined }

function visitorFrame({ record, head }: LogEntry): Uint8Array {
  const { conversation, n, at } = record
  const fields = { conversation, contact: undefined, n, at, cursor: undefined }
  return encodeDeliver(head.channel, fields, visibleBody(record, true))
}

function staffFrame({ record, head }: LogEntry, isContactSide: boolean, hasCursor: boolean): Uint8Array {
  const { conversation, n, at } = record
  const cursor = hasCursor ? formatCursor(record.seq) : undefined
  const fields = { conversation, contact: head.contact, n, at, cursor }
  return encodeDeliver(head.channel, fields, visibleBody(record, isContactSide))
}

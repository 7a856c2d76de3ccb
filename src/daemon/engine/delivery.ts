import { encodeFrameWithRaw } from '../../codec/frame.js'
import type { InboxEntry } from '../../codec/wire.js'
import { formatCursor } from '../core/cursor.js'
import type { Head } from '../core/model.js'
import type { Cursor, LogEntry } from '../core/ports.js'
import type { CatchUp } from './catch-up.js'
import type { Outbound } from './outbound.js'
import { visibleBody } from './pages.js'
import type { AgentSession, AppSession, StaffSession, VisitorSession } from './session.js'
import type { Sessions } from './sessions.js'

/** What deliveries stand on. */
export type DeliveryPorts = { readonly sessions: Sessions; readonly outbound: Outbound; readonly catchUp: CatchUp }

/** A conversation as an inbox shows it. */
export function inboxEntry(head: Head, cursor: Cursor): InboxEntry {
  return {
    conversation: head.conversation,
    channel: head.channel,
    contact: head.contact,
    n: head.n,
    at: head.at,
    state: head.state,
    cursor,
    ...(head.name === undefined ? {} : { name: head.name }),
    ...(head.agent === undefined ? {} : { agent: head.agent }),
  }
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

  /** Delivers one committed record. Records must come in log order. */
  deliver(entry: LogEntry): void {
    const { record, head } = entry
    const { sessions } = this.#ports
    for (let visitor = sessions.visitorsOf(record.conversation); visitor !== undefined; visitor = visitor.sibling)
      this.#toVisitor(visitor, entry)
    if (head.kind === 'app') this.#toApps(sessions.appsOf(head.channel), entry)
    if (head.agent === undefined && record.body.type !== 'queued') return
    this.#toAgents(entry)
  }

  #toVisitor(session: VisitorSession, { record, head }: LogEntry): void {
    const isOwn = takeOwnId(session.ownIds, record.body)
    if (session.feed !== 'live' || record.n <= session.pushedN) return
    if (session.isLagging) {
      session.feed = 'stalled'
      return
    }
    if (record.n !== session.pushedN + 1) {
      this.#ports.catchUp.start(session)
      return
    }
    session.pushedN = record.n
    if (isOwn) return
    const fields = { conversation: record.conversation, n: record.n, at: record.at }
    this.#ports.outbound.push(
      session,
      encodeFrameWithRaw(head.channel, 'deliver', 0, fields, 'record', visibleBody(record, true)),
    )
  }

  #toApps(apps: ReadonlySet<AppSession> | undefined, entry: LogEntry): void {
    if (apps === undefined) return
    let frame: Uint8Array | undefined
    for (const session of apps) {
      if (!this.#isDue(session, entry)) continue
      frame ??= staffFrame(entry, true)
      this.#ports.outbound.push(session, frame)
    }
  }

  #toAgents(entry: LogEntry): void {
    const { record, head } = entry
    const { body } = record
    const previous = body.type === 'assigned' || body.type === 'queued' ? body.from : undefined
    let frame: Uint8Array | undefined
    if (previous !== undefined && previous !== head.agent) {
      for (const session of this.#ports.sessions.agentsOf(previous) ?? []) {
        if (!this.#isDue(session, entry)) continue
        frame ??= staffFrame(entry, false)
        this.#ports.outbound.push(session, frame)
      }
    }
    if (head.agent === undefined) return
    const agents = this.#ports.sessions.agentsOf(head.agent)
    if (agents === undefined) return
    const isNew = body.type === 'assigned'
    for (const session of agents) {
      if (!this.#isDue(session, entry)) continue
      if (isNew) this.#announce(session, entry)
      else {
        frame ??= staffFrame(entry, false)
        this.#ports.outbound.push(session, frame)
      }
    }
  }

  /** A conversation new to an agent comes as an inbox entry: the client asks for as much of it as it wants. */
  #announce(session: AgentSession, { record, head }: LogEntry): void {
    const entries = [inboxEntry({ ...head, n: record.n }, formatCursor(record.seq))]
    this.#ports.outbound.send(session, head.channel, 'inbox', 0, { entries, more: false })
  }

  #isDue(session: StaffSession, { record }: LogEntry): boolean {
    const isOwn = takeOwnId(session.ownIds, record.body)
    if (session.isLagging) return false
    session.pushedSeq = record.seq
    return !isOwn
  }
}

function takeOwnId(ownIds: Set<string> | undefined, body: LogEntry['record']['body']): boolean {
  return (
    ownIds !== undefined &&
    ownIds.size > 0 &&
    body.type === 'message' &&
    body.id !== undefined &&
    ownIds.delete(body.id)
  )
}

function staffFrame({ record, head }: LogEntry, isContactSide: boolean): Uint8Array {
  const fields = {
    conversation: record.conversation,
    contact: head.contact,
    n: record.n,
    at: record.at,
    cursor: formatCursor(record.seq),
  }
  return encodeFrameWithRaw(head.channel, 'deliver', 0, fields, 'record', visibleBody(record, isContactSide))
}

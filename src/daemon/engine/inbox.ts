import { CLOSE } from '../../codec/close-codes.js'
import type { ConversationId } from '../../codec/conversation-id.js'
import { pack } from '../../codec/msgpack.js'
import { type InboxEntry, WIRE_LIMITS } from '../../codec/wire.js'
import { agentOwner, channelOwner } from '../core/conversation.js'
import { formatCursor, parseCursor } from '../core/cursor.js'
import type { Head } from '../core/model.js'
import type { Clock, Cursor, LogPort, ViewPort } from '../core/ports.js'
import { completeEntry, type InboxEntryPorts, inboxEntry } from './inbox-entries.js'
import type { Outbound } from './outbound.js'
import type { AgentSession, StaffSession } from './session.js'

/** What inboxes stand on. */
export type InboxPorts = InboxEntryPorts & {
  readonly log: Pick<LogPort, 'read' | 'head' | 'cachedHead'>
  readonly view: Pick<ViewPort, 'inbox' | 'active'>
  readonly outbound: Outbound
  readonly clock: Clock
}

type Row = { readonly head: Head; readonly cursor: Cursor }

const PAGE_ENTRIES = 64
const BUDGET_BYTES = WIRE_LIMITS.serverFrameBytes - 64
/** Entries that are made at once, and bytes of records after which a page ends, so that counting what is unread stays bounded. */
const ENTRIES_AT_ONCE = 8
const PAGE_READ_BYTES = 512 * 1024
/** How long entries that are to come once more may wait for others. */
const REPEAT_INTERVAL_MS = 200
/** Conversations of one session that may be told once more. */
const REPEAT_LIMIT = 1_000

/** Pages of the conversations that an agent has or an app follows, newest activity first; and single ones once more, when they have been looked up. */
export class Inboxes {
  readonly #ports: InboxPorts
  #repeats = new Map<AgentSession, Set<ConversationId>>()
  #cancel: (() => void) | undefined

  constructor(ports: InboxPorts) {
    this.#ports = ports
  }

  /** Sends a page, down to where the session's pages go. Throws what the view throws, and `KEFU_CODEC_INVALID` for a bad cursor. */
  async send(session: StaffSession, correlation: number, before?: Cursor): Promise<void> {
    if (before !== undefined) parseCursor(before)
    const owner = session.role === 'agent' ? agentOwner(session.agent.id) : channelOwner(session.channel.number)
    const after = formatCursor(session.inboxAfterSeq)
    const range = before === undefined ? { after, limit: PAGE_ENTRIES } : { after, before, limit: PAGE_ENTRIES }
    const { entries, more } = await this.#ports.view.inbox(owner, range)
    const made = await this.#entries(session, entries)
    session.inboxMore = more || made.length < entries.length
    this.#push(session, correlation, made.map(this.#asItStands), session.inboxMore)
  }

  /** Sends the newest page unasked. A session that cannot be sent it would lack conversations for ever: it is closed, and connects again. Never rejects. */
  async push(session: StaffSession): Promise<void> {
    session.inboxesDue++
    try {
      await this.send(session, 0)
    } catch (error) {
      this.#ports.outbound.reject(session, 0, error, CLOSE.restarting)
    } finally {
      session.inboxesDue--
    }
  }

  /** A session has said hello: its first page, and when it resumes, where a page has only what has changed, what it has once more. Never rejects. */
  async begin(session: StaffSession): Promise<void> {
    await this.push(session)
    if (session.role !== 'agent' || session.inboxAfterSeq === 0 || session.isClosed) return
    try {
      for (const { conversation } of await this.#ports.view.active(session.agent.id, REPEAT_LIMIT))
        this.repeat(session, conversation)
    } catch (error) {
      this.#ports.report(error)
    }
  }

  /** Tells an agent of a conversation once more, soon, with its marks and what is unread: reading them would hold up those who tell of it first. */
  repeat(session: AgentSession, conversation: ConversationId): void {
    let conversations = this.#repeats.get(session)
    if (conversations === undefined) {
      conversations = new Set()
      this.#repeats.set(session, conversations)
    }
    if (conversations.size < REPEAT_LIMIT) conversations.add(conversation)
    this.#schedule()
  }

  close(): void {
    this.#cancel?.()
    this.#repeats.clear()
  }

  #schedule(): void {
    this.#cancel ??= this.#ports.clock.after(REPEAT_INTERVAL_MS, () => {
      void this.#repeatAll().catch((error: unknown) => this.#ports.report(error))
    })
  }

  async #repeatAll(): Promise<void> {
    const repeats = this.#repeats
    this.#repeats = new Map()
    try {
      for (const [session, conversations] of repeats) {
        // A page that is due comes first: an entry ahead of it would be taken for all that there is.
        if (session.isLagging || session.inboxesDue > 0) this.#keep(session, conversations)
        else if (!session.isClosed) await this.#repeatTo(session, conversations)
      }
    } finally {
      this.#cancel = undefined
      if (this.#repeats.size > 0) this.#schedule()
    }
  }

  #keep(session: AgentSession, conversations: ReadonlySet<ConversationId>): void {
    if (!session.isClosed) for (const conversation of conversations) this.repeat(session, conversation)
  }

  async #repeatTo(session: AgentSession, conversations: ReadonlySet<ConversationId>): Promise<void> {
    const { log } = this.#ports
    const rows: Row[] = []
    for (const conversation of conversations) {
      const head = log.cachedHead(conversation) ?? (await log.head(conversation))
      // It may have gone to somebody else.
      if (head?.agent === session.agent.id) rows.push({ head, cursor: formatCursor(head.seq) })
    }
    for (let at = 0; at < rows.length && !session.isClosed; ) {
      const made = await this.#entries(session, rows.slice(at, at + PAGE_ENTRIES))
      at += made.length
      const stillTheirs = made.filter(entry => this.#asItStands(entry) === entry)
      if (stillTheirs.length > 0) this.#push(session, 0, stillTheirs, session.inboxesDue > 0)
    }
  }

  /** As many of the rows as fit into a frame, and as may be read for. At least one of any. */
  async #entries(session: StaffSession, rows: readonly Row[]): Promise<InboxEntry[]> {
    const entries: InboxEntry[] = []
    let bytes = 0
    let readBytes = 0
    for (let at = 0; at < rows.length && readBytes < PAGE_READ_BYTES; at += ENTRIES_AT_ONCE) {
      const some = rows.slice(at, at + ENTRIES_AT_ONCE)
      const made = await Promise.all(some.map(({ head, cursor }) => completeEntry(this.#ports, session, head, cursor)))
      for (const { entry, readBytes: count } of made) {
        bytes += pack(entry).length
        if (bytes > BUDGET_BYTES && entries.length > 0) return entries
        entries.push(entry)
        readBytes += count
      }
    }
    return entries
  }

  /** The entry, or where the conversation stands now if it has got another agent meanwhile: of that record the session may have been told already. */
  readonly #asItStands = (entry: InboxEntry): InboxEntry => {
    const head = this.#ports.log.cachedHead(entry.conversation)
    return head === undefined || head.agent === entry.agent ? entry : inboxEntry(head, entry.cursor)
  }

  #push(session: StaffSession, correlation: number, entries: readonly InboxEntry[], more: boolean): void {
    this.#ports.outbound.send(session, 0, 'inbox', correlation, { entries, more })
  }
}

/** After a session lagged: its pages go down to the last record it was sent, or further when it was not through with older pages. */
export function rewindInbox(session: StaffSession): void {
  if (!session.inboxMore) session.inboxAfterSeq = session.pushedSeq
  else session.inboxAfterSeq = Math.min(session.inboxAfterSeq, session.pushedSeq)
  session.inboxMore = true
}

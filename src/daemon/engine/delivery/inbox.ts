import { CLOSE } from '../../../codec/close-codes.js'
import type { ConversationId } from '../../../codec/conversation-id.js'
import { pack } from '../../../codec/msgpack.js'
import { type InboxEntry, WIRE_LIMITS } from '../../../codec/wire.js'
import { agentOwner, channelOwner } from '../../core/conversation.js'
import { formatCursor, parseCursor } from '../../core/cursor.js'
import type { Head } from '../../core/model.js'
import type { Clock, Cursor, LogPort, ViewPort } from '../../core/ports.js'
import type { AgentSession, StaffSession } from '../session/session.js'
import { completeEntry, type InboxEntryPorts, inboxEntry } from './inbox-entries.js'
import type { Outbound } from './outbound.js'

/** What inboxes stand on. */
export type InboxPorts = InboxEntryPorts & {
  readonly log: Pick<LogPort, 'read' | 'head' | 'cachedHead'>
  readonly view: Pick<ViewPort, 'inbox' | 'active'>
  readonly outbound: Outbound
  readonly clock: Clock
}

type Row = { readonly head: Head; readonly cursor: Cursor }

/** What a session is to be told once more: some conversations, or all that its agent has. */
type Repeat = { readonly conversations: Set<ConversationId>; isOfAll: boolean }

const PAGE_ENTRIES = 64
const BUDGET_BYTES = WIRE_LIMITS.serverFrameBytes - 64
/** Entries that are made at once, and bytes of records after which a page ends, so that counting what is unread stays bounded. */
const ENTRIES_AT_ONCE = 8
const PAGE_READ_BYTES = 512 * 1024
/** How long entries that are to come once more may wait for others. */
const REPEAT_INTERVAL_MS = 200
/** Conversations of one session that may be told once more. */
const REPEAT_LIMIT = 1_000
/** How often all of them are at most: a session that lags again and again would cost ever more. */
const REPEAT_ALL_INTERVAL_MS = 5_000

/** Pages of the conversations that an agent has or an app follows, newest activity first; and single ones once more, when they have been looked up. */
export class Inboxes {
  readonly #ports: InboxPorts
  #repeats = new Map<AgentSession, Repeat>()
  #cancel: (() => void) | undefined

  constructor(ports: InboxPorts) {
    this.#ports = ports
  }

  /** Answers with the page before a cursor. Throws what the view throws, and `KEFU_CODEC_INVALID` for a bad cursor. */
  async answer(session: StaffSession, correlation: number, before: Cursor): Promise<void> {
    parseCursor(before)
    await this.#send(session, correlation, before, true)
  }

  /** A session has said hello: its first page, and when it resumes, where a page has only what has changed, what it has once more. Never rejects. */
  async begin(session: StaffSession): Promise<void> {
    await this.#sendNewest(session, true)
    if (session.inboxAfterSeq > 0) this.#repeatAllTo(session)
  }

  /** A session that lagged reads again: a page of what it was not sent, and what it has once more. Never rejects. */
  async refill(session: StaffSession): Promise<void> {
    rewind(session)
    // Counting for a page may cost more than sending it: of an agent's conversations it is done behind it, and not each time.
    await this.#sendNewest(session, session.role === 'app')
    this.#repeatAllTo(session)
  }

  /** Tells an agent of a conversation once more, soon, with its marks and what is unread: reading them would hold up those who tell of it first. */
  repeat(session: AgentSession, conversation: ConversationId): void {
    const { conversations } = this.#repeatOf(session)
    if (conversations.size < REPEAT_LIMIT) conversations.add(conversation)
  }

  close(): void {
    this.#cancel?.()
    this.#repeats.clear()
  }

  /** Sends a page, down to where the session's pages go. */
  async #send(session: StaffSession, correlation: number, before: Cursor | undefined, isComplete: boolean) {
    const owner = session.role === 'agent' ? agentOwner(session.agent.id) : channelOwner(session.channel.number)
    const after = formatCursor(session.inboxAfterSeq)
    const range = before === undefined ? { after, limit: PAGE_ENTRIES } : { after, before, limit: PAGE_ENTRIES }
    const { entries, more } = await this.#ports.view.inbox(owner, range)
    const made = await this.#entries(session, entries, isComplete)
    session.inboxMore = more || made.length < entries.length
    this.#push(session, correlation, made.map(this.#asItStands), session.inboxMore)
  }

  /** Sends the newest page unasked. A session that cannot be sent it would lack conversations for ever: it is closed, and connects again. */
  async #sendNewest(session: StaffSession, isComplete: boolean): Promise<void> {
    session.inboxesDue++
    try {
      await this.#send(session, 0, undefined, isComplete)
    } catch (error) {
      this.#ports.outbound.reject(session, 0, error, CLOSE.restarting)
    } finally {
      session.inboxesDue--
    }
  }

  #repeatAllTo(session: StaffSession): void {
    if (session.role === 'agent' && !session.isClosed) this.#repeatOf(session).isOfAll = true
  }

  #repeatOf(session: AgentSession): Repeat {
    let repeat = this.#repeats.get(session)
    if (repeat === undefined) {
      repeat = { conversations: new Set(), isOfAll: false }
      this.#repeats.set(session, repeat)
    }
    this.#schedule()
    return repeat
  }

  #schedule(): void {
    this.#cancel ??= this.#ports.clock.after(REPEAT_INTERVAL_MS, () => void this.#repeatDue())
  }

  async #repeatDue(): Promise<void> {
    const repeats = this.#repeats
    this.#repeats = new Map()
    for (const [session, repeat] of repeats) {
      if (session.isClosed) continue
      // A page that is due comes first: an entry ahead of it would be taken for all that there is.
      if (session.isLagging || session.inboxesDue > 0) this.#repeats.set(session, repeat)
      else await this.#repeatTo(session, repeat).catch((error: unknown) => this.#ports.report(error))
    }
    this.#cancel = undefined
    if (this.#repeats.size > 0) this.#schedule()
  }

  async #repeatTo(session: AgentSession, { conversations, isOfAll }: Repeat): Promise<void> {
    const { log, view, clock } = this.#ports
    const { id } = session.agent
    const now = clock.monotonicMs()
    const isEarly = now < session.repeatedAt + REPEAT_ALL_INTERVAL_MS
    const heads: (Head | null)[] = []
    if (isOfAll && isEarly) this.#repeatAllTo(session)
    if (isOfAll && !isEarly) {
      session.repeatedAt = now
      heads.push(...(await view.active(id, REPEAT_LIMIT)))
    } else for (const each of conversations) heads.push(log.cachedHead(each) ?? (await log.head(each)))
    // It may have gone to somebody else.
    const theirs = heads.filter((head): head is Head => head?.agent === id)
    const rows = theirs.map(head => ({ head, cursor: formatCursor(head.seq) }))
    for (let at = 0; at < rows.length && !session.isClosed; ) {
      const made = await this.#entries(session, rows.slice(at, at + PAGE_ENTRIES))
      at += made.length
      const stillTheirs = made.filter(entry => this.#asItStands(entry) === entry)
      if (stillTheirs.length > 0) this.#push(session, 0, stillTheirs, session.inboxesDue > 0)
    }
  }

  /** As many of the rows as fit into a frame, and as may be read for. At least one of any. */
  async #entries(session: StaffSession, rows: readonly Row[], isComplete = true): Promise<InboxEntry[]> {
    const entries: InboxEntry[] = []
    let bytes = 0
    let readBytes = 0
    for (let at = 0; at < rows.length && readBytes < PAGE_READ_BYTES; at += ENTRIES_AT_ONCE) {
      const some = rows.slice(at, at + ENTRIES_AT_ONCE)
      const made = isComplete
        ? await Promise.all(some.map(({ head, cursor }) => completeEntry(this.#ports, session, head, cursor)))
        : some.map(({ head, cursor }) => ({ entry: inboxEntry(head, cursor), readBytes: 0 }))
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
function rewind(session: StaffSession): void {
  if (!session.inboxMore) session.inboxAfterSeq = session.pushedSeq
  else session.inboxAfterSeq = Math.min(session.inboxAfterSeq, session.pushedSeq)
  session.inboxMore = true
}

import { type InboxEntry, WIRE_LIMITS } from '../../../codec/wire.js'
import { isKefuError } from '../../../errors.js'
import { formatCursor } from '../../core/cursor.js'
import type { AgentRole, Head } from '../../core/model.js'
import type { Cursor, LogPort } from '../../core/ports.js'
import type { StaffSession } from '../session/session.js'
import type { Receipts } from './receipts.js'

/** What entries are made of. */
export type InboxEntryPorts = {
  readonly log: Pick<LogPort, 'read'>
  readonly receipts: Receipts
  /** What an agent may do at this moment. */
  roleOf(agent: string): AgentRole | undefined
  /** An error that no client waits for. */
  report(error: unknown): void
}

/** An entry, and the bytes of records that were read for it. */
export type CompleteEntry = { readonly entry: InboxEntry; readonly readBytes: number }

/** Records that are read first to count what is unread, then twice as many: mostly an agent's answer is near. */
const FIRST_CHUNK = 8
/** Records of a conversation that are looked at, and bytes of them after which no more are read. */
const LOOK_RECORDS = 100
const LOOK_BYTES = 64 * 1024

/** A conversation as an inbox shows it, as far as that is known at once. */
export function inboxEntry(head: Head, cursor: Cursor = formatCursor(head.seq)): InboxEntry {
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
    ...windowOf(head),
  }
}

/** What agents have to know before they answer. */
function windowOf({ details: { window } }: Head): Pick<InboxEntry, 'window'> {
  return window === undefined ? {} : { window: { until: window.until, messages: window.messages } }
}

/**
 * The entry with what has to be looked up: marks, and for an agent what is unread. Of a conversation that the agent has lost there is neither. Throws what
 * the log and the view throw; damage is reported, and its conversation has no count.
 */
export async function completeEntry(
  ports: InboxEntryPorts,
  session: StaffSession,
  head: Head,
  cursor?: Cursor,
): Promise<CompleteEntry> {
  const { receipts } = ports
  const { conversation, n } = head
  const entry = inboxEntry(head, cursor)
  if (session.role === 'app')
    return { entry: { ...entry, marks: await receipts.marks('agent', conversation, n) }, readBytes: 0 }
  if (head.agent !== session.agent.id) return { entry, readBytes: 0 }
  const { unread, readBytes } = await countUnread(ports, head)
  const marks = await receipts.marks('contact', conversation, n)
  return { entry: { ...entry, marks, ...(unread !== undefined && { unread }) }, readBytes }
}

/**
 * Messages of the contact behind the last one that an agent has read, behind the last word of an agent, and behind the last end: of the last 100 records, or
 * fewer where they are long. What a bot says leaves them unread for everybody else; what an agent was who is gone, the assignment says. Undefined when they cannot be read for damage.
 */
async function countUnread(
  { log, receipts, roleOf, report }: InboxEntryPorts,
  { conversation, n, unansweredSince, agent }: Head,
): Promise<{ readonly unread: number | undefined; readonly readBytes: number }> {
  // An agent's word or an end came last.
  if (unansweredSince === undefined) return { unread: 0, readBytes: 0 }
  const { read } = await receipts.marks('agent', conversation, n)
  const end = Math.max(read, n - LOOK_RECORDS)
  let unread = 0
  let readBytes = 0
  /** Somebody who is gone and has spoken: if it was a person, this is unread. */
  let gone: { readonly id: string; readonly unread: number } | undefined
  const count = () => ({ unread: gone?.unread ?? unread, readBytes })
  try {
    for (let last = n, chunk = FIRST_CHUNK; last > end && readBytes < LOOK_BYTES; chunk *= 2) {
      const size = Math.min(chunk, last - end)
      const records = await log.read(conversation, last - size, size, Number.POSITIVE_INFINITY)
      for (const { bytes } of records) readBytes += bytes.length
      for (const { body } of records.toReversed()) {
        if (body.type === 'closed') return count()
        if (body.type === 'assigned' && body.agent === gone?.id) {
          if (!body.bot) return count()
          gone = undefined
        }
        if (body.type !== 'message') continue
        const { role, id = '' } = body.by
        if (role === 'agent' && id !== agent && id !== '' && roleOf(id) === undefined) gone ??= { id, unread }
        else if (role === 'agent' && (id === agent || roleOf(id) !== 'bot')) return count()
        if (role === 'contact' && unread < WIRE_LIMITS.unread) unread++
      }
      last -= size
    }
    return count()
  } catch (error) {
    if (!isKefuError(error, 'KEFU_STORE_CORRUPT')) throw error
    report(error)
    return { unread: undefined, readBytes }
  }
}

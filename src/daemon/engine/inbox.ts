import { CLOSE } from '../../codec/close-codes.js'
import { encodeRawFrame, packRawArray, packWithRaw } from '../../codec/frame.js'
import { pack } from '../../codec/msgpack.js'
import { WIRE_LIMITS } from '../../codec/wire.js'
import { agentOwner, channelOwner } from '../core/conversation.js'
import { formatCursor, parseCursor } from '../core/cursor.js'
import type { Cursor, ViewPort } from '../core/ports.js'
import { inboxEntry } from './delivery.js'
import type { Outbound } from './outbound.js'
import type { StaffSession } from './session.js'

const PAGE_ENTRIES = 64
const BUDGET_BYTES = WIRE_LIMITS.serverFrameBytes - 64

/** Sends an inbox page, newest activity first, down to where the session's pages go. Throws what the view throws, and `KEFU_CODEC_INVALID` for a bad cursor. */
export async function sendInbox(
  view: ViewPort,
  outbound: Outbound,
  session: StaffSession,
  correlation: number,
  before?: Cursor,
): Promise<void> {
  if (before !== undefined) parseCursor(before)
  const owner = session.role === 'agent' ? agentOwner(session.agent.id) : channelOwner(session.channel.number)
  const after = formatCursor(session.inboxAfterSeq)
  const range = before === undefined ? { after, limit: PAGE_ENTRIES } : { after, before, limit: PAGE_ENTRIES }
  const { entries, more } = await view.inbox(owner, range)
  const items: Uint8Array[] = []
  let bytes = 0
  for (const { head, cursor } of entries) {
    const item = pack(inboxEntry(head, cursor))
    bytes += item.length
    if (bytes > BUDGET_BYTES && items.length > 0) break
    items.push(item)
  }
  session.inboxMore = more || items.length < entries.length
  const body = packWithRaw({ more: session.inboxMore }, 'entries', packRawArray(items))
  outbound.push(session, encodeRawFrame(0, 'inbox', correlation, body))
}

/** After a session lagged: its pages go down to the last record it was sent, or further when it was not through with older pages. */
export function rewindInbox(session: StaffSession): void {
  if (!session.inboxMore) session.inboxAfterSeq = session.pushedSeq
  else session.inboxAfterSeq = Math.min(session.inboxAfterSeq, session.pushedSeq)
  session.inboxMore = true
}

/** Sends the newest page unasked. A session that cannot be sent it would lack conversations for ever: it is closed, and connects again. Never rejects. */
export async function pushInbox(view: ViewPort, outbound: Outbound, session: StaffSession): Promise<void> {
  session.inboxesDue++
  try {
    await sendInbox(view, outbound, session, 0)
  } catch (error) {
    outbound.reject(session, 0, error, CLOSE.restarting)
  } finally {
    session.inboxesDue--
  }
}

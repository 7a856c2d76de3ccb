import type { ConversationId } from '../../../codec/conversation-id.js'
import type { LogRecord } from '../../core/log-record.js'
import type { KnownSession } from '../session/session.js'

/**
 * Which messages a session sent itself: it is told their numbers by acknowledgements and does not get them delivered. Ids are the clients' own, so another
 * writer, or the same one in another conversation, may use the same.
 */

/** Remembers a message that a session has sent. */
export function rememberOwn(session: KnownSession, conversation: ConversationId, id: string): void {
  session.ownMessages ??= new Set()
  session.ownMessages.add(keyOf(session, conversation, id))
}

/** Forgets a message: its record will not come by, or may be delivered like any other. */
export function forgetOwn(session: KnownSession, conversation: ConversationId, id: string): void {
  session.ownMessages?.delete(keyOf(session, conversation, id))
}

/** Whether a record is a message that the session sent; forgets it then. */
export function takeOwn(session: KnownSession, { conversation, body }: LogRecord): boolean {
  const { ownMessages } = session
  if (ownMessages === undefined || ownMessages.size === 0 || body.type !== 'message' || body.id === undefined)
    return false
  const isOwnSide = session.role === 'agent' ? body.by.id === session.agent.id : body.by.role === 'contact'
  return isOwnSide && ownMessages.delete(keyOf(session, conversation, body.id))
}

/** A visitor has one conversation. */
function keyOf(session: KnownSession, conversation: ConversationId, id: string): string {
  return session.role === 'visitor' ? id : `${conversation}${id}`
}

import type { LogPort } from '../../core/ports.js'
import type { Sessions } from '../session/sessions.js'
import type { Notices } from './notices.js'
import type { MarkNews } from './receipts.js'

/** What telling of marks stands on. */
export type MarkNoticePorts = {
  readonly log: Pick<LogPort, 'cachedHead'>
  readonly sessions: Sessions
  readonly notices: Notices
}

/**
 * Tells of a mark: the agent who has the conversation now hears of the contact's, the contact hears of the agents', and what one connection of an agent
 * has read the agent's other ones hear, too. Where nobody is connected nothing is made.
 */
export function tellMark({ log, sessions, notices }: MarkNoticePorts, { head: noted, by, kind, n }: MarkNews): void {
  const head = log.cachedHead(noted.conversation) ?? noted
  const { conversation, agent } = head
  const devices = agent === undefined ? undefined : sessions.agentsOf(agent)
  const body = { conversation, by, n }
  if (by.role !== 'agent') {
    if (devices !== undefined) notices.publish(head, 'agent', kind, body)
    return
  }
  const contacts = head.kind === 'app' ? sessions.appsOf(head.channel) : sessions.visitorsOf(conversation)
  if (contacts !== undefined) notices.publish(head, 'contact', kind, body)
  // A single device knows what it has read, unless it was somebody else who had the conversation then.
  if (kind === 'read' && devices !== undefined && (devices.size > 1 || agent !== by.id))
    notices.publish(head, 'agent', kind, body)
}

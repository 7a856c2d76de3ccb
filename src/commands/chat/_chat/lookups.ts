import type { AgentClient, ContactBody, ContactEntry, ConversationId } from '../../../client/index.js'
import { wordsOfCount, wordsOfInstant } from '../../_cli/words.js'
import { describeRecord } from './record-text.js'
import { safeText } from './safe-text.js'
import type { Screen } from './screen.js'

/** What an agent looks up in a chat: it is shown, and changes nothing. Everything rejects with the server's refusal. */

/** Records of another conversation that are shown. */
const HISTORY_LIMIT = 50

/** Who the contact is, and the person's conversations. */
export async function showContact(agent: AgentClient, screen: Screen, conversation: ConversationId): Promise<void> {
  const contact = await agent.contact(conversation)
  screen.event({ type: 'contact', ...contact })
  for (const line of contactLines(contact)) screen.note(line)
}

/** The last records of a conversation, as far as the agent may read it. */
export async function showHistory(agent: AgentClient, screen: Screen, conversation: ConversationId): Promise<void> {
  const { records } = await agent.history(conversation, { limit: HISTORY_LIMIT })
  for (const { n, at, record } of records) {
    const own = record.by?.role === 'agent' && record.by.id === agent.agent?.id
    const event = { conversation, channel: 0, contact: undefined, n, at, record, own }
    const text = describeRecord(event, { contact: 'contact' })
    if (text !== undefined) screen.row({ event, text, mark: '·', hasConversation: true })
  }
}

function contactLines({ contact, name, language, attributes, person, conversations, more }: ContactBody): string[] {
  const facts = Object.entries(attributes).map(([key, value]) => `${key}=${value}`)
  const about = [name ?? 'no name', contact, ...(language === undefined ? [] : [language]), ...facts]
  const count = wordsOfCount(conversations.length, 'conversation')
  return [
    safeText(about.join(' · ')),
    ...(person === undefined ? [] : [`${count}${more ? ' and more' : ''} of the same person; /history ID shows one`]),
    ...(person === undefined ? [] : conversations.map(line)),
  ]
}

function line({ conversation, contact, name, state, episode, at, agentName, rating }: ContactEntry): string {
  const words = [
    conversation,
    wordsOfInstant(at),
    state,
    name ?? contact,
    wordsOfCount(episode, 'episode'),
    ...(agentName === undefined ? [] : [`with ${agentName}`]),
    ...(rating === undefined ? [] : [`rated ${rating} of 5`]),
  ]
  return safeText(words.join('  '))
}

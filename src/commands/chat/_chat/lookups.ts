import type {
  AgentClient,
  CannedEntry,
  ContactBody,
  ContactEntry,
  ConversationId,
  SearchHitEntry,
} from '../../../client/index.js'
import { KefuError } from '../../../errors.js'
import { suggestion } from '../../../nearest.js'
import { wordsOfCount, wordsOfInstant } from '../../_cli/words.js'
import { describeRecord } from './record-text.js'
import { safeText } from './safe-text.js'
import type { Screen } from './screen.js'

/** What an agent looks up in a chat: it is shown, and changes nothing. Everything rejects with the server's refusal. */

/** Records of another conversation that are shown. */
const HISTORY_LIMIT = 50
const PREVIEW_LENGTH = 100

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

/** The newest that was said with these words, as far as the agent may read it: a line each. */
export async function showFound(agent: AgentClient, screen: Screen, query: string): Promise<void> {
  const { hits, next } = await agent.search({ query })
  screen.event({ type: 'found', query, hits, ...(next !== undefined && { next }) })
  for (const hit of hits) screen.note(foundLine(hit))
  if (next !== undefined) screen.note('… and perhaps more: /search with more words finds less')
  else if (hits.length === 0) screen.note('Nothing that you may read has this.')
}

/** The canned replies for a conversation: a line each. */
export async function showCanned(
  agent: AgentClient,
  screen: Screen,
  conversation: ConversationId,
  query: string,
): Promise<void> {
  const { replies, next } = await agent.cannedReplies(conversation, query)
  screen.event({ type: 'canned', conversation, replies, ...(next !== undefined && { next }) })
  for (const { shortcut, text } of replies)
    screen.note(`${shortcut}  ${safeText(text.replaceAll('\n', ' ')).slice(0, PREVIEW_LENGTH)}`)
  if (next !== undefined) screen.note('… and more: /canned TEXT shows those with a text')
  else if (replies.length === 0)
    screen.note(query === '' ? 'There are no canned replies: operators make them.' : 'No canned reply has this text.')
}

/** The canned reply of a shortcut. Rejects with `KEFU_CANNED_NOT_FOUND`. */
export async function cannedReply(
  agent: AgentClient,
  conversation: ConversationId,
  shortcut: string,
): Promise<CannedEntry> {
  // Whatever else begins like that comes behind the shortcut itself.
  const { replies } = await agent.cannedReplies(conversation, shortcut)
  const found = replies.find(reply => reply.shortcut === shortcut.normalize('NFC'))
  if (found !== undefined) return found
  const near = suggestion(
    shortcut,
    replies.map(reply => reply.shortcut),
  )
  throw new KefuError('KEFU_CANNED_NOT_FOUND', { name: shortcut, suggestion: near })
}

function foundLine({ conversation, at, contact, name, by, text }: SearchHitEntry): string {
  const about = name ?? contact
  const author = by.role === 'contact' ? about : `${by.name ?? by.role} to ${about}`
  const words = text.replaceAll('\n', ' ').slice(0, PREVIEW_LENGTH)
  return safeText(`${conversation}  ${wordsOfInstant(at)}  ${author}: ${words}`)
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

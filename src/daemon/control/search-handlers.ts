import type { ConversationId } from '../../codec/conversation-id.js'
import type { Author } from '../../codec/wire.js'
import { KefuError } from '../../errors.js'
import type { Head } from '../core/model.js'
import type { LogPort } from '../core/ports.js'
import {
  type DocFilter,
  SEARCH_KINDS,
  type SearchHit,
  type SearchKind,
  type SearchLine,
  type SearchPort,
  type SearchRequest,
} from '../core/search.js'
import type { AgentRegistry } from '../engine/registry/agents.js'
import type { ChannelRegistry } from '../engine/registry/channels.js'
import type { TeamRegistry } from '../engine/registry/teams.js'
import type { Persons } from '../engine/routing/persons.js'
import type { Tokens } from '../engine/session/tokens.js'
import { conversationOf } from './conversation-ref.js'
import type { ParsedRequestOf } from './operations.js'
import { presentOnly } from './present-only.js'
import type { SearchHitView, SearchLineView } from './search-schemas.js'

/** What the operations on the index of the history act on. */
export type SearchControlPorts = {
  readonly search: SearchPort
  readonly agents: Pick<AgentRegistry, 'show' | 'byId'>
  readonly channels: Pick<ChannelRegistry, 'show' | 'byNumber' | 'list'>
  readonly teams: Pick<TeamRegistry, 'show'>
  readonly persons: Pick<Persons, 'members'>
  readonly tokens: Pick<Tokens, 'conversationId'>
  readonly records: Pick<LogPort, 'head'>
}

type Sought = ParsedRequestOf<'history.count'>

const KINDS = Object.entries(SEARCH_KINDS) as [SearchKind, { readonly bit: number }][]

/** The operations on the index of the history. */
export function createSearchHandlers(ports: SearchControlPorts) {
  return {
    'history.search': async (
      { limit, context, order, ...sought }: ParsedRequestOf<'history.search'>,
      signal: AbortSignal,
    ) => {
      const request = await requestOf(ports, sought, order)
      const { hits, next } = await ports.search.search(request, { limit, context }, signal)
      const views = await Promise.all(hits.map(hit => viewHit(ports, hit)))
      return { hits: views, ...(next !== undefined && { next: encodeCursor(order, next) }) }
    },
    'history.count': async (sought: Sought, signal: AbortSignal) => {
      const { order, ...request } = await requestOf(ports, sought, 'newest')
      const { count, next } = await ports.search.count(request, signal)
      return { count, ...(next !== undefined && { next: encodeCursor(order, next) }) }
    },
    'store.reindex': async () => {
      await ports.search.reindex()
      return { search: ports.search.status() }
    },
  }
}

/** Names become what the log has. Throws `KEFU_CHANNEL_NOT_FOUND`, `KEFU_AGENT_NOT_FOUND`, `KEFU_TEAM_NOT_FOUND` with the nearest name, and `KEFU_USAGE`. */
async function requestOf(
  ports: SearchControlPorts,
  sought: Sought,
  order: SearchRequest['order'],
): Promise<SearchRequest> {
  const { words, cursor, channels, agents, team, tags, kinds, directions, hasMedia, since, until } = sought
  if (since !== undefined && until !== undefined && since >= until)
    throw new KefuError('KEFU_USAGE', { reason: 'the time ends before it begins' })
  const filter: DocFilter = presentOnly({
    channels: channels?.map(text => channelNumber(ports, text)),
    agents: agents?.map(text => agentId(ports, text)),
    kinds: kinds?.reduce((bits, kind) => bits | SEARCH_KINDS[kind].bit, 0),
    conversations: await conversationsOf(ports, sought),
    ...{ directions, hasMedia, since, until },
  })
  const standing = presentOnly({ tags, team: team === undefined ? undefined : teamId(ports, team) })
  const after = cursor === undefined ? undefined : decodeCursor(order, cursor)
  return { words, filter, standing, order, ...(after !== undefined && { after }) }
}

/** A removed channel is named by its number. */
function channelNumber({ channels }: SearchControlPorts, text: string): number {
  const isNumber = /^[1-9]\d{0,8}$/.test(text) && !channels.list().some(({ name }) => name === text)
  return isNumber ? Number(text) : channels.show(text).number
}

/** Who was removed is named by the id. */
function agentId({ agents }: SearchControlPorts, text: string): string {
  return /^a_[0-9A-Z]{26}$/.test(text) ? text : agents.show(text).id
}

function teamId({ teams }: SearchControlPorts, text: string): string {
  return /^t_[0-9A-Z]{26}$/.test(text) ? text : teams.show(text).id
}

async function conversationsOf(
  ports: SearchControlPorts,
  { conversations, contact }: Sought,
): Promise<readonly ConversationId[] | undefined> {
  const named = conversations?.map(ref => conversationOf(ports, ref))
  if (contact === undefined) return named
  const own = await ofContact(ports, contact)
  return named === undefined ? own : named.filter(id => own.includes(id))
}

/** All conversations of whoever is meant. */
async function ofContact(ports: SearchControlPorts, contact: string): Promise<readonly ConversationId[]> {
  const { channels, tokens, records, persons } = ports
  const isRef = contact.includes('/') || /^c_[0-9A-Z]{26}$/.test(contact)
  const first = isRef
    ? [conversationOf(ports, contact)]
    : channels.list().map(({ number }) => tokens.conversationId(number, contact))
  const heads = (await Promise.all(first.map(id => records.head(id)))).filter(head => head !== null)
  if (heads.length === 0) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
  const all = new Set(heads.map(({ conversation }) => conversation))
  for (const { details } of heads)
    if (details.person !== undefined)
      for (const member of await persons.members(details.person)) all.add(member.conversation)
  return [...all]
}

async function viewHit(ports: SearchControlPorts, hit: SearchHit): Promise<SearchHitView> {
  const head = await ports.records.head(hit.conversation)
  if (head === null) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
  const { conversation, seq, marks, before, after } = hit
  return {
    conversation,
    channel: ports.channels.byNumber(hit.channel)?.name ?? String(hit.channel),
    contact: head.contact,
    ...(head.name !== undefined && { name: head.name }),
    seq,
    ...viewLine(ports, hit, head),
    marks,
    before: before.map(line => viewLine(ports, line, head)),
    after: after.map(line => viewLine(ports, line, head)),
  }
}

function viewLine(
  { agents }: Pick<SearchControlPorts, 'agents'>,
  { n, at, direction, kinds, by, text }: SearchLine,
  head: Head,
): SearchLineView {
  const names = KINDS.filter(([, { bit }]) => (kinds & bit) !== 0).map(([kind]) => kind)
  return { n, at, direction, kinds: names, by: viewAuthor(agents, by, head), text }
}

function viewAuthor(agents: Pick<AgentRegistry, 'byId'>, { role, id, name }: Author, head: Head): SearchLineView['by'] {
  if (role === 'contact') return presentOnly({ role, name: head.name })
  return presentOnly({ role, id, name: (id === undefined ? undefined : agents.byId(id)?.name) ?? name })
}

function encodeCursor(order: string, after: number): string {
  return Buffer.from(`${order} ${after}`).toString('base64url')
}

function decodeCursor(order: string, cursor: string): number {
  const [, own, after] = /^(newest|oldest) (\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (own === order) return Number(after)
  throw new KefuError('KEFU_USAGE', { reason: 'the cursor is not one of a search in this order' })
}

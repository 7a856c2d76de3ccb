import type { AgentView, ChannelView } from '../../daemon/control/client.js'
import type { Fact, ListColumn } from './output.js'
import { instantText, wordsOfInstant } from './words.js'

/** Columns of `kefu agent list`. */
export const AGENT_COLUMNS: readonly ListColumn<AgentView>[] = [
  { key: 'name', header: 'NAME', plain: agent => agent.name, isFlexible: true },
  { key: 'id', header: 'ID', plain: agent => agent.id },
  { key: 'tokens', header: 'TOKENS', align: 'right', plain: agent => String(agent.tokens.length) },
  {
    key: 'created',
    header: 'CREATED',
    plain: agent => instantText(agent.createdAt),
    human: agent => wordsOfInstant(agent.createdAt),
  },
]

/** Columns of `kefu channel list`. */
export const CHANNEL_COLUMNS: readonly ListColumn<ChannelView>[] = [
  { key: 'name', header: 'NAME', plain: channel => channel.name, isFlexible: true },
  { key: 'kind', header: 'KIND', plain: channel => channel.kind },
  { key: 'number', header: 'NUMBER', align: 'right', plain: channel => String(channel.number) },
  {
    key: 'origins',
    header: 'ORIGINS',
    plain: channel => channel.origins.join(' '),
    human: channel => channel.origins.join(' ') || '–',
    isFlexible: true,
  },
  {
    key: 'created',
    header: 'CREATED',
    plain: channel => instantText(channel.createdAt),
    human: channel => wordsOfInstant(channel.createdAt),
  },
]

/** An agent as named values. */
export function agentFacts({ name, id, tokens, createdAt }: AgentView): Fact[] {
  return [
    ['agent', name],
    ['id', id],
    ...tokens.map((token): Fact => tokenFact(token)),
    ['created', instantText(createdAt), wordsOfInstant(createdAt)],
  ]
}

/** A channel as named values. */
export function channelFacts({ name, kind, number, origins, tokens, createdAt }: ChannelView): Fact[] {
  return [
    ['channel', name],
    ['kind', kind],
    ['number', String(number)],
    ...origins.map((origin): Fact => ['origin', origin]),
    ...tokens.map((token): Fact => tokenFact(token)),
    ['created', instantText(createdAt), wordsOfInstant(createdAt)],
  ]
}

function tokenFact({ fingerprint, createdAt }: AgentView['tokens'][number]): Fact {
  return [
    'token fingerprint',
    `${fingerprint} ${instantText(createdAt)}`,
    `${fingerprint}  since ${wordsOfInstant(createdAt)}`,
  ]
}

import type { ConversationId } from '../../codec/conversation-id.js'
import type { Command } from '../../codec/wire-commands.js'
import { KefuError } from '../../errors.js'
import type { Head } from '../core/model.js'
import type { LogPort } from '../core/ports.js'
import type { AgentRegistry } from '../engine/registry/agents.js'
import type { ChannelRegistry } from '../engine/registry/channels.js'
import type { Commands } from '../engine/routing/commands.js'
import type { Persons } from '../engine/routing/persons.js'
import type { Tokens } from '../engine/session/tokens.js'
import type { ContactConversationView, ContactView } from './contact-operations.js'
import { conversationOf } from './conversation-ref.js'
import type { ParsedRequestOf } from './operations.js'

/** What the operations on contacts act on. */
export type ContactControlPorts = {
  readonly agents: Pick<AgentRegistry, 'byId'>
  readonly channels: ChannelRegistry
  readonly commands: Commands
  readonly persons: Pick<Persons, 'members'>
  readonly tokens: Pick<Tokens, 'conversationId'>
  readonly records: Pick<LogPort, 'head'>
}

const OPERATOR = { role: 'operator' } as const

/** The operations on contacts. */
export function createContactHandlers(ports: ContactControlPorts) {
  const { agents, channels, commands, persons, records } = ports

  const show = async (id: ConversationId): Promise<ContactView> => {
    const head = await records.head(id)
    if (head === null) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
    const { conversation, contact, name, details } = head
    const { language, attributes, person } = details
    const members = person === undefined ? [] : await persons.members(person)
    const all = members.some(member => member.conversation === id) ? members : [head]
    return {
      conversation,
      channel: channelName(head.channel),
      contact,
      ...(name !== undefined && { name }),
      ...(language !== undefined && { language }),
      attributes,
      ...(person !== undefined && { person }),
      conversations: all.toSorted((a, b) => b.at - a.at).map(view),
    }
  }

  const view = ({
    conversation,
    contact,
    name,
    state,
    agent,
    n,
    at,
    details,
    ...head
  }: Head): ContactConversationView => ({
    conversation,
    channel: channelName(head.channel),
    contact,
    ...(name !== undefined && { name }),
    state: state === 'new' ? 'waiting' : state,
    ...(agent !== undefined && { agent: agents.byId(agent)?.name ?? agent }),
    episode: details.episode,
    openedAt: details.openedAt,
    ...(details.rating !== undefined && { rating: details.rating }),
    n,
    at,
  })

  const channelName = (number: number): string => channels.byNumber(number)?.name ?? String(number)

  const carryOut = async (conversation: ConversationId, command: Command) => {
    const { changed } = await commands.run(conversation, OPERATOR, command)
    return { contact: await show(conversation), changed }
  }

  return {
    'contact.show': async ({ ref }: ParsedRequestOf<'contact.show'>) => ({
      contact: await show(conversationOf(ports, ref)),
    }),
    'contact.set': async ({ ref, set }: ParsedRequestOf<'contact.set'>) => {
      const conversation = conversationOf(ports, ref)
      const { name, language, attributes } = (await show(conversation)) as ContactView
      const isSo =
        (set.name === undefined || set.name === (name ?? '')) &&
        (set.language === undefined || set.language === (language ?? '')) &&
        Object.entries(set.attributes ?? {}).every(([key, value]) => value === (attributes[key] ?? ''))
      if (isSo) return { contact: await show(conversation), changed: false }
      return carryOut(conversation, { do: 'update', set })
    },
    'contact.merge': async ({ refs }: ParsedRequestOf<'contact.merge'>) => {
      const [first, ...others] = refs.map(ref => conversationOf(ports, ref))
      let isChanged = false
      for (const other of others) {
        const { changed } = await commands.run(first!, OPERATOR, { do: 'link', with: other })
        isChanged ||= changed
      }
      return { contact: await show(first!), changed: isChanged }
    },
    'contact.split': ({ ref }: ParsedRequestOf<'contact.split'>) =>
      carryOut(conversationOf(ports, ref), { do: 'unlink' }),
  }
}

import { encodeRawFrame, packRawArray, packWithRaw } from '../../../codec/frame.js'
import { pack } from '../../../codec/msgpack.js'
import { WIRE_LIMITS } from '../../../codec/wire.js'
import type { ContactBody, ContactEntry } from '../../../codec/wire-contacts.js'
import { type Actor, maySee, serves } from '../../core/commands.js'
import type { AgentRole, Head } from '../../core/model.js'
import type { Outbound } from '../delivery/outbound.js'
import type { AgentRegistry } from '../registry/agents.js'
import type { Persons } from '../routing/persons.js'
import { actorOf, type KnownSession } from '../session/session.js'
import type { Target } from './conversations.js'

/** What telling agents of contacts stands on. */
export type ContactPorts = {
  readonly persons: Pick<Persons, 'members'>
  readonly agents: Pick<AgentRegistry, 'byId'>
  readonly outbound: Outbound
  /** Whether an agent is one of those whom a conversation waits for. */
  isWanted(agent: string, head: Head): boolean
  /** What an agent may do at this moment. */
  roleOf(agent: string): AgentRole | undefined
}

const BUDGET_BYTES = WIRE_LIMITS.serverFrameBytes - 64

/** Who contacts are, and which other conversations of the same person an agent may read. */
export class Contacts {
  readonly #ports: ContactPorts

  constructor(ports: ContactPorts) {
    this.#ports = ports
  }

  /**
   * Whether an agent may read a conversation because of another one of the same person: one that the agent has, or is wanted for, at this moment. Rejects with
   * what the store throws.
   */
  async mayRead(actor: Actor, head: Head): Promise<boolean> {
    if (head.details.person === undefined) return false
    const members = await this.#ports.persons.members(head.details.person)
    const isMember = members.some(({ conversation }) => conversation === head.conversation)
    return isMember && members.some(member => this.#serves(actor, member))
  }

  /** Answers an agent who asks for the contact of a conversation that it may read. */
  async answer(session: KnownSession, { channel, head }: Target, correlation: number): Promise<void> {
    const { persons, outbound, roleOf } = this.#ports
    if (head === null) return
    const { person } = head.details
    const members = person === undefined ? [] : await persons.members(person)
    const others = members.filter(({ conversation }) => conversation !== head.conversation)
    const actor = actorOf(session, roleOf)
    const isServed = others.length < members.length && members.some(member => this.#serves(actor, member))
    const visible = isServed
      ? others
      : others.filter(other => maySee(actor, other, agent => this.#isWanted(agent, other)))
    const entries = [head, ...visible].sort((a, b) => b.at - a.at).map(member => this.#entry(member))
    outbound.push(session, contactFrame(channel, correlation, head, entries))
  }

  #serves(actor: Actor, head: Head): boolean {
    return serves(actor, head, agent => this.#isWanted(agent, head))
  }

  #isWanted(agent: string, head: Head): boolean {
    return this.#ports.isWanted(agent, head)
  }

  #entry({ conversation, channel, contact, name, state, n, at, agent, details }: Head): ContactEntry {
    const { episode, openedAt, rating } = details
    const agentName = agent === undefined ? undefined : this.#ports.agents.byId(agent)?.name
    return {
      conversation,
      channel,
      contact,
      ...(name !== undefined && { name }),
      state,
      episode,
      openedAt,
      n,
      at,
      ...(agent !== undefined && { agent }),
      ...(agentName !== undefined && { agentName }),
      ...(rating !== undefined && { rating }),
    }
  }
}

/** As many conversations as have room beside the contact, and always its own. */
function contactFrame(channel: number, correlation: number, head: Head, entries: readonly ContactEntry[]): Uint8Array {
  const { conversation, contact, name, details } = head
  const { language, attributes, person } = details
  const fields: Omit<ContactBody, 'conversations' | 'more'> = {
    conversation,
    channel: head.channel,
    contact,
    ...(name !== undefined && { name }),
    ...(language !== undefined && { language }),
    attributes,
    ...(person !== undefined && { person }),
  }
  const items: Uint8Array[] = []
  let bytes = pack(fields).length
  for (const entry of entries) if (entry.conversation === conversation) bytes += pack(entry).length
  for (const entry of entries) {
    const item = pack(entry)
    if (entry.conversation !== conversation) bytes += item.length
    // The one that was asked for has its room, wherever it stands.
    if (bytes <= BUDGET_BYTES || entry.conversation === conversation) items.push(item)
  }
  const body = packWithRaw({ ...fields, more: items.length < entries.length }, 'conversations', packRawArray(items))
  return encodeRawFrame(channel, 'contact', correlation, body)
}

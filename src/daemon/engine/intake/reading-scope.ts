import type { ConversationId } from '../../../codec/conversation-id.js'
import { KefuError } from '../../../errors.js'
import { type Actor, maySee, serves } from '../../core/commands.js'
import { agentOwner } from '../../core/conversation.js'
import type { AgentRole, Head } from '../../core/model.js'
import { type LogPort, START, type ViewPort } from '../../core/ports.js'
import type { Persons } from '../routing/persons.js'
import { type AgentSession, actorOf } from '../session/session.js'

/** What finding out what an agent may read stands on. */
export type ReadingPorts = {
  readonly log: Pick<LogPort, 'head' | 'cachedHead'>
  readonly view: Pick<ViewPort, 'inbox' | 'waiting'>
  readonly persons: Pick<Persons, 'members'>
  /** Whether an agent is one of those whom a conversation waits for. */
  isWanted(agent: string, head: Head): boolean
  /** What an agent may do at this moment. */
  roleOf(agent: string): AgentRole | undefined
  /** Whether an agent may read a conversation because of another one of the same person. */
  mayRead(actor: Actor, head: Head): Promise<boolean>
}

/** Conversations of an agent, and such as wait, that are listed; of more it is asked one by one. */
const LISTED = 1_000

/** What one agent may read, while one request is answered. */
export class ReadingScope {
  readonly #ports: ReadingPorts
  readonly #session: AgentSession
  readonly #known = new Map<ConversationId, Promise<Head | undefined>>()

  constructor(ports: ReadingPorts, session: AgentSession) {
    this.#ports = ports
    this.#session = session
  }

  /** Where a conversation stands that the agent may read at this moment; undefined for others and for those that do not exist. Asked once for each. */
  readable(conversation: ConversationId): Promise<Head | undefined> {
    let found = this.#known.get(conversation)
    if (found === undefined) {
      found = this.#look(conversation)
      this.#known.set(conversation, found)
    }
    return found
  }

  /**
   * The conversations among which all are that the agent may read, if they can be listed: the one that is named, else its own, those that wait for it, and those of the same
   * persons. Undefined: too many, or all (for supervisors). Throws `KEFU_CONVERSATION_NOT_FOUND` for a named one that it may not read.
   */
  async listed(named: ConversationId | undefined): Promise<readonly ConversationId[] | undefined> {
    if (named !== undefined) {
      if ((await this.readable(named)) === undefined) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
      return [named]
    }
    const { view, persons } = this.#ports
    const actor = this.#actor()
    if (actor.role === 'agent' && actor.isSupervisor) return undefined
    const inbox = await view.inbox(agentOwner(this.#session.agent.id), { after: START, limit: LISTED })
    const waiting = await view.waiting(LISTED)
    if (inbox.more || waiting.length === LISTED) return undefined
    const listed = new Set<ConversationId>()
    const served = new Set<string>()
    for (const head of [...inbox.entries.map(entry => entry.head), ...waiting]) {
      if (!maySee(actor, head, agent => this.#ports.isWanted(agent, head))) continue
      listed.add(head.conversation)
      const { person } = head.details
      if (person !== undefined && serves(actor, head, agent => this.#ports.isWanted(agent, head))) served.add(person)
    }
    for (const person of served) for (const { conversation } of await persons.members(person)) listed.add(conversation)
    return [...listed]
  }

  async #look(conversation: ConversationId): Promise<Head | undefined> {
    const { log, isWanted, roleOf, mayRead } = this.#ports
    const head = log.cachedHead(conversation) ?? (await log.head(conversation))
    if (head === null) return undefined
    const actor = this.#actor()
    if (maySee(actor, head, agent => isWanted(agent, head))) return head
    if (roleOf(this.#session.agent.id) === 'bot') return undefined
    return (await mayRead(actor, head)) ? head : undefined
  }

  #actor(): Actor {
    return actorOf(this.#session, this.#ports.roleOf)
  }
}

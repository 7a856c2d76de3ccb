import { type ConversationId, isConversationId } from '../../../codec/conversation-id.js'
import { KefuError } from '../../../errors.js'
import { type Actor, maySee } from '../../core/commands.js'
import { isForgotten } from '../../core/forgotten.js'
import type { AgentRole, Channel, Head } from '../../core/model.js'
import type { LogPort } from '../../core/ports.js'
import { actorOf, type KnownSession } from '../session/session.js'
import type { Tokens } from '../session/tokens.js'

/** What finding conversations stands on. */
export type ConversationPorts = {
  readonly log: LogPort
  readonly tokens: Tokens
  /** Whether an agent is one of those whom a conversation waits for. */
  isWanted(agent: string, head: Head): boolean
  /** What an agent may do at this moment. */
  roleOf(agent: string): AgentRole | undefined
  /** Whether an agent may read a conversation because of another one of the same person. */
  mayRead(actor: Actor, head: Head): Promise<boolean>
}

/** `holder`: it has the conversation. `reader`: it may see it. `relative`: it may see it, or read it because of another one of the same person, which is for people only. */
export type Access = 'holder' | 'reader' | 'relative'

/** How a frame names its conversation. */
export type ConversationReference = {
  readonly conversation?: string
  readonly contact?: string
  readonly name?: string
  readonly language?: string
}

/** Who a conversation without a record would be with. */
export type Opening = {
  readonly channel: Channel
  readonly contact: string
  readonly name: string | undefined
  readonly language: string | undefined
}

/** A conversation that a session may use. */
export type Target = {
  readonly conversation: ConversationId
  readonly channel: number
  /** Null for one that has no record yet. */
  readonly head: Head | null
  /** Who one without a record, or one that was forgotten, would be with; undefined for the others. */
  readonly opening: Opening | undefined
}

/** Which conversation a frame is about, and whether its sender may touch it: one answer for foreign and for unknown ones. */
export class Conversations {
  readonly #ports: ConversationPorts

  constructor(ports: ConversationPorts) {
    this.#ports = ports
  }

  /**
   * What agents must be to it, `access` says. At once when the head is in memory and nothing else has to be looked up. Throws (or rejects with)
   * `KEFU_CONVERSATION_NOT_FOUND`, `KEFU_FRAME_INVALID`, and what the log throws.
   */
  resolve(
    session: KnownSession,
    reference: ConversationReference,
    access: Access = 'holder',
  ): Target | Promise<Target> {
    const conversation = this.#named(session, reference)
    const head = this.#ports.log.cachedHead(conversation)
    if (head !== undefined) return this.#target(session, reference, conversation, head, access)
    return this.#ports.log
      .head(conversation)
      .then(found => this.#target(session, reference, conversation, found, access))
  }

  /** The conversation that a frame names, in its role's way. A visitor may name its own, and no other. Whether it exists is not looked at. */
  #named(session: KnownSession, { conversation, contact }: ConversationReference): ConversationId {
    if (session.role === 'agent') {
      if (conversation !== undefined && isConversationId(conversation)) return conversation
      throw new KefuError('KEFU_FRAME_INVALID', { reason: 'an agent names the conversation' })
    }
    if (session.role === 'app' && contact === undefined) {
      if (conversation !== undefined && isConversationId(conversation)) return conversation
      throw new KefuError('KEFU_FRAME_INVALID', { reason: 'an app names the contact or the conversation' })
    }
    const { tokens } = this.#ports
    const own =
      session.role === 'visitor' ? session.conversation : tokens.conversationId(session.channel.number, contact!)
    if (conversation !== undefined && conversation !== own) throw notFound()
    return own
  }

  #target(
    session: KnownSession,
    reference: ConversationReference,
    conversation: ConversationId,
    head: Head | null,
    access: Access,
  ): Target | Promise<Target> {
    if (head !== null) {
      const opening = isForgotten(head) ? openingOf(session, reference) : undefined
      const target = { conversation, channel: head.channel, head, opening }
      if (this.#isAllowed(session, head, access)) return target
      if (access === 'relative' && session.role === 'agent' && this.#ports.roleOf(session.agent.id) !== 'bot')
        return this.#related(session, head, target)
      throw notFound()
    }
    const opening = openingOf(session, reference)
    if (opening === undefined) throw notFound()
    return { conversation, channel: opening.channel.number, head, opening }
  }

  async #related(session: KnownSession, head: Head, target: Target): Promise<Target> {
    const { roleOf, mayRead } = this.#ports
    if (await mayRead(actorOf(session, roleOf), head)) return target
    throw notFound()
  }

  #isAllowed(session: KnownSession, head: Head, access: Access): boolean {
    if (session.role !== 'agent') return head.channel === session.channel.number
    if (access === 'holder') return head.agent === session.agent.id
    const { roleOf, isWanted } = this.#ports
    return maySee(actorOf(session, roleOf), head, agent => isWanted(agent, head))
  }
}

/** Who it would begin with: somebody that the session speaks for. */
function openingOf(session: KnownSession, { contact, name, language }: ConversationReference): Opening | undefined {
  if (session.role === 'visitor') {
    const { channel, contact, name, language } = session
    return { channel, contact, name, language }
  }
  if (session.role === 'agent' || contact === undefined) return undefined
  return { channel: session.channel, contact, name, language }
}

function notFound(): KefuError {
  return new KefuError('KEFU_CONVERSATION_NOT_FOUND')
}

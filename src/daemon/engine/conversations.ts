import { type ConversationId, isConversationId } from '../../codec/conversation-id.js'
import { KefuError } from '../../errors.js'
import type { Channel, Head } from '../core/model.js'
import type { LogPort } from '../core/ports.js'
import type { AgentSession, AppSession, KnownSession } from './session.js'
import type { Tokens } from './tokens.js'

/** How a frame names its conversation. */
export type ConversationReference = {
  readonly conversation?: string
  readonly contact?: string
  readonly name?: string
}

/** A conversation that a session may use. `head` is null for one that has no record yet. */
export type Target = {
  readonly conversation: ConversationId
  readonly channel: number
  readonly head: Head | null
  /** Who it is with, for the sides that can open it. */
  readonly opening:
    | { readonly channel: Channel; readonly contact: string; readonly name: string | undefined }
    | undefined
}

/** Which conversation a frame is about, and whether its sender may touch it: one answer for foreign and for unknown ones. */
export class Conversations {
  readonly #log: LogPort
  readonly #tokens: Tokens

  constructor(log: LogPort, tokens: Tokens) {
    this.#log = log
    this.#tokens = tokens
  }

  /** At once when the head is in memory. Throws (or rejects with) `KEFU_CONVERSATION_NOT_FOUND`, `KEFU_FRAME_INVALID`, and what the log throws. */
  resolve(session: KnownSession, reference: ConversationReference): Target | Promise<Target> {
    switch (session.role) {
      case 'visitor': {
        if (reference.conversation !== undefined && reference.conversation !== session.conversation) throw notFound()
        const opening = { channel: session.channel, contact: session.contact, name: session.name }
        return this.#withHead(session.conversation, head => ({
          conversation: session.conversation,
          channel: session.channel.number,
          head,
          opening,
        }))
      }
      case 'agent':
        return this.#ofAgent(session, reference)
      case 'app':
        return this.#ofApp(session, reference)
    }
  }

  #ofAgent(session: AgentSession, { conversation }: ConversationReference): Target | Promise<Target> {
    if (conversation === undefined || !isConversationId(conversation)) {
      throw new KefuError('KEFU_FRAME_INVALID', { reason: 'an agent names the conversation' })
    }
    return this.#withHead(conversation, head => {
      if (head === null || head.agent !== session.agent.id) throw notFound()
      return { conversation, channel: head.channel, head, opening: undefined }
    })
  }

  #ofApp(session: AppSession, { conversation, contact, name }: ConversationReference): Target | Promise<Target> {
    const { channel } = session
    if (contact !== undefined) {
      const id = this.#tokens.conversationId(channel.number, contact)
      if (conversation !== undefined && conversation !== id) throw notFound()
      return this.#withHead(id, head => ({
        conversation: id,
        channel: channel.number,
        head,
        opening: { channel, contact, name },
      }))
    }
    if (conversation === undefined || !isConversationId(conversation)) {
      throw new KefuError('KEFU_FRAME_INVALID', { reason: 'an app names the contact or the conversation' })
    }
    return this.#withHead(conversation, head => {
      if (head === null || head.channel !== channel.number) throw notFound()
      return {
        conversation,
        channel: channel.number,
        head,
        opening: { channel, contact: head.contact, name: head.name },
      }
    })
  }

  #withHead(conversation: ConversationId, make: (head: Head | null) => Target): Target | Promise<Target> {
    const cached = this.#log.cachedHead(conversation)
    return cached === undefined ? this.#log.head(conversation).then(make) : make(cached)
  }
}

function notFound(): KefuError {
  return new KefuError('KEFU_CONVERSATION_NOT_FOUND')
}

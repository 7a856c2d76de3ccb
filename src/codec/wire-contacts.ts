import type { ConversationId } from './conversation-id.js'
import type { ConversationState } from './wire-commands.js'

/** The frames that tell agents who a contact is. Types only. */

/** `contact` from an agent: asks who the contact of a conversation is. */
export type ContactRequestBody = { readonly conversation: string }

/** One conversation of a person, where it stands. */
export type ContactEntry = {
  readonly conversation: ConversationId
  readonly channel: number
  readonly contact: string
  readonly name?: string
  readonly state: ConversationState
  /** Episodes so far, and when the last one began (epoch ms). */
  readonly episode: number
  readonly openedAt: number
  readonly n: number
  readonly at: number
  /** The agent who has it. */
  readonly agent?: string
  readonly agentName?: string
  /** The contact's score of the last episode. */
  readonly rating?: number
}

/** `contact` from the server: who it is, and the conversations of the same person that the agent may read, latest activity first. */
export type ContactBody = {
  readonly conversation: ConversationId
  readonly channel: number
  readonly contact: string
  readonly name?: string
  readonly language?: string
  readonly attributes: Readonly<Record<string, string>>
  readonly person?: string
  readonly conversations: readonly ContactEntry[]
  /** Whether there are more than had room in the frame. */
  readonly more: boolean
}

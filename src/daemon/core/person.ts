import type { ConversationId } from '../../codec/conversation-id.js'

/**
 * Contacts who are the same person. A conversation is the person's when the person lists it and the conversation's own log says so: each is written for itself,
 * the person first.
 */
export type Person = {
  readonly id: string
  /** Each once. */
  readonly conversations: readonly ConversationId[]
  readonly createdAt: number
}

/** How much there may be. */
export const PERSON_LIMITS = { conversations: 64 } as const

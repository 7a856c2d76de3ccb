import { type ConversationId, isConversationId } from './conversation-id.js'

/** A message as operators name it: its conversation and its number in it. */
export type MessageId = `${ConversationId}:${number}`

/** Where a message is. */
export type MessagePlace = { readonly conversation: ConversationId; readonly n: number }

/** The name of a message. */
export function formatMessageId({ conversation, n }: MessagePlace): MessageId {
  return `${conversation}:${n}`
}

/** What a message's name says; undefined for any other text. */
export function parseMessageId(id: string): MessagePlace | undefined {
  const [, conversation = '', n = ''] = /^([^:]+):([1-9]\d{0,14})$/.exec(id) ?? []
  return isConversationId(conversation) ? { conversation, n: Number(n) } : undefined
}

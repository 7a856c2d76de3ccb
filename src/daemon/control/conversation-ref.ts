import { type ConversationId, isConversationId } from '../../codec/conversation-id.js'
import { KefuError } from '../../errors.js'
import type { ChannelRegistry } from '../engine/registry/channels.js'
import type { Tokens } from '../engine/session/tokens.js'

/** What names are looked up in. */
export type RefPorts = {
  readonly channels: Pick<ChannelRegistry, 'show'>
  readonly tokens: Pick<Tokens, 'conversationId'>
}

/**
 * The conversation that a text means: by its id, or by CHANNEL/CONTACT, from which its id follows. Whether there is one is another question. Throws
 * `KEFU_CHANNEL_NOT_FOUND`, `KEFU_USAGE`.
 */
export function conversationOf({ channels, tokens }: RefPorts, ref: string): ConversationId {
  if (isConversationId(ref)) return ref
  const at = ref.indexOf('/')
  const contact = ref.slice(at + 1)
  if (at < 1 || contact === '')
    throw new KefuError('KEFU_USAGE', {
      reason: `"${ref.slice(0, 80).replace(/\p{C}/gu, '\u{fffd}')}" is neither the id of a conversation nor CHANNEL/CONTACT`,
    })
  return tokens.conversationId(channels.show(ref.slice(0, at)).number, contact)
}

import type { ChannelRegistry } from '../engine/registry/channels.js'
import type { Forgettings } from '../engine/retention/forgetting.js'
import type { Tokens } from '../engine/session/tokens.js'
import { conversationOf } from './conversation-ref.js'
import type { ParsedRequestOf } from './operations.js'

/** What the operations that forget act on. */
export type ForgetControlPorts = {
  readonly channels: Pick<ChannelRegistry, 'byNumber' | 'show'>
  readonly tokens: Pick<Tokens, 'conversationId'>
  readonly forgettings: Pick<Forgettings, 'preview' | 'forget'>
}

/** The operations that forget what was said. */
export function createForgetHandlers(ports: ForgetControlPorts) {
  const { channels, forgettings } = ports
  const channelName = (number: number): string => channels.byNumber(number)?.name ?? String(number)

  return {
    'history.info': async ({ ref }: ParsedRequestOf<'history.info'>) => {
      const { others, channel, ...holdings } = await forgettings.preview(conversationOf(ports, ref))
      return {
        holdings: { ...holdings, channel: channelName(channel) },
        others: others.map(head => ({ conversation: head.conversation, channel: channelName(head.channel) })),
      }
    },
    'history.forget': async ({ ref }: ParsedRequestOf<'history.forget'>) => ({
      receipt: await forgettings.forget(conversationOf(ports, ref)),
    }),
  }
}

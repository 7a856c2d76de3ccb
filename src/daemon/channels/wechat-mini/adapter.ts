import type { Adapter, ChannelDriver, SendOutcome } from '../../core/channel-adapter.js'
import { WECHAT_MINI } from '../tables/wechat-mini.js'
import { openWechat } from '../wechat/adapter.js'
import { MINI_ERRCODES } from '../wechat/errcodes.js'
import { readMiniEvents } from './events.js'
import { composeMini, miniAsText } from './messages.js'

/** The platform may push a message before it counts it: a refusal in that moment is not the last word. */
const RACE_MS = 1_000
const RACES_LIMIT = 1_000

/** The customer messages of 小程序. */
export const WECHAT_MINI_DRIVER: ChannelDriver = {
  table: WECHAT_MINI,
  open(ports, input) {
    const isBusiness = input.settings['send-api'] === 'business'
    const businessId = input.settings['business-id'] ?? WECHAT_MINI.settings['business-id'].default
    const adapter = openWechat(ports, input, {
      formats: ['xml', 'json'],
      errcodes: MINI_ERRCODES,
      readEvents: readMiniEvents,
      compose: composeMini,
      asText: miniAsText,
      path: isBusiness ? '/cgi-bin/message/custom/business' : '/cgi-bin/message/custom',
      fields: isBusiness ? { businessid: businessId } : {},
    })
    return { ...adapter, send: secondChance(adapter.send) }
  },
}

/** Sends again a second later what was refused because of its window, once. */
function secondChance(send: Adapter['send']): Adapter['send'] {
  const refused = new Set<string>()
  return async (to, piece, abort): Promise<SendOutcome> => {
    const outcome = await send(to, piece, abort)
    const { id } = to
    const isSecond = refused.delete(id)
    if (outcome.type !== 'window-closed' || isSecond) return outcome
    const [oldest] = refused
    if (oldest !== undefined && refused.size >= RACES_LIMIT) refused.delete(oldest)
    refused.add(id)
    return { type: 'retry', reason: outcome.reason, afterMs: RACE_MS }
  }
}

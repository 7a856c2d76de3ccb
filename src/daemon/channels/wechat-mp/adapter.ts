import type { ChannelDriver } from '../../core/channel-adapter.js'
import { WECHAT_MP } from '../tables/wechat-mp.js'
import { openWechat } from '../wechat/adapter.js'
import { readMpEvents } from './events.js'
import { composeMp, mpAsText } from './messages.js'

/** 公众号 and 服务号. */
export const WECHAT_MP_DRIVER: ChannelDriver = {
  table: WECHAT_MP,
  open: (ports, input) =>
    openWechat(ports, input, {
      formats: ['xml'],
      errcodes: {},
      readEvents: readMpEvents,
      compose: composeMp,
      asText: mpAsText,
      path: '/cgi-bin/message/custom',
      fields: {},
    }),
}

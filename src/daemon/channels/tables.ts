export type { KindTable, SettingRow } from '../core/channel-adapter.js'

import type { KindTable } from '../core/channel-adapter.js'
import type { ChannelKind } from '../core/model.js'
import { WEBHOOK } from './tables/webhook.js'
import { WECHAT_MINI } from './tables/wechat-mini.js'
import { WECHAT_MP } from './tables/wechat-mp.js'
import { WECOM_KF } from './tables/wecom-kf.js'

/** Every kind of channel that has an adapter. */
export const CHANNEL_TABLES = {
  webhook: WEBHOOK,
  'wechat-mp': WECHAT_MP,
  'wechat-mini': WECHAT_MINI,
  'wecom-kf': WECOM_KF,
} as const satisfies { readonly [Kind in ChannelKind]?: KindTable }

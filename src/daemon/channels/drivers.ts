import type { ChannelDriver } from '../core/channel-adapter.js'
import { WEBHOOK_DRIVER } from './webhook/adapter.js'
import { WECHAT_MINI_DRIVER } from './wechat-mini/adapter.js'
import { WECHAT_MP_DRIVER } from './wechat-mp/adapter.js'
import { WECOM_KF_DRIVER } from './wecom-kf/adapter.js'

/** The adapters of all kinds. */
export const CHANNEL_DRIVERS: readonly ChannelDriver[] = [
  WEBHOOK_DRIVER,
  WECHAT_MP_DRIVER,
  WECHAT_MINI_DRIVER,
  WECOM_KF_DRIVER,
]

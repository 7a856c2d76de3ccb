import type { KindTable } from '../../core/channel-adapter.js'
import { grantRows } from '../../core/channel-capabilities.js'
import { WECHAT_CREDENTIALS, WECHAT_SETTINGS } from './wechat-rows.js'

const MEGABYTE = 1024 * 1024
const MINUTE_MS = 60_000

const GRANTS = {
  message: { messages: 5, windowMs: 48 * 60 * MINUTE_MS },
  menu: { messages: 3, windowMs: MINUTE_MS },
  follow: { messages: 3, windowMs: MINUTE_MS },
  scan: { messages: 3, windowMs: MINUTE_MS },
} as const

/** 公众号 and 服务号: official accounts of 微信. */
export const WECHAT_MP = {
  kind: 'wechat-mp',
  title: { zh: '微信公众号', en: 'WeChat official account' },
  settings: {
    ...WECHAT_SETTINGS,
    ...grantRows(GRANTS, {
      message: 'a message of the user',
      menu: 'a tap on a menu key',
      follow: 'the user has followed',
      scan: 'the scan of a QR code',
    }),
  },
  credentials: WECHAT_CREDENTIALS,
  capabilities: {
    inbound: ['text', 'image', 'audio', 'video', 'location', 'card', 'event'],
    outbound: ['text', 'image', 'audio', 'video', 'card', 'choices'],
    text: { unit: 'bytes', max: 2_048 },
    mediaLimitBytes: { image: 10 * MEGABYTE, audio: 2 * MEGABYTE, video: 10 * MEGABYTE },
    grants: GRANTS,
    recognisesRepeats: false,
  },
} as const satisfies KindTable

import type { KindTable } from '../../core/channel-adapter.js'
import { grantRows } from '../../core/channel-capabilities.js'
import { WECHAT_CREDENTIALS, WECHAT_SETTINGS } from './wechat-rows.js'

const GRANTS = {
  message: { messages: 5, windowMs: 48 * 3_600_000 },
  enter: { messages: 2, windowMs: 60_000 },
} as const

/** 小程序: the customer messages of a mini program of 微信. */
export const WECHAT_MINI = {
  kind: 'wechat-mini',
  title: { zh: '微信小程序', en: 'WeChat mini program' },
  settings: {
    ...WECHAT_SETTINGS,
    'send-api': {
      summary: 'which API sends: classic, or business when the platform answers 40101 or asks for a businessid',
      type: 'choice',
      choices: ['classic', 'business'],
      default: 'classic',
    },
    'business-id': {
      summary: 'businessid of the business API',
      type: 'integer',
      ...{ min: 1, max: 2_147_483_647, default: 1 },
    },
    ...grantRows(GRANTS, { message: 'a message of the user', enter: 'the user has opened the chat' }),
  },
  credentials: WECHAT_CREDENTIALS,
  capabilities: {
    inbound: ['text', 'image', 'card', 'event'],
    outbound: ['text', 'image', 'card'],
    text: { unit: 'bytes', max: 2_048 },
    mediaLimitBytes: { image: 2 * 1024 * 1024 },
    grants: GRANTS,
    recognisesRepeats: false,
  },
} as const satisfies KindTable

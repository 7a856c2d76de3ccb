import type { KindTable } from '../../core/channel-adapter.js'
import { grantRows } from '../../core/channel-capabilities.js'
import { WECHAT_CREDENTIALS, WECHAT_SETTINGS } from './wechat-rows.js'

const FILE_BYTES = 20 * 1024 * 1024

const GRANTS = {
  message: { messages: 5, windowMs: 48 * 3_600_000 },
  welcome: { messages: 1, windowMs: 20_000 },
} as const

/** 微信客服, as 企业微信 has it. */
export const WECOM_KF = {
  kind: 'wecom-kf',
  title: { zh: '微信客服', en: 'WeCom customer service' },
  settings: {
    'corp-id': {
      summary: 'CorpID of the company (企业ID)',
      isRequired: true,
      example: 'ww0123456789abcdef',
      type: 'text',
      pattern: /^[0-9a-zA-Z_-]{6,64}$/,
      form: '6 to 64 letters, digits, _ and -',
    },
    'open-kfid': {
      summary: 'the only 客服账号 (open_kfid) that this channel is for; all of the company without it',
      example: 'wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q',
      type: 'text',
      pattern: /^[0-9a-zA-Z_-]{1,63}$/,
      form: '1 to 63 letters, digits, _ and -',
    },
    'callback-age-seconds': WECHAT_SETTINGS['callback-age-seconds'],
    'base-url': { summary: 'address of the API', type: 'url', default: 'https://qyapi.weixin.qq.com' },
    'text-limit': WECHAT_SETTINGS['text-limit'],
    ...grantRows(GRANTS, { message: 'a message of the user', welcome: 'the user has entered the chat' }),
  },
  credentials: {
    token: WECHAT_CREDENTIALS.token,
    'encoding-aes-key': {
      ...WECHAT_CREDENTIALS['encoding-aes-key'],
      summary: 'EncodingAESKey of the callback, 43 letters and digits',
    },
    secret: {
      summary: 'Secret of the app that 微信客服 is assigned to, 8 to 128 characters without blanks',
      neededFor: 'outbound',
      isRequired: true,
      pattern: /^[!-~]{8,128}$/,
    },
  },
  capabilities: {
    inbound: ['text', 'image', 'audio', 'video', 'file', 'location', 'card', 'event'],
    outbound: ['text', 'image', 'audio', 'video', 'file', 'location', 'card', 'choices'],
    text: { unit: 'bytes', max: 2_048 },
    // What is too large for its type, or in another format, goes as a file.
    mediaLimitBytes: { image: FILE_BYTES, audio: FILE_BYTES, video: FILE_BYTES, file: FILE_BYTES },
    grants: GRANTS,
    recognisesRepeats: false,
  },
} as const satisfies KindTable

import type { CredentialRow, SettingRow } from '../../core/channel-adapter.js'

/** Settings that 公众号 and 小程序 have in common. */
export const WECHAT_SETTINGS = {
  'app-id': {
    summary: 'AppID of the account',
    isRequired: true,
    example: 'wx0123456789abcdef',
    type: 'text',
    pattern: /^wx[0-9a-zA-Z]{6,30}$/,
    form: 'wx and 6 to 30 letters and digits',
  },
  'original-id': {
    summary: 'original id (原始ID) of the account: callbacks for another one are refused',
    example: 'gh_0123456789ab',
    type: 'text',
    pattern: /^[0-9a-zA-Z_-]{3,64}$/,
    form: '3 to 64 letters, digits, _ and -',
  },
  mode: {
    summary: 'how the platform was told to encrypt callbacks (消息加解密方式): 明文 plain, 兼容 compat, 安全 safe',
    type: 'choice',
    choices: ['plain', 'compat', 'safe'],
    default: 'safe',
  },
  'callback-age-seconds': {
    summary: 'callbacks whose timestamp is further away than this are refused',
    type: 'integer',
    ...{ min: 30, max: 86_400, default: 300 },
  },
  'base-url': { summary: 'address of the API', type: 'url', default: 'https://api.weixin.qq.com' },
  'media-hosts': {
    summary: 'hosts, and those below them, that links of the platform to files may lead to; separated by commas',
    type: 'text',
    pattern: /^[0-9a-z.-]+(,[0-9a-z.-]+)*$/,
    form: 'names of hosts in lower case, separated by commas without blanks',
    default: 'qpic.cn,qlogo.cn,qq.com',
  },
  'text-limit': {
    summary: 'longest text of one message in bytes; longer ones are split',
    type: 'integer',
    ...{ min: 60, max: 20_000, default: 2_048 },
  },
} as const satisfies Readonly<Record<string, SettingRow>>

/** Secrets that both have. */
export const WECHAT_CREDENTIALS = {
  token: {
    summary: 'Token of the callback (令牌), 3 to 64 characters without blanks',
    neededFor: 'inbound',
    isRequired: true,
    pattern: /^[!-~]{3,64}$/,
  },
  'encoding-aes-key': {
    summary: 'EncodingAESKey of the callback (消息加密密钥), 43 letters and digits; not used in plain mode',
    neededFor: 'inbound',
    isRequired: true,
    pattern: /^[0-9a-zA-Z]{43}$/,
  },
  'app-secret': {
    summary: 'AppSecret (开发者密码) of the account, 8 to 128 characters without blanks',
    neededFor: 'outbound',
    isRequired: true,
    pattern: /^[!-~]{8,128}$/,
  },
} as const satisfies Readonly<Record<string, CredentialRow>>

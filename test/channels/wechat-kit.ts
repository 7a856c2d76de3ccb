import type { ErrcodeRows } from '../../src/daemon/channels/wechat/errcodes.js'
import type { OutboundPiece, PlatformRequest, SettingValues } from '../../src/daemon/core/channel-adapter.js'
import { WechatCipher, wechatSignature } from '../../src/platform/wechat/crypt.js'
import { formatXml } from '../../src/platform/xml.js'
import {
  type Answer,
  AT_MS,
  type ChannelKit,
  type CheckSample,
  type FileSample,
  type Payload,
  type PlatformScript,
  type Refusal,
  type Signing,
  type WireCallback,
} from '../conformance/channel-kit.js'

/** What 公众号 and 小程序 have in common, for their kits: how they sign, and how their API answers. */

export const APP_ID = 'wx0123456789abcdef'
export const OPEN_ID = 'oUser1_-kefuKEFUkefuKEFUkefu'
export const AT_SECONDS = AT_MS / 1000
export const ORIGINAL_ID = 'gh_kefu'

/** Secrets of the kits' account and of another one. */
export const SECRETS = {
  token: 'kefu-token-of-this-account',
  'encoding-aes-key': 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
  'app-secret': '0123456789abcdef0123456789abcdef',
} as const
export const OTHER_SECRETS = {
  token: 'another-token-of-somebody',
  'encoding-aes-key': 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg',
  'app-secret': 'fedcba9876543210fedcba9876543210',
} as const

/** The fields that every push begins with. */
export const head = (msgType: string, atSeconds = AT_SECONDS) => ({
  ...{ ToUserName: ORIGINAL_ID, FromUserName: OPEN_ID },
  ...{ CreateTime: atSeconds, MsgType: msgType },
})

/** A payload in XML; ids as texts without CDATA, as the platform writes them. */
export function xml(fields: Readonly<Record<string, string | number>>, id?: string): Payload {
  const body = formatXml(fields)
  return { format: 'xml', body: id === undefined ? body : body.replace('</xml>', `<MsgId>${id}</MsgId></xml>`) }
}

/** A payload in JSON, with the id as a bare number. */
export function json(fields: Readonly<Record<string, unknown>>, id?: string): Payload {
  const body = JSON.stringify(fields)
  return { format: 'json', body: id === undefined ? body : body.replace(/\}$/, `,"MsgId":${id}}`) }
}

/** A push as the platform signs it, by the mode of the settings. */
export function wechatCallback({ format, body }: Payload, { secrets, settings, atMs, random }: Signing): WireCallback {
  const stamp = { timestamp: String(Math.floor(atMs / 1000)), nonce: String(random.integer(1, 2_000_000_000)) }
  const { timestamp, nonce } = stamp
  const token = secrets.token!
  const query = { signature: wechatSignature(token, timestamp, nonce), ...stamp, openid: OPEN_ID }
  const headers = { 'content-type': format === 'xml' ? 'text/xml' : 'application/json' }
  const bytes = Buffer.from(body)
  const mode = settings.mode ?? 'safe'
  if (mode === 'plain') return { method: 'POST', query, headers, body: bytes }
  const cipher = new WechatCipher(secrets['encoding-aes-key']!, String(settings['app-id']))
  const Encrypt = cipher.seal(
    bytes,
    Uint8Array.from({ length: 16 }, () => random.integer(97, 122)),
  )
  return {
    ...{ method: 'POST', headers },
    query: { ...query, encrypt_type: 'aes', msg_signature: wechatSignature(token, timestamp, nonce, Encrypt) },
    body: Buffer.from(outer(format, bytes, Encrypt, mode === 'compat')),
  }
}

/** In compat mode what is encrypted stands in the clear beside it. */
function outer(format: Payload['format'], bytes: Buffer, Encrypt: string, isCompat: boolean): string {
  if (format === 'json') {
    const clear: unknown = isCompat ? JSON.parse(bytes.toString()) : { ToUserName: ORIGINAL_ID }
    return JSON.stringify({ ...(clear as object), Encrypt })
  }
  const encrypted = `<Encrypt><![CDATA[${Encrypt}]]></Encrypt></xml>`
  if (isCompat) return bytes.toString().replace(/<\/xml>$/, encrypted)
  return `<xml>\n  <ToUserName><![CDATA[${ORIGINAL_ID}]]></ToUserName>\n  ${encrypted}`
}

/** The handshake of a new address. */
export function wechatHandshake({ secrets, atMs, random }: Signing): WireCallback {
  const [timestamp, nonce] = [String(Math.floor(atMs / 1000)), String(random.integer(1, 2_000_000_000))]
  const query = {
    signature: wechatSignature(secrets.token!, timestamp, nonce),
    echostr: '4375120948345356249',
    timestamp,
    nonce,
  }
  return { method: 'GET', query, headers: {}, body: new Uint8Array() }
}

/** The path of a request. */
export const pathOf = ({ url }: PlatformRequest) => new URL(url).pathname
/** The fields of a request in JSON. */
export const fieldsOf = ({ body }: PlatformRequest): Record<string, unknown> =>
  JSON.parse(Buffer.from(body as string).toString()) as Record<string, unknown>
export const isToken = (request: PlatformRequest) => pathOf(request) === '/cgi-bin/stable_token'
export const isSend = (request: PlatformRequest) => pathOf(request).endsWith('/send')

/** A healthy platform. */
export const healthy: PlatformScript = request => {
  const path = pathOf(request)
  if (isToken(request)) return tokenAnswer('healthy-token-1')
  if (path.endsWith('/send')) return ok
  if (path.endsWith('/typing')) return errcode(40003)
  if (path === '/cgi-bin/media/upload')
    return {
      body: { type: 'image', media_id: `media-of-${new URL(request.url).searchParams.get('type')}`, created_at: 1 },
    }
  if (path === '/cgi-bin/media/get') return PICTURE
  return { status: 404, body: 'not found' }
}

export const tokenAnswer = (token: string): Answer => ({
  body: { access_token: token, expires_in: 7_200 },
  headers: { date: new Date(AT_MS).toUTCString() },
})

export const ok: Answer = { body: { errcode: 0, errmsg: 'ok' } }

/** A refusal with words that nobody may repeat but for the id of the call. */
export const errcode = (code: number, words = 'words of the platform'): Answer => ({
  body: { errcode: code, errmsg: `${words} rid: 5f3ded7d-22929d02-4ba1f5f6` },
})

/** Every row of a table of errcodes, as the suite asks for it. */
export function refusalsOf(rows: ErrcodeRows, changes: Readonly<Record<number, Partial<Refusal>>> = {}) {
  const entries = Object.entries(rows).map(([code, { outcome }]): [string, Refusal] => [
    `errcode ${code}`,
    {
      ...{ answer: errcode(Number(code)), outcome },
      reason: new RegExp(`^errcode ${code}: .+: .+\\(rid 5f3ded7d-22929d02-4ba1f5f6\\)$`),
      ...changes[Number(code)],
    },
  ])
  return Object.fromEntries(entries)
}

export const PICTURE_BYTES = Buffer.from('89504e470d0a1a0a', 'hex')
export const PICTURE: Answer = {
  body: PICTURE_BYTES,
  headers: { 'content-type': 'image/png', 'content-disposition': 'attachment; filename="picture.png"' },
}
const PICTURE_FILE = { bytes: PICTURE_BYTES, type: 'image/png' }

/** What fetching files meets. */
export function fileSamples(): Readonly<Record<string, FileSample>> {
  const source = (fields: object) => JSON.stringify(fields)
  const byId =
    (answer: Answer, rest: PlatformScript = healthy): PlatformScript =>
    request =>
      pathOf(request) === '/cgi-bin/media/get' ? answer : rest(request)
  const link: PlatformScript = request => {
    if (new URL(request.url).hostname !== 'mmbiz.qpic.cn') return healthy(request)
    return request.isForeign === true ? PICTURE : { status: 500, body: 'it is not guarded' }
  }
  const picUrl = 'http://mmbiz.qpic.cn/a/0?wx_fmt=png'
  return {
    'by its id': { source: source({ id: 'm1', url: picUrl }), result: { ...PICTURE_FILE, name: 'picture.png' } },
    'by its link when the id is not known': {
      source: source({ id: 'm1', url: picUrl }),
      ...{ platform: byId(errcode(40007), link), result: PICTURE_FILE },
    },
    'a video by the link that its id brings': {
      source: source({ id: 'm1' }),
      platform: byId({ body: { video_url: 'http://mmbiz.qpic.cn/video' } }, link),
      result: PICTURE_FILE,
    },
    'a server whose address is not on the list yet': {
      source: source({ id: 'm1', url: picUrl }),
      platform: byId(errcode(40164)),
      result: { code: 'KEFU_PLATFORM_UNAVAILABLE' },
    },
    'a link to where base-url is': {
      source: source({ url: 'https://api.weixin.qq.com/cgi-bin/media/get?x=1' }),
      result: PICTURE_FILE,
    },
    'an id that is not known': {
      source: source({ id: 'm1' }),
      ...{ platform: byId(errcode(40007)), result: { code: 'KEFU_PLATFORM_REFUSED' } },
    },
    'a link elsewhere': {
      source: source({ url: 'http://qpic.cn.example.com/x' }),
      result: { code: 'KEFU_PLATFORM_REFUSED' },
    },
    'a link that is no link': {
      source: source({ url: 'file:///etc/passwd' }),
      result: { code: 'KEFU_PLATFORM_REFUSED' },
    },
    'a video link elsewhere': {
      source: source({ id: 'm1' }),
      platform: byId({ body: { video_url: 'http://169.254.169.254/latest' } }),
      result: { code: 'KEFU_PLATFORM_REFUSED' },
    },
    'a source that is none': { source: 'm1', result: { code: 'KEFU_PLATFORM_REFUSED' } },
    'a busy platform': {
      source: source({ id: 'm1' }),
      ...{ platform: byId(errcode(-1)), result: { code: 'KEFU_PLATFORM_UNAVAILABLE' } },
    },
    'HTML in its place': {
      source: source({ id: 'm1' }),
      platform: byId({ body: '<html>', headers: { 'content-type': 'text/html' } }),
      result: { code: 'KEFU_PLATFORM_UNAVAILABLE' },
    },
    'a page of a proxy': {
      source: source({ id: 'm1' }),
      ...{ platform: byId({ status: 502, body: 'bad gateway' }), result: { code: 'KEFU_PLATFORM_UNAVAILABLE' } },
    },
    'nothing at all': {
      source: source({ id: 'm1' }),
      ...{ platform: byId({ fails: 'written' }), result: { code: 'KEFU_PLATFORM_UNAVAILABLE' } },
    },
    'one that is too large': {
      source: source({ id: 'm1' }),
      ...{ limitBytes: 4, result: { code: 'KEFU_BODY_TOO_LARGE' } },
    },
    'a file server that is down': {
      source: source({ url: picUrl }),
      platform: () => ({ status: 503, body: '' }),
      result: { code: 'KEFU_PLATFORM_UNAVAILABLE' },
    },
    'a file that is gone': {
      source: source({ url: picUrl }),
      platform: () => ({ status: 404, body: 'gone' }),
      result: { code: 'KEFU_PLATFORM_REFUSED' },
    },
  }
}

/** How checks fail. */
export function checkSamples(): Readonly<Record<string, CheckSample>> {
  const tokens =
    (answer: Answer): PlatformScript =>
    request =>
      isToken(request) ? answer : healthy(request)
  const typing =
    (answer: Answer): PlatformScript =>
    request =>
      pathOf(request).endsWith('/typing') ? answer : healthy(request)
  const at = (offsetMs: number): Answer => ({
    body: { access_token: 'healthy-token-1', expires_in: 7_200 },
    headers: { date: new Date(AT_MS + offsetMs).toUTCString() },
  })
  const secret = /AppSecret.+kefu credential set NAME app-secret/
  return {
    'wrong secret': { platform: tokens(errcode(40125)), failed: { step: 'access token', nextStep: secret } },
    'wrong secret, as the platform also says it': {
      platform: tokens(errcode(40001)),
      failed: { step: 'access token', nextStep: secret },
    },
    'address not on the list': {
      platform: tokens(errcode(40164, 'invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist')),
      failed: { step: 'access token', nextStep: /IP白名单/ },
    },
    'wrong AppID': { platform: tokens(errcode(40013)), failed: { step: 'access token', nextStep: /app-id/ } },
    'no way to the platform': {
      platform: tokens({ fails: 'unwritten' }),
      failed: { step: 'access token', nextStep: /base URL/ },
    },
    'something else at base-url': {
      platform: () => ({ body: '<html>' }),
      failed: { step: 'access token', nextStep: /base URL/ },
    },
    'a clock behind': { platform: tokens(at(400_000)), failed: { step: 'clock', nextStep: /NTP/ } },
    'a clock ahead': { platform: tokens(at(-400_000)), failed: { step: 'clock', nextStep: /NTP/ } },
    'no permission to send': {
      platform: typing(errcode(48001)),
      failed: { step: 'permission', nextStep: /认证.+客服消息/ },
    },
    'the token is refused': {
      platform: typing(errcode(40001)),
      failed: { step: 'permission', nextStep: /app-secret/ },
    },
    'typing is not JSON': {
      platform: typing({ status: 404, body: 'x' }),
      failed: { step: 'permission', nextStep: /base-url/ },
    },
    'a key that is none': {
      ...{ platform: healthy, secrets: { ...SECRETS, 'encoding-aes-key': 'A'.repeat(42) } },
      failed: { step: 'signature', nextStep: /kefu/ },
    },
  }
}

/** A piece with a file. */
export function filePiece(type: 'image' | 'audio' | 'video', contentType: string, name?: string): OutboundPiece {
  const part = { type, media: 'md_1', ...(name !== undefined && { name }) }
  return { part, file: { bytes: Buffer.from(`${type} bytes\r\n--`), type: contentType, name } }
}

/** The parts of a kit that both kinds share. */
export function commonKit(settings: SettingValues) {
  return {
    settings: { 'app-id': APP_ID, ...settings },
    ...{ secrets: SECRETS, otherSecrets: OTHER_SECRETS },
    handshake: {
      callback: wechatHandshake,
      answer: { status: 200, contentType: 'text/plain; charset=utf-8', body: '4375120948345356249' },
    },
    callback: wechatCallback,
    success: { status: 200, contentType: 'text/plain; charset=utf-8', body: 'success' },
    maxAgeMs: 300_000,
  } as const satisfies Partial<ChannelKit>
}

/** The part of the outbound kit that both kinds share. */
export const COMMON_OUTBOUND = {
  contact: OPEN_ID,
  text: { part: { type: 'text', text: '你好' } },
  ...{ healthy, isSend },
  token: {
    is: isToken,
    answer: tokenAnswer,
    of: (request: PlatformRequest) => new URL(request.url).searchParams.get('access_token') ?? undefined,
    refused: [errcode(40001), errcode(40014), errcode(42001)],
  },
  channelDown: { answer: errcode(48001), outcome: 'channel-down', reason: /认证/ },
  giveUp: { answer: errcode(99_999), outcome: 'give-up', reason: /errcode 99999/ },
} as const

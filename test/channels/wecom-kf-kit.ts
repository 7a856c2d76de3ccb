import assert from 'node:assert/strict'
import { WECOM_KF_DRIVER } from '../../src/daemon/channels/wecom-kf/adapter.js'
import type {
  ContactEvent,
  InboundEvent,
  OutboundPiece,
  PlatformRequest,
} from '../../src/daemon/core/channel-adapter.js'
import { WechatCipher, wechatSignature } from '../../src/platform/wechat/crypt.js'
import { formatXml } from '../../src/platform/xml.js'
import {
  type Answer,
  AT_MS,
  type ChannelKit,
  type InboundSample,
  type PlatformScript,
  type Refusal,
  type Signing,
  type WireCallback,
} from '../conformance/channel-kit.js'
import {
  ACCOUNT,
  AMR,
  AT_SECONDS,
  CONTACT,
  CORP_ID,
  entry,
  errcode,
  event,
  fieldsOf,
  healthy,
  pathOf,
  syncing,
  tokenAnswer,
  USER,
} from './wecom-kf-platform.js'

const LATE_MS = 3_600_000
const PNG = Buffer.from('89504e470d0a1a0a', 'hex')
const SECRETS = {
  token: 'kf-token-of-this-company',
  'encoding-aes-key': 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
  secret: '0123456789abcdef0123456789abcdef-kf',
}

const SIGNAL = formatXml({
  ...{ ToUserName: CORP_ID, CreateTime: AT_SECONDS, MsgType: 'event' },
  ...{ Event: 'kf_msg_or_event', Token: 'ENCkefuToken0001', OpenKfId: ACCOUNT },
})
let count = 0

type Given = { readonly msgid: string; readonly send_time: number }

function sample(given: Given, parts: ContactEvent['parts'], changes: Partial<ContactEvent> = {}): InboundSample {
  const grant = (changes.type ?? 'message') === 'message' ? { grant: 'message' } : {}
  const body = {
    key: given.msgid,
    contact: CONTACT,
    sentAtMs: given.send_time * 1_000,
    type: 'message',
    ...grant,
    parts,
  }
  return of(given, [{ ...body, ...changes } as ContactEvent])
}

/** A payload is the signal; each sample has another one, as on the platform. */
function of(given: object, events: readonly InboundEvent[]): InboundSample {
  const body = SIGNAL.replace('Token0001', `Token${++count}`)
  return { payload: { format: 'xml', body }, platform: syncing(given), events }
}

const sign = (name: string, data?: Record<string, string>): ContactEvent['parts'] => [
  { type: 'event', name, ...(data && { data }) },
]
const text = (content: string): ContactEvent['parts'] => [{ type: 'text', text: content }]
const failed = event('msg_send_fail', { fail_msgid: 'k7-0-abcdefghijklmn', fail_type: 4 })
const xml = (body: string) => ({ format: 'xml', body }) as const

/** A callback as the platform signs it. */
function signed(name: 'Encrypt' | 'echostr', body: string | Uint8Array, given: Signing): WireCallback {
  const { secrets, settings, atMs, random } = given
  const [timestamp, nonce] = [String(Math.floor(atMs / 1_000)), String(random.integer(1, 2_000_000_000))]
  const cipher = new WechatCipher(secrets['encoding-aes-key']!, String(settings['corp-id']))
  const sealed = cipher.seal(
    body,
    Uint8Array.from({ length: 16 }, () => random.integer(97, 122)),
  )
  const query = { msg_signature: wechatSignature(secrets.token!, timestamp, nonce, sealed), timestamp, nonce }
  const empty = { headers: {}, body: new Uint8Array() }
  if (name === 'echostr') return { method: 'GET', query: { ...query, echostr: sealed }, ...empty }
  const envelope = formatXml({ ToUserName: CORP_ID, AgentID: '', Encrypt: sealed })
  return { method: 'POST', query, headers: { 'content-type': 'text/xml' }, body: Buffer.from(envelope) }
}

const isSend = (request: PlatformRequest) => pathOf(request) === 'kf/send_msg'
const isToken = (request: PlatformRequest) => pathOf(request) === 'gettoken'
const sends = (content: object) => (requests: readonly PlatformRequest[]) => {
  const { touser, open_kfid, msgid, ...rest } = fieldsOf(requests.at(-1)!)
  assert.deepEqual([touser, open_kfid], [USER, ACCOUNT])
  assert.match(String(msgid), /^[0-9a-zA-Z_-]{1,32}$/)
  assert.deepEqual(rest, content)
}
const media = (part: 'image' | 'audio' | 'video' | 'file', bytes: Uint8Array, type: string) => ({
  piece: { part: { type: part, media: 'md_1' }, file: { bytes, type: 'application/octet-stream', name: '图.x' } },
  check: sends({ msgtype: type, [type]: { media_id: `media-of-${type}` } }),
})
/** What the platform's codes mean, as its documentation has them: what concerns one message or one account stops nobody else. */
const OUTCOMES = {
  retry: [-1],
  throttled: [45009, 45033],
  'window-closed': [95001, 95013],
  'give-up': [40004, 40006, 40007, 40058, 40096, 41001, 84061, 90207, 95000, 95004],
  'channel-down': [40001, 40013, 40014, 40201, 42001, 48002, 60020, 95011, 95012, 95017],
} as const
const PAUSES_MS: Readonly<Record<number, number>> = { 45009: 60_000, 45033: 3_000 }
const refusals = Object.fromEntries(
  Object.entries(OUTCOMES).flatMap(([outcome, codes]) =>
    codes.map((code): [string, Refusal] => [
      `errcode ${code}`,
      {
        ...{ answer: errcode(code), outcome: outcome as keyof typeof OUTCOMES },
        reason: new RegExp(`\\(errcode ${code}\\)$`),
        ...(Object.hasOwn(PAUSES_MS, code) && { afterMs: PAUSES_MS[code]! }),
      },
    ]),
  ),
)
const says =
  (path: string, answer: Answer): PlatformScript =>
  request =>
    pathOf(request) === path ? answer : healthy(request)

/** 微信客服 for the suite. */
export const KIT: ChannelKit = {
  driver: WECOM_KF_DRIVER,
  settings: { 'corp-id': CORP_ID, 'open-kfid': ACCOUNT },
  secrets: SECRETS,
  otherSecrets: {
    token: 'another-token',
    'encoding-aes-key': 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg',
    secret: 'fedcba9876543210fedcba9876543210-kf',
  },
  otherSettings: { 'corp-id': 'wwfedcba0987654321' },
  handshake: {
    callback: given => signed('echostr', '6375520987654321', given),
    answer: { status: 200, contentType: 'text/plain; charset=utf-8', body: '6375520987654321' },
  },
  callback: ({ body }, given) => signed('Encrypt', body, given),
  success: { status: 200, contentType: 'text/plain; charset=utf-8', body: 'success' },
  maxAgeMs: 300_000,
  inbound: {
    known: {
      text: (e => sample(e, text('你好')))(entry('text', { content: '你好' })),
      'a tap on a menu': (e => sample(e, [...text('退款'), ...sign('choice', { id: 'refund' })]))(
        entry('text', { content: '退款', menu_id: 'refund' }),
      ),
      image: (e => sample(e, [{ type: 'image', source: 'm1' }]))(entry('image', { media_id: 'm1' })),
      voice: (e => sample(e, [{ type: 'audio', source: 'm2' }]))(entry('voice', { media_id: 'm2' })),
      video: (e => sample(e, [{ type: 'video', source: 'm3' }]))(entry('video', { media_id: 'm3' })),
      file: (e => sample(e, [{ type: 'file', source: 'm4' }]))(entry('file', { media_id: 'm4' })),
      location: (e => sample(e, [{ type: 'location', latitude: 23.1, longitude: 113.3, label: '塔 · 路' }]))(
        entry('location', { latitude: 23.1, longitude: 113.3, name: '塔', address: '路' }),
      ),
      link: (e => sample(e, [{ type: 'card', title: 'A', text: 'b', url: 'https://example.com/' }]))(
        entry('link', { title: 'A', desc: 'b', url: 'https://example.com/', pic_url: 'x' }),
      ),
      'business card': (e => sample(e, [{ type: 'card', title: '名片', text: 'zhangsan' }]))(
        entry('business_card', { userid: 'zhangsan' }),
      ),
      'mini program': (e => sample(e, [{ type: 'card', title: 'M', text: 'wx1 · a/b' }]))(
        entry('miniprogram', { title: 'M', appid: 'wx1', pagepath: 'a/b', thumb_media_id: 't' }),
      ),
      product: (e => sample(e, [{ type: 'card', title: 'P', text: 'shop · 7' }]))(
        entry('channels_shop_product', { title: 'P', product_id: '7', shop_nickname: 'shop' }),
      ),
      order: (e => sample(e, [{ type: 'card', title: 'P', text: '9 · ¥1 · paid' }]))(
        entry('channels_shop_order', { order_id: '9', product_titles: 'P', price_wording: '¥1', state: 'paid' }),
      ),
      'video account': (e => sample(e, [{ type: 'card', title: 'C', text: 'n' }]))(
        entry('channels', { sub_type: 1, nickname: 'n', title: 'C' }),
      ),
      history: (e => sample(e, text('H\na: hi\nb: [image]')))(
        entry('merged_msg', {
          title: 'H',
          item: [
            { msgtype: 'text', sender_name: 'a', msg_content: '{"text":{"content":"hi"}}' },
            { msgtype: 'image', sender_name: 'b', msg_content: 'no JSON' },
          ],
        }),
      ),
      'an answer in 企业微信': (e => sample(e, text('在的'), { type: 'echo' }))(
        entry('text', { content: '在的' }, { origin: 5, servicer_userid: 'zhangsan' }),
      ),
      'entering with a welcome code': (e =>
        sample(e, sign('enter_session', { scene: 's', scene_param: 'p' }), { type: 'sign', grant: 'welcome' }))(
        event('enter_session', { scene: 's', scene_param: 'p', welcome_code: 'WELCOME' }),
      ),
      entering: (e => sample(e, sign('enter_session', { scene: 's' }), { type: 'sign' }))(
        event('enter_session', { scene: 's' }),
      ),
      'a session that ends': (e =>
        sample(e, sign('session_status_change', { change_type: '3', old_servicer_userid: 'z' }), { type: 'sign' }))(
        event('session_status_change', { change_type: 3, old_servicer_userid: 'z', msg_code: 'CODE' }),
      ),
      recall: (e => sample(e, sign('user_recall_msg', { recall_msgid: 'm' }), { type: 'sign' }))(
        event('user_recall_msg', { recall_msgid: 'm' }),
      ),
      'a message that did not arrive': of(failed, [
        {
          ...{ key: failed.msgid, contact: CONTACT, sentAtMs: AT_MS, type: 'failure', n: 7, piece: 0 },
          reason:
            'not delivered: the contact wrote more than 48 hours ago: it can be sent when it writes again (fail_type 4)',
        },
      ]),
    },
    unknown: {
      'a message': (e => sample(e, sign('unsupported', { type: 'hologram' })))(entry('hologram', { x: 1 })),
      'an event': (e => sample(e, sign('moon_rise'), { type: 'sign' }))(event('moon_rise', { secret_code: 'x' })),
      'an agent who comes': of(
        { ...event('servicer_status_change'), event: { event_type: 'servicer_status_change' } },
        [],
      ),
      'another event of the company': { payload: xml(SIGNAL.replace('kf_msg_or_event', 'change_contact')), events: [] },
      'another account': { payload: xml(SIGNAL.replace(ACCOUNT, 'wkOther')), events: [] },
      'the failure of a message of another program': of(event('msg_send_fail', { fail_msgid: 'x', fail_type: 4 }), []),
    },
    bigIds: { none: 'all ids are texts' },
    late: {
      text: (e => sample(e, text('late'), { sentAtMs: AT_MS - LATE_MS }))(
        entry('text', { content: 'late' }, { send_time: AT_SECONDS - LATE_MS / 1_000 }),
      ),
    },
    hostile: {
      'fields that are objects': (e => sample(e, sign('unsupported', { type: 'text' })))(
        entry('text', { content: { __proto__: null } }),
      ),
      'a place that is none': (e => sample(e, sign('unsupported', { type: 'location' })))(
        entry('location', { latitude: 1e9, longitude: 'x' }),
      ),
      'no id': of({ msgtype: 'text', text: { content: 'x' } }, []),
      'an account that is none': of(entry('text', { content: 'x' }, { open_kfid: '../x:y' }), []),
    },
    invalid: {
      'no XML': xml('hello'),
      entities: xml('<!DOCTYPE xml [<!ENTITY a "b">]><xml><MsgType>&a;</MsgType></xml>'),
      'no type': xml('<xml><Event>kf_msg_or_event</Event></xml>'),
      'an account that is none': xml(SIGNAL.replace(ACCOUNT, 'a b')),
    },
  },
  outbound: {
    contact: CONTACT,
    text: { part: { type: 'text', text: '您好' } },
    healthy,
    isSend,
    token: {
      is: isToken,
      answer: tokenAnswer,
      of: ({ url }) => new URL(url).searchParams.get('access_token') ?? undefined,
      refused: [errcode(40014), errcode(42001)],
    },
    samples: {
      text: {
        piece: { part: { type: 'text', text: '您好' } },
        check: sends({ msgtype: 'text', text: { content: '您好' } }),
      },
      image: media('image', PNG, 'image'),
      'an image of another format': media('image', Buffer.from('GIF89a..'), 'file'),
      audio: media('audio', AMR, 'voice'),
      video: media('video', Buffer.from('000000186674797069736f6d', 'hex'), 'video'),
      file: media('file', Buffer.from('%PDF-1.7'), 'file'),
      location: {
        piece: { part: { type: 'location', latitude: 1, longitude: 2, label: 'A' } },
        check: sends({ msgtype: 'location', location: { name: 'A', address: 'A', latitude: 1, longitude: 2 } }),
      },
      card: {
        piece: { part: { type: 'card', title: '单'.repeat(50), text: 'b', url: 'https://example.com/' } },
        check: sends({
          msgtype: 'link',
          link: {
            title: `${'单'.repeat(41)}…`,
            desc: 'b',
            url: 'https://example.com/',
            thumb_media_id: 'media-of-image',
          },
        }),
      },
      'a card without a link': {
        piece: { part: { type: 'card', title: 'A', text: 'b' } },
        check: sends({ msgtype: 'text', text: { content: 'A\nb' } }),
      },
      choices: {
        piece: { part: { type: 'choices', text: '?', choices: [{ id: 'a', label: 'A' }] } } as OutboundPiece,
        check: sends({
          msgtype: 'msgmenu',
          msgmenu: { head_content: '?', list: [{ type: 'click', click: { id: 'a', content: 'A' } }] },
        }),
      },
    },
    refusals: {
      ...refusals,
      'a code that kefu does not know': { answer: errcode(99_999), outcome: 'give-up', reason: /e=99999$/ },
    },
    windowClosed: { answer: errcode(95001), outcome: 'window-closed', reason: /48 hours/ },
    channelDown: { answer: errcode(60020), outcome: 'channel-down', reason: /企业可信IP.*203\.0\.113\.7/ },
    giveUp: { answer: errcode(95018), outcome: 'give-up', reason: /human agent.*接待方式/ },
    files: {
      'by its id': { source: 'm1', result: { bytes: AMR, type: 'audio/amr', name: 'v.amr' } },
      'an id that is not known': {
        source: 'm1',
        platform: says('media/get', errcode(40004)),
        result: { code: 'KEFU_PLATFORM_REFUSED' },
      },
      'an id that has expired': {
        source: 'm1',
        platform: says('media/get', errcode(40007)),
        result: { code: 'KEFU_PLATFORM_REFUSED' },
      },
      'a server whose address is not trusted yet': {
        source: 'm1',
        platform: says('media/get', errcode(60020)),
        result: { code: 'KEFU_PLATFORM_UNAVAILABLE' },
      },
      'a busy platform': {
        source: 'm1',
        platform: says('media/get', errcode(-1)),
        result: { code: 'KEFU_PLATFORM_UNAVAILABLE' },
      },
      'HTML in its place': {
        source: 'm1',
        platform: says('media/get', { body: '<html>', headers: { 'content-type': 'text/html' } }),
        result: { code: 'KEFU_PLATFORM_UNAVAILABLE' },
      },
      'too large': { source: 'm1', limitBytes: 3, result: { code: 'KEFU_BODY_TOO_LARGE' } },
    },
    checks: {
      'a wrong secret': {
        platform: says('gettoken', errcode(40001)),
        failed: { step: 'access token', nextStep: /kefu credential set NAME secret/ },
      },
      'an address that is not trusted': {
        platform: says('gettoken', errcode(60020)),
        failed: { step: 'access token', nextStep: /企业可信IP/ },
      },
      'a clock that is behind': {
        platform: says('gettoken', tokenAnswer('healthy-token-1', 120_000)),
        failed: { step: 'clock', nextStep: /NTP/ },
      },
      'a clock that is ahead': {
        platform: says('gettoken', tokenAnswer('healthy-token-1', -120_000)),
        failed: { step: 'clock', nextStep: /NTP/ },
      },
      'an account of another app': {
        platform: says('kf/account/list', { body: { errcode: 0, account_list: [{ open_kfid: 'wkX', name: 'X' }] } }),
        failed: { step: 'account', nextStep: /open-kfid/ },
      },
      'no account': {
        platform: says('kf/account/list', { body: { errcode: 0, account_list: [] } }),
        failed: { step: 'account', nextStep: /可调用接口的应用/ },
      },
    },
  },
}

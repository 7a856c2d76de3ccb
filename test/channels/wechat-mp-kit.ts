import assert from 'node:assert/strict'
import { ERRCODES } from '../../src/daemon/channels/wechat/errcodes.js'
import { WECHAT_MP_DRIVER } from '../../src/daemon/channels/wechat-mp/adapter.js'
import type { ContactEvent, InboundPart, OutboundPiece } from '../../src/daemon/core/channel-adapter.js'
import { AT_MS, type ChannelKit, type InboundSample, type OutboundSample } from '../conformance/channel-kit.js'
import {
  APP_ID,
  AT_SECONDS,
  COMMON_OUTBOUND,
  checkSamples,
  commonKit,
  errcode,
  fieldsOf,
  filePiece,
  fileSamples,
  head,
  OPEN_ID,
  pathOf,
  refusalsOf,
  xml,
} from './wechat-kit.js'

const MINUTE_MS = 60_000
/** 08:00 UTC is 16:00 in Beijing. */
const TO_MIDNIGHT_MS = 8 * 3_600_000

let ids = 0
const message = (
  fields: Record<string, string | number>,
  parts: readonly InboundPart[],
  atSeconds = AT_SECONDS,
): InboundSample => {
  const id = String(24_300_000_000_000_001n + BigInt(ids++) * 2n)
  const { MsgType = 'text', ...others } = fields
  const event: ContactEvent = {
    ...{ key: `mp:${APP_ID}:${id}`, contact: OPEN_ID, sentAtMs: atSeconds * 1000 },
    ...{ type: 'message', parts, grant: 'message' },
  }
  return { payload: xml({ ...head(String(MsgType), atSeconds), ...others }, id), events: [event] }
}

const sign = (
  fields: { readonly Event: string; readonly EventKey?: string } & Record<string, string | number>,
  name: string,
  data?: Record<string, string>,
  grant?: string,
): InboundSample => {
  const event: ContactEvent = {
    key: `mp:${APP_ID}:${OPEN_ID}:${AT_SECONDS}:${fields.Event}:${fields.EventKey ?? ''}`,
    ...{ contact: OPEN_ID, sentAtMs: AT_MS, type: 'sign' },
    parts: [{ type: 'event', name, ...(data !== undefined && { data }) }],
    ...(grant !== undefined && { grant }),
  }
  return { payload: xml({ ...head('event'), ...fields }), events: [event] }
}

const source = (fields: object) => JSON.stringify(fields)
const PIC_URL = 'http://mmbiz.qpic.cn/mmbiz_jpg/x/0'

const known = {
  text: message({ Content: '你好 kefu 👋' }, [{ type: 'text', text: '你好 kefu 👋' }]),
  'text that quotes markup': message({ Content: '<!DOCTYPE html> <![CDATA[ ]]> &lt; ' }, [
    { type: 'text', text: '<!DOCTYPE html> <![CDATA[ ]]> &lt; ' },
  ]),
  'tapped choice': message({ Content: '满意', bizmsgmenuid: '101' }, [
    { type: 'text', text: '满意' },
    { type: 'event', name: 'choice', data: { id: '101' } },
  ]),
  image: message({ MsgType: 'image', PicUrl: PIC_URL, MediaId: 'm-1' }, [
    { type: 'image', source: source({ id: 'm-1', url: PIC_URL }) },
  ]),
  voice: message({ MsgType: 'voice', MediaId: 'm-2', Format: 'amr' }, [
    { type: 'audio', source: source({ id: 'm-2' }) },
  ]),
  'recognised voice': message({ MsgType: 'voice', MediaId: 'm-3', Format: 'amr', Recognition: '你好' }, [
    { type: 'audio', source: source({ id: 'm-3' }) },
    { type: 'text', text: '你好' },
  ]),
  video: message({ MsgType: 'video', MediaId: 'm-4', ThumbMediaId: 't' }, [
    { type: 'video', source: source({ id: 'm-4' }) },
  ]),
  'short video': message({ MsgType: 'shortvideo', MediaId: 'm-5', ThumbMediaId: 't' }, [
    { type: 'video', source: source({ id: 'm-5' }) },
  ]),
  location: message(
    { MsgType: 'location', Location_X: '23.134521', Location_Y: '113.358803', Scale: 20, Label: '位置信息' },
    [{ type: 'location', latitude: 23.134521, longitude: 113.358803, label: '位置信息' }],
  ),
  link: message({ MsgType: 'link', Title: 'A', Description: 'B', Url: 'https://example.com/?a=1&b=2' }, [
    { type: 'card', title: 'A', text: 'B', url: 'https://example.com/?a=1&b=2' },
  ]),
  'page of a mini program': message({ MsgType: 'miniprogrampage', Title: 'A', PagePath: 'pages/a?b=1' }, [
    { type: 'card', title: 'A', text: 'pages/a?b=1' },
  ]),
  follow: sign({ Event: 'subscribe' }, 'follow', undefined, 'follow'),
  'follow by a QR code': sign(
    { Event: 'subscribe', EventKey: 'qrscene_shop-7', Ticket: 't' },
    ...(['follow', { scene: 'shop-7' }, 'follow'] as const),
  ),
  unfollow: sign({ Event: 'unsubscribe' }, 'unfollow'),
  scan: sign({ Event: 'SCAN', EventKey: 'shop-7', Ticket: 't' }, 'scan', { scene: 'shop-7' }, 'scan'),
  'menu key': sign({ Event: 'CLICK', EventKey: 'HELP' }, 'menu', { key: 'HELP' }, 'menu'),
  'menu link': sign({ Event: 'VIEW', EventKey: 'https://example.com/' }, 'view', { url: 'https://example.com/' }),
  'menu mini program': sign({ Event: 'view_miniprogram', EventKey: 'pages/a' }, 'view', { url: 'pages/a' }),
} satisfies Record<string, InboundSample>

const scanCode = sign(
  { Event: 'scancode_push', EventKey: 'scan' },
  ...(['menu', { key: 'scan', result: 'https://example.com/1' }, 'menu'] as const),
)
const nested =
  '<ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType><ScanResult><![CDATA[https://example.com/1]]></ScanResult></ScanCodeInfo>'
const withScan = {
  ...scanCode,
  payload: { format: 'xml' as const, body: String(scanCode.payload.body).replace('</xml>', `${nested}</xml>`) },
}

const none = (fields: Record<string, string | number>): InboundSample => ({
  payload: xml({ ...head('event'), ...fields }),
  events: [],
})

const long = 'x'.repeat(3_000)
const revoked = sign(
  { Event: 'user_authorization_revoke', OpenID: 'oSomebodyElse', AppID: APP_ID, RevokeInfo: '1' },
  'authorization-revoked',
)

const sends = (
  piece: OutboundPiece,
  message: Record<string, unknown>,
  uploads: readonly string[] = [],
): OutboundSample => ({
  piece,
  check(requests) {
    const sent = requests.at(-1)!
    assert.deepEqual(
      requests.slice(0, -1).map(request => new URL(request.url).searchParams.get('type')),
      uploads,
    )
    for (const request of requests.slice(0, -1)) {
      assert.equal(pathOf(request), '/cgi-bin/media/upload')
      const boundary = /boundary=(\S+)$/.exec(request.headers!['content-type']!)![1]!
      const body = Buffer.from(request.body as Uint8Array)
      assert.ok(body.subarray(0, -8).includes(boundary) && body.toString().endsWith(`\r\n--${boundary}--\r\n`))
      assert.ok(body.includes('name="media"'))
    }
    assert.equal(pathOf(sent), '/cgi-bin/message/custom/send')
    assert.equal(sent.method, 'POST')
    assert.deepEqual(fieldsOf(sent), { touser: OPEN_ID, ...message })
    assert.ok(!/\\u/.test(String(sent.body)))
  },
})

/** What the suite has to know of 公众号. */
export const WECHAT_MP_KIT: ChannelKit = {
  driver: WECHAT_MP_DRIVER,
  ...commonKit({ 'original-id': 'gh_kefu' }),
  otherSettings: { 'app-id': 'wxfedcba9876543210' },
  inbound: {
    known: { ...known, 'scanned code': withScan },
    unknown: {
      'location report': none({ Event: 'LOCATION', Latitude: '23.1', Longitude: '113.3', Precision: '119.3' }),
      'a template was sent': none({ Event: 'TEMPLATESENDJOBFINISH', MsgID: 200163836, Status: 'success' }),
      'an event without a name': none({}),
      'an event with a name that is none': none({ Event: '提交' }),
      'an event of next year': sign({ Event: 'Dance', EventKey: 'tango' }, 'dance', { key: 'tango' }),
      'a message of next year': message({ MsgType: 'hologram', Media: 'x' }, [
        { type: 'event', name: 'unsupported', data: { type: 'hologram' } },
      ]),
      'a picture without anything': message({ MsgType: 'image' }, [
        { type: 'event', name: 'unsupported', data: { type: 'image' } },
      ]),
      'a place beyond the pole': message({ MsgType: 'location', Location_X: '91', Location_Y: '0' }, [
        { type: 'event', name: 'unsupported', data: { type: 'location' } },
      ]),
      'somebody wants the data gone': {
        ...revoked,
        events: revoked.events.map(event => ({ ...event, contact: 'oSomebodyElse' })),
      },
    },
    bigIds: { 'above 2^63': message({ Content: 'x' }, [{ type: 'text', text: 'x' }]) },
    late: {
      'a message of an hour ago': message({ Content: 'late' }, [{ type: 'text', text: 'late' }], AT_SECONDS - 3_600),
    },
    hostile: {
      'names of the language': message({ Content: 'x', constructor: 'y', toString: 'z', hasOwnProperty: '1' }, [
        { type: 'text', text: 'x' },
      ]),
      'entities in texts': message({ Content: '&lt;script&gt;&amp;&#x41;&xxe;' }, [
        { type: 'text', text: '&lt;script&gt;&amp;&#x41;&xxe;' },
      ]),
      'a script for a link': message({ MsgType: 'link', Title: 'A', Url: 'javascript:alert(1)' }, [
        { type: 'card', title: 'A' },
      ]),
      'a picture from a file': message({ MsgType: 'image', PicUrl: 'file:///etc/passwd', MediaId: 'm-9' }, [
        { type: 'image', source: source({ id: 'm-9' }) },
      ]),
      'a title without end': message({ MsgType: 'link', Title: long, Description: long, Url: 'https://example.com/' }, [
        { type: 'card', title: long.slice(0, 200), text: long.slice(0, 2_000), url: 'https://example.com/' },
      ]),
      'an id of ours in the text': message({ Content: '</Content><MsgId>1</MsgId>' }, [
        { type: 'text', text: '</Content><MsgId>1</MsgId>' },
      ]),
    },
    invalid: {
      JSON: { format: 'xml', body: JSON.stringify({ ...head('text'), Content: 'x', MsgId: 1 }) },
      'no user': xml({ ToUserName: 'gh_kefu', CreateTime: AT_SECONDS, MsgType: 'text', Content: 'x' }),
      'a user without end': xml({ ...head('text'), FromUserName: 'o'.repeat(129) }),
      'a user of control characters': xml({ ...head('text'), FromUserName: 'o\u0007' }),
      'no time': xml({ ToUserName: 'gh_kefu', FromUserName: OPEN_ID, MsgType: 'text', Content: 'x' }),
      'a time that is none': xml({ ...head('text'), CreateTime: 'now' }),
      'no type': xml({ ToUserName: 'gh_kefu', FromUserName: OPEN_ID, CreateTime: AT_SECONDS }),
      'an entity': { format: 'xml', body: '<!DOCTYPE xml [<!ENTITY a "b">]><xml><MsgType>&a;</MsgType></xml>' },
    },
  },
  outbound: {
    ...COMMON_OUTBOUND,
    samples: {
      text: sends(
        { part: { type: 'text', text: '你好 "kefu"' } },
        { msgtype: 'text', text: { content: '你好 "kefu"' } },
      ),
      'half a character': sends(
        { part: { type: 'text', text: 'a\ud800' } },
        { msgtype: 'text', text: { content: 'a\ufffd' } },
      ),
      image: sends(
        filePiece('image', 'image/png', '照片.png'),
        { msgtype: 'image', image: { media_id: 'media-of-image' } },
        ['image'],
      ),
      voice: sends(filePiece('audio', 'audio/mpeg'), { msgtype: 'voice', voice: { media_id: 'media-of-voice' } }, [
        'voice',
      ]),
      video: sends(
        filePiece('video', 'video/mp4', 'a.mp4'),
        {
          msgtype: 'video',
          video: { media_id: 'media-of-video', thumb_media_id: 'media-of-thumb', title: 'a.mp4', description: '' },
        },
        ['video', 'thumb'],
      ),
      card: sends(
        { part: { type: 'card', title: 'A', text: 'B', url: 'https://example.com/' } },
        { msgtype: 'news', news: { articles: [{ title: 'A', description: 'B', url: 'https://example.com/' }] } },
      ),
      'card without a link': sends(
        { part: { type: 'card', title: 'A', text: 'B' } },
        { msgtype: 'text', text: { content: 'A\nB' } },
      ),
      choices: sends(
        {
          part: {
            type: 'choices',
            text: '满意吗?',
            choices: [
              { id: '1', label: '是' },
              { id: '2', label: '否' },
            ],
          },
        },
        {
          msgtype: 'msgmenu',
          msgmenu: {
            head_content: '满意吗?',
            list: [
              { id: '1', content: '是' },
              { id: '2', content: '否' },
            ],
            tail_content: '',
          },
        },
      ),
    },
    refusals: refusalsOf(ERRCODES, {
      45009: { afterMs: TO_MIDNIGHT_MS },
      45011: { afterMs: MINUTE_MS },
    }),
    windowClosed: { answer: errcode(45047), outcome: 'window-closed' },
    files: fileSamples(),
    checks: checkSamples(),
  },
}

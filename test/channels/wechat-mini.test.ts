import assert from 'node:assert/strict'
import { ERRCODES, MINI_ERRCODES } from '../../src/daemon/channels/wechat/errcodes.js'
import { WECHAT_MINI_DRIVER } from '../../src/daemon/channels/wechat-mini/adapter.js'
import type { ContactEvent, InboundPart, OutboundPiece } from '../../src/daemon/core/channel-adapter.js'
import { channelSuite } from '../conformance/channel.suite.js'
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
  json,
  OPEN_ID,
  pathOf,
  refusalsOf,
  xml,
} from './wechat-kit.js'

const MINUTE_MS = 60_000

const event = (id: string, parts: readonly InboundPart[], sentAtMs = AT_MS): ContactEvent => ({
  ...{ key: `mini:${APP_ID}:${id}`, contact: OPEN_ID, sentAtMs },
  ...{ type: 'message', parts, grant: 'message' },
})

let ids = 0
const nextId = () => String(24_300_000_000_000_001n + BigInt(ids++) * 2n)

/** The same in both formats. */
const both = (
  name: string,
  { MsgType = 'text', ...fields }: Record<string, string | number>,
  parts: readonly InboundPart[],
): Record<string, InboundSample> => {
  const [a, b] = [nextId(), nextId()]
  const all = { ...head(String(MsgType)), ...fields }
  return {
    [`${name}, JSON`]: { payload: json(all, a), events: [event(a, parts)] },
    [`${name}, XML`]: { payload: xml(all, b), events: [event(b, parts)] },
  }
}

const source = (fields: object) => JSON.stringify(fields)
const PIC_URL = 'http://mmbiz.qpic.cn/mmbiz_jpg/x/0'
const PAGE = { MsgType: 'miniprogrampage', Title: 'A', AppId: APP_ID, PagePath: 'pages/a?b=1', ThumbUrl: PIC_URL }
const enter = (atSeconds: number, from?: string): readonly ContactEvent[] => [
  {
    key: `mini:${APP_ID}:${OPEN_ID}:${atSeconds}:user_enter_tempsession`,
    ...{ contact: OPEN_ID, sentAtMs: atSeconds * 1000, type: 'sign', grant: 'enter' },
    parts: [{ type: 'event', name: 'enter', ...(from !== undefined && { data: { from } }) }],
  },
]
const entered = (atSeconds: number, fields: object = {}) =>
  json({ ...head('event', atSeconds), Event: 'user_enter_tempsession', ...fields })
const text = (id: string, content: string) => ({
  payload: json({ ...head('text'), Content: content }, id),
  events: [event(/^\d+$/.test(id) ? id : JSON.parse(id), [{ type: 'text', text: content }])],
})

const sends = (
  piece: OutboundPiece,
  message: Record<string, unknown>,
  uploads: readonly string[] = [],
): OutboundSample => ({
  piece,
  check(requests) {
    const sent = requests.at(-1)!
    const types = requests.slice(0, -1).map(request => new URL(request.url).searchParams.get('type'))
    assert.deepEqual(types, uploads)
    assert.equal(pathOf(sent), '/cgi-bin/message/custom/send')
    assert.deepEqual(fieldsOf(sent), { touser: OPEN_ID, ...message })
  },
})

const kit: ChannelKit = {
  driver: WECHAT_MINI_DRIVER,
  ...commonKit({ 'original-id': 'gh_kefu' }),
  otherSettings: { 'app-id': 'wxfedcba9876543210' },
  inbound: {
    known: {
      ...both('text', { Content: '你好 kefu 👋' }, [{ type: 'text', text: '你好 kefu 👋' }]),
      ...both('image', { MsgType: 'image', PicUrl: PIC_URL, MediaId: 'm-1' }, [
        { type: 'image', source: source({ id: 'm-1', url: PIC_URL }) },
      ]),
      ...both('page', PAGE, [{ type: 'card', title: 'A', text: 'pages/a?b=1' }]),
      'an id that is a text': text('"cloud-function-id"', 'x'),
      'the chat was opened': {
        payload: entered(AT_SECONDS, { SessionFrom: '{"sku":42}' }),
        events: enter(AT_SECONDS, '{"sku":42}'),
      },
      'the chat was opened a second later, XML': {
        payload: xml({ ...head('event', AT_SECONDS + 1), Event: 'user_enter_tempsession' }),
        events: enter(AT_SECONDS + 1),
      },
    },
    unknown: {
      'a subscription': {
        payload: json({ ...head('event'), Event: 'subscribe_msg_popup_event', List: [{ TemplateId: 't' }] }),
        events: [],
      },
      'a review of the program': { payload: xml({ ...head('event'), Event: 'weapp_audit_success' }), events: [] },
      'an event without a name': { payload: json(head('event')), events: [] },
      ...both('a message of next year', { MsgType: 'hologram' }, [
        { type: 'event', name: 'unsupported', data: { type: 'hologram' } },
      ]),
    },
    bigIds: {
      'above 2^53': text('24300000000000003', 'x'),
      'its neighbour': text('24300000000000004', 'x'),
      'above 2^63': text('18446744073709551615', 'x'),
      'a number that is safe': text('1234567890123456', 'x'),
    },
    late: {
      'a message of an hour ago': {
        payload: json({ ...head('text', AT_SECONDS - 3_600), Content: 'late' }, '7'),
        events: [event('7', [{ type: 'text', text: 'late' }], AT_MS - 3_600_000)],
      },
    },
    hostile: {
      'names of the language': {
        payload: {
          format: 'json',
          body: `{"__proto__":{"Content":"y","polluted":1},${JSON.stringify({ ...head('text'), Content: 'x', constructor: 1 }).slice(1, -1)},"MsgId":8}`,
        },
        events: [event('8', [{ type: 'text', text: 'x' }])],
      },
      'half a character': {
        payload: {
          format: 'json',
          body: `{${JSON.stringify(head('text')).slice(1, -1)},"Content":"a\\ud800","MsgId":9}`,
        },
        events: [event('9', [{ type: 'text', text: 'a\ufffd' }])],
      },
      'an object for a text': {
        payload: json({ ...head('text'), Content: { text: 'x' } }, '10'),
        events: [event('10', [{ type: 'event', name: 'unsupported', data: { type: 'text' } }])],
      },
      'a page without end': {
        payload: json({ ...head('miniprogrampage'), Title: 'x'.repeat(3_000), PagePath: '👋'.repeat(1_500) }, '11'),
        events: [event('11', [{ type: 'card', title: 'x'.repeat(200), text: '👋'.repeat(1_000) }])],
      },
      'a session without end': {
        payload: entered(AT_SECONDS, { SessionFrom: 'x'.repeat(5_000) }),
        events: enter(AT_SECONDS, 'x'.repeat(1_000)),
      },
    },
    invalid: {
      'a list': { format: 'json', body: '[1]' },
      'half a JSON': { format: 'json', body: '{"ToUserName":"gh_kefu"' },
      'no user': json({ ToUserName: 'gh_kefu', CreateTime: AT_SECONDS, MsgType: 'text', Content: 'x' }, '1'),
      'a user that is a list': json({ ...head('text'), FromUserName: ['o'] }, '1'),
      'a time that is none': json({ ...head('text'), CreateTime: -1 }, '1'),
      'a type that is none': json({ ...head('text'), MsgType: '<b>' }, '1'),
      'an entity': { format: 'xml', body: '<!DOCTYPE xml [<!ENTITY a "b">]><xml><MsgType>&a;</MsgType></xml>' },
    },
  },
  outbound: {
    ...COMMON_OUTBOUND,
    samples: {
      text: sends({ part: { type: 'text', text: '你好' } }, { msgtype: 'text', text: { content: '你好' } }),
      image: sends(
        filePiece('image', 'image/png', 'a.png'),
        { msgtype: 'image', image: { media_id: 'media-of-image' } },
        ['image'],
      ),
      card: sends(
        { part: { type: 'card', title: 'A', text: 'B', url: 'https://example.com/' } },
        { msgtype: 'link', link: { title: 'A', description: 'B', url: 'https://example.com/', thumb_url: '' } },
      ),
      'card without a link': sends({ part: { type: 'card', title: 'A' } }, { msgtype: 'text', text: { content: 'A' } }),
    },
    refusals: {
      ...refusalsOf(
        { ...ERRCODES, ...MINI_ERRCODES },
        {
          45009: { afterMs: MINUTE_MS },
          45011: { afterMs: MINUTE_MS },
          45015: { outcome: 'retry', afterMs: 1_000 },
          45047: { outcome: 'retry', afterMs: 1_000 },
        },
      ),
      'errcode 45015 again': { answer: errcode(45015), outcome: 'window-closed', attempts: 2 },
    },
    windowClosed: { answer: errcode(45047), outcome: 'window-closed', attempts: 2 },
    files: fileSamples(),
    checks: checkSamples(),
  },
}

channelSuite(kit)

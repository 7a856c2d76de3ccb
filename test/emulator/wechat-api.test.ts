import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SaidInput } from '../../src/emulator/core/said.js'
import { parseSaid } from '../../src/emulator/core/said.js'
import { createWechatMiniEmulator, createWechatMpEmulator } from '../../src/emulator/wechat/emulator.js'
import { parseLosslessJson } from '../../src/platform/lossless-json.js'
import { parseXml, xmlText } from '../../src/platform/xml.js'
import { createManualClock, type ManualClock } from '../helpers/manual-clock.js'
import type { Cleanup } from '../helpers/tmp-dir.js'
import { type ApiReply, type CallbackServer, callbackServer, type EmulatorRig, serve } from './rig.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const SEND = '/cgi-bin/message/custom/send'

type Rig = EmulatorRig & {
  readonly clock: ManualClock
  readonly callback: CallbackServer
  /** A user says or does something, which arrives. */
  readonly say: (content: SaidInput, user?: string) => Promise<void>
  /** A stable token. */
  readonly token: (isForced?: boolean) => Promise<ApiReply>
  /** The error code of sending a text, or something else. */
  readonly send: (body?: object, token?: string, path?: string) => Promise<number>
}

const KINDS = { mp: createWechatMpEmulator, mini: createWechatMiniEmulator } as const

async function rig(t: Cleanup, kind: keyof typeof KINDS = 'mp', options: object = {}): Promise<Rig> {
  const callback = await callbackServer(t)
  const clock = createManualClock()
  const emulator = KINDS[kind](options, { clock })
  const served = await serve(t, emulator)
  emulator.core.pusher.setTarget(callback.url)
  const { account } = emulator
  const token = (isForced = false): Promise<ApiReply> =>
    served.post('/cgi-bin/stable_token', {
      ...{ grant_type: 'client_credential', appid: account.settings['app-id'] },
      ...{ secret: account.credentials['app-secret'], force_refresh: isForced },
    })
  return {
    ...{ ...served, clock, callback, token },
    async say(content, user = 'oLi') {
      assert.equal((await emulator.say(user, parseSaid(content))).state, 'delivered')
    },
    async send(body = {}, given, path = SEND) {
      const used = given ?? ((await token()).json.access_token as string)
      const message = { touser: 'oLi', msgtype: 'text', text: { content: 'hello' }, ...body }
      return (await served.post(`${path}?access_token=${used}`, message)).json.errcode as number
    },
  }
}

describe('tokens', () => {
  test('a stable one is the same until five minutes before its end; then the one before works five minutes more', async t => {
    const { token, send, clock, say } = await rig(t)
    await say({ type: 'text', text: 'hello' })
    const first = (await token()).json
    assert.equal(first.expires_in, 7_200)
    clock.advance(115 * MINUTE_MS - 1)
    assert.deepEqual((await token()).json, { access_token: first.access_token, expires_in: 300 })
    clock.advance(1)
    const second = (await token()).json
    assert.notEqual(second.access_token, first.access_token)
    assert.equal(await send({}, first.access_token as string), 0)
    clock.advance(5 * MINUTE_MS)
    assert.equal(await send({}, first.access_token as string), 42_001)
    assert.equal(await send({}, second.access_token as string), 0)
  })

  test('a forced one ends the one before; 30 s apart, 20 a day', async t => {
    const { token, send, clock } = await rig(t)
    const first = (await token()).json.access_token as string
    await token(true)
    assert.equal(await send({}, first), 40_001)
    assert.equal((await token(true)).json.errcode, 45_011)
    for (let count = 1; count < 20; count++) {
      clock.advance(30_000)
      assert.equal((await token(true)).json.errcode, undefined)
    }
    clock.advance(30_000)
    assert.equal((await token(true)).json.errcode, 45_009)
    clock.advance(24 * HOUR_MS)
    assert.equal((await token(true)).json.errcode, undefined)
  })

  test('a classic one ends the classic one before, and no stable one', async t => {
    const { get, emulator, send, say, token } = await rig(t)
    await say({ type: 'text', text: 'hello' })
    const stable = (await token()).json.access_token as string
    const { settings, credentials } = emulator.account
    const path = `/cgi-bin/token?grant_type=client_credential&appid=${settings['app-id']}&secret=${credentials['app-secret']}`
    const [first, second] = [(await get(path)).json.access_token, (await get(path)).json.access_token] as string[]
    assert.equal(await send({}, first), 40_001)
    assert.equal(await send({}, second), 0)
    assert.equal(await send({}, stable), 0)
  })

  test('what is wrong is said', async t => {
    const { post, get, emulator, send } = await rig(t)
    const appid = emulator.account.settings['app-id']
    const ask = async (body: object): Promise<unknown> =>
      (await post('/cgi-bin/stable_token', { grant_type: 'client_credential', appid, ...body })).json.errcode
    assert.equal(await ask({ secret: 'wrong' }), 40_125)
    assert.equal(await ask({}), 41_004)
    assert.equal(await ask({ appid: 'wxother', secret: 'x' }), 40_013)
    assert.equal(await ask({ grant_type: 'x', secret: 'x' }), 40_002)
    assert.equal((await post('/cgi-bin/stable_token', 'no json')).json.errcode, 47_001)
    assert.equal((await get('/cgi-bin/stable_token')).json.errcode, 43_002)
    assert.equal(await send({}, ''), 41_001)
    assert.equal(await send({}, 'made-up'), 40_001)
  })
})

describe('windows', () => {
  test('five messages within 48 hours of a message; each one of the user begins anew', async t => {
    const { say, send, clock } = await rig(t)
    await say({ type: 'text', text: 'hello' })
    for (let count = 0; count < 5; count++) assert.equal(await send(), 0)
    assert.equal(await send(), 45_047)
    await say({ type: 'text', text: 'again' })
    clock.advance(48 * HOUR_MS - 1)
    assert.equal(await send(), 0)
    clock.advance(1)
    assert.equal(await send(), 45_015)
  })

  for (const event of ['subscribe', 'CLICK', 'SCAN', 'scancode_waitmsg'])
    test(`three messages within a minute of ${event}`, async t => {
      const { say, send, clock } = await rig(t)
      await say({ type: 'event', event })
      for (let count = 0; count < 3; count++) assert.equal(await send(), 0)
      assert.equal(await send(), 45_047)
      clock.advance(MINUTE_MS)
      assert.equal(await send(), 45_015)
    })

  test('a page that is viewed and a position that is reported permit nothing', async t => {
    const { say, send } = await rig(t)
    await say({ type: 'event', event: 'VIEW', fields: { EventKey: 'https://shop.example' } })
    await say({ type: 'event', event: 'LOCATION', fields: { Latitude: 23.1, Longitude: 113.3, Precision: 119 } })
    assert.equal(await send(), 45_015)
  })

  test('who has left cannot be reached, until they come back; who never came is not known', async t => {
    const { say, send } = await rig(t)
    assert.equal(await send(), 40_003)
    await say({ type: 'text', text: 'hello' })
    await say({ type: 'event', event: 'unsubscribe' })
    assert.equal(await send(), 43_004)
    await say({ type: 'event', event: 'subscribe' })
    assert.equal(await send(), 0)
  })

  test('of a mini program: two messages within a minute of entering', async t => {
    const { say, send, clock } = await rig(t, 'mini')
    await say({ type: 'event', event: 'user_enter_tempsession', fields: { SessionFrom: '{"sku":42}' } })
    assert.deepEqual([await send(), await send(), await send()], [0, 0, 45_047])
    await say({ type: 'text', text: 'hello' })
    assert.equal(await send(), 0)
    clock.advance(48 * HOUR_MS)
    assert.equal(await send(), 45_015)
  })
})

describe('sending', () => {
  test('keeps what the user sees; a refused message is not kept and uses nothing up', async t => {
    const { say, send, get } = await rig(t)
    await say({ type: 'text', text: 'hello' })
    assert.equal(await send({ text: { content: '' } }), 44_004)
    assert.equal(await send({ text: { content: '好'.repeat(683) } }), 45_002)
    assert.equal(await send({ msgtype: 'image', image: { media_id: 'none' } }), 40_007)
    assert.equal(await send({ msgtype: 'link', link: { title: 'a', url: 'b' } }), 40_008)
    assert.equal(await send({ msgtype: 'news', news: { articles: [{ title: 'a' }, { title: 'b' }] } }), 45_008)
    assert.equal(await send({ text: { content: '好'.repeat(682) } }), 0)
    const list = [
      { id: '1', content: 'yes' },
      { id: '2', content: 'no' },
    ]
    assert.equal(await send({ msgtype: 'msgmenu', msgmenu: { head_content: 'good?', list, tail_content: '' } }), 0)
    assert.equal(await send({ msgtype: 'news', news: { articles: [{ title: 'Rain', url: 'https://a' }] } }), 0)
    const { sent } = (await get('/emulator/sent')).json as { sent: { text: string }[] }
    assert.deepEqual(
      sent.map(({ text }) => text),
      ['好'.repeat(682), 'good?\n(1) yes\n(2) no', '[Rain](https://a)'],
    )
    const { windows } = (await get('/emulator/windows')).json as { windows: { left: number }[] }
    assert.equal(windows[0]!.left, 2)
  })

  test('takes only characters as they are', async t => {
    const { say, post, token } = await rig(t)
    await say({ type: 'text', text: 'hello' })
    const path = `${SEND}?access_token=${(await token()).json.access_token as string}`
    const send = async (content: string) =>
      (await post(path, `{"touser":"oLi","msgtype":"text","text":{"content":"${content}"}}`)).json.errcode
    assert.equal(await send('\\u4f60'), 40_033)
    assert.equal(await send('a\\\\u4f60 \\u0007 你'), 0)
    assert.equal((await post(path, '{')).json.errcode, 47_001)
  })

  test('of a mini program over the business API needs a businessid', async t => {
    const { say, send } = await rig(t, 'mini')
    const path = '/cgi-bin/message/custom/business/send'
    await say({ type: 'text', text: 'hello' })
    assert.equal(await send({}, undefined, path), 40_101)
    assert.equal(await send({ businessid: 1 }, undefined, path), 0)
  })

  test('a typing sign: to whom something was exchanged with lately, once', async t => {
    const { say, post, token, clock } = await rig(t)
    const access = (await token()).json.access_token as string
    const typing = async (command: string): Promise<unknown> =>
      (await post(`/cgi-bin/message/custom/typing?access_token=${access}`, { touser: 'oLi', command })).json.errcode
    await say({ type: 'text', text: 'hello' })
    assert.equal(await typing('Dance'), 45_072)
    assert.equal(await typing('Typing'), 0)
    assert.equal(await typing('Typing'), 45_081)
    assert.equal(await typing('CancelTyping'), 0)
    assert.equal(await typing('Typing'), 0)
    clock.advance(31_000)
    assert.equal(await typing('Typing'), 45_080)
  })
})

describe('files', () => {
  const PNG = Buffer.from('89504e470d0a1a0a0001', 'hex')

  async function upload({ origin, token }: Rig, type: string, bytes: Uint8Array): Promise<Record<string, unknown>> {
    const form = new FormData()
    form.append('note', 'first')
    form.append('media', new Blob([new Uint8Array(bytes)], { type: 'image/png' }), 'a"b.png')
    const access = (await token()).json.access_token as string
    const url = `${origin}/cgi-bin/media/upload?access_token=${access}&type=${type}`
    return (await (await fetch(url, { method: 'POST', body: form })).json()) as Record<string, unknown>
  }

  test('live three days', async t => {
    const own = await rig(t)
    await own.say({ type: 'text', text: 'hello' })
    const { media_id: id, type } = await upload(own, 'image', PNG)
    assert.equal(type, 'image')
    const get = async (): Promise<ApiReply> =>
      own.get(
        `/cgi-bin/media/get?access_token=${(await own.token()).json.access_token as string}&media_id=${id as string}`,
      )
    const found = await get()
    assert.equal(found.headers.get('content-type'), 'image/png')
    assert.match(found.headers.get('content-disposition')!, /^attachment; filename="/)
    assert.equal(await own.send({ msgtype: 'image', image: { media_id: id } }), 0)
    own.clock.advance(72 * HOUR_MS)
    assert.equal((await get()).json.errcode, 40_007)
  })

  test('of a wrong type, empty or too large are refused', async t => {
    const own = await rig(t)
    assert.equal((await upload(own, 'image', Buffer.from('text'))).errcode, 40_005)
    assert.equal((await upload(own, 'nothing', PNG)).errcode, 40_004)
    assert.equal((await upload(own, 'image', Buffer.alloc(0))).errcode, 41_005)
    const large = Buffer.concat([PNG, Buffer.alloc(10 * 1024 * 1024)])
    assert.equal((await upload(own, 'image', large)).errcode, 40_009)
    assert.equal((await upload(await rig(t, 'mini'), 'voice', PNG)).errcode, 40_004)
  })

  test('that users send can be fetched; a video by its link', async t => {
    const { say, callback, get, token } = await rig(t, 'mp', { account: { mode: 'plain' } })
    const access = (await token()).json.access_token as string
    const bytes = Buffer.from('#!AMR\nhello')
    await say({ type: 'voice', bytes: bytes.toString('base64'), recognition: '你好' })
    await say({ type: 'video' })
    await say({ type: 'image' })
    const [voice, video, image] = callback.received.map(({ body }) => parseXml(body))
    const fetched = await get(`/cgi-bin/media/get?access_token=${access}&media_id=${xmlText(voice!, 'MediaId')!}`)
    assert.equal(fetched.text, bytes.toString())
    assert.equal(xmlText(voice!, 'Recognition'), '你好')
    const link = await get(`/cgi-bin/media/get?access_token=${access}&media_id=${xmlText(video!, 'MediaId')!}`)
    const film = await fetch(link.json.video_url as string)
    assert.equal(film.headers.get('content-type'), 'video/mp4')
    const picture = await fetch(xmlText(image!, 'PicUrl')!)
    assert.equal(picture.headers.get('content-type'), 'image/png')
  })
})

describe('what users say', () => {
  test('of an official account, in XML', async t => {
    const { say, callback } = await rig(t, 'mp', { account: { mode: 'plain' } })
    await say({ type: 'location', latitude: 23.134521, longitude: 113.358803, label: '位置信息' })
    await say({ type: 'link', title: 'A', url: 'https://a.example/?b&c' })
    await say({ type: 'text', text: 'yes', menuId: '101' })
    await say({ type: 'event', event: 'CLICK', fields: { EventKey: 'help' } })
    const [location, link, text, click] = callback.received.map(({ body }) => parseXml(body))
    assert.deepEqual(
      [xmlText(location!, 'Location_X'), xmlText(location!, 'Location_Y'), xmlText(location!, 'Label')],
      ['23.134521', '113.358803', '位置信息'],
    )
    assert.equal(xmlText(link!, 'Url'), 'https://a.example/?b&c')
    assert.equal(xmlText(text!, 'bizmsgmenuid'), '101')
    assert.equal(xmlText(click!, 'EventKey'), 'help')
    assert.equal(xmlText(click!, 'MsgId'), undefined)
    const ids = [location, link, text].map(fields => BigInt(xmlText(fields!, 'MsgId')!))
    assert.ok(ids.every(id => id > BigInt(Number.MAX_SAFE_INTEGER)) && ids[0]! < ids[1]! && ids[1]! < ids[2]!)
  })

  test('of a mini program, in JSON with bare ids, or in XML', async t => {
    const json = await rig(t, 'mini', { account: { mode: 'plain' } })
    await json.say({ type: 'card', title: 'T', path: 'pages/a?b=1' })
    const [received] = json.callback.received
    assert.match(received!.body, /"MsgId":\d{17}\}$/)
    const card = parseLosslessJson(received!.body) as Record<string, unknown>
    assert.deepEqual([card.MsgType, card.PagePath, typeof card.MsgId], ['miniprogrampage', 'pages/a?b=1', 'string'])
    const xml = await rig(t, 'mini', { account: { mode: 'plain' }, format: 'xml' })
    await xml.say({ type: 'text', text: 'hello' })
    assert.equal(xmlText(parseXml(xml.callback.received[0]!.body), 'Content'), 'hello')
  })

  test('is refused where the platform has no such thing, and by whom cannot be', async t => {
    const mini = await rig(t, 'mini')
    const { emulator } = await rig(t)
    assert.throws(() => mini.emulator.say('oLi', { type: 'voice' }), { code: 'KEFU_USAGE' })
    assert.throws(() => emulator.say('oLi', { type: 'file' }), { code: 'KEFU_USAGE' })
    assert.throws(() => emulator.say('<b>', { type: 'text', text: 'x' }), { code: 'KEFU_USAGE' })
  })

  test('a callback address is checked by its echo', async t => {
    const { emulator, callback } = await rig(t)
    assert.equal(await emulator.verify?.(), 'it answered 200, and not with the echostr')
    assert.equal(callback.received[0]!.method, 'GET')
    assert.match(callback.received[0]!.query.get('echostr')!, /^\d+$/)
  })
})

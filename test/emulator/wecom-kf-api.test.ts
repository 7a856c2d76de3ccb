import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { decrypt } from '@wecom/crypto'
import type { ApiAnswer } from '../../src/emulator/core/api.js'
import { parseSaid, type SaidInput } from '../../src/emulator/core/said.js'
import { createWecomKfEmulator } from '../../src/emulator/wecom-kf/emulator.js'
import { parseXml, xmlText } from '../../src/platform/xml.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { callbackServer } from './rig.js'

const START_MS = 1_700_000_000_000
const SECOND = 1_000
const HOUR = 3_600 * SECOND
const DAY = 24 * HOUR

type Json = Readonly<Record<string, unknown>>
type Entry = Json & { readonly msgtype: string; readonly event?: Json; readonly text?: Json }

/** The platform, asked without a network; `say` brings the pass of the signal. */
async function open(t: TestContext) {
  const clock = createManualClock(START_MS)
  const emulator = createWecomKfEmulator({}, { clock })
  const callback = await callbackServer(t)
  emulator.core.pusher.setTarget(callback.url)
  t.after(() => emulator.core.pusher.close())
  const { settings, credentials } = emulator.account
  const kfid = settings['open-kfid']

  async function ask(path: string, query: Readonly<Record<string, string>>, body?: object): Promise<Json> {
    const answer: ApiAnswer | undefined = await emulator.handle({
      ...{ method: body === undefined ? 'GET' : 'POST', path: `/cgi-bin/${path}`, header: () => undefined },
      ...{ query: new URLSearchParams(query), bytes: Buffer.from(JSON.stringify(body ?? {})) },
    })
    return JSON.parse(String(answer!.body)) as Json
  }

  const newToken = async () => {
    const query = { corpid: String(settings['corp-id']), corpsecret: credentials.secret! }
    return String((await ask('gettoken', query)).access_token)
  }
  const call = async (path: string, body: object) => ask(path, { access_token: await newToken() }, body)
  const sync = (body: object = {}) => call('kf/sync_msg', { open_kfid: kfid, ...body })

  return {
    ...{ clock, emulator, kfid, ask, newToken, call, sync },
    async say(user: string, said: SaidInput | string): Promise<string> {
      const content = parseSaid(typeof said === 'string' ? { type: 'text', text: said } : said)
      assert.equal((await emulator.say(user, content)).state, 'delivered')
      const encrypted = xmlText(parseXml(callback.received.at(-1)!.body), 'Encrypt')!
      const { message, id } = decrypt(credentials['encoding-aes-key']!, encrypted)
      assert.equal(id, settings['corp-id'])
      return xmlText(parseXml(message), 'Token')!
    },
    /** Everything after a cursor, and the cursor after it. */
    async all(from = ''): Promise<{ readonly list: readonly Entry[]; readonly cursor: string }> {
      const list: Entry[] = []
      for (let cursor = from; ; ) {
        const page = await sync({ cursor })
        list.push(...(page.msg_list as readonly Entry[]))
        cursor = String(page.next_cursor)
        if (page.has_more === 0) return { list, cursor }
      }
    },
    state: (user: string) => call('kf/service_state/get', { open_kfid: kfid, external_userid: user }),
    move: (user: string, state: number, servicer?: string) => {
      const fields = { service_state: state, ...(servicer !== undefined && { servicer_userid: servicer }) }
      return call('kf/service_state/trans', { open_kfid: kfid, external_userid: user, ...fields })
    },
    send: (user: string, body: object = { msgtype: 'text', text: { content: 'hi' } }) =>
      call('kf/send_msg', { touser: user, open_kfid: kfid, ...body }),
    answer: (code: unknown, body: object = { msgtype: 'text', text: { content: 'hi' } }) =>
      call('kf/send_msg_on_event', { code, ...body }),
    sent: () => emulator.core.sent.list().map(({ user, text }) => `${user} ${text}`),
  }
}

const MENU = {
  msgtype: 'msgmenu',
  msgmenu: { head_content: 'Good?', list: [{ type: 'click', click: { id: 'y', content: 'yes' } }] },
}
const does = (event: string, fields: Record<string, string | number> = {}): SaidInput => ({
  type: 'event',
  event,
  fields,
})

describe('tokens', () => {
  test('one is the same until it ends; after that it is said to have ended, also when there is a new one', async t => {
    const { clock, newToken, ask } = await open(t)
    const token = await newToken()
    clock.advance(2 * HOUR - 1)
    assert.equal(await newToken(), token)
    const list = (access_token: string) => ask('kf/account/list', { access_token }, {})
    assert.equal((await list(token)).errcode, 0)
    clock.advance(1)
    assert.equal((await list(token)).errcode, 42001)
    const another = await newToken()
    assert.notEqual(another, token)
    assert.deepEqual([(await list(token)).errcode, (await list(another)).errcode], [42001, 0])
    assert.deepEqual([(await list('made-up')).errcode, (await list('')).errcode], [40014, 41001])
  })

  test('a wrong secret and another company get none', async t => {
    const { ask, emulator } = await open(t)
    const { settings, credentials } = emulator.account
    const corpid = String(settings['corp-id'])
    assert.equal((await ask('gettoken', { corpid, corpsecret: 'x' })).errcode, 40001)
    assert.equal((await ask('gettoken', { corpid: 'ww', corpsecret: credentials.secret! })).errcode, 40013)
  })
})

describe('sync_msg', () => {
  test('a pass is good for ten minutes, and only one that was given', async t => {
    const { clock, say, sync } = await open(t)
    const pass = await say('li', 'one')
    clock.advance(10 * 60 * SECOND - 1)
    assert.equal((await sync({ token: pass })).errcode, 0)
    clock.advance(1)
    assert.equal((await sync({ token: pass })).errcode, 95007)
    assert.equal((await sync({ token: 'ENCmadeup' })).errcode, 95007)
    assert.equal((await sync()).errcode, 0)
    assert.equal((await sync({ token: await say('li', 'two') })).errcode, 0)
  })

  test('a cursor leads on from where it was given; an empty page is not the end', async t => {
    const { say, sync, all } = await open(t)
    for (const text of ['one', 'two', 'three']) await say('li', text)
    const empty = await sync()
    assert.deepEqual([empty.msg_list, empty.has_more], [[], 1])
    const first = await sync({ cursor: empty.next_cursor, limit: 2 })
    assert.deepEqual([(first.msg_list as readonly Entry[]).length, first.has_more], [2, 1])
    const last = await sync({ cursor: first.next_cursor, limit: 2 })
    assert.deepEqual([(last.msg_list as readonly Entry[]).length, last.has_more], [1, 0])
    assert.deepEqual((await sync({ cursor: last.next_cursor })).msg_list, [])
    // Whoever has lost it begins again, with the same ids.
    assert.deepEqual((await sync({ cursor: first.next_cursor, limit: 2 })).msg_list, last.msg_list)
    const { list, cursor } = await all()
    assert.deepEqual(
      list.map(({ text }) => text?.content),
      ['one', 'two', 'three'],
    )
    assert.equal(new Set(list.map(({ msgid }) => msgid)).size, 3)
    await say('li', 'four')
    assert.deepEqual(
      (await all(cursor)).list.map(({ text }) => text?.content),
      ['four'],
    )
    for (const bad of ['nonsense', 'c99', 'c1x']) assert.equal((await sync({ cursor: bad })).errcode, 40058)
    for (const bad of [-1, 0, 1.5, 1_001, '2', null]) assert.equal((await sync({ limit: bad })).errcode, 40058)
    assert.equal((await sync({ limit: 1_000 })).errcode, 0)
  })

  test('what is older than three days is gone, from whatever cursor', async t => {
    const { clock, say, all } = await open(t)
    await say('li', 'old')
    const { cursor } = await all()
    await say('li', 'old, too')
    clock.advance(2 * DAY)
    await say('li', 'new')
    const texts = async (from?: string) => (await all(from)).list.map(({ text }) => text?.content)
    assert.deepEqual(await texts(), ['old', 'old, too', 'new'])
    clock.advance(DAY)
    assert.deepEqual(await texts(), ['old', 'old, too', 'new'])
    clock.advance(1)
    assert.deepEqual(await texts(), ['new'])
    assert.deepEqual(await texts(cursor), ['new'])
    clock.advance(2 * DAY)
    assert.deepEqual(await texts(), [])
  })

  test('an account that is none, and one that does not exist', async t => {
    const { call } = await open(t)
    assert.equal((await call('kf/sync_msg', { open_kfid: 'nonsense' })).errcode, 95000)
    assert.equal((await call('kf/sync_msg', { open_kfid: 'wkSomebodyElse' })).errcode, 95004)
  })

  test('what the channel sends is not fetched; what agents of 企业微信 say, and recalls, are', async t => {
    const { say, send, all } = await open(t)
    await say('li', 'hello')
    await send('li')
    await say('li', does('servicer_reply', { content: 'mine' }))
    await say('li', does('user_recall_msg', { recall_msgid: 'm' }))
    const { list } = await all()
    assert.deepEqual(
      list.map(({ origin, msgtype, event }) => [origin, msgtype, event?.event_type]),
      [
        [3, 'text', undefined],
        [5, 'text', undefined],
        [4, 'event', 'user_recall_msg'],
      ],
    )
  })
})

describe('sessions', () => {
  test('the robot may answer in a new session, nobody else may in the others', async t => {
    const { say, state, move, send } = await open(t)
    await say('li', does('servicer_status_change', { servicer_userid: 'zhang', status: 1 }))
    await say('li', 'hello')
    assert.equal((await state('li')).service_state, 0)
    assert.equal((await send('li')).errcode, 0)
    assert.equal((await move('li', 1)).errcode, 0)
    assert.equal((await send('li')).errcode, 0)
    assert.equal((await move('li', 2)).errcode, 0)
    assert.equal((await send('li')).errcode, 95018)
    assert.equal((await move('li', 3, 'zhang')).errcode, 0)
    const { service_state, servicer_userid } = await state('li')
    assert.deepEqual([service_state, servicer_userid], [3, 'zhang'])
    assert.equal((await send('li')).errcode, 95018)
    assert.equal((await move('li', 4)).errcode, 0)
    assert.equal((await send('li')).errcode, 95018)
    await say('li', 'again')
    assert.equal((await state('li')).service_state, 0)
    assert.equal((await send('li')).errcode, 0)
  })

  test('only the states that follow are reached', async t => {
    const { say, move } = await open(t)
    await say('li', does('servicer_status_change', { servicer_userid: 'zhang', status: 1 }))
    const followers = [
      [0, [1, 2, 3]],
      [1, [2, 3, 4]],
      [2, [3, 4]],
      [3, [3, 4]],
      [4, []],
    ] as const
    for (const [from, next] of followers)
      for (const to of [0, 1, 2, 3, 4]) {
        const user = `user-${from}-${to}`
        await say(user, 'hello')
        if (from === 4) await move(user, 1)
        if (from !== 0) assert.equal((await move(user, from, 'zhang')).errcode, 0)
        const isNext = (next as readonly number[]).includes(to)
        assert.equal((await move(user, to, 'zhang')).errcode, isNext ? 0 : 40058, `${from} to ${to}`)
      }
  })

  test('a human has to be one who receives', async t => {
    const { say, move, all } = await open(t)
    await say('li', 'hello')
    assert.equal((await move('li', 3)).errcode, 40058)
    assert.equal((await move('li', 3, 'zhang')).errcode, 40058)
    await say('li', does('servicer_status_change', { servicer_userid: 'zhang', status: 1 }))
    await say('li', does('servicer_status_change', { servicer_userid: 'zhang', status: 2 }))
    assert.equal((await move('li', 3, 'zhang')).errcode, 40058)
    await say('li', does('servicer_status_change', { servicer_userid: 'zhang', status: 1 }))
    assert.equal((await move('li', 3, 'zhang')).errcode, 0)
    const { list } = await all()
    assert.equal(list.at(-1)!.event!.external_userid, undefined)
  })

  test('it ends after 48 hours, and what is sent then comes too late', async t => {
    const { clock, say, state, send } = await open(t)
    await say('li', 'hello')
    clock.advance(2 * DAY - 1)
    assert.deepEqual([(await state('li')).service_state, (await send('li')).errcode], [0, 0])
    clock.advance(1)
    assert.deepEqual([(await state('li')).service_state, (await send('li')).errcode], [4, 95001])
  })

  test('who has nothing to do with the account is nobody to send to', async t => {
    const { send, state, call, say } = await open(t)
    await say('li', 'hello')
    assert.deepEqual([(await send('wang')).errcode, (await state('wang')).errcode], [84061, 84061])
    assert.equal((await call('kf/send_msg', { touser: 'li', open_kfid: 'wkOther' })).errcode, 95004)
    assert.equal((await call('kf/service_state/get', { external_userid: 'li' })).errcode, 95000)
  })
})

describe('answers to events', () => {
  test('a welcome goes once, within 20 seconds, to who was not greeted for 48 hours', async t => {
    const { clock, say, all, answer, sent } = await open(t)
    const enter = async (): Promise<unknown> => {
      const { cursor } = await all()
      await say('li', does('enter_session', { scene: 's' }))
      return (await all(cursor)).list[0]!.event!.welcome_code
    }
    const code = await enter()
    assert.equal((await answer(code, { msgtype: 'image', image: { media_id: 'm' } })).errcode, 40058)
    assert.equal((await answer(code, MENU)).errcode, 0)
    assert.equal((await answer(code)).errcode, 40058)
    assert.deepEqual(sent(), ['li Good?\n(y) yes'])
    assert.equal(await enter(), undefined)
    clock.advance(2 * DAY)
    const late = await enter()
    clock.advance(20 * SECOND)
    assert.equal((await answer(late)).errcode, 40058)
  })

  test('who waits in the pool, and who is taken from it, is told so once, as text, within 48 hours', async t => {
    const { clock, say, move, answer, sent } = await open(t)
    await say('li', does('servicer_status_change', { servicer_userid: 'zhang', status: 1 }))
    await say('li', 'hello')
    const waits = (await move('li', 2)).msg_code
    assert.equal((await answer(waits, MENU)).errcode, 40058)
    assert.equal((await answer(waits)).errcode, 0)
    assert.equal((await answer(waits)).errcode, 40058)
    const taken = (await move('li', 3, 'zhang')).msg_code
    assert.equal((await answer(taken)).errcode, 0)
    assert.deepEqual(sent(), ['li hi', 'li hi'])
    await say('wang', 'hello')
    const late = (await move('wang', 2)).msg_code
    clock.advance(2 * DAY)
    assert.equal((await answer(late)).errcode, 40058)
  })

  test('who was not in the pool is told nothing', async t => {
    const { say, move } = await open(t)
    await say('li', does('servicer_status_change', { servicer_userid: 'zhang', status: 1 }))
    await say('li', 'hello')
    assert.deepEqual([(await move('li', 1)).msg_code, (await move('li', 3, 'zhang')).msg_code], [undefined, undefined])
  })

  test('an end is told within 20 seconds, by code of the call or of the event', async t => {
    const { clock, say, move, all, answer, sent } = await open(t)
    await say('li', 'hello')
    await move('li', 1)
    assert.equal((await answer((await move('li', 4)).msg_code, MENU)).errcode, 0)
    await say('wang', 'hello')
    await say('wang', does('session_status_change', { change_type: 3, old_servicer_userid: 'zhang' }))
    const { event } = (await all()).list.at(-1)!
    assert.deepEqual([event!.change_type, event!.old_servicer_userid], [3, 'zhang'])
    assert.equal((await answer(event!.msg_code)).errcode, 0)
    assert.deepEqual(sent(), ['li Good?\n(y) yes', 'wang hi'])
    await say('zhao', 'hello')
    await move('zhao', 1)
    const late = (await move('zhao', 4)).msg_code
    clock.advance(20 * SECOND)
    assert.equal((await answer(late)).errcode, 40058)
  })

  test('a code is no longer good when the session has gone on', async t => {
    const { say, move, answer, sent } = await open(t)
    await say('li', 'hello')
    const waits = (await move('li', 2)).msg_code
    const ended = (await move('li', 4)).msg_code
    assert.equal((await answer(waits)).errcode, 95018)
    await say('li', 'again')
    assert.equal((await answer(ended)).errcode, 95018)
    assert.deepEqual(sent(), [])
  })
})

describe('send_msg', () => {
  test('five messages within 48 hours of what the user wrote', async t => {
    const { clock, say, send } = await open(t)
    await say('li', 'hello')
    const codes = []
    for (let count = 0; count < 6; count++) codes.push((await send('li')).errcode)
    assert.deepEqual(codes, [0, 0, 0, 0, 0, 95001])
    await say('li', 'more')
    assert.equal((await send('li')).errcode, 0)
    clock.advance(2 * DAY)
    assert.equal((await send('li')).errcode, 95001)
  })

  test('its own id is short and comes back', async t => {
    const { say, send } = await open(t)
    await say('li', 'hello')
    const text = { msgtype: 'text', text: { content: 'hi' } }
    assert.equal((await send('li', { ...text, msgid: 'k7-0-abc' })).msgid, 'k7-0-abc')
    for (const msgid of ['a'.repeat(33), 'ä', ''])
      assert.equal((await send('li', { ...text, msgid })).errcode, 40058, msgid)
  })

  test('lengths are those of the platform', async t => {
    const { say, send } = await open(t)
    const url = 'https://example.com/'
    const link = { title: 't', desc: 'd', url, thumb_media_id: 'none' }
    const item = (content: string) => ({ type: 'click', click: { id: 'y', content } })
    const bad: readonly (readonly [string, object, number?])[] = [
      ['text', { content: '你'.repeat(683) }],
      ['text', { content: '' }],
      ['link', { ...link, title: '你'.repeat(43) }],
      ['link', { ...link, desc: 'd'.repeat(513) }],
      ['link', { ...link, url: 'example.com' }],
      ['link', link, 40007],
      ['image', { media_id: 'none' }, 40007],
      ['msgmenu', { list: Array.from({ length: 11 }, () => item('x')) }],
      ['msgmenu', { list: [item('x'.repeat(129))] }],
      ['msgmenu', { head_content: 'x'.repeat(1_025), list: [] }],
      ['location', { name: 'x' }],
      ['hologram', {}],
    ]
    await say('li', 'hello')
    for (const [msgtype, content, code = 40058] of bad)
      assert.equal(
        (await send('li', { msgtype, [msgtype]: content })).errcode,
        code,
        JSON.stringify([msgtype, content]),
      )
    assert.equal((await send('li', { msgtype: 'text', text: { content: '你'.repeat(682) } })).errcode, 0)
  })
})

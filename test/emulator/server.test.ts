import assert from 'node:assert/strict'
import { request } from 'node:http'
import { Server } from 'node:net'
import { describe, test } from 'node:test'
import { Script } from 'node:vm'
import type { PlatformEmulator } from '../../src/emulator/core/platform-emulator.js'
import { serveEmulator } from '../../src/emulator/core/server.js'
import { createWechatMpEmulator } from '../../src/emulator/wechat/emulator.js'
import { createManualClock, type ManualClock } from '../helpers/manual-clock.js'
import type { Cleanup } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'
import { callbackServer, type EmulatorRig, serve } from './rig.js'

const SEND = '/cgi-bin/message/custom/send'
const HOSTILE = `</td><script>alert(1)</script><img src=x onerror="alert('2')">&amp;\u202e`

type Rig = EmulatorRig & { readonly clock: ManualClock; readonly send: (text?: string) => Promise<Response> }

async function rig(t: Cleanup): Promise<Rig> {
  const callback = await callbackServer(t)
  const clock = createManualClock()
  const emulator: PlatformEmulator = createWechatMpEmulator({}, { clock })
  const served = await serve(t, emulator)
  emulator.core.pusher.setTarget(callback.url)
  await emulator.say('oLi', { type: 'text', text: 'hello' })
  const { token } = emulator.core.tokens.stable!.current()
  return {
    ...{ ...served, clock },
    send: (content = 'hi') =>
      fetch(`${served.origin}${SEND}?access_token=${token}`, {
        method: 'POST',
        body: JSON.stringify({ touser: 'oLi', msgtype: 'text', text: { content } }),
      }),
  }
}

describe('a fault of the API', () => {
  test('error: is answered in the words of the platform, so often, only at its path', async t => {
    const { post, send, get, emulator } = await rig(t)
    const given = await post('/emulator/faults', { fault: 'error', code: 45_047, count: 2, path: SEND })
    assert.deepEqual(given.json, { fault: { fault: 'error', code: 45_047, count: 2, path: SEND, n: 1, left: 2 } })
    assert.equal((await get('/cgi-bin/media/get')).json.errcode, 41_001)
    for (const code of [45_047, 45_047, 0])
      assert.equal(((await (await send()).json()) as { errcode: number }).errcode, code)
    assert.equal(emulator.core.sent.total, 1)
    await post('/emulator/faults', { fault: 'error', code: -1 })
    assert.match(await (await send()).text(), /"errcode":-1,"errmsg":"system error rid: [0-9a-f]{8}-/)
  })

  test('status and html: nothing is done, and no JSON comes', async t => {
    const { post, send, emulator } = await rig(t)
    await post('/emulator/faults', { fault: 'status', status: 503 })
    await post('/emulator/faults', { fault: 'html' })
    assert.equal((await send()).status, 503)
    const page = await send()
    assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html'])
    assert.equal(emulator.core.sent.total, 0)
  })

  test('latency: is answered so much later', async t => {
    const { post, send, clock, emulator } = await rig(t)
    await post('/emulator/faults', { fault: 'latency', ms: 3_000 })
    const answer = send()
    await until('the wait', () => clock.pending === 1)
    assert.equal(emulator.core.sent.total, 0)
    clock.advance(3_000)
    assert.equal((await answer).status, 200)
  })

  test('hang: the message is sent, and nothing is ever answered', async t => {
    const { post, send, clock, emulator } = await rig(t)
    await post('/emulator/faults', { fault: 'hang' })
    const answer = send()
    await until('the message', () => emulator.core.sent.total === 1 && clock.pending === 1)
    clock.advance(60_000)
    await assert.rejects(answer)
  })

  test('that is none is refused, 101 wait for nothing, and all can be taken back', async t => {
    const { post, get, origin } = await rig(t)
    for (const wrong of [
      {},
      { fault: 'x' },
      { fault: 'latency' },
      { fault: 'drop', count: 0 },
      { fault: 'html', x: 1 },
      [],
    ])
      assert.equal((await post('/emulator/faults', wrong)).status, 400, JSON.stringify(wrong))
    for (let count = 0; count < 100; count++) await post('/emulator/faults', { fault: 'drop' })
    assert.equal((await post('/emulator/faults', { fault: 'drop' })).status, 400)
    const cleared = await fetch(`${origin}/emulator/faults`, { method: 'DELETE' })
    assert.deepEqual(await cleared.json(), { cleared: 100 })
    assert.deepEqual((await get('/emulator/faults')).json, { faults: [] })
  })
})

describe('the inspection', () => {
  test('shows hostile text as text, under a strict policy and without secrets', async t => {
    const { get, send, emulator } = await rig(t)
    await send(HOSTILE)
    const { text, headers } = await get('/emulator/')
    assert.match(text, /&#60;script&#62;alert\(1\)&#60;\/script&#62;/)
    const markup = text.replaceAll('<script src="/emulator/page.js" defer></script>', '')
    assert.doesNotMatch(markup, /<script|<img|onerror="/)
    const policy = headers.get('content-security-policy')!
    assert.match(policy, /default-src 'none'/)
    assert.doesNotMatch(policy, /unsafe|\*|data:/)
    assert.doesNotMatch(text, /<[^>]*\s(style|on\w+)=/)
    const state = await get('/emulator/state')
    for (const secret of Object.values(emulator.account.credentials))
      assert.equal(text.includes(secret) || state.text.includes(secret), false)
    for (const path of ['/emulator/page.js', '/emulator/page.css']) assert.equal((await get(path)).status, 200)
  })

  test('has well-formed HTML: every element that is opened is closed', async t => {
    const { get, send, post } = await rig(t)
    await send(HOSTILE)
    await post('/emulator/faults', { fault: 'error', code: 1, message: HOSTILE })
    const { text } = await get('/emulator/')
    const open: string[] = []
    for (const [, end, name] of text.matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)) {
      if (['meta', 'link'].includes(name!)) continue
      if (end === '') open.push(name!)
      else assert.equal(open.pop(), name)
    }
    assert.deepEqual(open, [])
  })

  test('has a script that any browser reads, and that puts in no text of its own', async t => {
    const { get } = await rig(t)
    const { text, headers } = await get('/emulator/page.js')
    assert.match(headers.get('content-type')!, /^text\/javascript/)
    assert.ok(new Script(text))
    assert.doesNotMatch(text, /innerHTML\s*=|insertAdjacent|document\.write|eval\(/)
  })

  test('tells what was pushed with its attempts, and what was sent after a number', async t => {
    const { get, send } = await rig(t)
    await send('one')
    await send('two')
    const { deliveries } = (await get('/emulator/deliveries')).json as { deliveries: { attempts: object[] }[] }
    assert.equal(deliveries.length, 1)
    assert.equal(deliveries[0]!.attempts.length, 1)
    const { sent } = (await get('/emulator/sent?user=oLi&after=1')).json as { sent: { text: string }[] }
    assert.deepEqual(
      sent.map(({ text }) => text),
      ['two'],
    )
    assert.deepEqual((await get('/emulator/sent?user=other')).json, { sent: [] })
    assert.equal((await get('/emulator/sent?after=x')).status, 400)
    assert.equal((await get('/emulator/nothing')).status, 404)
  })

  test('lets a user say something, of the types that there are', async t => {
    const { post } = await rig(t)
    const { delivery } = (await post('/emulator/say', { user: 'oLi', text: 'again' })).json
    assert.equal((delivery as { state: string }).state, 'delivered')
    assert.equal((await post('/emulator/say', { user: 'oLi', text: 'x', wait: false })).status, 202)
    for (const wrong of [
      {},
      { user: 'a b', text: 'x' },
      { user: 'a' },
      { user: 'a', content: { type: 'dance' } },
      'null',
    ])
      assert.equal((await post('/emulator/say', wrong)).status, 400, JSON.stringify(wrong))
  })

  test('ends tokens', async t => {
    const { send, origin } = await rig(t)
    for (const as of ['foo', '']) {
      const refused = await fetch(`${origin}/emulator/tokens?as=${as}`, { method: 'DELETE' })
      assert.equal(refused.status, 400)
      assert.match(await refused.text(), /as is expired or unknown/)
    }
    assert.equal(((await (await send()).json()) as { errcode: number }).errcode, 0)
    const ended = await fetch(`${origin}/emulator/tokens?as=unknown`, { method: 'DELETE' })
    assert.deepEqual(await ended.json(), { ended: 1 })
    assert.equal(((await (await send()).json()) as { errcode: number }).errcode, 40_001)
  })

  test('streams what reaches a user as it is sent', async t => {
    const { origin, send, emulator } = await rig(t)
    const stop = new AbortController()
    const response = await fetch(`${origin}/emulator/stream?user=oLi`, { signal: stop.signal })
    const lines: string[] = []
    const reading = (async () => {
      const decoder = new TextDecoder()
      for await (const chunk of response.body!)
        lines.push(
          ...decoder
            .decode(chunk as Uint8Array)
            .trimEnd()
            .split('\n'),
        )
    })().catch(() => undefined)
    emulator.core.sent.record('other', 'text', 'not for you', {})
    await send('for you')
    emulator.core.sent.typing('oLi', true)
    await until('three lines', () => lines.length >= 3)
    const [ready, sent, typing] = lines.map(line => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(ready, { type: 'ready', kind: 'wechat-mp' })
    assert.equal((sent!.message as { text: string }).text, 'for you')
    assert.deepEqual(typing, { type: 'typing', user: 'oLi', isTyping: true })
    stop.abort()
    await reading
  })
})

describe('the server', () => {
  test('answers nobody who comes by another name, and takes no form of another page', async t => {
    const { origin } = await rig(t)
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${origin}/emulator/state`, { headers: { host: 'evil.example' } }, response => {
        response.resume()
        resolve(response.statusCode)
      })
      call.on('error', reject).end()
    })
    assert.equal(status, 403)
    const form = await fetch(`${origin}/emulator/faults`, { method: 'POST', body: '{"fault":"drop"}' })
    assert.equal(form.status, 400)
  })

  test('says that a port is not for everybody', async t => {
    const forbidden = Object.assign(new Error('listen EACCES: permission denied 127.0.0.1:80'), { code: 'EACCES' })
    t.mock.method(Server.prototype, 'listen', function (this: Server) {
      queueMicrotask(() => this.emit('error', forbidden))
      return this
    })
    await assert.rejects(serveEmulator(createWechatMpEmulator(), 80), {
      code: 'KEFU_EMULATOR_PORT_REFUSED',
      message: 'an emulator cannot listen on port 80 of this machine: no permission for this port',
    })
  })

  test('says that a port is taken, and refuses bodies that are too large', async t => {
    const { origin, emulator } = await rig(t)
    const port = Number(new URL(origin).port)
    await assert.rejects(serveEmulator(emulator, port), { code: 'KEFU_EMULATOR_PORT_TAKEN' })
    const large = await fetch(`${origin}/cgi-bin/media/upload`, {
      method: 'POST',
      body: Buffer.alloc(17 * 1024 * 1024),
    })
    assert.equal(large.status, 413)
    assert.equal((await fetch(`${origin}/nothing`)).status, 404)
  })
})

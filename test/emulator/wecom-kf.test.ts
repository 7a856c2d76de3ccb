import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { createPlatformHttp } from '../../src/daemon/channels/platform-http.js'
import { WECOM_KF_DRIVER } from '../../src/daemon/channels/wecom-kf/adapter.js'
import type { Adapter, InboundEvent, PullSignal } from '../../src/daemon/core/channel-adapter.js'
import { parseSaid, type SaidInput } from '../../src/emulator/core/said.js'
import { channelSettings, type ServedEmulator, serveEmulator } from '../../src/emulator/core/server.js'
import { createWecomKfEmulator } from '../../src/emulator/wecom-kf/emulator.js'

const NONE = new AbortController().signal
const http = createPlatformHttp()
const signals: PullSignal[] = []
let served: ServedEmulator
let adapter: Adapter
let cursor: string | undefined
let n = 0

const callbacks = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    const { answer, signal } = adapter.receive({
      method: request.method === 'GET' ? 'GET' : 'POST',
      query: new URL(request.url!, 'http://kefu').searchParams,
      header: () => undefined,
      bytes: Buffer.concat(chunks),
      arrivedAtMs: Date.now(),
    })
    if (signal !== undefined) signals.push(signal)
    response.writeHead(answer.status, { 'content-type': answer.contentType }).end(answer.body)
  })
})

before(async () => {
  const emulator = createWecomKfEmulator()
  served = await serveEmulator(emulator)
  const secrets = new Map(Object.entries(emulator.account.credentials).map(([name, value]) => [name, { value }]))
  const clock = { now: () => Date.now(), monotonicMs: () => performance.now() }
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
  adapter = WECOM_KF_DRIVER.open({ http, clock, random }, { settings: channelSettings(served), secrets })
  await new Promise<void>(resolve => callbacks.listen(0, '127.0.0.1', resolve))
  emulator.core.pusher.setTarget(`http://127.0.0.1:${(callbacks.address() as AddressInfo).port}/callback`)
})
after(async () => {
  callbacks.closeAllConnections()
  callbacks.close()
  http.close()
  await served.close()
})

async function say(user: string, said: SaidInput): Promise<readonly InboundEvent[]> {
  assert.equal((await served.emulator.say(user, parseSaid(said))).state, 'delivered')
  return await pull()
}

async function pull(): Promise<readonly InboundEvent[]> {
  const events: InboundEvent[] = []
  for (;;) {
    const pulled = await adapter.pull!(signals.at(-1)!, cursor, NONE)
    events.push(...pulled.events)
    cursor = pulled.cursor
    if (!pulled.hasMore) return events
  }
}

const send = (contact: string, text: string) =>
  adapter.send({ contact, n: ++n, piece: 0, id: `id${n}` }, { part: { type: 'text', text } }, NONE)

test('the address is accepted, and the channel passes its check', async () => {
  assert.equal(await served.emulator.verify!(), undefined)
  for (const step of await adapter.check(NONE)) assert.equal(step.result, 'ok', step.reason)
})

test('what a user says is signalled and fetched, five answers reach the user, the sixth waits', async () => {
  const [event] = await say('wmLi', { type: 'text', text: '在吗' })
  assert.ok(event?.type === 'message')
  assert.deepEqual(event.parts, [{ type: 'text', text: '在吗' }])
  for (let count = 0; count < 5; count++) assert.equal((await send(event.contact, `${count}`)).type, 'sent')
  assert.equal((await send(event.contact, 'more')).type, 'window-closed')
  const sent = served.emulator.core.sent.list({ user: 'wmLi' }).map(({ text }) => text)
  assert.deepEqual(sent, ['0', '1', '2', '3', '4'])
})

test('who enters is welcomed once', async () => {
  const [event] = await say('wmNew', { type: 'event', event: 'enter_session' })
  assert.ok(event?.type === 'sign' && event.grant === 'welcome')
  assert.equal((await send(event.contact, '欢迎')).type, 'sent')
  assert.equal((await send(event.contact, '再来')).type, 'window-closed')
})

test('a message that does not arrive is reported by its number', async () => {
  const [event] = await say('wmWang', { type: 'text', text: 'hi' })
  await say('wmWang', { type: 'event', event: 'fail_next', fields: { fail_type: 10 } })
  const before = signals.length
  assert.equal((await send(event!.contact, 'lost')).type, 'sent')
  for (const end = Date.now() + 5_000; signals.length === before && Date.now() < end; )
    await new Promise(resolve => setImmediate(resolve))
  const [failed] = await pull()
  assert.ok(failed?.type === 'failure')
  assert.deepEqual([failed.contact, failed.n], [event!.contact, n])
})

test('a session with people in 企业微信 is left to them; an answer of theirs is an echo', async () => {
  const [event] = await say('wmZhao', { type: 'text', text: 'hi' })
  await say('wmZhao', { type: 'event', event: 'session_status_change', fields: { change_type: 1 } })
  const outcome = await send(event!.contact, 'too late')
  assert.equal(outcome.type, 'give-up')
  const [echo] = await say('wmZhao', { type: 'event', event: 'servicer_reply', fields: { content: '我来' } })
  assert.equal(echo?.type, 'echo')
})

test('a picture comes and goes', async () => {
  const [event] = await say('wmPic', { type: 'image' })
  assert.ok(event?.type === 'message')
  const [part] = event.parts
  assert.ok(part?.type === 'image')
  const file = await adapter.fetchFile(part.source, 1_000, NONE)
  assert.equal(Buffer.from(file.bytes).toString('hex', 0, 8), '89504e470d0a1a0a')
  const piece = { part: { type: 'image', media: 'md_1' }, file: { ...file, type: 'image/png', name: 'a.png' } } as const
  assert.deepEqual(await adapter.send({ contact: event.contact, n: ++n, piece: 0, id: 'p' }, piece, NONE), {
    type: 'sent',
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { emulatorOf } from '../../src/commands/chat/_chat/emulated-chat.js'
import { createPlatformHttp } from '../../src/daemon/channels/platform-http.js'
import { WEBHOOK_DRIVER } from '../../src/daemon/channels/webhook/adapter.js'
import type { ChannelView } from '../../src/daemon/control/client.js'
import type { Adapter, ContactEvent, InboundEvent, OutboundPiece } from '../../src/daemon/core/channel-adapter.js'
import { parseSaid, type SaidInput } from '../../src/emulator/core/said.js'
import { channelSettings } from '../../src/emulator/core/server.js'
import { createWebhookEmulator } from '../../src/emulator/webhook/emulator.js'
import { isKefuError } from '../../src/errors.js'
import { type EmulatorRig, serve } from './rig.js'

const OPEN = new AbortController().signal

type Rig = EmulatorRig & {
  readonly adapter: Adapter
  readonly events: readonly InboundEvent[]
  readonly say: (content: SaidInput) => Promise<ContactEvent>
  readonly send: (piece: OutboundPiece, id?: string) => ReturnType<Adapter['send']>
}

/** The emulator, and the adapter behind a callback address, over real sockets. */
async function rig(t: TestContext): Promise<Rig> {
  const served = await serve(t, createWebhookEmulator())
  const { emulator } = served
  const http = createPlatformHttp()
  t.after(() => http.close())
  const clock = { now: () => Date.now(), monotonicMs: () => performance.now() }
  const secrets = Object.entries(emulator.account.credentials).map(([name, value]) => [name, { value }] as const)
  const adapter = WEBHOOK_DRIVER.open(
    { http, clock, random: length => new Uint8Array(length) },
    { settings: channelSettings(served), secrets: new Map(secrets) },
  )
  const events: InboundEvent[] = []
  const callback = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      try {
        const header = (name: string) => request.headers[name.toLowerCase()]?.toString()
        const query = new URLSearchParams()
        const bytes = Buffer.concat(chunks)
        const { answer, events: read } = adapter.receive({
          method: 'POST',
          query,
          header,
          bytes,
          arrivedAtMs: Date.now(),
        })
        events.push(...read)
        response.writeHead(answer.status, { 'content-type': answer.contentType }).end(answer.body)
      } catch (error) {
        response.writeHead(isKefuError(error) ? error.status : 500).end(String(error))
      }
    })
  })
  callback.listen(0, '127.0.0.1')
  await once(callback, 'listening')
  t.after(() => callback.close())
  emulator.core.pusher.setTarget(`http://127.0.0.1:${(callback.address() as AddressInfo).port}/`)
  return {
    ...{ ...served, adapter, events },
    async say(content) {
      const delivery = await emulator.say('c-17', parseSaid(content))
      assert.equal(delivery.state, 'delivered', JSON.stringify(delivery.attempts))
      return events.at(-1) as ContactEvent
    },
    send: (piece, id = 'm1') => adapter.send({ contact: 'c-17', n: 2, piece: 0, id }, piece, OPEN),
  }
}

const HELLO: OutboundPiece = { part: { type: 'text', text: '您好 👋' } }

describe('the back office', () => {
  test('says everything that the channel understands', async t => {
    const { say, events, adapter } = await rig(t)
    assert.deepEqual((await say({ type: 'text', text: '在吗？' })).parts, [{ type: 'text', text: '在吗？' }])
    assert.deepEqual((await say({ type: 'text', text: 'Yes', menuId: 'y' })).parts, [
      { type: 'text', text: 'Yes' },
      { type: 'event', name: 'choice', data: { id: 'y' } },
    ])
    const place = { type: 'location', latitude: 31.2, longitude: 121.5 } as const
    assert.deepEqual((await say({ ...place, label: '' })).parts, [place])
    const link = await say({ type: 'link', title: 'A lamp', description: 'bright', url: 'https://shop.example/lamp' })
    assert.deepEqual(link.parts, [{ type: 'card', title: 'A lamp', text: 'bright', url: 'https://shop.example/lamp' }])
    assert.equal((await say({ type: 'card', title: 'T', path: '/p' })).parts[0]?.type, 'card')
    const event = await say({ type: 'event', event: 'Paid', fields: { order: 7 } })
    assert.deepEqual([event.type, event.parts], ['sign', [{ type: 'event', name: 'paid', data: { order: 7 } }]])
    for (const type of ['image', 'voice', 'video', 'file'] as const) {
      const [part] = (await say({ type })).parts
      assert.ok(part !== undefined && 'source' in part)
      const { bytes } = await adapter.fetchFile(part.source, 1_000_000, OPEN)
      assert.ok(bytes.length > 0)
    }
    const keys = events.map(({ key }) => key)
    assert.equal(new Set(keys).size, keys.length)
  })

  test('takes what the channel sends, each once', async t => {
    const { emulator, say, send } = await rig(t)
    await say({ type: 'text', text: 'hello' })
    const file = { bytes: Uint8Array.of(1, 2, 3), type: 'application/pdf', name: 'invoice.pdf' }
    const pieces: OutboundPiece[] = [
      HELLO,
      { part: { type: 'card', title: 'A lamp', url: 'https://shop.example/lamp' } },
      { part: { type: 'location', latitude: 1, longitude: 2, label: 'here' } },
      { part: { type: 'choices', text: 'Which?', choices: [{ id: 'a', label: 'A' }] } },
      { part: { type: 'file', media: 'md_1', name: 'invoice.pdf' }, file },
      {
        part: { type: 'file', media: 'md_2', name: 'f.mp4' },
        file: { ...file, bytes: Buffer.alloc(2_000_000), name: 'f.mp4' },
      },
    ]
    for (const [at, piece] of pieces.entries()) assert.deepEqual(await send(piece, `m${at}`), { type: 'sent' })
    assert.deepEqual(
      emulator.core.sent.list().map(({ user, text }) => [user, text]),
      [
        ['c-17', '您好 👋'],
        ['c-17', '[A lamp](https://shop.example/lamp)'],
        ['c-17', '[here: 1, 2]'],
        ['c-17', 'Which?\n(a) A'],
        ['c-17', '[file: invoice.pdf]'],
        ['c-17', '[file: f.mp4, not sent along]'],
      ],
    )
    assert.deepEqual(await send(HELLO, 'm0'), { type: 'sent' })
    assert.equal(emulator.core.sent.total, pieces.length)
  })

  test('knows nobody who has not written, and believes nobody who does not sign', async t => {
    const { send, post, emulator } = await rig(t)
    assert.deepEqual(await send(HELLO), { type: 'give-up', reason: 'the endpoint answers 404 (nobody has this id)' })
    const body = JSON.stringify({ type: 'ping' })
    assert.equal((await post('/', body)).status, 401)
    const secret = emulator.account.credentials['outbound-secret']!
    const headers = (at: number) => ({
      ...{ 'webhook-id': 'x', 'webhook-timestamp': String(Math.floor(at / 1000)) },
      'webhook-signature': new Webhook(secret).sign('x', new Date(at), body),
    })
    assert.equal((await post('/', body, headers(Date.now()))).status, 200)
    assert.equal((await post('/', body, headers(Date.now() - 400_000))).status, 401)
    const other = emulator.account.credentials['inbound-secret']!
    const signature = new Webhook(other).sign('x', new Date(), body)
    assert.equal((await post('/', body, { ...headers(Date.now()), 'webhook-signature': signature })).status, 401)
  })

  test('does what it is told to do wrong', async t => {
    const { say, send, post, events, emulator } = await rig(t)
    await say({ type: 'text', text: 'hello' })
    const fault = (body: object) => post('/emulator/faults', body)
    await fault({ fault: 'error', code: 422, message: 'window closed' })
    assert.equal((await send(HELLO)).type, 'window-closed')
    await fault({ fault: 'error', code: 401 })
    assert.equal((await send(HELLO)).type, 'channel-down')
    await fault({ fault: 'status', status: 503 })
    assert.equal((await send(HELLO)).type, 'retry')
    assert.equal(emulator.core.sent.total, 0)
    await fault({ fault: 'duplicate' })
    await say({ type: 'text', text: 'twice' })
    for (let waits = 0; waits < 500 && events.length < 3; waits++) await new Promise(resolve => setTimeout(resolve, 5))
    assert.deepEqual(events[1], events[2])
  })

  test('is found by a chat in the terminal', async t => {
    const { origin } = await rig(t)
    const channel = { number: 1, name: 'shop', kind: 'webhook', createdAt: 0, settings: { endpoint: origin } }
    assert.equal(emulatorOf(channel as unknown as ChannelView), origin)
    const real = { ...channel, settings: { endpoint: 'https://shop.example/kefu', 'base-url': origin } }
    assert.throws(() => emulatorOf(real as unknown as ChannelView), /talks to shop\.example/)
  })

  test('is found by a check, and finds the callback address', async t => {
    const { adapter, emulator } = await rig(t)
    assert.deepEqual(
      (await adapter.check(OPEN)).map(({ step, result }) => [step, result]),
      [
        ['inbound-secret', 'ok'],
        ['outbound-secret', 'ok'],
        ['ping', 'ok'],
        ['clock', 'ok'],
      ],
    )
    assert.equal(await emulator.verify?.(), undefined)
  })
})

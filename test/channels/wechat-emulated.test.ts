import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { createPlatformHttp } from '../../src/daemon/channels/platform-http.js'
import { WECHAT_MINI_DRIVER } from '../../src/daemon/channels/wechat-mini/adapter.js'
import { WECHAT_MP_DRIVER } from '../../src/daemon/channels/wechat-mp/adapter.js'
import { GREY_JPEG } from '../../src/daemon/channels/wechat-mp/preview.js'
import type { Adapter, ContactEvent, OutboundPiece } from '../../src/daemon/core/channel-adapter.js'
import type { PlatformEmulator } from '../../src/emulator/core/platform-emulator.js'
import type { SaidInput } from '../../src/emulator/core/said.js'
import { parseSaid } from '../../src/emulator/core/said.js'
import { channelSettings, serveEmulator } from '../../src/emulator/core/server.js'
import { createWechatMiniEmulator, createWechatMpEmulator } from '../../src/emulator/wechat/emulator.js'
import { createSystemClock } from '../helpers/manual-clock.js'
import type { Cleanup } from '../helpers/tmp-dir.js'

/** The adapters of 微信 against its emulator, over real sockets: callbacks, tokens, files and windows. */

const none = new AbortController().signal
const text = (words: string): OutboundPiece => ({ part: { type: 'text', text: words } })
const picture: OutboundPiece = {
  part: { type: 'image', media: 'md_1' },
  file: { bytes: GREY_JPEG, type: 'image/jpeg', name: 'grey.jpg' },
}

const EMULATORS: Readonly<Record<string, () => PlatformEmulator>> = {
  'mp, safe': () => createWechatMpEmulator(),
  'mp, compat': () => createWechatMpEmulator({ account: { mode: 'compat' } }),
  'mp, plain': () => createWechatMpEmulator({ account: { mode: 'plain' } }),
  'mini, JSON, safe': () => createWechatMiniEmulator(),
  'mini, XML, safe': () => createWechatMiniEmulator({ format: 'xml' }),
  'mini, JSON, compat': () => createWechatMiniEmulator({ account: { mode: 'compat' } }),
  'mini, JSON, plain': () => createWechatMiniEmulator({ account: { mode: 'plain' } }),
}

for (const [name, create] of Object.entries(EMULATORS))
  describe(`wechat-${name}, beside the emulator`, () => {
    it('passes the platform’s check of the address, and its own', async test => {
      const { emulator, adapter } = await setUp(test, create())
      assert.equal(await emulator.verify?.(), undefined)
      for (const step of await adapter.check(none)) assert.equal(step.result, 'ok', JSON.stringify(step))
    })

    it('takes what users say, with files, and answers it', async test => {
      const { emulator, adapter, events, say } = await setUp(test, create())
      await say('li', { type: 'text', text: ' 你好 <b>]]>&\n"x" ' })
      await say('li', { type: 'image' })
      const isMp = name.startsWith('mp')
      await say('li', { type: 'event', event: isMp ? 'CLICK' : 'user_enter_tempsession' })
      if (isMp) await say('li', { type: 'video' })
      assert.deepEqual(events[0]!.parts, [{ type: 'text', text: ' 你好 <b>]]>&\n"x" ' }])
      assert.deepEqual(
        events.map(({ grant }) => grant),
        ['message', 'message', isMp ? 'menu' : 'enter', ...(isMp ? ['message'] : [])],
      )
      assert.equal(new Set(events.map(({ key }) => key)).size, events.length)
      for (const part of events.flatMap(({ parts }) => parts)) {
        if (!('source' in part)) continue
        const file = await adapter.fetchFile(part.source, 1_000_000, none)
        assert.ok(file.bytes.length > 0 && file.type?.startsWith(part.type), `${part.type}: ${file.type}`)
      }
      for (const piece of [text('好的'), picture])
        assert.deepEqual(await adapter.send(to('li'), piece, none), { type: 'sent' })
      const sent = emulator.core.sent.list()
      assert.deepEqual(
        sent.map(({ user, type }) => [user, type]),
        [
          ['li', 'text'],
          ['li', 'image'],
        ],
      )
      assert.equal(sent[0]!.text, '好的')
    })

    it('gets another token when the platform ends one', async test => {
      const { emulator, adapter, say } = await setUp(test, create())
      await say('li', { type: 'text', text: 'x' })
      assert.deepEqual(await adapter.send(to('li'), text('1'), none), { type: 'sent' })
      for (const as of ['expired', 'unknown'] as const) {
        for (const service of Object.values(emulator.core.tokens)) service.end(as)
        assert.deepEqual(await adapter.send(to('li'), text(as), none), { type: 'sent' })
      }
    })

    it('hears that a window is closed', async test => {
      const { adapter, say } = await setUp(test, create())
      assert.equal((await adapter.send(to('wang'), text('x'), none)).type, 'give-up')
      await say('li', { type: 'text', text: 'x' })
      for (let left = 5; left > 0; left--)
        assert.deepEqual(await adapter.send(to('li'), text('x'), none), { type: 'sent' })
      const refused = [await adapter.send(to('li'), text('x'), none), await adapter.send(to('li'), text('x'), none)]
      assert.equal(refused[1]!.type, 'window-closed')
      await say('li', { type: 'text', text: 'x' })
      assert.deepEqual(await adapter.send(to('li'), text('x'), none), { type: 'sent' })
    })
  })

const to = (contact: string) => ({ contact, n: 1, piece: 0, id: 'm-1' })

/** An emulator whose callbacks an adapter takes, over HTTP. */
async function setUp(test: Cleanup, emulator: PlatformEmulator) {
  const served = await serveEmulator(emulator)
  test.after(() => served.close())
  const http = createPlatformHttp()
  test.after(() => http.close())
  const driver = emulator.kind === 'wechat-mp' ? WECHAT_MP_DRIVER : WECHAT_MINI_DRIVER
  const secrets = Object.entries(emulator.account.credentials).map(([name, value]) => [name, { value }] as const)
  const adapter = driver.open(
    { http, clock: createSystemClock(), random: length => randomBytes(length) },
    { settings: channelSettings(served), secrets: new Map(secrets) },
  )
  const events: ContactEvent[] = []
  emulator.core.pusher.setTarget(await callbackAddress(test, adapter, events))
  const say = async (user: string, said: SaidInput) => {
    const delivery = await emulator.say(user, parseSaid(said))
    assert.equal(delivery.state, 'delivered', JSON.stringify(delivery))
  }
  return { emulator, adapter, events, say }
}

async function callbackAddress(test: Cleanup, adapter: Adapter, events: ContactEvent[]): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      try {
        const reception = adapter.receive({
          method: request.method === 'GET' ? 'GET' : 'POST',
          query: new URL(request.url ?? '', 'http://callback').searchParams,
          header: name => request.headers[name]?.toString(),
          bytes: Buffer.concat(chunks),
          arrivedAtMs: Date.now(),
        })
        events.push(...(reception.events as readonly ContactEvent[]))
        const { status, contentType, body } = reception.answer
        response.writeHead(status, { 'content-type': contentType }).end(body)
      } catch (error) {
        response.writeHead(403).end(String(error))
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/channels/main/callback`
}

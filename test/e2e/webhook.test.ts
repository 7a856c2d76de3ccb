import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import WebSocket from 'ws'
import { createAgent, type WebSocketConstructor } from '../../src/client/index.js'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import { channelSettings, type ServedEmulator, serveEmulator } from '../../src/emulator/core/server.js'
import { createWebhookEmulator } from '../../src/emulator/webhook/emulator.js'
import { House } from '../helpers/house.js'
import { until } from '../helpers/until.js'

const CHANNEL = 'shop'

describe('the webhook channel', () => {
  test('carries a conversation from the other system to an agent and back, through kill -9', {
    timeout: 60_000,
  }, async t => {
    const house = await House.open(t)
    const served = await serveEmulator(createWebhookEmulator())
    t.after(() => served.close())
    const { core, account } = served.emulator
    await house.daemon.control('channel.add', { kind: 'webhook', name: CHANNEL, settings: channelSettings(served) })
    for (const [name, value] of Object.entries(account.credentials))
      await house.daemon.control('credential.set', { owner: `channel/${CHANNEL}`, name, value })
    await point(house, served)

    // What was answered is on disk: said once more after the kill, it is not stored twice.
    core.faults.add({ fault: 'duplicate' })
    const hello = await served.emulator.say('c-17', { type: 'text', text: '在吗？' })
    assert.equal(hello.state, 'delivered')
    await house.daemon.kill()
    const missed = served.emulator.say('c-18', { type: 'text', text: 'while it is down' })
    await house.start()
    await point(house, served)
    assert.equal((await missed).state, 'delivered', 'the other system tries again')

    const { token } = await house.daemon.control<{ token: string }>('agent.add', { name: 'li' })
    const said: string[] = []
    const agent = createAgent({ url: await house.daemon.socketUrl(), token, webSocket: Socket, random: () => 0.01 })
    t.after(() => agent.close())
    const conversations = new Map<string, ConversationId>()
    agent.on('record', ({ conversation, contact, record }) => {
      if (record.type !== 'message' || record.by?.role !== 'contact' || contact === undefined) return
      conversations.set(contact, conversation)
      for (const part of record.parts ?? []) if (part.type === 'text') said.push(part.text)
    })
    await agent.ready()
    await until('both are with the agent', () => conversations.size === 2)
    assert.deepEqual(said.toSorted(), ['while it is down', '在吗？'])

    // Taken by the other system, which never says so, and then the daemon dies: whether or not it is sent again, the contact sees it once.
    core.faults.add({ fault: 'hang', count: 1 })
    await agent.send(conversations.get('c-17')!, '您好 👋')
    await until('it has arrived', () => core.sent.total === 1)
    await house.daemon.kill()
    await house.start()
    await point(house, served)
    const again = createAgent({ url: await house.daemon.socketUrl(), token, webSocket: Socket, random: () => 0.01 })
    t.after(() => again.close())
    await again.ready()
    await again.send(conversations.get('c-17')!, '订单明天到。')
    await until('the next one follows', () => core.sent.total === 2)
    assert.deepEqual(
      core.sent.list().map(({ user, text }) => [user, text]),
      [
        ['c-17', '您好 👋'],
        ['c-17', '订单明天到。'],
      ],
    )
    // The other system has the last one before the daemon has heard its answer.
    await until('nothing is left', async () => {
      const { messages } = await house.daemon.control<{ messages: readonly object[] }>('outbox.list')
      return messages.length === 0
    })
  })
})

const Socket = class extends WebSocket {
  constructor(url: string, protocols: string | string[]) {
    super(url, protocols, { perMessageDeflate: false })
  }
} as unknown as WebSocketConstructor

/** Pushes go to the daemon, whose port is another one after each start. */
async function point(house: House, { emulator }: ServedEmulator): Promise<void> {
  const url = new URL(await house.daemon.socketUrl())
  emulator.core.pusher.setTarget(`http://${url.host}/v1/channels/${CHANNEL}/callback`)
}

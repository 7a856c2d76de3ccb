import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type AgentOptions, type ClientOptions, createAgent, createApp, createVisitor } from '../../src/client/index.js'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import { Rig } from '../unit/engine/rig.js'
import { eventually } from './fake-server.js'
import { createRigNetwork, type RigNetwork } from './rig-socket.js'

/** A conversation's messages are known again by the last 64 ids of their side: devices that share it must not push each other's out. */
describe('several devices of one writer', () => {
  let rig: Awaited<ReturnType<typeof Rig.create>>
  let clients: { close(): Promise<void> }[]

  beforeEach(async () => {
    rig = await Rig.create()
    clients = []
  })
  afterEach(async () => {
    await Promise.all(clients.map(client => client.close()))
    await rig.stop()
  })

  const optionsOn = ({ webSocket }: RigNetwork): ClientOptions => ({
    url: 'http://rig.invalid',
    webSocket,
    decompress: false,
    random: () => 0,
    receiptIntervalMs: 60_000,
  })

  function keep<C extends { close(): Promise<void> }>(client: C): C {
    clients.push(client)
    return client
  }

  async function agent(network: RigNetwork, token: string, options: Partial<AgentOptions> = {}) {
    const client = keep(createAgent({ ...optionsOn(network), token, ...options }))
    await client.ready()
    return client
  }

  const numbered = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_, at) => `${prefix}${at}`)

  /** Ids of a conversation's messages that start so, in order. */
  async function stored(conversation: ConversationId, prefix: string): Promise<string[]> {
    // Whatever was sent again by mistake is on its way to the log until then.
    await rig.settle()
    const { n } = (await rig.store.log.head(conversation))!
    const records = await rig.store.log.read(conversation, 0, n, 64 * 1024 * 1024)
    return records.flatMap(({ body }) => (body.type === 'message' && body.id?.startsWith(prefix) ? [body.id] : []))
  }

  it('stores each message once when two tabs of an agent lose 64 acknowledgements each', async () => {
    const { token } = await rig.agent('li')
    const { peer, conversation } = await rig.visitor()
    await rig.say(peer, 'hello')
    await rig.settle()
    const networks = [createRigNetwork(rig), createRigNetwork(rig)]
    const tabs = await Promise.all(networks.map(network => agent(network, token)))
    const sent = tabs.map((tab, at) => {
      networks[at]!.isDeaf = true
      return numbered(`${at}-`, 64).map(id => tab.send(conversation, id, { id }))
    })
    await rig.settle()
    assert.equal((await rig.store.log.head(conversation))!.n, 3 + 128)
    for (const network of networks) {
      network.isDeaf = false
      network.cut()
    }
    for (const at of [0, 1]) {
      const results = await Promise.all(sent[at]!)
      assert.ok(results.every(({ duplicate }) => duplicate))
      assert.deepEqual(await stored(conversation, `${at}-`), numbered(`${at}-`, 64))
    }
  })

  it('finds a message of a visitor behind what another tab has written since', async () => {
    const { peer: other, conversation, token } = await rig.visitor()
    await rig.say(other, 'hello')
    // Opened, written, queued: nothing more comes by itself.
    await rig.settle()
    const network = createRigNetwork(rig)
    const tab = keep(createVisitor({ ...optionsOn(network), tokens: { load: () => token, save() {} } }))
    await eventually(() => tab.known === 3 && tab.state === 'ready', 'the tab')
    network.isDeaf = true
    const sent = tab.send('lost', { id: 'lost' })
    await rig.settle()
    network.isDown = true
    network.cut()
    // More than one page of history, and more than the ids that are known again.
    for (const batch of ['a', 'b', 'c']) {
      for (const id of numbered(batch, 64)) await rig.say(other, id)
      rig.clock.advance(1_000)
    }
    const unsent = tab.send('unsent', { id: 'unsent' })
    network.isDeaf = false
    network.isDown = false
    assert.deepEqual([(await sent).duplicate, (await unsent).duplicate], [true, false])
    assert.deepEqual(await stored(conversation, 'lost'), ['lost'])
    assert.deepEqual(await stored(conversation, 'unsent'), ['unsent'])
  })

  it('finds the messages of an app, and sends the others, also to contacts that nothing is stored of', async () => {
    const networks = [createRigNetwork(rig), createRigNetwork(rig)]
    const [one, two] = networks.map(network => keep(createApp({ ...optionsOn(network), token: rig.appToken })))
    await Promise.all([one!.ready(), two!.ready()])
    const first = await one!.send('user-1', 'first', { id: 'first' })
    networks[0]!.isDeaf = true
    const sent = [one!.send('user-1', 'x', { id: 'lost' }), one!.send('user-2', 'x', { id: 'lost' })]
    await rig.settle()
    networks[0]!.isDown = true
    networks[0]!.cut()
    const rest = [one!.send('user-1', 'y', { id: 'later' }), one!.send('user-3', 'y', { id: 'later' })]
    await Promise.all(numbered('other-', 70).map(id => two!.send('user-1', id, { id })))
    networks[0]!.isDeaf = false
    networks[0]!.isDown = false
    const all = await Promise.all([...sent, ...rest])
    assert.deepEqual(
      all.map(({ duplicate }) => duplicate),
      [true, true, false, false],
    )
    assert.deepEqual(await stored(first.conversation, 'l'), ['lost', 'later'])
    for (const { conversation, id } of all) assert.deepEqual(await stored(conversation, id), [id])
  })
})

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import {
  type AgentClient,
  type ClientOptions,
  createAgent,
  createApp,
  createVisitor,
  type TokenStore,
  type Visitor,
} from '../../src/client/index.js'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import { Rig } from '../unit/engine/rig.js'
import { eventually } from './fake-server.js'
import { createRigNetwork, type RigNetwork } from './rig-socket.js'

/** What was delivered, read and is unread, by clients against the engine. */
describe('marks of clients', () => {
  let rig: Awaited<ReturnType<typeof Rig.create>>
  let clients: { close(): Promise<void> }[]
  let token: string
  let tokens: TokenStore

  beforeEach(async () => {
    rig = await Rig.create()
    clients = []
    token = await tokenOf('小王')
    let kept: string | undefined
    tokens = {
      load: () => kept,
      save(fresh) {
        kept = fresh
      },
    }
  })
  afterEach(async () => {
    await Promise.all(clients.map(client => client.close()))
    await rig.stop()
  })

  async function tokenOf(name: string): Promise<string> {
    const added = await rig.agents.add(name)
    assert.ok(added.changed)
    return added.token
  }

  const optionsOn = ({ webSocket }: RigNetwork): ClientOptions => ({
    url: 'http://rig.invalid',
    webSocket,
    decompress: false,
    random: () => 0,
    receiptIntervalMs: 1,
  })

  async function ready<C extends { close(): Promise<void>; ready(): Promise<void> }>(client: C): Promise<C> {
    clients.push(client)
    await client.ready()
    return client
  }

  const device = (network = createRigNetwork(rig), as = token): Promise<AgentClient> =>
    ready(createAgent({ ...optionsOn(network), token: as }))
  const tab = (network = createRigNetwork(rig)): Promise<Visitor> =>
    ready(createVisitor({ ...optionsOn(network), channel: 'site', tokens }))

  /** Lets the engine's time pass until something holds. */
  const until = (condition: () => boolean, what: string): Promise<void> =>
    eventually(() => {
      rig.clock.advance(10)
      return condition()
    }, what)

  const of = (agent: AgentClient, conversation: ConversationId) =>
    agent.conversations().find(each => each.conversation === conversation)
  const unreadOf = (agent: AgentClient, conversation: ConversationId) => of(agent, conversation)?.unread

  it('keep the devices of an agent in step: what is unread, assigned, put aside and closed', async () => {
    const [desk, phone] = [await device(), await device()]
    const counts: (number | undefined)[] = []
    phone.on('unread', ({ unread, isMine }) => {
      counts.push(unread)
      assert.ok(isMine)
    })
    const visitor = await tab()
    await visitor.send('one')
    await visitor.send('two')
    const conversation = visitor.conversation!
    await until(() => unreadOf(desk, conversation) === 2 && unreadOf(phone, conversation) === 2, 'two unread')
    desk.read(conversation, 4)
    assert.equal(unreadOf(desk, conversation), 0, 'at once where it was read')
    await until(() => unreadOf(phone, conversation) === 0, 'none unread on the other device')
    await visitor.send('three')
    await until(() => unreadOf(desk, conversation) === 1 && unreadOf(phone, conversation) === 1, 'one unread')
    await phone.send(conversation, 'an answer')
    assert.equal(unreadOf(phone, conversation), 0)
    await until(() => unreadOf(desk, conversation) === 0, 'none unread where it was not answered')
    assert.deepEqual(counts.slice(-3), [0, 1, 0])
    await visitor.send('four')
    await desk.command(conversation, { do: 'snooze', until: rig.clock.now() + 3_600_000 })
    await until(() => of(phone, conversation)?.state === 'snoozed', 'put aside on both')
    assert.equal(unreadOf(phone, conversation), 1)
    await phone.command(conversation, { do: 'close' })
    for (const agent of [desk, phone]) {
      await until(() => of(agent, conversation)?.state === 'closed', 'closed on both')
      assert.deepEqual([of(agent, conversation)?.isMine, unreadOf(agent, conversation)], [false, 0])
    }
  })

  it('are known after a connection, also what another device has read meanwhile', async () => {
    const network = createRigNetwork(rig)
    const [desk, phone] = [await device(), await device(network)]
    const visitor = await tab()
    for (const text of ['one', 'two']) await visitor.send(text)
    const conversation = visitor.conversation!
    await until(() => unreadOf(phone, conversation) === 2, 'two unread')
    network.isDown = true
    network.cut()
    desk.read(conversation, 4)
    visitor.read(3)
    await until(() => of(desk, conversation)?.marks.read === 3, 'the mark of the contact')
    network.isDown = false
    await until(() => unreadOf(phone, conversation) === 0, 'none unread after the connection')
    assert.deepEqual(of(phone, conversation)?.marks, of(desk, conversation)?.marks)
    const later = await device()
    await until(() => of(later, conversation)?.marks.read === 3, 'the mark on a new device')
    assert.equal(unreadOf(later, conversation), 0)
  })

  it('are counted on by a device that read while it had no connection', async () => {
    const network = createRigNetwork(rig)
    const desk = await device(network)
    const visitor = await tab()
    await visitor.send('one')
    const conversation = visitor.conversation!
    await until(() => unreadOf(desk, conversation) === 1, 'one unread')
    const counts: (number | undefined)[] = []
    desk.on('unread', ({ unread }) => counts.push(unread))
    network.isDown = true
    network.cut()
    desk.read(conversation, 3)
    await visitor.send('two')
    network.isDown = false
    await until(() => unreadOf(desk, conversation) === 1, 'the new one')
    assert.deepEqual(counts, [0, 1])
  })

  it('of a conversation that was read and transferred show nothing unread, and no more to who has lost it', async () => {
    const desk = await device()
    const visitor = await tab()
    for (const text of ['one', 'two']) await visitor.send(text)
    const conversation = visitor.conversation!
    await until(() => unreadOf(desk, conversation) === 2, 'two unread')
    desk.read(conversation, 4)
    await until(() => visitor.marks.read === 4, 'the mark')
    const colleague = await device(createRigNetwork(rig), await tokenOf('小李'))
    const counts: (number | undefined)[] = []
    colleague.on('unread', ({ unread }) => counts.push(unread))
    await desk.command(conversation, { do: 'transfer', agent: '小李' })
    await until(() => of(colleague, conversation)?.isMine === true, 'the transfer')
    await visitor.send('three')
    await until(() => unreadOf(colleague, conversation) === 1, 'one unread')
    assert.equal(unreadOf(desk, conversation), 0)
    assert.deepEqual(counts, [1])
    // What was read on the way out does not come back either.
    colleague.read(conversation, 8)
    await until(() => visitor.marks.read > 4, 'the mark of the colleague')
  })

  it('tell a visitor once each, on every tab, and again on the next visit', async () => {
    const network = createRigNetwork(rig)
    const desk = await device()
    const visitor = await tab(network)
    const told: unknown[] = []
    for (const name of ['delivered', 'read'] as const) visitor.on(name, ({ by, n }) => told.push([name, by.name, n]))
    await visitor.send('one')
    const other = await tab()
    const conversation = visitor.conversation!
    await until(() => visitor.marks.delivered === 3, 'the delivery')
    desk.read(conversation, 2)
    await until(() => visitor.marks.read === 2 && other.marks.read === 2, 'the reading on both tabs')
    assert.deepEqual(visitor.marks, { delivered: 3, read: 2 })
    const before = [...told]
    assert.deepEqual(before.at(-1), ['read', '小王', 2])
    network.cut()
    await until(() => visitor.state === 'ready', 'the connection')
    await rig.settle()
    assert.deepEqual(told, before, 'nothing is told twice')
    const next = await tab()
    assert.deepEqual(next.marks, { delivered: 3, read: 2 })
  })

  it('tell an app of its contacts', async () => {
    const desk = await device()
    const app = await ready(createApp({ ...optionsOn(createRigNetwork(rig)), token: rig.appToken }))
    await app.send('user-1', 'hello')
    const { conversation } = app.conversations()[0]!
    assert.equal(app.conversations()[0]?.unread, undefined)
    await until(() => of(desk, conversation)?.isMine === true, 'the assignment')
    desk.read(conversation, 2)
    await until(() => app.conversations()[0]?.marks.read === 2, 'the mark')
    const answer = await desk.send(conversation, 'hi')
    await until(() => of(desk, conversation)?.marks.delivered === answer.n, 'the delivery to the app')
    app.read(conversation, answer.n)
    await until(() => of(desk, conversation)?.marks.read === answer.n, 'the reading')
    const again = await ready(createApp({ ...optionsOn(createRigNetwork(rig)), token: rig.appToken }))
    await until(() => (again.conversations()[0]?.marks.read ?? 0) >= 2, 'the mark in the inbox')
  })
})

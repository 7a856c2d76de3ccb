import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import type { Frame } from '../../../src/codec/frame.js'
import { isKefuError, KefuError } from '../../../src/errors.js'
import { type Peer, Rig } from './rig.js'

/** Counts the calls of a port's method from here on. */
function counted<Name extends string>(port: { readonly [K in Name]: (...it: never[]) => unknown }, name: Name) {
  const method = port[name].bind(port)
  let calls = 0
  Object.assign(port, {
    [name](...it: never[]) {
      calls++
      return method(...it)
    },
  })
  return () => calls
}

/** What was delivered and read: who is told, how often, and what outlives a connection or the server. */
describe('marks', () => {
  let rig: Awaited<ReturnType<typeof Rig.create>>
  let agent: Awaited<ReturnType<Rig['agent']>>
  let visitor: Awaited<ReturnType<Rig['visitor']>>
  let conversation: ConversationId

  beforeEach(async () => {
    rig = await Rig.create()
    agent = await rig.agent('li')
    visitor = await rig.visitor()
    conversation = visitor.conversation
    await rig.say(visitor.peer, 'm1')
    await rig.settle()
  })
  afterEach(async () => {
    await rig.stop()
  })

  /** Time for marks to be told. */
  async function tell(): Promise<void> {
    rig.clock.advance(200)
    await rig.settle()
  }

  /** Time for marks to be written. */
  async function write(): Promise<void> {
    rig.clock.advance(1_000)
    await rig.settle()
  }

  const marksTold = (peer: Peer): Frame[] => peer.frames.filter(({ kind }) => kind === 'delivered' || kind === 'read')
  const heard = (peer: Peer): unknown[] => {
    const told = marksTold(peer).map(({ kind, body }) => [kind, body.n])
    peer.frames.length = 0
    return told
  }

  it('of a contact reach its agent, those of the agent the contact, once each', async () => {
    await rig.say(agent.peer, 'x1', { conversation })
    await rig.settle()
    rig.send(visitor.peer, 'ack', { n: 4 })
    await rig.settle()
    assert.deepEqual(marksTold(agent.peer), [], 'not before the interval is over')
    await tell()
    assert.deepEqual(marksTold(agent.peer), [
      {
        channel: 1,
        kind: 'delivered',
        flags: 0,
        correlation: 0,
        body: { conversation, by: { role: 'contact' }, n: 4 },
      },
    ])
    agent.peer.frames.length = 0
    rig.send(visitor.peer, 'read', { n: 4 })
    await tell()
    assert.deepEqual(heard(agent.peer), [['read', 4]])
    rig.send(agent.peer, 'ack', { conversation, n: 2 })
    await tell()
    const [delivered] = marksTold(visitor.peer)
    assert.deepEqual(delivered?.body, { conversation, by: { role: 'agent', id: agent.id, name: 'li' }, n: 2 })
    visitor.peer.frames.length = 0
    rig.send(agent.peer, 'read', { conversation, n: 2 })
    for (let again = 0; again < 3; again++) {
      rig.send(agent.peer, 'ack', { conversation, n: 2 })
      rig.send(agent.peer, 'read', { conversation, n: 1 })
      await tell()
    }
    assert.deepEqual(heard(visitor.peer), [['read', 2]])
    assert.deepEqual(heard(agent.peer), [], 'the only device of an agent knows what it has read')
  })

  it('make one notice of any number in an interval, and no other work for each', async () => {
    for (let n = 0; n < 40; n++) await rig.say(agent.peer, `x${n}`, { conversation })
    await write()
    const published = counted(rig.store.bus, 'publish')
    const lookedUp = counted(rig.store.view, 'receipt')
    const written = counted(rig.store.view, 'putReceipts')
    for (let n = 4; n <= 43; n++) rig.send(visitor.peer, 'ack', { n })
    await tell()
    assert.deepEqual(heard(agent.peer), [['delivered', 43]])
    await write()
    for (let again = 0; again < 40; again++) rig.send(visitor.peer, 'ack', { n: 43 })
    await write()
    assert.deepEqual([published(), lookedUp(), written()], [1, 1, 1])
  })

  it('cost nothing where nobody is connected', async () => {
    await rig.say(agent.peer, 'x1', { conversation })
    rig.disconnect(agent.peer)
    await rig.settle()
    const published = counted(rig.store.bus, 'publish')
    rig.send(visitor.peer, 'read', { n: 4 })
    await tell()
    assert.equal(published(), 0)
  })

  it('are those of the furthest device', async () => {
    for (const id of ['x1', 'x2', 'x3']) await rig.say(agent.peer, id, { conversation })
    const { peer: phone } = await rig.greet({ token: visitor.token })
    rig.send(phone, 'read', { n: 6 })
    rig.send(visitor.peer, 'read', { n: 4 })
    await tell()
    rig.send(visitor.peer, 'read', { n: 5 })
    await tell()
    assert.deepEqual(heard(agent.peer), [['read', 6]])
  })

  it('tell what was read and what beyond it was received', async () => {
    for (const id of ['x1', 'x2', 'x3']) await rig.say(agent.peer, id, { conversation })
    rig.send(visitor.peer, 'read', { n: 4 })
    rig.send(visitor.peer, 'ack', { n: 6 })
    await tell()
    assert.deepEqual(heard(agent.peer), [
      ['read', 4],
      ['delivered', 6],
    ])
  })

  it('never lie beyond the end, and are only from those who have the conversation', async () => {
    const other = await rig.agent('mo')
    const stranger = await rig.visitor()
    rig.send(visitor.peer, 'ack', { n: 9 })
    rig.send(agent.peer, 'read', { conversation, n: 4 })
    for (const kind of ['ack', 'read'] as const) {
      rig.send(other.peer, kind, { conversation, n: 2 })
      await rig.receive(other.peer, 'error', ({ body }) => body.code === 'KEFU_CONVERSATION_NOT_FOUND')
      rig.send(stranger.peer, kind, { conversation, n: 2 })
      await rig.receive(stranger.peer, 'error', ({ body }) => body.code === 'KEFU_CONVERSATION_NOT_FOUND')
    }
    await write()
    assert.deepEqual([heard(visitor.peer), heard(agent.peer)], [[], []])
    assert.equal(await rig.store.view.receipt(conversation, 'agent'), null)
    assert.equal(await rig.store.view.receipt(conversation, 'contact'), null)
  })

  it('come with the welcome of a visitor, also those that wait to be written, and after a restart', async () => {
    assert.deepEqual((await rig.greet({ token: visitor.token })).welcome.marks, { delivered: 0, read: 0 })
    rig.send(agent.peer, 'ack', { conversation, n: 3 })
    rig.send(agent.peer, 'read', { conversation, n: 2 })
    const { welcome } = await rig.greet({ token: visitor.token })
    assert.deepEqual(welcome.marks, { delivered: 3, read: 2 })
    assert.equal((await rig.greet({ channel: 'site' })).welcome.marks, undefined, 'nothing is known of who is new')
    await rig.stop()
    await rig.start()
    const { peer, welcome: later } = await rig.greet({ token: visitor.token })
    assert.deepEqual(later.marks, { delivered: 3, read: 2 })
    const { peer: device } = await rig.greet({ token: agent.token })
    rig.send(device, 'read', { conversation, n: 2 })
    rig.send(device, 'ack', { conversation, n: 3 })
    await tell()
    assert.deepEqual(heard(peer), [], 'what was told before the restart is not told again')
    rig.send(device, 'read', { conversation, n: 3 })
    await tell()
    assert.deepEqual(heard(peer), [['read', 3]])
  })

  it('of the last second may be lost with the server, and are told again when they come again', async () => {
    await rig.say(agent.peer, 'x1', { conversation })
    rig.send(visitor.peer, 'read', { n: 4 })
    await write()
    await rig.say(agent.peer, 'x2', { conversation })
    rig.send(visitor.peer, 'read', { n: 5 })
    await tell()
    const crashed = rig.engine
    await rig.start()
    const { peer } = await rig.greet({ token: agent.token })
    const page = await rig.receive(peer, 'inbox')
    assert.deepEqual((page.body.entries as { marks: unknown }[])[0]?.marks, { delivered: 4, read: 4 })
    const { peer: again } = await rig.greet({ token: visitor.token })
    rig.send(again, 'read', { n: 5 })
    await tell()
    assert.deepEqual(heard(peer), [['read', 5]])
    await crashed.close()
  })

  it('of a damaged receipt count as none, and the visitor gets in', async () => {
    Object.assign(rig.store.view, {
      receipt: () => Promise.reject(new KefuError('KEFU_STORE_CORRUPT', { where: 'a receipt' })),
    })
    const { peer, welcome } = await rig.greet({ token: visitor.token })
    assert.deepEqual(welcome.marks, { delivered: 0, read: 0 })
    rig.send(agent.peer, 'read', { conversation, n: 2 })
    await write()
    assert.deepEqual(heard(peer), [['read', 2]])
    assert.ok(rig.reported.length > 0 && rig.reported.every(error => isKefuError(error, 'KEFU_STORE_CORRUPT')))
  })

  it('that cannot be looked up are neither told nor written, and come with the next ones', async () => {
    const receipt = rig.store.view.receipt.bind(rig.store.view)
    Object.assign(rig.store.view, {
      receipt: () => Promise.reject(new KefuError('KEFU_STORE_UNREADABLE', { reason: 'test' })),
    })
    rig.send(agent.peer, 'read', { conversation, n: 2 })
    await write()
    Object.assign(rig.store.view, { receipt })
    assert.equal(await receipt(conversation, 'agent'), null)
    assert.deepEqual(heard(visitor.peer), [])
    rig.send(agent.peer, 'read', { conversation, n: 3 })
    await write()
    assert.deepEqual(heard(visitor.peer), [['read', 3]])
  })

  it('go to an app for its contacts, and from it', async () => {
    const { peer: app } = await rig.greet({ token: rig.appToken })
    await rig.say(app, 'a1', { contact: 'user-1' })
    await rig.settle()
    const { conversation: theirs } = agent.peer.frames
      .flatMap(({ kind, body }) => (kind === 'inbox' ? (body.entries as { conversation: ConversationId }[]) : []))
      .at(-1)!
    rig.send(agent.peer, 'read', { conversation: theirs, n: 2 })
    await tell()
    assert.deepEqual(heard(app), [['read', 2]])
    await rig.say(agent.peer, 'y1', { conversation: theirs })
    agent.peer.frames.length = 0
    rig.send(app, 'ack', { contact: 'user-1', n: 4 })
    await tell()
    assert.deepEqual(heard(agent.peer), [['delivered', 4]])
    const { peer: again } = await rig.greet({ token: rig.appToken })
    const [entry] = (await rig.receive(again, 'inbox')).body.entries as { marks: unknown; unread?: number }[]
    assert.deepEqual([entry?.marks, entry?.unread], [{ delivered: 2, read: 2 }, undefined])
  })

  it('go to whoever has the conversation when they are told', async () => {
    const { id } = await rig.agent('mo')
    const { token } = await rig.agents.issueToken('mo')
    const { peer: mo } = await rig.greet({ token })
    await rig.say(agent.peer, 'x1', { conversation })
    rig.send(visitor.peer, 'read', { n: 4 })
    rig.send(agent.peer, 'command', { conversation, command: { do: 'transfer', agent: id } })
    await rig.receive(agent.peer, 'done')
    await rig.settle()
    await tell()
    assert.deepEqual(heard(agent.peer), [])
    assert.deepEqual(heard(mo), [['read', 4]])
  })

  it('of an agent who has passed the conversation on reach the one who has it now', async () => {
    const mo = await rig.agent('mo')
    rig.send(agent.peer, 'read', { conversation, n: 2 })
    rig.send(agent.peer, 'command', { conversation, command: { do: 'transfer', agent: mo.id } })
    await rig.receive(agent.peer, 'done')
    await rig.settle()
    await tell()
    const [read] = marksTold(mo.peer)
    assert.deepEqual(read?.body, { conversation, by: { role: 'agent', id: agent.id, name: 'li' }, n: 2 })
    assert.deepEqual(heard(agent.peer), [])
  })
})

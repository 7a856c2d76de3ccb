import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOSE } from '../../../src/codec/close-codes.js'
import { Rig } from './rig.js'

test('sessions end when their agent is removed, loses a token, or their channel is removed', async () => {
  const rig = await Rig.create()
  const removed = await rig.agent('removed')
  const rotated = await rig.agent('rotated')
  const visitor = await rig.visitor()
  await rig.agents.issueToken('rotated')
  await rig.settle()
  assert.equal(rotated.peer.closedWith, undefined, 'another token changes nothing')
  await rig.agents.issueToken('rotated', { replace: true })
  await rig.agents.remove('removed')
  await rig.channels.remove('site')
  await rig.settle()
  for (const { peer } of [removed, rotated, visitor]) assert.equal(peer.closedWith?.code, CLOSE.unauthorised)
  await rig.stop()
})

test('a token that is added to an app channel ends nobody, one that is replaced ends its sessions and no others', async () => {
  const rig = await Rig.create()
  const { token: second } = await rig.channels.issueToken('app')
  const first = await rig.greet({ token: rig.appToken })
  const beside = await rig.greet({ token: second })
  const visitor = await rig.visitor()
  await rig.settle()
  for (const { peer } of [first, beside, visitor]) assert.equal(peer.closedWith, undefined)
  const { token: third } = await rig.channels.issueToken('app', { replace: true })
  await rig.settle()
  for (const { peer } of [first, beside]) assert.equal(peer.closedWith?.code, CLOSE.unauthorised)
  assert.equal(visitor.peer.closedWith, undefined)
  const late = rig.open()
  rig.send(late, 'hello', { token: second })
  assert.equal((await rig.receive(late, 'error')).body.code, 'KEFU_UNAUTHORISED')
  assert.equal((await rig.greet({ token: third })).welcome.role, 'app')
  await rig.stop()
})

test('draining: clients are told, what is on its way is acknowledged, new messages are refused', async () => {
  const rig = await Rig.create()
  const { peer } = await rig.visitor()
  rig.send(peer, 'message', { id: 'm1', parts: [{ type: 'text', text: 'x' }] })
  const drained = rig.engine.drain(1_000)
  rig.send(peer, 'message', { id: 'm2', parts: [{ type: 'text', text: 'x' }] })
  assert.equal((await rig.receive(peer, 'goAway')).body.reconnectAfterMs, 1_000)
  const refusal = await rig.receive(peer, 'error')
  assert.deepEqual([refusal.body.code, refusal.body.id, refusal.body.retryable], ['KEFU_DRAINING', 'm2', true])
  assert.equal((await rig.receive(peer, 'ack')).body.id, 'm1')
  await drained
  assert.equal(peer.closedWith?.code, CLOSE.restarting)
  await rig.stop()
})

test('a session that is told to close hears nothing more, and becomes nobody', async () => {
  const rig = await Rig.create()
  const { token, id } = await rig.agent('li')
  rig.disconnect([...rig.peers.values()].at(-1)!)
  const silent = rig.open()
  const late = rig.open()
  rig.clock.advance(10_500)
  rig.send(late, 'hello', { token })
  rig.clock.advance(3_000)
  await rig.settle()
  for (const peer of [silent, late])
    assert.deepEqual(
      peer.frames.map(({ body }) => body.code),
      ['KEFU_HELLO_TIMEOUT'],
    )
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm')
  await rig.settle()
  assert.equal((await rig.store.log.head(visitor.conversation))?.agent, undefined, `${id} was never there`)
  await rig.stop()
})

test('frames that wait behind a revoked session are not carried out', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const { conversation } = visitor
  const head = rig.store.log.cachedHead(conversation)
  rig.send(agent.peer, 'history', { conversation })
  rig.send(agent.peer, 'message', { id: 'late', conversation, parts: [{ type: 'text', text: 'x' }] })
  const read = rig.store.log.read
  rig.store.log.read = async (...args) => {
    await rig.agents.remove('li')
    return read.apply(rig.store.log, args)
  }
  rig.send(agent.peer, 'history', { conversation })
  rig.send(agent.peer, 'message', { id: 'later', conversation, parts: [{ type: 'text', text: 'x' }] })
  await rig.settle()
  assert.equal(agent.peer.closedWith?.code, CLOSE.unauthorised)
  const records = await read.call(rig.store.log, conversation, head!.n, 100)
  assert.deepEqual(
    records.map(({ body }) => (body as { id?: string }).id),
    ['late'],
  )
  await rig.stop()
})

test('a channel that is removed while a visitor says hello takes the visitor with it', async () => {
  const rig = await Rig.create()
  const { token } = await rig.visitor()
  const { log } = rig.store
  const head = log.head.bind(log)
  log.head = async id => {
    await rig.channels.remove('site')
    return head(id)
  }
  const peer = rig.open()
  rig.send(peer, 'hello', { token })
  assert.equal((await rig.receive(peer, 'error')).body.code, 'KEFU_UNAUTHORISED')
  assert.equal(peer.closedWith?.code, CLOSE.unauthorised)
  await rig.stop()
})

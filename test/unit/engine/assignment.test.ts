import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rig } from './rig.js'

test('a conversation waits while nobody is online and goes to the first agent who comes', async () => {
  const rig = await Rig.create()
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const waiting = await rig.store.log.head(visitor.conversation)
  assert.equal(waiting?.state, 'waiting')
  assert.equal(rig.engine.counts.waiting, 1)
  const agent = await rig.agent('li')
  await rig.settle()
  assert.equal((await rig.store.log.head(visitor.conversation))?.agent, agent.id)
  assert.equal(rig.engine.counts.waiting, 0)
  assert.equal(rig.engine.counts.active, 1)
  await rig.stop()
})

test('conversations are spread over the online agents evenly', async () => {
  const rig = await Rig.create()
  const agents = [await rig.agent('a'), await rig.agent('b'), await rig.agent('c')]
  for (let i = 0; i < 30; i++) {
    const { peer } = await rig.visitor()
    rig.send(peer, 'message', { id: 'm', parts: [{ type: 'text', text: 'hello' }] })
  }
  await rig.settle()
  const counts = await rig.store.view.activeCounts()
  assert.deepEqual(
    agents.map(agent => counts.get(agent.id)),
    [10, 10, 10],
  )
  await rig.stop()
})

test('an agent who is silent for 15 s gets no new work, and some again after a heartbeat', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  rig.clock.advance(17_000)
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  assert.equal((await rig.store.log.head(visitor.conversation))?.state, 'waiting')
  rig.send(agent.peer, 'presence', { state: 'online' })
  await rig.settle()
  assert.equal((await rig.store.log.head(visitor.conversation))?.agent, agent.id)
  await rig.stop()
})

test('work of an agent who is gone for 30 s goes to another one; within 30 s it stays', async () => {
  const rig = await Rig.create()
  const gone = await rig.agent('gone')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const other = await rig.agent('other')
  rig.disconnect(gone.peer)
  rig.clock.advance(10_000)
  rig.send(other.peer, 'presence', { state: 'online' })
  rig.clock.advance(10_000)
  rig.send(other.peer, 'presence', { state: 'online' })
  await rig.settle()
  assert.equal((await rig.store.log.head(visitor.conversation))?.agent, gone.id)
  rig.clock.advance(12_000)
  await rig.settle()
  assert.equal((await rig.store.log.head(visitor.conversation))?.agent, other.id)
  await rig.stop()
})

test('after a restart, agents have 30 s to come back to their conversations', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  await rig.stop()
  await rig.start()
  rig.clock.advance(20_000)
  await rig.settle()
  assert.equal((await rig.store.log.head(visitor.conversation))?.agent, agent.id)
  rig.clock.advance(12_000)
  await rig.settle()
  assert.equal((await rig.store.log.head(visitor.conversation))?.state, 'waiting')
  await rig.stop()
})

test('a conversation whose visitor writes without pause is assigned all the same', async () => {
  const rig = await Rig.create()
  await rig.agent('li')
  const visitor = await rig.visitor()
  for (let i = 0; i < 60; i++) rig.send(visitor.peer, 'message', { id: `m${i}`, parts: [{ type: 'text', text: 'x' }] })
  await rig.settle()
  assert.equal((await rig.store.log.head(visitor.conversation))?.state, 'active')
  assert.deepEqual(rig.reported, [])
  await rig.stop()
})

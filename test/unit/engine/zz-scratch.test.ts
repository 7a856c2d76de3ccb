import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InboxBody } from '../../../src/codec/wire.js'
import { KefuError } from '../../../src/errors.js'
import { Rig } from './rig.js'

test('S1 own ids: an answer with the same id as a message in flight elsewhere is delivered to the app', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const app = await rig.greet({ token: rig.appToken })
  await rig.say(app.peer, 'x1', { contact: 'user-1' })
  await rig.settle()
  const conversation = rig.tokens.conversationId(app.welcome.channels[0]!.number, 'user-1')
  app.peer.frames.length = 0
  rig.send(agent.peer, 'message', { id: '1', conversation, parts: [{ type: 'text', text: 'answer' }] })
  rig.send(app.peer, 'message', { id: '1', contact: 'user-2', parts: [{ type: 'text', text: 'x' }] })
  await rig.settle()
  const texts = app.peer.frames.filter(f => f.kind === 'deliver').map(f => JSON.stringify(f.body.record))
  assert.ok(texts.some(t => t.includes('answer')), texts.join('\n'))
  await rig.stop()
})

test('S2 receipts do not regress', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const v = await rig.visitor()
  await rig.say(v.peer, 'm1')
  await rig.settle()
  rig.send(agent.peer, 'read', { conversation: v.conversation, n: 2 })
  rig.clock.advance(2_000)
  await rig.settle()
  rig.send(agent.peer, 'ack', { conversation: v.conversation, n: 3 })
  rig.clock.advance(2_000)
  await rig.settle()
  const r = await rig.store.view.receipt(v.conversation, agent.id)
  assert.deepEqual([r?.acknowledged, r?.read], [3, 2])
  await rig.stop()
})

test('S3 hello timeout answered once', async () => {
  const rig = await Rig.create()
  const silent = rig.open()
  rig.clock.advance(13_000)
  await rig.settle()
  assert.equal(silent.frames.length, 1)
  await rig.stop()
})

test('S4 assignment fails once, recovers', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const append = rig.store.log.append.bind(rig.store.log)
  let fail = true
  rig.store.log.append = (c, bodies, o) => fail && bodies[0]?.type === 'assigned' ? Promise.reject(new KefuError('KEFU_STORE_FULL')) : append(c, bodies, o)
  const v = await rig.visitor()
  await rig.say(v.peer, 'm1')
  await rig.settle()
  fail = false
  for (let i = 0; i < 20; i++) { rig.clock.advance(5_000); rig.send(agent.peer, 'presence', { state: 'online' }); await rig.settle() }
  assert.equal((await rig.store.log.head(v.conversation))?.agent, agent.id)
  await rig.stop()
})

test('S5 requeue fails once, recovers', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const v = await rig.visitor()
  await rig.say(v.peer, 'm1')
  await rig.settle()
  const append = rig.store.log.append.bind(rig.store.log)
  let fail = true
  rig.store.log.append = (c, bodies, o) => fail && bodies[0]?.type === 'queued' ? Promise.reject(new KefuError('KEFU_STORE_FULL')) : append(c, bodies, o)
  rig.disconnect(agent.peer)
  rig.clock.advance(35_000)
  await rig.settle()
  fail = false
  for (let i = 0; i < 20; i++) { rig.clock.advance(5_000); await rig.settle() }
  assert.equal((await rig.store.log.head(v.conversation))?.state, 'waiting')
  await rig.stop()
})

test('S6 pushed inbox failing', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const inbox = rig.store.view.inbox.bind(rig.store.view)
  rig.store.view.inbox = async () => { throw new KefuError('KEFU_STORE_UNREADABLE', { reason: 'x' }) }
  const { peer } = await rig.greet({ token: agent.token })
  await rig.settle()
  console.log(peer.frames.map(f => f.kind), peer.closedWith)
  assert.notEqual(peer.closedWith, undefined)
  rig.store.view.inbox = inbox
  await rig.stop()
})

test('S7 first inbox frame after welcome is the page', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  rig.disconnect(agent.peer)
  const v = await rig.visitor()
  await rig.say(v.peer, 'm1')
  await rig.settle()
  const inbox = rig.store.view.inbox.bind(rig.store.view)
  rig.store.view.inbox = async (o, r) => { for (let i = 0; i < 10; i++) await new Promise(z => setImmediate(z)); return inbox(o, r) }
  const { peer } = await rig.greet({ token: agent.token })
  await rig.settle()
  console.log(JSON.stringify(peer.frames.map(f => [f.kind, f.body]), null, 1))
  await rig.stop()
})

test('S8 pipelined first messages take one opening', async () => {
  const rig = await Rig.create()
  const v = await rig.visitor()
  // openings limiter burst 1000 in rig
  for (let i = 0; i < 5; i++) rig.send(v.peer, 'message', { id: `m${i}`, parts: [{ type: 'text', text: 'x' }] })
  await rig.settle()
  await rig.stop()
})

test('S9 engine start fails: nothing spins', async () => {
  const rig = await Rig.create()
  await rig.stop()
  rig.store.view.waiting = async () => { throw new KefuError('KEFU_STORE_UNREADABLE', { reason: 'x' }) }
  await assert.rejects(rig.start())
  setTimeout(() => { console.log('ALIVE') }, 50)
  const t = setTimeout(() => {}, 100)
  await rig.store.close()
  await new Promise(r => setTimeout(r, 200))
  clearTimeout(t)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InboxBody, PageBody } from '../../../src/codec/wire.js'
import { Rig } from './rig.js'

const text = (frame: { body: Readonly<Record<string, unknown>> }): string =>
  (frame.body.record as { parts: { text: string }[] }).parts[0]!.text

test('a message is acknowledged, reaches the agent through the inbox, and the answer reaches the visitor', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const visitor = await rig.visitor()
  assert.equal(await rig.say(visitor.peer, 'm1'), 2)

  const inbox = await rig.receive(
    agent.peer,
    'inbox',
    frame => (frame.body as unknown as InboxBody).entries.length === 1,
  )
  const entry = (inbox.body as unknown as InboxBody).entries[0]!
  assert.equal(entry.conversation, visitor.conversation)
  rig.send(agent.peer, 'history', { conversation: visitor.conversation, after: 0 })
  const page = (await rig.receive(agent.peer, 'page')).body as unknown as PageBody
  assert.deepEqual(
    page.records.map(({ n, record }) => `${n} ${record.type}`),
    ['1 opened', '2 message', '3 assigned'],
  )

  assert.equal(await rig.say(agent.peer, 'r1', { conversation: visitor.conversation }), 4)
  const told = [await rig.receive(visitor.peer, 'deliver'), await rig.receive(visitor.peer, 'deliver')]
  assert.deepEqual(
    told.map(({ body }) => body.record),
    [{ type: 'internal' }, { type: 'assigned', by: { role: 'system' }, agent: agent.id, name: 'li' }],
    'contacts are told who has the conversation, not why, and nothing of the opening',
  )
  assert.equal(text(await rig.receive(visitor.peer, 'deliver')), 'text of r1')
  assert.equal(await rig.say(visitor.peer, 'm2'), 5)
  assert.equal(text(await rig.receive(agent.peer, 'deliver')), 'text of m2')
  await rig.settle()
  assert.deepEqual(
    agent.peer.frames.filter(frame => frame.kind === 'deliver'),
    [],
    'an agent does not get its own message back',
  )
  assert.deepEqual(rig.reported, [])
  await rig.stop()
})

test('a message sent again with the same id is answered with the same n and stored once', async () => {
  const rig = await Rig.create()
  const visitor = await rig.visitor()
  const n = await rig.say(visitor.peer, 'm1')
  rig.send(visitor.peer, 'message', { id: 'm1', parts: [{ type: 'text', text: 'again' }] })
  const ack = await rig.receive(visitor.peer, 'ack')
  assert.deepEqual(ack.body, { id: 'm1', conversation: visitor.conversation, n, duplicate: true })
  await rig.settle()
  assert.equal((await rig.store.log.head(visitor.conversation))?.n, 3, 'opened, message, queued')
  await rig.stop()
})

test('a visitor who resumes gets what was missed, in pages, then live records, without a hole or a repetition', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const first = await rig.visitor()
  await rig.say(first.peer, 'm1')
  await rig.settle()
  rig.disconnect(first.peer)
  for (let i = 0; i < 300; i++) await rig.say(agent.peer, `r${i}`, { conversation: first.conversation })

  const { peer } = await rig.greet({ token: first.token, resume: { n: 3 } })
  await rig.settle()
  await rig.say(agent.peer, 'live', { conversation: first.conversation })
  await rig.settle()
  const seen: number[] = []
  for (const frame of peer.frames) {
    if (frame.kind === 'page') seen.push(...(frame.body as unknown as PageBody).records.map(record => record.n))
    if (frame.kind === 'deliver') seen.push(frame.body.n as number)
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 301 }, (_, i) => i + 4),
  )
  await rig.stop()
})

test('a slow visitor is not pushed to until it has read, and then misses nothing', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const { peer, conversation } = await rig.visitor()
  await rig.say(peer, 'm1')
  await rig.settle()
  peer.frames.length = 0
  peer.isSlow = true
  for (let i = 0; i < 50; i++) await rig.say(agent.peer, `r${i}`, { conversation })
  await rig.settle()
  assert.equal(peer.frames.length, 1, 'one frame showed that it is slow; nothing followed')
  rig.drain(peer)
  await rig.settle()
  const seen = peer.frames.flatMap(frame =>
    frame.kind === 'page'
      ? (frame.body as unknown as PageBody).records.map(record => record.n)
      : [frame.body.n as number],
  )
  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, i) => i + 4),
  )
  await rig.stop()
})

test('a slow agent is sent its inbox from the last pushed record when it has read', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  agent.peer.frames.length = 0
  agent.peer.isSlow = true
  for (let i = 2; i < 20; i++) await rig.say(visitor.peer, `m${i}`)
  await rig.settle()
  assert.equal(agent.peer.frames.length, 1)
  rig.drain(agent.peer)
  const inbox = (await rig.receive(agent.peer, 'inbox')).body as unknown as InboxBody
  assert.deepEqual(
    inbox.entries.map(({ conversation, n }) => ({ conversation, n })),
    [{ conversation: visitor.conversation, n: 21 }],
  )
  await rig.stop()
})

test('every session of a visitor sees the same conversation', async () => {
  const rig = await Rig.create()
  const one = await rig.visitor()
  const two = await rig.greet({ token: one.token })
  await rig.say(one.peer, 'm1')
  const first = await rig.receive(two.peer, 'deliver')
  assert.deepEqual(first.body.record, { type: 'internal' }, 'the opening is not told to contacts')
  assert.equal(text(await rig.receive(two.peer, 'deliver')), 'text of m1')
  await rig.stop()
})

test('an app writes for its contacts and gets what is answered, each with the contact', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const app = await rig.greet({ token: rig.appToken })
  await rig.say(app.peer, 'a1', { contact: 'user-1' })
  await rig.say(app.peer, 'a1', { contact: 'user-2' })
  await rig.settle()
  const conversation = rig.tokens.conversationId(app.welcome.channels[0]!.number, 'user-2')
  app.peer.frames.length = 0
  await rig.say(agent.peer, 'r1', { conversation })
  const deliver = await rig.receive(
    app.peer,
    'deliver',
    frame => (frame.body.record as { type: string }).type === 'message',
  )
  assert.equal(deliver.body.contact, 'user-2')
  assert.equal(text(deliver), 'text of r1')
  await rig.stop()
})

test('an inbox resumes at a cursor: only conversations with later activity, newest first, over as many pages as it takes', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const before = await rig.visitor()
  await rig.say(before.peer, 'm')
  await rig.settle()
  const cursor = rig.store.log.cursor()
  rig.disconnect(agent.peer)
  const later: string[] = []
  for (let i = 0; i < 130; i++) {
    const { peer, conversation } = await rig.visitor()
    await rig.say(peer, 'm')
    later.push(conversation)
  }
  await rig.greet({ token: agent.token })
  await rig.settle()
  const { peer } = await rig.greet({ token: agent.token, resume: { cursor } })
  const seen: string[] = []
  for (let page = (await rig.receive(peer, 'inbox')).body as unknown as InboxBody; ; ) {
    seen.push(...page.entries.map(entry => entry.conversation))
    if (!page.more) break
    rig.send(peer, 'inbox', { before: page.entries.at(-1)!.cursor })
    page = (await rig.receive(peer, 'inbox')).body as unknown as InboxBody
  }
  assert.equal(new Set(seen).size, 130)
  assert.deepEqual(new Set(seen), new Set(later))
  await rig.stop()
})

test('typing and read marks reach the other side and nobody else', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const visitor = await rig.visitor()
  const stranger = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  rig.send(visitor.peer, 'typing', { on: true })
  const typing = await rig.receive(agent.peer, 'typing')
  assert.deepEqual(typing.body, { conversation: visitor.conversation, by: { role: 'contact' }, on: true })
  rig.send(agent.peer, 'read', { conversation: visitor.conversation, n: 2 })
  rig.clock.advance(200)
  const read = await rig.receive(visitor.peer, 'read')
  assert.equal(read.body.n, 2)
  await rig.settle()
  assert.deepEqual(stranger.peer.frames, [])
  rig.clock.advance(2_000)
  await rig.settle()
  assert.equal((await rig.store.view.receipt(visitor.conversation, 'agent'))?.read, 2)
  await rig.stop()
})

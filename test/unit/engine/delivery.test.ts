import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InboxBody, PageBody } from '../../../src/codec/wire.js'
import { KefuError } from '../../../src/errors.js'
import { type Peer, Rig } from './rig.js'

const bodies = <T>(peer: Peer, kind: string): T[] =>
  peer.frames.filter(frame => frame.kind === kind).map(frame => frame.body as T)
const parts = (text: string) => [{ type: 'text' as const, text }]

/** Lets the next look-ups of inboxes wait until the returned function is called. */
function holdInboxes(rig: Rig): () => void {
  const { view } = rig.store
  const inbox = view.inbox.bind(view)
  let release = (): void => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  view.inbox = async (owner, range) => {
    const page = await inbox(owner, range)
    await released
    return page
  }
  return () => {
    view.inbox = inbox
    release()
  }
}

test('an answer reaches an app also while the app sends a message with the same id to somebody else', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const { peer, welcome } = await rig.greet({ token: rig.appToken })
  await rig.say(peer, 'x', { contact: 'user-1' })
  await rig.settle()
  peer.frames.length = 0
  const conversation = rig.tokens.conversationId(welcome.channels[0]!.number, 'user-1')
  rig.send(agent.peer, 'message', { id: '1', conversation, parts: parts('answer') })
  rig.send(peer, 'message', { id: '1', contact: 'user-2', parts: parts('question') })
  await rig.settle()
  const ids = bodies<{ conversation: string; record: { type: string; id?: string } }>(peer, 'deliver')
    .filter(({ record }) => record.type === 'message')
    .map(({ conversation, record }) => [conversation, record.id])
  assert.deepEqual(ids, [[conversation, '1']], 'the answer, and not the own message')
  await rig.stop()
})

test('a contact reaches its agent also with an id that the agent is using', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const visitors = [await rig.visitor(), await rig.visitor()]
  for (const { peer } of visitors) await rig.say(peer, 'x')
  await rig.settle()
  agent.peer.frames.length = 0
  rig.send(visitors[0]!.peer, 'message', { id: '1', parts: parts('question') })
  rig.send(agent.peer, 'message', { id: '1', conversation: visitors[1]!.conversation, parts: parts('answer') })
  await rig.settle()
  const delivered = bodies<{ conversation: string }>(agent.peer, 'deliver').map(({ conversation }) => conversation)
  assert.deepEqual(delivered, [visitors[0]!.conversation])
  await rig.stop()
})

test('the first page of an inbox is not mistaken for what comes before it: a conversation that is assigned meanwhile says that there is more', async () => {
  const rig = await Rig.create()
  const { token, peer: first } = await rig.agent('li')
  const old = await rig.visitor()
  await rig.say(old.peer, 'm')
  await rig.settle()
  rig.disconnect(first)
  const waiting = await rig.visitor()
  await rig.say(waiting.peer, 'm')
  await rig.settle()
  const release = holdInboxes(rig)
  const { peer } = await rig.greet({ token })
  await rig.settle()
  const announced = bodies<InboxBody>(peer, 'inbox')
  assert.deepEqual(
    announced.map(({ entries, more }) => [entries[0]?.conversation, more]),
    [[waiting.conversation, true]],
  )
  release()
  await rig.settle()
  const [, page] = bodies<InboxBody>(peer, 'inbox')
  assert.equal(page?.more, false)
  assert.ok(page?.entries.some(entry => entry.conversation === old.conversation))
  await rig.stop()
})

test('what is delivered after a lag, before the page that tells of it, has no cursor to resume from', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const [one, two] = [await rig.visitor(), await rig.visitor()]
  for (const { peer } of [one, two]) await rig.say(peer, 'm1')
  await rig.settle()
  agent.peer.isSlow = true
  await rig.say(one.peer, 'm2')
  await rig.say(two.peer, 'm2')
  await rig.settle()
  agent.peer.frames.length = 0
  const release = holdInboxes(rig)
  rig.drain(agent.peer)
  await rig.say(one.peer, 'm3')
  await rig.settle()
  assert.deepEqual(
    agent.peer.frames.map(({ kind, body }) => [kind, 'cursor' in body]),
    [['deliver', false]],
  )
  release()
  await rig.settle()
  await rig.say(one.peer, 'm4')
  await rig.settle()
  assert.deepEqual(
    agent.peer.frames.slice(1).map(({ kind, body }) => [kind, 'cursor' in body]),
    [
      ['inbox', false],
      ['deliver', true],
    ],
  )
  await rig.stop()
})

test('a session that lags twice before its page is out can still page down to where it lagged first', async () => {
  const rig = await Rig.create()
  const { peer, welcome } = await rig.greet({ token: rig.appToken })
  const other = await rig.greet({ token: rig.appToken })
  const contacts = Array.from({ length: 100 }, (_, i) => `user-${i}`)
  await rig.settle()
  peer.isSlow = true
  for (const contact of contacts) await rig.say(other.peer, 'm', { contact })
  await rig.settle()
  const seen = new Set(bodies<{ contact: string }>(peer, 'deliver').map(({ contact }) => contact))
  peer.frames.length = 0
  const release = holdInboxes(rig)
  rig.drain(peer)
  peer.isSlow = true
  await rig.say(other.peer, 'again', { contact: 'user-99' })
  await rig.settle()
  rig.drain(peer)
  release()
  const isPage = (frame: { body: object }): boolean => 'entries' in frame.body
  for (let page = (await rig.receive(peer, 'inbox', isPage)).body as unknown as InboxBody; ; ) {
    for (const { contact } of page.entries) seen.add(contact)
    if (!page.more) break
    rig.send(peer, 'inbox', { before: page.entries.at(-1)!.cursor })
    page = (await rig.receive(peer, 'inbox', frame => frame.correlation !== 0)).body as unknown as InboxBody
  }
  assert.deepEqual([...seen].sort(), [...contacts].sort())
  assert.equal(welcome.role, 'app')
  await rig.stop()
})

test('an agent whose inbox cannot be read is closed, and gets it on the next connection', async () => {
  const rig = await Rig.create()
  const { token } = await rig.agent('li')
  const { view } = rig.store
  const inbox = view.inbox.bind(view)
  view.inbox = async () => {
    throw new KefuError('KEFU_STORE_UNREADABLE', { reason: 'no answer' })
  }
  const { peer } = await rig.greet({ token })
  assert.equal((await rig.receive(peer, 'error')).body.code, 'KEFU_STORE_UNREADABLE')
  assert.equal(peer.closedWith?.code, 1012)
  view.inbox = inbox
  const again = await rig.greet({ token })
  await rig.receive(again.peer, 'inbox')
  await rig.stop()
})

test('a commit with much for one session is handed over in pieces, and a peer that does not read gets only the first', async () => {
  const rig = await Rig.create()
  const [one, reader, sleeper] = [
    await rig.greet({ token: rig.appToken }),
    await rig.greet({ token: rig.appToken }),
    await rig.greet({ token: rig.appToken }),
  ]
  await rig.settle()
  sleeper.peer.isSlow = true
  for (let i = 0; i < 200; i++)
    rig.send(one.peer, 'message', { id: 'm', contact: `user-${i}`, parts: parts('x'.repeat(8_000)) })
  await rig.settle()
  const count = (peer: Peer): number =>
    bodies<{ record: { type: string } }>(peer, 'deliver').filter(({ record }) => record.type === 'message').length
  assert.equal(count(reader.peer), 200)
  assert.ok(reader.peer.mostBytes < 64 * 1024, `${reader.peer.mostBytes} bytes at once`)
  assert.ok(count(sleeper.peer) < 8, `${count(sleeper.peer)} records for a peer that does not read`)
  await rig.stop()
})

test('a peer that leaves what waits for it unread for a minute is closed; one that reads is not', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const [stalled, slow] = [await rig.visitor(), await rig.visitor()]
  for (const { peer, conversation } of [stalled, slow]) {
    await rig.say(peer, 'm')
    await rig.settle()
    peer.isSlow = true
    await rig.say(agent.peer, `r-${peer.id}`, { conversation })
  }
  await rig.settle()
  rig.clock.advance(50_000)
  rig.drain(slow.peer)
  rig.clock.advance(15_000)
  await rig.settle()
  assert.deepEqual(stalled.peer.closedWith, { code: 1013, reason: 'KEFU_SLOW_CONSUMER' })
  assert.equal(slow.peer.closedWith, undefined)
  await rig.stop()
})

test('a gateway that fails for one session does so for no other', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const one = await rig.visitor()
  const two = await rig.greet({ token: one.token })
  await rig.say(one.peer, 'm')
  await rig.settle()
  two.peer.isBroken = true
  for (const peer of [agent.peer, one.peer]) peer.frames.length = 0
  await rig.say(agent.peer, 'r1', { conversation: one.conversation })
  await rig.say(agent.peer, 'r2', { conversation: one.conversation })
  await rig.settle()
  assert.equal(bodies(one.peer, 'deliver').length, 2)
  assert.equal(two.peer.closedWith?.code, 1012)
  assert.equal(rig.reported.length, 1)
  await rig.stop()
})

test('the newest records are read in pieces that a page can hold, whatever was asked for, and none is left out', async () => {
  const rig = await Rig.create()
  const { peer, conversation } = await rig.visitor()
  for (let i = 0; i < 90; i++) {
    rig.send(peer, 'message', { id: `m${i}`, parts: parts('x'.repeat(i < 60 ? 4_000 : 10)) })
    await rig.receive(peer, 'ack')
  }
  await rig.settle()
  const { log } = rig.store
  const read = log.read.bind(log)
  let bytes = 0
  let most = 0
  log.read = async (id, after, limit, limitBytes) => {
    const records = await read(id, after, limit, limitBytes)
    for (const record of records) bytes += record.bytes.length
    return records
  }
  const head = (await log.head(conversation))!.n
  const seen: number[] = []
  for (let before = head + 1; before > 1; ) {
    bytes = 0
    rig.send(peer, 'history', { before, limit: 500 })
    const page = (await rig.receive(peer, 'page', frame => frame.correlation !== 0)).body as unknown as PageBody
    assert.equal(page.after + page.records.length, before - 1)
    seen.unshift(...page.records.map(({ n }) => n))
    before = page.after + 1
    most = Math.max(most, bytes)
  }
  assert.deepEqual(
    seen,
    Array.from({ length: head }, (_, i) => i + 1),
  )
  assert.ok(most < 100_000, `${most} bytes were read for a page of 15,000`)
  await rig.stop()
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import type { Frame } from '../../../src/codec/frame.js'
import { encodeFrame } from '../../../src/codec/frame.js'
import { WIRE_LIMITS } from '../../../src/codec/wire.js'
import type { Command } from '../../../src/codec/wire-commands.js'
import type { ContactBody } from '../../../src/codec/wire-contacts.js'
import { type Peer, Rig } from './rig.js'

const OPERATOR = { role: 'operator' } as const
const NOT_FOUND = 'KEFU_CONVERSATION_NOT_FOUND'
const UNKNOWN = 'c_00000000000000000000000000'

/** Two conversations of one person: `mine` is li's, `other` is wang's. And a third one, wang's too, of somebody else. */
async function served() {
  const rig = await Rig.create({ strategy: 'manual' })
  const [li, wang] = [await rig.agent('li'), await rig.agent('wang')]
  const visitors = [await rig.visitor(), await rig.visitor(), await rig.visitor()] as const
  for (const [at, { peer }] of visitors.entries()) {
    rig.clock.advance(1_000)
    await rig.say(peer, `m${at}`)
  }
  await rig.settle()
  const [mine, other, foreign] = visitors.map(({ conversation }) => conversation) as [
    ConversationId,
    ConversationId,
    ConversationId,
  ]
  await run(rig, mine, { do: 'assign', agent: 'li' })
  for (const conversation of [other, foreign]) await run(rig, conversation, { do: 'assign', agent: 'wang' })
  await run(rig, mine, { do: 'link', with: other })
  return { rig, li, wang, visitors, mine, other, foreign }
}

const run = (rig: Rig, conversation: ConversationId, command: Command) =>
  rig.engine.commands.run(conversation, OPERATOR, command)

/** The answer to a frame, or the code of its error; all answers of errors are compared as a whole. */
async function ask(rig: Rig, peer: Peer, kind: 'contact' | 'history' | 'media', body: object): Promise<Frame> {
  const before = peer.frames.length
  rig.send(peer, kind, body as never, 99)
  await rig.settle()
  return peer.frames.slice(before).find(({ correlation }) => correlation === 99) ?? assert.fail('it was answered')
}

async function outcome(rig: Rig, peer: Peer, kind: 'contact' | 'history' | 'media', conversation: string) {
  const body = kind === 'media' ? { conversation, media: 'md_4XMA1TJDW9KHBYM6TGDPS39T44' } : { conversation }
  const answer = await ask(rig, peer, kind, body)
  return answer.kind === 'error' ? String(answer.body.code) : answer.kind
}

async function contactOf(rig: Rig, peer: Peer, conversation: string): Promise<ContactBody> {
  const answer = await ask(rig, peer, 'contact', { conversation })
  assert.equal(answer.kind, 'contact', JSON.stringify(answer.body))
  return answer.body as unknown as ContactBody
}

const listed = ({ conversations }: ContactBody) => conversations.map(({ conversation }) => conversation)

test('an agent is told who the contact is, and where the conversations of the same person stand', async () => {
  const { rig, li, wang, mine, other } = await served()
  await run(rig, mine, { do: 'update', set: { name: '李雷', language: 'zh', attributes: { tier: 'gold' } } })
  rig.clock.advance(5_000)
  await run(rig, other, { do: 'note', text: 'x' })
  const body = await contactOf(rig, li.peer, mine)
  const heads = [(await rig.store.log.head(other))!, (await rig.store.log.head(mine))!]
  const [{ channel, contact, details }] = [heads[1]!]
  assert.deepEqual(body, {
    conversation: mine,
    channel,
    contact,
    name: '李雷',
    language: 'zh',
    attributes: { tier: 'gold' },
    person: details.person,
    conversations: heads.map(head => ({
      conversation: head.conversation,
      channel: head.channel,
      contact: head.contact,
      ...(head.name !== undefined && { name: head.name }),
      state: 'active',
      episode: 1,
      openedAt: head.details.openedAt,
      n: head.n,
      at: head.at,
      agent: head.agent,
      agentName: head.conversation === mine ? 'li' : 'wang',
    })),
    more: false,
  })
  assert.deepEqual((await contactOf(rig, wang.peer, other)).person, details.person)
  await rig.stop()
})

test('one conversation of a person opens the others for reading, and for nothing else', async () => {
  const { rig, li, other } = await served()
  for (const kind of ['history', 'media', 'contact'] as const)
    assert.equal(await outcome(rig, li.peer, kind, other), kind === 'history' ? 'page' : kind)
  li.peer.frames.length = 0
  rig.send(li.peer, 'message', { id: 'x', conversation: other, parts: [{ type: 'text', text: 'x' }] })
  rig.send(li.peer, 'read', { conversation: other, n: 1 })
  rig.send(li.peer, 'typing', { conversation: other, on: true })
  rig.send(li.peer, 'listen', { conversation: other, on: true })
  for (const command of [{ do: 'note', text: 'x' }, { do: 'close' }, { do: 'unlink' }] as const)
    rig.send(li.peer, 'command', { conversation: other, command })
  await rig.settle()
  assert.deepEqual(
    li.peer.frames.map(({ kind, body }) => [kind, body.code]),
    new Array(7).fill(['error', NOT_FOUND]),
  )
  await rig.stop()
})

test('a bot reads what it has, and nothing else of the person', async () => {
  const { rig, li, mine, other } = await served()
  assert.equal(await outcome(rig, li.peer, 'history', other), 'page')
  await rig.agents.set('li', { role: 'bot' })
  assert.deepEqual(
    [await outcome(rig, li.peer, 'history', mine), await outcome(rig, li.peer, 'history', other)],
    ['page', NOT_FOUND],
  )
  await rig.stop()
})

test('whoever is foreign to a person is answered as for a conversation that does not exist, in every role', async () => {
  const { rig, li, mine, other, foreign } = await served()
  const stranger = await rig.agent('stranger')
  await run(rig, foreign, { do: 'unlink' })
  const app = await rig.greet({ token: rig.appToken })
  const visitor = await rig.visitor()
  const whole = async (peer: Peer, kind: 'contact' | 'history' | 'media', conversation: string) => {
    const { kind: answer, body } = await ask(rig, peer, kind, {
      conversation,
      ...(kind === 'media' && { media: 'md_4XMA1TJDW9KHBYM6TGDPS39T44' }),
    })
    return { answer, body }
  }
  for (const kind of ['history', 'media', 'contact'] as const) {
    for (const { peer } of [stranger, app, visitor]) {
      const unknown = await whole(peer, kind, UNKNOWN)
      for (const conversation of [mine, other, foreign])
        assert.deepEqual(await whole(peer, kind, conversation), unknown, kind)
    }
    assert.deepEqual(await whole(li.peer, kind, foreign), await whole(li.peer, kind, UNKNOWN))
  }
  assert.equal((await whole(stranger.peer, 'contact', mine)).body.code, NOT_FOUND)
  assert.equal((await whole(visitor.peer, 'contact', mine)).body.code, 'KEFU_FRAME_UNEXPECTED')
  await rig.agents.set('stranger', { role: 'supervisor' })
  for (const conversation of [mine, other, foreign])
    assert.equal(await outcome(rig, stranger.peer, 'contact', conversation), 'contact')
  await rig.stop()
})

test('what a person opens is closed again with it: taken away, ended, or taken out of the person', async () => {
  const { rig, li, visitors, mine, other } = await served()
  assert.equal(await outcome(rig, li.peer, 'history', other), 'page')
  await run(rig, mine, { do: 'assign', agent: 'wang' })
  assert.equal(await outcome(rig, li.peer, 'history', other), NOT_FOUND)
  await run(rig, mine, { do: 'requeue' })
  assert.equal(await outcome(rig, li.peer, 'history', other), 'page', 'it waits for everybody')
  await rig.teams.add('night', {})
  await run(rig, mine, { do: 'transfer', team: 'night' })
  assert.equal(await outcome(rig, li.peer, 'history', other), NOT_FOUND, 'it waits for others')
  await run(rig, mine, { do: 'assign', agent: 'li' })
  await run(rig, mine, { do: 'close' })
  assert.equal(await outcome(rig, li.peer, 'history', mine), 'page', 'li had it last')
  assert.equal(await outcome(rig, li.peer, 'history', other), NOT_FOUND)
  assert.deepEqual(listed(await contactOf(rig, li.peer, mine)), [mine])
  await rig.say(visitors[0].peer, 'again')
  await run(rig, mine, { do: 'assign', agent: 'li' })
  assert.deepEqual(listed(await contactOf(rig, li.peer, mine)).toSorted(), [mine, other].toSorted())
  await run(rig, other, { do: 'unlink' })
  assert.equal(await outcome(rig, li.peer, 'history', other), NOT_FOUND)
  assert.deepEqual(listed(await contactOf(rig, li.peer, mine)), [mine])
  await rig.stop()
})

test('of what is written after a conversation was taken away nothing is told, however long the look-up before took', async () => {
  const { rig, li, mine, other } = await served()
  const { log } = rig.store
  const read = log.read.bind(log)
  for (const conversation of [mine, other]) {
    await run(rig, mine, { do: 'assign', agent: 'li' })
    const { n } = (await log.head(conversation))!
    let release = (): void => {}
    const gate = new Promise<void>(resolve => (release = resolve))
    Object.assign(log, {
      read: async (...range: Parameters<typeof read>) => {
        await gate
        return read(...range)
      },
    })
    li.peer.frames.length = 0
    rig.send(li.peer, 'history', { conversation, after: n - 1 }, 99)
    await rig.settle()
    await run(rig, mine, { do: 'assign', agent: 'wang' })
    await run(rig, conversation, { do: 'note', text: 'not for li' })
    release()
    const { body } = await rig.receive(li.peer, 'page')
    assert.deepEqual([body.head, (body.records as unknown[]).length], [n, 1])
    Object.assign(log, { read })
  }
  await rig.stop()
})

test('a conversation that says it is of a person who does not list it opens nothing, and neither does the reverse', async () => {
  const { rig, li, mine, other, foreign } = await served()
  const [entry] = await rig.store.directory.list('person/')
  const { conversations, ...rest } = entry!.value as { conversations: ConversationId[] }
  const revision = await rig.store.directory.update(
    entry!.key,
    { ...rest, conversations: [mine, foreign] },
    entry!.revision,
  )
  for (const conversation of [other, foreign])
    assert.equal(await outcome(rig, li.peer, 'history', conversation), NOT_FOUND)
  assert.deepEqual(listed(await contactOf(rig, li.peer, mine)), [mine])
  await rig.store.directory.update(entry!.key, { ...rest, conversations }, revision)
  assert.equal(await outcome(rig, li.peer, 'history', other), 'page')
  await rig.stop()
})

test('the answer fits a frame, whatever the contact is made of', async () => {
  const { rig, li, mine, other } = await served()
  rig.clock.advance(1_000)
  const app = await rig.greet({ token: rig.appToken })
  const { number } = app.welcome.channels[0]!
  for (let i = 0; i < 60; i++) {
    const contact = `${i}`.padEnd(128, '李')
    await rig.say(app.peer, `m${i}`, { contact })
    await run(rig, mine, { do: 'link', with: rig.tokens.conversationId(number, contact) })
  }
  const attributes = Object.fromEntries(Array.from({ length: 15 }, (_, at) => [`a${at}`, 'x'.repeat(500)]))
  await run(rig, mine, { do: 'update', set: { name: '李'.repeat(100), attributes } })
  const answer = await ask(rig, li.peer, 'contact', { conversation: mine })
  const { conversations, more } = answer.body as unknown as ContactBody
  assert.equal(more, true)
  assert.ok(conversations.length >= 5, String(conversations.length))
  assert.equal(conversations[0]?.conversation, mine)
  const frame = encodeFrame(answer.channel, 'contact', 99, answer.body as unknown as ContactBody)
  assert.ok(frame.length <= WIRE_LIMITS.serverFrameBytes, String(frame.length))
  const latest = listed(await contactOf(rig, li.peer, other))
  assert.equal(latest.at(-1), other, 'the one that was asked for is among them, though it is the oldest')
  await rig.stop()
})

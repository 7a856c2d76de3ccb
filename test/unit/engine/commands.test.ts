import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import type { Command, DoneBody } from '../../../src/codec/wire-commands.js'
import { type Peer, Rig } from './rig.js'

type Answer = DoneBody | string

const NOT_FOUND = 'KEFU_CONVERSATION_NOT_FOUND'

/** What a command is answered with: the `done` body, or the code of the error. */
async function command(rig: Rig, peer: Peer, command: Command, conversation?: string): Promise<Answer> {
  const before = peer.frames.length
  rig.send(peer, 'command', { command, ...(conversation === undefined ? {} : { conversation }) })
  await rig.settle()
  const answer = peer.frames.slice(before).find(({ kind }) => kind === 'done' || kind === 'error')
  assert.ok(answer !== undefined, 'it was answered')
  return answer.kind === 'done' ? (answer.body as unknown as DoneBody) : String(answer.body.code)
}

async function served() {
  const rig = await Rig.create()
  const li = await rig.agent('li')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const { conversation } = visitor
  return { rig, li, visitor, conversation, head: async () => (await rig.store.log.head(conversation))! }
}

test('an agent sends a conversation on, and it comes up at once where it belongs', async () => {
  const { rig, li, conversation, head } = await served()
  const wang = await rig.agent('wang')
  const done = (await command(rig, li.peer, { do: 'transfer', agent: 'wang', note: 'VIP' }, conversation)) as DoneBody
  assert.deepEqual(done, { conversation, n: 5, changed: true })
  assert.equal((await head()).agent, wang.id)
  assert.ok(wang.peer.frames.some(({ kind }) => kind === 'inbox'))
  assert.equal(await command(rig, li.peer, { do: 'close' }, conversation), NOT_FOUND)
  assert.equal(rig.engine.counts.active, 1)
  await rig.stop()
})

test('one who declines is not asked again, and another one is at once', async () => {
  const { rig, li, conversation, head } = await served()
  assert.deepEqual(await command(rig, li.peer, { do: 'decline' }, conversation), { conversation, n: 4, changed: true })
  await rig.settle()
  assert.deepEqual([(await head()).state, (await head()).details.declinedBy], ['waiting', [li.id]])
  const wang = await rig.agent('wang')
  await rig.settle()
  assert.equal((await head()).agent, wang.id)
  await rig.stop()
})

test('who lacks a skill or has declined gets it by hand all the same, but not while away or without room', async () => {
  const { rig, li, conversation } = await served()
  const boss = await rig.agent('boss')
  await rig.agents.set('boss', { role: 'supervisor' })
  await command(rig, boss.peer, { do: 'update', set: { requires: { refund: 3 } } }, conversation)
  const wang = await rig.agent('wang')
  await rig.agents.set('wang', { capacity: { total: 1 } })
  rig.disconnect(wang.peer)
  assert.equal(await command(rig, boss.peer, { do: 'transfer', agent: 'wang' }, conversation), 'KEFU_AGENT_UNAVAILABLE')
  assert.equal(typeof (await command(rig, li.peer, { do: 'decline' }, conversation)), 'object')
  await rig.agents.set('li', { capacity: { total: 1 } })
  const other = await rig.visitor()
  await rig.say(other.peer, 'm1')
  await rig.settle()
  const busy = (await rig.store.log.head(other.conversation))!.agent
  if (busy !== li.id) await command(rig, boss.peer, { do: 'transfer', agent: 'li' }, other.conversation)
  assert.equal(await command(rig, li.peer, { do: 'accept' }, conversation), 'KEFU_AGENT_UNAVAILABLE')
  await command(rig, li.peer, { do: 'close' }, other.conversation)
  assert.equal(typeof (await command(rig, li.peer, { do: 'accept' }, conversation)), 'object')
  await rig.stop()
})

test('a closed conversation leaves its agent free; when the contact writes again it comes back to the same agent', async () => {
  const { rig, li, visitor, conversation, head } = await served()
  await rig.agent('wang')
  assert.deepEqual(await command(rig, li.peer, { do: 'close' }, conversation), { conversation, n: 4, changed: true })
  assert.deepEqual(await command(rig, li.peer, { do: 'close' }, conversation), { conversation, n: 4, changed: false })
  assert.deepEqual([rig.engine.counts.active, rig.engine.counts.waiting, (await head()).state], [0, 0, 'closed'])
  await rig.say(visitor.peer, 'm2')
  await rig.settle()
  assert.deepEqual([(await head()).agent, (await head()).details.episode], [li.id, 2])
  const last = (await rig.store.log.read(conversation, 0, 100)).at(-1)!.body
  assert.equal(last.type === 'assigned' && last.reasons[0], 'sticky')
  await rig.stop()
})

test('snoozed: out of the way until the contact writes, then back to its agent', async () => {
  const { rig, li, visitor, conversation, head } = await served()
  await command(rig, li.peer, { do: 'snooze', until: rig.clock.now() + 3_600_000 }, conversation)
  assert.deepEqual([(await head()).state, (await head()).agent, rig.engine.counts.active], ['snoozed', li.id, 0])
  await rig.say(visitor.peer, 'm2')
  await rig.settle()
  assert.deepEqual([(await head()).state, (await head()).agent], ['active', li.id])
  await rig.stop()
})

test('a visitor ends the conversation and rates it, and does nothing else', async () => {
  const { rig, visitor, conversation, head } = await served()
  assert.deepEqual(await command(rig, visitor.peer, { do: 'close' }), { conversation, n: 4, changed: true })
  assert.deepEqual(await command(rig, visitor.peer, { do: 'rate', score: 4 }), { conversation, n: 5, changed: true })
  assert.equal((await head()).details.rating, 4)
  assert.equal(await command(rig, visitor.peer, { do: 'note', text: 'x' }), 'KEFU_COMMAND_REFUSED')
  const stranger = await rig.visitor()
  assert.equal(await command(rig, stranger.peer, { do: 'close' }, conversation), NOT_FOUND)
  await rig.stop()
})

test('two agents who take the same conversation at once: one has it, the other is told that there is none', async () => {
  const rig = await Rig.create({ strategy: 'manual' })
  const [li, wang] = [await rig.agent('li'), await rig.agent('wang')]
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const { conversation } = visitor
  for (const { peer } of [li, wang]) rig.send(peer, 'command', { conversation, command: { do: 'accept' } })
  await rig.settle()
  const answers = [li, wang].map(({ peer }) => peer.frames.find(({ kind }) => kind === 'done' || kind === 'error')!)
  assert.deepEqual(
    answers.map(({ kind, body }) => (kind === 'done' ? 'done' : body.code)),
    ['done', NOT_FOUND],
  )
  assert.equal((await rig.store.log.head(conversation))?.agent, li.id)
  assert.deepEqual([rig.engine.counts.active, rig.engine.counts.waiting], [1, 0])
  await rig.stop()
})

test('snoozed until a time: it wakes then, also when the daemon was restarted meanwhile, and goes to its agent', async () => {
  const { rig, li, conversation, head } = await served()
  const until = rig.clock.now() + 600_000
  await command(rig, li.peer, { do: 'snooze', until }, conversation)
  await rig.stop()
  await rig.start()
  rig.clock.advance(500_000)
  await rig.settle()
  assert.equal((await head()).state, 'snoozed')
  rig.clock.advance(101_000)
  await rig.settle()
  assert.deepEqual([(await head()).state, (await head()).waitingSince], ['waiting', until])
  await rig.agent('wang')
  await rig.settle()
  assert.notEqual((await head()).agent, undefined)
  await rig.stop()
})

test('a supervisor sees every conversation, takes it over and leaves a note; who has it now is told, the contact only who that is', async () => {
  const { rig, li, visitor, conversation, head } = await served()
  const boss = await rig.agent('boss')
  assert.equal(await command(rig, boss.peer, { do: 'takeOver' }, conversation), 'KEFU_CONVERSATION_NOT_FOUND')
  await rig.agents.set('boss', { role: 'supervisor' })
  rig.send(boss.peer, 'history', { conversation, after: 0 })
  await rig.receive(boss.peer, 'page')
  await command(rig, boss.peer, { do: 'note', text: 'offer a refund' }, conversation)
  const note = await rig.receive(li.peer, 'deliver', ({ body }) => (body.record as { type: string }).type === 'note')
  assert.equal((note.body.record as { text: string }).text, 'offer a refund')
  await command(rig, boss.peer, { do: 'takeOver' }, conversation)
  assert.equal((await head()).agent, boss.id)
  const told = visitor.peer.frames.filter(({ kind }) => kind === 'deliver').map(({ body }) => body.record)
  assert.ok(!JSON.stringify(told).includes('refund'))
  await rig.stop()
})

test('who declines is asked again after a while, also over a restart, and overflow counts on meanwhile', async () => {
  const { rig, li, conversation, head } = await served()
  await rig.teams.add('night', {})
  const { team } = await rig.teams.add('day', { members: ['li'], overflow: { afterMs: 400_000, team: 'night' } })
  await rig.engine.commands.run(conversation, { role: 'operator' }, { do: 'update', set: { team: team.id } })
  await command(rig, li.peer, { do: 'decline' }, conversation)
  await rig.settle()
  const { teamSince } = (await head()).details
  const wait = async (seconds: number) => {
    for (let second = 0; second < seconds; second += 10) {
      rig.clock.advance(10_000)
      await rig.settle()
    }
  }
  await wait(290)
  assert.deepEqual((await head()).details.declinedBy, [li.id])
  await rig.stop()
  await rig.start()
  rig.clock.advance(10_000)
  await rig.settle()
  assert.deepEqual((await head()).details.declinedBy, [])
  assert.deepEqual([(await head()).state, (await head()).details.teamSince], ['waiting', teamSince])
  const { peer } = await rig.greet({ token: li.token })
  await rig.settle()
  assert.equal((await head()).agent, li.id)
  await command(rig, peer, { do: 'decline' }, conversation)
  await rig.settle()
  assert.deepEqual([(await head()).state, (await head()).details.declinedBy], ['waiting', [li.id]])
  await rig.stop()
})

test('what nobody of a team takes goes on to the next, and late answers are recorded once', async () => {
  const rig = await Rig.create({ capacity: 1 })
  await rig.agent('li')
  await rig.teams.add('night', {})
  await rig.teams.add('day', { overflow: { afterMs: 60_000, team: 'night' }, sla: { firstResponseMs: 30_000 } })
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const { conversation } = visitor
  await rig.engine.commands.run(conversation, { role: 'operator' }, { do: 'transfer', team: 'day' })
  await rig.settle()
  for (let second = 0; second < 100; second++) {
    rig.clock.advance(1_000)
    await rig.settle()
  }
  const records = await rig.store.log.read(conversation, 0, 100)
  const last = records.slice(-3).map(({ body }) => (body.type === 'queued' ? `queued ${body.reasons[0]}` : body.type))
  assert.deepEqual(last, ['queued transferred', 'overdue', 'queued overflow'])
  assert.equal((await rig.store.log.head(conversation))?.details.team, rig.teams.show('night').id)
  await rig.stop()
})

test('two who decline are asked once each, and a team that it is sent to has its own time', async () => {
  const { rig, li, conversation, head } = await served()
  const wang = await rig.agent('wang')
  await command(rig, li.peer, { do: 'decline' }, conversation)
  await rig.settle()
  assert.equal((await head()).agent, wang.id)
  await command(rig, wang.peer, { do: 'decline' }, conversation)
  await rig.settle()
  assert.deepEqual([(await head()).state, (await head()).details.declinedBy], ['waiting', [li.id, wang.id]])
  const { team: night } = await rig.teams.add('night', {})
  const { team } = await rig.teams.add('day', { overflow: { afterMs: 60_000, team: 'night' } })
  rig.clock.advance(70_000)
  await rig.engine.commands.run(conversation, { role: 'operator' }, { do: 'update', set: { team: team.id } })
  await rig.settle()
  rig.clock.advance(50_000)
  await rig.settle()
  assert.equal((await head()).details.team, team.id, 'it has not waited for that team yet')
  rig.clock.advance(12_000)
  await rig.settle()
  assert.equal((await head()).details.team, night.id)
  await rig.stop()
})

test('what wakes waits for its team from then on, and does not overflow at once', async () => {
  const { rig, li, conversation, head } = await served()
  const { team: night } = await rig.teams.add('night', {})
  const { team } = await rig.teams.add('day', { overflow: { afterMs: 60_000, team: 'night' } })
  await rig.engine.commands.run(conversation, { role: 'operator' }, { do: 'update', set: { team: team.id } })
  await command(rig, li.peer, { do: 'snooze', until: Math.floor(rig.clock.now()) + 120_000 }, conversation)
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second += 5) {
      rig.clock.advance(5_000)
      await rig.settle()
    }
  }
  await pass(125)
  assert.deepEqual([(await head()).state, (await head()).details.team], ['waiting', team.id])
  await pass(50)
  assert.equal((await head()).details.team, team.id)
  await pass(15)
  assert.equal((await head()).details.team, night.id)
  await rig.stop()
})

test('a wall clock that is set makes no answer late, and none in time', async () => {
  const rig = await Rig.create({ capacity: 1 })
  const { team } = await rig.teams.add('day', { sla: { firstResponseMs: 30_000 } })
  await rig.channels.set('site', { team: team.id })
  const first = await rig.visitor()
  await rig.say(first.peer, 'm1')
  await rig.settle()
  const isOverdue = async ({ conversation }: { readonly conversation: ConversationId }) =>
    (await rig.store.log.head(conversation))?.details.overdueSince !== undefined
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      rig.clock.advance(1_000)
      await rig.settle()
    }
  }
  rig.clock.setWall(rig.clock.now() + 3_600_000)
  // It is looked at again where it stands, by the clock as it is now.
  await rig.engine.commands.run(first.conversation, { role: 'operator' }, { do: 'note', text: 'x' })
  await pass(25)
  assert.equal(await isOverdue(first), false)
  rig.clock.setWall(rig.clock.now() - 7_200_000)
  const second = await rig.visitor()
  await rig.say(second.peer, 'm1')
  await rig.settle()
  await rig.engine.commands.run(first.conversation, { role: 'operator' }, { do: 'note', text: 'y' })
  await pass(7)
  assert.deepEqual([await isOverdue(first), await isOverdue(second)], [true, false])
  await pass(25)
  assert.equal(await isOverdue(second), true)
  await rig.stop()
})

test('an app acts on its own contacts, by contact or conversation, and on no conversation of another channel', async () => {
  const { rig, conversation, head } = await served()
  const { peer, welcome } = await rig.greet({ token: rig.appToken })
  assert.equal(await command(rig, peer, { do: 'close' }, conversation), NOT_FOUND)
  assert.equal(await command(rig, peer, { do: 'rate', score: 1 }, conversation), NOT_FOUND)
  assert.equal((await head()).state, 'active')
  await rig.say(peer, 'm1', { contact: 'user-1' })
  await rig.settle()
  const own = rig.tokens.conversationId(welcome.channels[0]!.number, 'user-1')
  assert.deepEqual(await command(rig, peer, { do: 'close' }, own), { conversation: own, n: 4, changed: true })
  rig.send(peer, 'command', { contact: 'user-1', command: { do: 'rate', score: 5 } })
  assert.deepEqual((await rig.receive(peer, 'done', ({ body }) => body.n === 5)).body.conversation, own)
  rig.send(peer, 'command', { contact: 'user-2', command: { do: 'close' } }, 9)
  await rig.receive(peer, 'error', ({ body, correlation }) => correlation === 9 && body.code === NOT_FOUND)
  await rig.stop()
})

test("a visitor's commands count as messages do, for each is stored", async () => {
  const { rig, visitor } = await served()
  visitor.peer.frames.length = 0
  for (let i = 0; i < 110; i++) rig.send(visitor.peer, 'command', { command: { do: 'rate', score: 3 } })
  for (let i = 0; i < 5; i++) await rig.settle()
  const kinds = visitor.peer.frames.map(({ kind, body }) => (kind === 'error' ? body.code : kind))
  assert.equal(kinds.filter(kind => kind === 'done').length, 99, 'one message was sent before')
  assert.equal(kinds.filter(kind => kind === 'KEFU_RATE_LIMITED').length, 11)
  await rig.stop()
})

test('an agent who put a conversation aside gets the message that wakes it, also when somebody else has it then', async () => {
  const { rig, li, visitor, conversation } = await served()
  const wang = await rig.agent('wang')
  await command(rig, li.peer, { do: 'snooze', until: rig.clock.now() + 3_600_000 }, conversation)
  rig.send(li.peer, 'presence', { state: 'away' })
  await rig.settle()
  li.peer.frames.length = 0
  const n = await rig.say(visitor.peer, 'm2')
  await rig.settle()
  const delivered = li.peer.frames.filter(({ kind }) => kind === 'deliver').map(({ body }) => body.n)
  assert.deepEqual(delivered, [n], 'the message that woke it, and nothing of what follows')
  assert.equal((await rig.store.log.head(conversation))?.agent, wang.id)
  await rig.say(visitor.peer, 'm3')
  await rig.settle()
  assert.deepEqual(
    li.peer.frames.filter(({ kind }) => kind === 'deliver').map(({ body }) => body.n),
    [n],
  )
  await rig.stop()
})

test('a supervisor listens to a conversation of somebody else, as long as that is wanted and the role is kept', async () => {
  const { rig, visitor, conversation } = await served()
  const boss = await rig.agent('boss')
  const heard = () =>
    boss.peer.frames
      .filter(({ kind }) => kind === 'deliver')
      .map(({ body }) => (body.record as { parts?: { text: string }[] }).parts?.[0]?.text)
  const listen = async (on: boolean) => {
    rig.send(boss.peer, 'listen', { conversation, on })
    await rig.settle()
  }
  await listen(true)
  assert.ok(boss.peer.frames.some(({ kind, body }) => kind === 'error' && body.code === 'KEFU_CONVERSATION_NOT_FOUND'))
  await rig.agents.set('boss', { role: 'supervisor' })
  await listen(true)
  await rig.say(visitor.peer, 'm2')
  await rig.settle()
  assert.deepEqual(heard(), ['text of m2'])
  await listen(false)
  await rig.say(visitor.peer, 'm3')
  await listen(true)
  await rig.agents.set('boss', { role: 'agent' })
  await rig.say(visitor.peer, 'm4')
  await rig.settle()
  assert.deepEqual(heard(), ['text of m2'])
  rig.disconnect(boss.peer)
  await rig.say(visitor.peer, 'm5')
  await rig.settle()
  assert.deepEqual(rig.reported, [])
  await rig.stop()
})

test('of what a contact writes in the same moment, only the message that wakes a conversation reaches the agent who had put it aside', async () => {
  const { rig, li, visitor, conversation } = await served()
  await command(rig, li.peer, { do: 'snooze', until: rig.clock.now() + 3_600_000 }, conversation)
  rig.send(li.peer, 'presence', { state: 'away' })
  await rig.settle()
  li.peer.frames.length = 0
  // The clock stands still: both have the same instant.
  await rig.say(visitor.peer, 'm2')
  await rig.say(visitor.peer, 'm3')
  await rig.settle()
  const got = li.peer.frames.filter(({ kind }) => kind === 'deliver').map(({ body }) => body.record as { id?: string })
  assert.deepEqual(
    got.map(({ id }) => id).filter(id => id !== undefined),
    ['m2'],
  )
  await rig.stop()
})

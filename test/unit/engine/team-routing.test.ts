import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import { SYSTEM } from '../../../src/daemon/core/records.js'
import { Rig } from './rig.js'

async function agentOf(rig: Rig, conversation: ConversationId): Promise<string | undefined> {
  await rig.settle()
  return (await rig.store.log.head(conversation))?.agent
}

/** A rig whose channel `site` sends to the team `refunds`, which has the agent `member`; `other` is of no team. */
async function setUp() {
  const rig = await Rig.create()
  const other = await rig.agent('other')
  const member = await rig.agent('member')
  const { team } = await rig.teams.add('refunds', { members: ['member'] })
  await rig.channels.set('site', { team: team.id })
  return { rig, other, member, team }
}

test('conversations of a channel with a team go to its members only, and wait for them', async () => {
  const { rig, other, member, team } = await setUp()
  for (let count = 0; count < 3; count++) {
    const visitor = await rig.visitor()
    await rig.say(visitor.peer, 'm1')
    assert.equal(await agentOf(rig, visitor.conversation), member.id)
    assert.equal((await rig.store.log.head(visitor.conversation))?.details.team, team.id)
  }
  await rig.agents.set('member', { capacity: { total: 3 } })
  const waiting = await rig.visitor()
  await rig.say(waiting.peer, 'm1')
  assert.equal(await agentOf(rig, waiting.conversation), undefined)
  assert.equal((await rig.store.log.head(waiting.conversation))?.state, 'waiting')
  const { peer } = await rig.greet({ token: rig.appToken })
  const told = rig.receive(peer, 'ack')
  rig.send(peer, 'message', { id: 'm1', contact: 'u1', parts: [{ type: 'text', text: 'hello' }] })
  const { body } = await told
  assert.equal(await agentOf(rig, body.conversation as ConversationId), other.id)
  await rig.teams.set('refunds', { addMembers: ['other'] })
  assert.equal(await agentOf(rig, waiting.conversation), other.id)
  assert.deepEqual(rig.reported, [])
  await rig.stop()
})

test('a session that was there before the channel had a team opens its conversation in the team', async () => {
  const { rig, member } = await setUp()
  await rig.channels.set('site', { team: null })
  const visitor = await rig.visitor()
  await rig.channels.set('site', { team: rig.teams.show('refunds').id })
  await rig.say(visitor.peer, 'm1')
  assert.equal(await agentOf(rig, visitor.conversation), member.id)
  await rig.stop()
})

test('a new episode goes to the team that the channel has then, also after a restart', async () => {
  const { rig, other, member } = await setUp()
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  assert.equal(await agentOf(rig, visitor.conversation), member.id)
  await rig.store.log.append(visitor.conversation, [{ type: 'closed', by: SYSTEM, reason: 'operator' }])
  const { team } = await rig.teams.add('second', { members: ['other'], strategy: 'manual' })
  await rig.channels.set('site', { team: team.id })
  await rig.say(visitor.peer, 'm2')
  assert.equal(await agentOf(rig, visitor.conversation), undefined)
  await rig.stop()
  await rig.start()
  for (const { token } of [member, other]) await rig.greet({ token })
  assert.equal(await agentOf(rig, visitor.conversation), undefined)
  await rig.teams.set('second', { strategy: 'least-active' })
  assert.equal(await agentOf(rig, visitor.conversation), other.id)
  await rig.stop()
})

test('who waits for the team of a channel goes along when the channel gets another', async () => {
  const { rig, other } = await setUp()
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.store.log.append(visitor.conversation, [{ type: 'closed', by: SYSTEM, reason: 'operator' }])
  await rig.teams.set('refunds', { strategy: 'manual' })
  await rig.say(visitor.peer, 'm2')
  assert.equal(await agentOf(rig, visitor.conversation), undefined)
  await rig.agents.set('member', { capacity: { total: 1, perKind: { web: 0 } } })
  await rig.channels.set('site', { team: null })
  assert.equal(await agentOf(rig, visitor.conversation), other.id)
  await rig.stop()
})

test('a team gives nothing out while it is closed, and what waits when it opens', async () => {
  const { rig, member } = await setUp()
  // The clock of the rig stands at Monday, 5 January 2026, 08:00 UTC.
  const weekly = [{ days: ['mon'], from: '09:00', to: '18:00' }] as const
  await rig.teams.set('refunds', { hours: { timeZone: 'UTC', weekly } })
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  assert.equal(await agentOf(rig, visitor.conversation), undefined)
  for (let minute = 0; minute < 59; minute++) {
    rig.clock.advance(60_000)
    rig.send(member.peer, 'presence', { state: 'online' })
  }
  assert.equal(await agentOf(rig, visitor.conversation), undefined)
  for (let second = 0; second <= 60; second += 10) {
    rig.clock.advance(10_000)
    rig.send(member.peer, 'presence', { state: 'online' })
  }
  assert.equal(await agentOf(rig, visitor.conversation), member.id)
  await rig.stop()
})

test('conversations of a team that is removed go to whoever is free', async () => {
  const { rig, other, member } = await setUp()
  await rig.agents.set('member', { capacity: { total: 1, perKind: { web: 0 } } })
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  assert.equal(await agentOf(rig, visitor.conversation), undefined)
  await rig.channels.set('site', { team: null })
  assert.equal(await agentOf(rig, visitor.conversation), undefined)
  await rig.teams.remove('refunds')
  assert.equal(await agentOf(rig, visitor.conversation), other.id)
  assert.notEqual(other.id, member.id)
  await rig.stop()
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isKefuError } from '../../../src/errors.js'
import { type Peer, Rig } from './rig.js'

/** A rig whose channel `site` has the connected bot `helper`, beside the agent `li`. */
async function withBot() {
  const rig = await Rig.create()
  const helper = await rig.agent('helper')
  await rig.agents.set('helper', { role: 'bot' })
  await rig.channels.set('site', { bot: helper.id })
  const li = await rig.agent('li')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const { conversation } = visitor
  const head = async () => (await rig.store.log.head(conversation))!
  const command = async (peer: Peer, command: object) => {
    rig.send(peer, 'command', { conversation, command } as never)
    await rig.settle()
    const at = peer.frames.findLastIndex(({ kind }) => kind === 'done' || kind === 'error')
    const answer = peer.frames.splice(at, 1)[0]!
    return answer.kind === 'done' ? 'done' : answer.body.code
  }
  return { rig, helper, li, visitor, conversation, head, command }
}

describe('a bot', () => {
  test('gets what is new first, speaks, and hands over to people, who have the time that the team promises from then on', async () => {
    const { rig, helper, li, visitor, conversation, head, command } = await withBot()
    assert.deepEqual([(await head()).state, (await head()).agent], ['bot', helper.id])
    assert.deepEqual([rig.engine.queue.totals().bot, rig.engine.queue.totals().active], [1, 0])
    const told = await rig.receive(
      visitor.peer,
      'deliver',
      ({ body }) => (body.record as { type: string }).type === 'assigned',
    )
    assert.equal((told.body.record as { bot?: boolean }).bot, true)
    rig.clock.advance(1_000)
    await rig.say(helper.peer, 'b1', { conversation })
    assert.deepEqual([(await head()).details.answeredAt, (await head()).unansweredSince], [undefined, undefined])
    rig.clock.advance(1_000)
    const now = Math.floor(rig.clock.now())
    assert.equal(await command(helper.peer, { do: 'requeue' }), 'done')
    const { state, agent, unansweredSince, details } = await head()
    assert.deepEqual([state, agent, unansweredSince, details.lineSince], ['active', li.id, now, now])
    assert.equal(details.lastAgent, undefined)
    assert.equal(await command(helper.peer, { do: 'close' }), 'KEFU_CONVERSATION_NOT_FOUND')
    await rig.say(li.peer, 'a1', { conversation })
    assert.equal((await head()).details.answeredAt, now)
    assert.deepEqual(rig.reported, [])
    await rig.stop()
  })

  test('that sends it on to an agent has answered nothing: it waits to be read, and the time that is promised begins', async () => {
    const { rig, helper, li, visitor, conversation, head, command } = await withBot()
    await rig.say(visitor.peer, 'm2')
    await rig.say(helper.peer, 'b1', { conversation })
    rig.clock.advance(2_000)
    const now = Math.floor(rig.clock.now())
    assert.equal(await command(helper.peer, { do: 'transfer', agent: 'li' }), 'done')
    const { state, agent, unansweredSince } = await head()
    assert.deepEqual([state, agent, unansweredSince], ['active', li.id, now])
    const { peer } = await rig.greet({ token: li.token })
    const inbox = await rig.receive(peer, 'inbox')
    assert.equal((inbox.body as { entries: { unread?: number }[] }).entries[0]?.unread, 2)
    await rig.say(li.peer, 'a1', { conversation })
    assert.equal((await head()).unansweredSince, undefined)
    await rig.stop()
  })

  test('gets nothing else: not what waits, not by an assignment, not by taking, not as a member of a team', async () => {
    const { rig, helper, li, conversation, head, command } = await withBot()
    await rig.teams.add('refunds', { members: ['helper'] })
    const boss = await rig.agent('boss')
    await rig.agents.set('boss', { role: 'supervisor' })
    assert.equal(await command(boss.peer, { do: 'takeOver' }), 'done')
    assert.deepEqual([(await head()).state, (await head()).agent], ['active', boss.id])
    assert.equal(await command(boss.peer, { do: 'transfer', agent: 'helper' }), 'KEFU_AGENT_UNAVAILABLE')
    assert.equal(await command(helper.peer, { do: 'accept' }), 'KEFU_CONVERSATION_NOT_FOUND')
    assert.equal(await command(boss.peer, { do: 'transfer', team: 'refunds' }), 'done')
    assert.equal((await head()).state, 'waiting')
    assert.equal(await command(helper.peer, { do: 'accept' }), 'KEFU_CONVERSATION_NOT_FOUND')
    const { now } = await rig.engine.queue.explain(conversation)
    assert.deepEqual(now?.reasons, ['no-members'])
    assert.notEqual((await head()).agent, li.id)
    await rig.stop()
  })

  test('that was a person does not get what it had then by beginning it anew', async () => {
    const { rig, li, head, command } = await withBot()
    const boss = await rig.agent('boss')
    await rig.agents.set('boss', { role: 'supervisor' })
    assert.equal(await command(boss.peer, { do: 'transfer', agent: 'li' }), 'done')
    assert.equal(await command(li.peer, { do: 'close' }), 'done')
    await rig.agents.set('li', { role: 'bot' })
    assert.equal(await command(li.peer, { do: 'reopen' }), 'KEFU_AGENT_UNAVAILABLE')
    assert.equal((await head()).state, 'closed')
    await rig.stop()
  })

  test('that is not there, full or gone for good leaves it to people; a new episode is its again when it is back', async () => {
    const { rig, helper, li, visitor, conversation, head, command } = await withBot()
    await rig.say(helper.peer, 'b1', { conversation })
    rig.disconnect(helper.peer)
    const left = Math.floor(rig.clock.now())
    for (let second = 0; second < 32; second++) {
      rig.clock.advance(1_000)
      rig.send(li.peer, 'presence', { state: 'online' })
      await rig.settle()
    }
    assert.deepEqual([(await head()).state, (await head()).agent], ['active', li.id])
    const { unansweredSince = 0 } = await head()
    assert.ok(unansweredSince >= left + 30_000, 'people have their time from when it is theirs')
    const other = await rig.visitor()
    await rig.say(other.peer, 'm1')
    await rig.settle()
    assert.equal((await rig.store.log.head(other.conversation))?.agent, li.id)
    const { peer } = await rig.greet({ token: helper.token })
    await rig.settle()
    assert.equal((await head()).agent, li.id)
    assert.equal(await command(li.peer, { do: 'close' }), 'done')
    await rig.say(visitor.peer, 'm2')
    await rig.settle()
    assert.deepEqual([(await head()).state, (await head()).agent], ['bot', helper.id])
    await rig.agents.set('helper', { capacity: { total: 1 } })
    const third = await rig.visitor()
    await rig.say(third.peer, 'm1')
    await rig.settle()
    assert.equal((await rig.store.log.head(third.conversation))?.agent, li.id)
    rig.send(peer, 'command', { conversation, command: { do: 'close' } })
    await rig.settle()
    assert.equal((await head()).state, 'closed')
    await rig.stop()
  })

  test('keeps what it has over a restart of the daemon, and a channel without it goes to people', async () => {
    const { rig, helper, li, head } = await withBot()
    await rig.stop()
    await rig.start()
    await rig.greet({ token: helper.token })
    const { peer } = await rig.greet({ token: li.token })
    for (let second = 0; second < 40; second++) {
      rig.clock.advance(1_000)
      for (const known of rig.peers.values())
        if (known.id >= peer.id - 1) rig.send(known, 'presence', { state: 'online' })
      await rig.settle()
    }
    assert.deepEqual([(await head()).state, (await head()).agent], ['bot', helper.id])
    await rig.channels.set('site', { bot: null })
    const other = await rig.visitor()
    await rig.say(other.peer, 'm1')
    await rig.settle()
    assert.equal((await rig.store.log.head(other.conversation))?.agent, li.id)
    await rig.stop()
  })

  test('that is called needs no connection; while it cannot be called, people get what is new, and then what it had', async () => {
    const rig = await Rig.create()
    const { agent: helper } = await rig.agents.add('helper')
    await rig.agents.set('helper', { role: 'bot', endpoint: 'https://bot.example/in' })
    await rig.channels.set('site', { bot: helper.id })
    const li = await rig.agent('li')
    const stateOf = async () => {
      const { peer, conversation } = await rig.visitor()
      await rig.say(peer, 'm1')
      await rig.settle()
      const head = async () => (await rig.store.log.head(conversation))!
      return { conversation, head, state: (await head()).state }
    }
    assert.equal((await stateOf()).state, 'active')
    rig.engine.presence.callable(helper.id, true)
    const { state, head } = await stateOf()
    assert.deepEqual([state, (await head()).agent], ['bot', helper.id])
    rig.engine.presence.callable(helper.id, false)
    assert.equal((await stateOf()).state, 'active')
    assert.equal((await head()).state, 'bot')
    for (let i = 0; i < 32; i++) {
      rig.clock.advance(1_000)
      rig.send(li.peer, 'presence', { state: 'online' })
    }
    await rig.settle()
    assert.deepEqual([(await head()).state, (await head()).agent], ['active', li.id])
    await assert.rejects(rig.agents.set('helper', { role: 'agent' }), error => isKefuError(error, 'KEFU_USAGE'))
    await assert.rejects(rig.agents.set('li', { endpoint: 'https://a.example' }), error =>
      isKefuError(error, 'KEFU_USAGE'),
    )
    await rig.stop()
  })

  test('that is called does not connect as well', async () => {
    const rig = await Rig.create()
    const { token, peer, id } = await rig.agent('helper')
    assert.equal(rig.engine.presence.connections(id), 1)
    // One that came while the endpoint was written.
    await rig.agents.set('helper', { role: 'bot', endpoint: 'https://bot.example/in' })
    await rig.settle()
    assert.equal(peer.closedWith?.code, 4401)
    assert.equal(rig.engine.presence.connections(id), 0)
    for (let attempt = 0; attempt < 10; attempt++) {
      const late = rig.open()
      rig.send(late, 'hello', { token })
      const { body } = await rig.receive(late, 'error')
      assert.deepEqual([body.code, body.retryable, late.closedWith?.code], ['KEFU_BOT_CALLED', false, 4401])
      assert.doesNotMatch(JSON.stringify(body), /kefu agent|bot\.example/)
    }
    await rig.agents.set('helper', { endpoint: null })
    await rig.greet({ token })
    await rig.stop()
  })

  test('has nothing of its answer appended when the conversation has gone to somebody else meanwhile', async () => {
    const { rig, helper, conversation, head, command } = await withBot()
    const actor = { role: 'agent', id: helper.id, name: 'helper', isSupervisor: false } as const
    const by = { role: 'agent', id: helper.id, name: 'helper' } as const
    const say = (id: string) => [{ type: 'message', by, id, parts: [{ type: 'text', text: 'late' }] }] as const
    const answered = await rig.engine.commands.answer(conversation, actor, say('bot-2-0'), [{ do: 'note', text: 'n' }])
    assert.equal(answered.changed, true)
    assert.equal(await command(helper.peer, { do: 'requeue' }), 'done')
    await rig.settle()
    const { n } = await head()
    const late = await rig.engine.commands.answer(conversation, actor, say('bot-4-0'), [{ do: 'close' }])
    assert.deepEqual([late.changed, late.n, (await head()).n], [false, n, n])
    await rig.stop()
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Rig } from './rig.js'

/** Agents of a manual line: nobody gets anything that they did not take. Li has taken the conversation and put it aside for ten minutes. */
async function putAside({ capacity = 1_000 } = {}) {
  const rig = await Rig.create({ strategy: 'manual', capacity })
  const li = await rig.agent('li')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const { conversation } = visitor
  const act = (command: object, target = conversation) => {
    rig.send(li.peer, 'command', { conversation: target, command } as never)
    return rig.settle()
  }
  await act({ do: 'accept' })
  const until = Math.floor(rig.clock.now()) + 600_000
  await act({ do: 'snooze', until })
  const head = async () => (await rig.store.log.head(conversation))!
  const standing = async () => [(await head()).state, (await head()).agent]
  const reasons = async () => {
    const { body } = (await rig.store.log.read(conversation, 0, 100)).at(-1)!
    return body.type === 'assigned' && body.reasons
  }
  /** In steps that keep the agent's presence. */
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second += 5) {
      rig.clock.advance(5_000)
      rig.send(li.peer, 'presence', { state: 'online' })
      await rig.settle()
    }
  }
  assert.deepEqual(await standing(), ['snoozed', li.id])
  return { rig, li, visitor, conversation, act, head, standing, reasons, pass, until }
}

describe('what an agent has put aside goes back to that agent, whatever the team decides', () => {
  test('when its time has come', async () => {
    const { rig, li, standing, reasons, pass } = await putAside()
    await pass(605)
    assert.deepEqual(await standing(), ['active', li.id])
    assert.deepEqual(await reasons(), ['woken'])
    await rig.stop()
  })

  test('when its contact writes', async () => {
    const { rig, li, visitor, standing, reasons } = await putAside()
    await rig.say(visitor.peer, 'm2')
    await rig.settle()
    assert.deepEqual([...(await standing()), ...((await reasons()) || [])], ['active', li.id, 'woken'])
    await rig.stop()
  })

  test('when the agent wants it back before its time', async () => {
    const { rig, li, act, standing } = await putAside()
    await act({ do: 'wake' })
    assert.deepEqual(await standing(), ['active', li.id])
    await rig.stop()
  })

  test('also when the agent is not of its team and lacks the skill', async () => {
    const { rig, li, conversation, act, standing } = await putAside()
    await rig.agents.add('wang')
    const { team } = await rig.teams.add('night', { members: ['wang'] })
    const operator = { role: 'operator' } as const
    await rig.engine.commands.run(conversation, operator, {
      do: 'update',
      set: { team: team.id, requires: { vip: 5 } },
    })
    await act({ do: 'wake' })
    assert.deepEqual(await standing(), ['active', li.id])
    await rig.stop()
  })

  test('else it waits from the moment it woke, for that agent and for the team', async () => {
    const { rig, li, act, head, standing, pass, until } = await putAside({ capacity: 1 })
    const other = await rig.visitor()
    await rig.say(other.peer, 'm1')
    await rig.settle()
    await act({ do: 'accept' }, other.conversation)
    await pass(605)
    assert.deepEqual([...(await standing()), (await head()).waitingSince], ['waiting', undefined, until])
    await act({ do: 'close' }, other.conversation)
    assert.deepEqual(await standing(), ['active', li.id])
    await rig.stop()
  })

  test('also when that agent comes back only after a restart; somebody who takes it meanwhile has it', async () => {
    const { rig, li, visitor, conversation, standing, pass } = await putAside()
    rig.disconnect(li.peer)
    await pass(605)
    assert.deepEqual(await standing(), ['waiting', undefined])
    await rig.stop()
    await rig.start()
    const back = await rig.greet({ token: li.token })
    await rig.settle()
    assert.deepEqual(await standing(), ['active', li.id])
    rig.send(back.peer, 'command', {
      conversation,
      command: { do: 'snooze', until: Math.floor(rig.clock.now()) + 60_000 },
    })
    await rig.settle()
    rig.disconnect(back.peer)
    const { peer } = await rig.greet({ token: visitor.token })
    await rig.say(peer, 'm9')
    await rig.settle()
    const wang = await rig.agent('wang')
    rig.send(wang.peer, 'command', { conversation, command: { do: 'accept' } })
    await rig.settle()
    assert.deepEqual(await standing(), ['active', wang.id])
    rig.send(wang.peer, 'command', { conversation, command: { do: 'decline' } })
    await rig.greet({ token: li.token })
    await rig.settle()
    assert.deepEqual(
      await standing(),
      ['waiting', undefined],
      'it was given to somebody since: it is not meant for li any more',
    )
    await rig.stop()
  })
})

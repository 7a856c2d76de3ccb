import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QueueBody } from '../../../src/codec/wire.js'
import { type Peer, Rig } from './rig.js'

const places = (peer: Peer): QueueBody[] =>
  peer.frames.filter(({ kind }) => kind === 'queue').map(({ body }) => body as unknown as QueueBody)

test('contacts who wait are told their place when it changes, and how long it may take once that is known', async () => {
  const rig = await Rig.create({ capacity: 1 })
  const visitors = []
  for (let i = 0; i < 6; i++) {
    const visitor = await rig.visitor()
    await rig.say(visitor.peer, 'm1')
    await rig.settle()
    visitors.push(visitor)
    rig.clock.advance(1)
  }
  rig.clock.advance(2_000)
  await rig.settle()
  assert.deepEqual(
    visitors.map(({ peer }) => places(peer)),
    visitors.map(({ conversation }, ahead) => [{ conversation, ahead }]),
  )
  rig.clock.advance(10_000)
  await rig.settle()
  assert.ok(
    visitors.every(({ peer }) => places(peer).length === 1),
    'nothing has changed',
  )

  const agent = await rig.agent('li')
  for (let done = 0; done < 4; done++) {
    await rig.settle()
    rig.clock.advance(4_000)
    rig.send(agent.peer, 'presence', { state: 'online' })
    await rig.settle()
    const { conversation } = visitors[done]!
    rig.send(agent.peer, 'command', { conversation, command: { do: 'close' } })
    await rig.settle()
  }
  rig.clock.advance(2_000)
  await rig.settle()
  const last = places(visitors[5]!.peer)
  assert.deepEqual(
    last.map(({ ahead }) => ahead),
    [5, 4, 3, 2, 1, 0],
  )
  assert.ok(
    last.at(-1)!.estimatedWaitMs! >= 3_000 && last.at(-1)!.estimatedWaitMs! <= 6_000,
    JSON.stringify(last.at(-1)),
  )
  assert.deepEqual(places(visitors[0]!.peer).length, 1, 'who is served is not told any more')
  await rig.stop()
})

test('a contact who comes back is told the place again', async () => {
  const rig = await Rig.create()
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  rig.clock.advance(2_000)
  await rig.settle()
  rig.disconnect(visitor.peer)
  const again = await rig.greet({ token: visitor.token })
  rig.clock.advance(2_000)
  await rig.settle()
  assert.deepEqual(places(again.peer), [{ conversation: visitor.conversation, ahead: 0 }])
  await rig.stop()
})

test('nobody is told to be next while the team is closed, or when all of it lack what is asked for', async () => {
  const rig = await Rig.create()
  const li = await rig.agent('li')
  await rig.teams.add('day', { members: ['li'] })
  await rig.channels.set('site', { team: rig.teams.show('day').id })
  const skilled = await rig.visitor()
  await rig.say(skilled.peer, 'm1')
  const operator = { role: 'operator' } as const
  await rig.engine.commands.run(skilled.conversation, operator, { do: 'update', set: { requires: { refund: 3 } } })
  await rig.engine.commands.run(skilled.conversation, operator, { do: 'requeue' })
  // The clock of the rig stands at Monday, 5 January 2026, 08:00 UTC.
  const weekly = [{ days: ['mon'], from: '09:00', to: '18:00' }] as const
  await rig.teams.set('day', { hours: { timeZone: 'UTC', weekly } })
  const plain = await rig.visitor()
  await rig.say(plain.peer, 'm1')
  rig.disconnect(li.peer)
  const told = () => [skilled, plain].map(({ peer }) => places(peer).length)
  rig.clock.advance(10_000)
  await rig.settle()
  assert.deepEqual(told(), [0, 0])
  for (let minute = 0; minute < 61; minute++) rig.clock.advance(60_000)
  await rig.settle()
  assert.deepEqual(told(), [0, 1])
  await rig.agents.set('li', { skills: { refund: 3 } })
  rig.clock.advance(10_000)
  await rig.settle()
  assert.deepEqual(
    [skilled, plain].map(({ peer }) => places(peer).length > 0),
    [true, true],
  )
  await rig.stop()
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordBody } from '../../../src/daemon/core/records.js'
import { KefuError } from '../../../src/errors.js'
import { Rig } from './rig.js'

/** Has the log refuse what the filter picks, until the returned function is called. Counts the refusals. */
function refuseAppends(
  rig: Rig,
  isRefused: (body: RecordBody) => boolean,
): { readonly stop: () => void; count: number } {
  const { log } = rig.store
  const append = log.append.bind(log)
  const refusal = {
    count: 0,
    stop() {
      log.append = append
    },
  }
  log.append = (conversation, bodies, options) => {
    if (!isRefused(bodies[0]!)) return append(conversation, bodies, options)
    refusal.count++
    return Promise.reject(new KefuError('KEFU_STORE_FULL'))
  }
  return refusal
}

async function pass(rig: Rig, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    rig.clock.advance(1_000)
    await rig.settle()
  }
}

test('a conversation that the store did not let an agent have is assigned when the store takes writes again', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const refusal = refuseAppends(rig, body => body.type === 'assigned')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await pass(rig, 12_000)
  assert.ok(refusal.count >= 2, 'it was tried again')
  assert.equal(rig.reported.length, 1, 'and reported once')
  refusal.stop()
  rig.send(agent.peer, 'presence', { state: 'online' })
  await pass(rig, 6_000)
  assert.equal((await rig.store.log.head(visitor.conversation))?.agent, agent.id)
  await rig.stop()
})

test('work of an agent who is gone goes back into the line also when the store refuses that for a while', async () => {
  const rig = await Rig.create()
  const gone = await rig.agent('gone')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const refusal = refuseAppends(rig, body => body.type === 'queued')
  rig.disconnect(gone.peer)
  await pass(rig, 40_000)
  assert.equal((await rig.store.log.head(visitor.conversation))?.agent, gone.id)
  refusal.stop()
  await pass(rig, 6_000)
  assert.equal((await rig.store.log.head(visitor.conversation))?.state, 'waiting')
  await rig.stop()
})

test('work of an agent who is gone goes back into the line also when it cannot be listed for a while', async () => {
  const rig = await Rig.create()
  const gone = await rig.agent('gone')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  rig.disconnect(gone.peer)
  await rig.settle()
  const { view } = rig.store
  const active = view.active.bind(view)
  view.active = async () => {
    throw new KefuError('KEFU_STORE_UNREADABLE', { reason: 'no answer' })
  }
  await pass(rig, 35_000)
  view.active = active
  await pass(rig, 6_000)
  assert.equal((await rig.store.log.head(visitor.conversation))?.state, 'waiting')
  await rig.stop()
})

test('an assignment that arrives after its agent was gone is taken back', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  rig.disconnect(agent.peer)
  await pass(rig, 35_000)
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const by = { role: 'system' as const }
  // As when the decision was made in time and its write turned out to be on disk much later.
  await rig.store.log.append(visitor.conversation, [{ type: 'assigned', by, agent: agent.id, name: 'li', reasons: [] }])
  await pass(rig, 10_000)
  assert.equal((await rig.store.log.head(visitor.conversation))?.agent, agent.id, 'the agent has its time to come back')
  await pass(rig, 25_000)
  assert.equal((await rig.store.log.head(visitor.conversation))?.state, 'waiting')
  await rig.stop()
})

test('a decision does not hold when the conversation has changed hands before it was written', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  await rig.agents.add('other')
  const other = rig.agents.show('other')
  const visitor = await rig.visitor()
  const { log } = rig.store
  const append = log.append.bind(log)
  log.append = async (conversation, bodies, options) => {
    if (bodies[0]?.type === 'assigned') {
      log.append = append
      await append(conversation, [{ ...bodies[0], agent: other.id, name: 'other' }])
    }
    return append(conversation, bodies, options)
  }
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  assert.equal((await log.head(visitor.conversation))?.agent, other.id)
  assert.equal((await log.head(visitor.conversation))?.n, 3)
  assert.notEqual(agent.id, other.id)
  assert.deepEqual(rig.reported, [])
  await rig.stop()
})

test('cursors of readers never go back, whatever comes between their writes', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const { peer, conversation } = await rig.visitor()
  for (let i = 0; i < 8; i++) await rig.say(peer, `m${i}`)
  await rig.settle()
  const receipt = async () => {
    await pass(rig, 2_000)
    const { acknowledged, read } = (await rig.store.view.receipt(conversation, 'agent'))!
    return { acknowledged, read }
  }
  rig.send(agent.peer, 'read', { conversation, n: 4 })
  assert.deepEqual(await receipt(), { acknowledged: 4, read: 4 })
  rig.send(agent.peer, 'ack', { conversation, n: 8 })
  assert.deepEqual(await receipt(), { acknowledged: 8, read: 4 })
  await rig.stop()
  await rig.start()
  const { peer: again } = await rig.greet({ token: (await rig.agents.issueToken('li')).token })
  rig.send(again, 'read', { conversation, n: 5 })
  assert.deepEqual(
    await (async () => {
      await pass(rig, 2_000)
      return rig.store.view.receipt(conversation, 'agent')
    })(),
    { conversation, reader: 'agent', acknowledged: 8, read: 5 },
  )
  await rig.stop()
})

test('a record that cannot be delivered is reported once and holds nothing up', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const [one, two] = [await rig.visitor(), await rig.visitor()]
  for (const { peer } of [one, two]) await rig.say(peer, 'm1')
  await rig.settle()
  agent.peer.frames.length = 0
  const { log } = rig.store
  const tail = log.tail.bind(log)
  await rig.stop()
  log.tail = async function* (after, signal) {
    for await (const entries of tail(after, signal))
      yield entries.map(entry => {
        if (entry.record.body.type !== 'message' || entry.record.body.id !== 'poison') return entry
        return {
          ...entry,
          get head(): never {
            throw new Error('poison')
          },
        }
      })
  }
  await rig.start()
  const { peer } = await rig.greet({ token: (await rig.agents.issueToken('li')).token })
  const [a, b] = [await rig.greet({ token: one.token }), await rig.greet({ token: two.token })]
  await rig.say(a.peer, 'poison')
  await rig.say(b.peer, 'm2')
  await pass(rig, 5_000)
  const delivered = peer.frames.filter(frame => frame.kind === 'deliver').map(({ body }) => body.conversation)
  assert.deepEqual(delivered, [two.conversation])
  assert.equal(rig.reported.length, 1)
  await rig.stop()
})

test('an engine that cannot start, or whose log is closed under it, leaves the event loop alone', async () => {
  const rig = await Rig.create()
  await rig.stop()
  const { view } = rig.store
  const waiting = view.waiting.bind(view)
  view.waiting = async () => {
    throw new KefuError('KEFU_STORE_UNREADABLE', { reason: 'no answer' })
  }
  await assert.rejects(rig.start(), { code: 'KEFU_STORE_UNREADABLE' })
  view.waiting = waiting
  await rig.store.close()
  await rig.settle()
  await rig.stop()
})

test('a change of an agent whose outcome the store did not know can be repeated', async () => {
  const rig = await Rig.create()
  const { peer } = await rig.agent('li')
  const { directory } = rig.store
  const update = directory.update.bind(directory)
  directory.update = async (key, value, revision) => {
    directory.update = update
    await update(key, value, revision)
    throw new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'the disk took too long' })
  }
  await assert.rejects(rig.agents.issueToken('li', { replace: true }), { code: 'KEFU_STORE_UNAVAILABLE' })
  await assert.rejects(rig.agents.issueToken('li', { replace: true }), { code: 'KEFU_DIRECTORY_CONFLICT' })
  await rig.settle()
  assert.equal(peer.closedWith?.code, 4401, 'the token that was replaced after all has ended')
  const { token } = await rig.agents.issueToken('li', { replace: true })
  await rig.greet({ token })
  const remove = directory.remove.bind(directory)
  directory.remove = async (key, revision) => {
    directory.remove = remove
    await remove(key, revision)
    throw new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'the disk took too long' })
  }
  await assert.rejects(rig.agents.remove('li'), { code: 'KEFU_STORE_UNAVAILABLE' })
  await assert.rejects(rig.agents.remove('li'), { code: 'KEFU_DIRECTORY_CONFLICT' })
  await assert.rejects(rig.agents.remove('li'), { code: 'KEFU_AGENT_NOT_FOUND' })
  await rig.stop()
})

test('contacts are told of their agent as the agent is, however the look-ups overtake each other', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const { view } = rig.store
  const active = view.active.bind(view)
  let release = (): void => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  view.active = async (id, limit) => {
    view.active = active
    const heads = await active(id, limit)
    await released
    return heads
  }
  visitor.peer.frames.length = 0
  rig.disconnect(agent.peer)
  await rig.greet({ token: agent.token })
  await rig.settle()
  release()
  await rig.settle()
  const states = visitor.peer.frames.filter(frame => frame.kind === 'presence').map(({ body }) => body.state)
  assert.equal(states.at(-1), 'online', String(states))
  await rig.stop()
})

test('a daemon that goes does not look up whom to tell that its agents went', async () => {
  const rig = await Rig.create()
  const agent = await rig.agent('li')
  const { view } = rig.store
  view.active = async () => {
    throw new KefuError('KEFU_STORE_UNREADABLE', { reason: 'closed' })
  }
  await rig.engine.drain(1_000)
  await rig.settle()
  assert.equal(agent.peer.closedWith?.code, 1012)
  assert.deepEqual(rig.reported, [])
  await rig.stop()
})

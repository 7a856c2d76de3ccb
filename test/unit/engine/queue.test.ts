import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createQueueHandlers } from '../../../src/daemon/control/queue-handlers.js'
import { Rig } from './rig.js'

type Visitor = Awaited<ReturnType<Rig['visitor']>>

async function waitingRig(count: number): Promise<{ rig: Rig; visitors: Visitor[] }> {
  const rig = await Rig.create()
  const visitors: Visitor[] = []
  for (let i = 0; i < count; i++) {
    const visitor = await rig.visitor()
    await rig.say(visitor.peer, 'm0')
    rig.clock.advance(1_000)
    visitors.push(visitor)
  }
  await rig.settle()
  return { rig, visitors }
}

const handlersOf = (rig: Rig) =>
  createQueueHandlers({
    agents: rig.agents,
    channels: rig.channels,
    teams: rig.teams,
    queue: rig.engine.queue,
    commands: rig.engine.commands,
    simulator: { run: () => assert.fail() },
    clock: rig.clock,
  })

const LIST = { limit: 100, states: ['waiting'], maxAgeMs: 0 } as const
const listOf = (rig: Rig, request: object = {}) =>
  handlersOf(rig)['queue.list']({ ...LIST, states: [...LIST.states], ...request })

describe('the queue', () => {
  test('lists who waits in the order of their turns, with what was said last, in pages', async () => {
    const { rig, visitors } = await waitingRig(5)
    await rig.say(visitors[0]!.peer, 'last word')
    await rig.settle()
    const ids = visitors.map(({ conversation }) => conversation)
    const all = await listOf(rig)
    assert.deepEqual(
      all.conversations.map(({ conversation }) => conversation),
      ids,
    )
    assert.equal(all.conversations[0]!.lastMessage?.text, 'text of last word')
    assert.deepEqual(
      [all.totals.waiting, all.totals.active, all.totals.agentsOnline, all.totals.oldestSince],
      [5, 0, 0, all.conversations[0]!.waitingSince],
    )
    await rig.engine.commands.run(ids[3]!, { role: 'operator' }, { do: 'update', set: { priority: 'urgent' } })
    await rig.settle()
    const first = await listOf(rig, { limit: 2 })
    const second = await listOf(rig, { limit: 3, cursor: first.next })
    assert.deepEqual(
      [...first.conversations, ...second.conversations].map(({ conversation }) => conversation),
      [ids[3], ids[0], ids[1], ids[2], ids[4]],
    )
    assert.equal(second.next, undefined)
    const urgent = await listOf(rig, { priority: 'urgent' })
    assert.deepEqual(
      urgent.conversations.map(({ conversation }) => conversation),
      [ids[3]],
    )
    await rig.stop()
  })

  test('does nothing per message: what is read depends on how often somebody looks', async () => {
    const { rig, visitors } = await waitingRig(20)
    const { log } = rig.store
    let reads = 0
    const read = log.read.bind(log)
    log.read = (...range) => {
      reads++
      return read(...range)
    }
    const sayAll = async (round: number) => {
      for (const { peer } of visitors) for (let i = 0; i < 10; i++) await rig.say(peer, `r${round}-${i}`)
      await rig.settle()
    }
    await sayAll(1)
    assert.equal(reads, 0, 'nobody looks')
    for (let look = 1; look <= 3; look++) {
      await listOf(rig)
      assert.ok(reads <= 20 * look, `${reads} reads after ${look} looks`)
      await sayAll(look + 1)
    }
    await listOf(rig)
    const before = reads
    await listOf(rig)
    assert.equal(reads, before, 'nothing has changed')
    await rig.stop()
  })

  test('views that are drawn at the same time share one answer', async () => {
    const { rig } = await waitingRig(3)
    const handlers = handlersOf(rig)
    let made = 0
    const heads = rig.engine.queue.heads.bind(rig.engine.queue)
    rig.engine.queue.heads = filter => {
      made++
      return heads(filter)
    }
    const look = () => handlers['queue.list']({ ...LIST, states: ['waiting'], maxAgeMs: 1_000 })
    await Promise.all(Array.from({ length: 10 }, look))
    assert.equal(made, 1)
    rig.clock.advance(999)
    await look()
    assert.equal(made, 1)
    rig.clock.advance(1)
    await look()
    assert.equal(made, 2)
    await rig.stop()
  })

  test('explains what was decided and what would be decided now', async () => {
    const { rig, visitors } = await waitingRig(2)
    const [, second] = visitors
    const li = await rig.agent('li')
    await rig.settle()
    rig.send(li.peer, 'presence', { state: 'away' })
    rig.send(li.peer, 'command', { conversation: second!.conversation, command: { do: 'decline' } })
    await rig.settle()
    const { state, decisions, now } = await handlersOf(rig)['queue.explain']({ conversation: second!.conversation })
    assert.equal(state, 'waiting')
    assert.deepEqual(
      decisions.map(({ type, agent, reasons }) => [type, agent, reasons[0]]),
      [
        ['queued', undefined, 'no-members'],
        ['assigned', 'li', 'least-active'],
        ['queued', undefined, 'declined'],
      ],
    )
    assert.deepEqual(now, { ahead: 0, reasons: ['away=1'], agents: [{ name: 'li', obstacle: 'away' }] })
    await rig.stop()
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Agent } from '../../../src/daemon/core/model.js'
import type { SimulationEvent, SimulationPort, SimulationRequest } from '../../../src/daemon/core/simulation.js'
import { PresenceLog } from '../../../src/daemon/engine/routing/presence-log.js'
import { createSimulator } from '../../../src/daemon/simulation/simulator.js'
import { Script, START } from './script.js'

const NEVER = new AbortController().signal

const li: Agent = { id: 'li', name: 'li', role: 'agent', tokens: [], skills: {}, languages: [], createdAt: 0 }

function simulatorOf(script: Script, tail = script.store.log.tail.bind(script.store.log)): SimulationPort {
  const { log, directory } = script.store
  return createSimulator({
    history: {
      log: { tail, read: log.read.bind(log), cursor: log.cursor.bind(log) },
      openHeads: () => [],
      defaultTeam: () => undefined,
    },
    directory,
    clock: script.clock,
    settings: () => ({
      agents: [li],
      teams: [],
      strategy: 'least-active',
      stickyMs: 0,
      capacity: 1,
      requeueAfterMs: 30_000,
    }),
  })
}

async function attended(script: Script): Promise<void> {
  const { clock, store } = script
  const presence = new PresenceLog({ directory: store.directory, clock, report: assert.fail })
  await presence.start()
  presence.changed('li', 'online')
  await presence.close()
}

/** Two conversations of a minute each, which li has one after the other; and one that somebody had who is gone. */
async function recorded(): Promise<Script> {
  const script = new Script()
  await script.append(0, 9, script.says())
  await attended(script)
  const presence = new PresenceLog({ directory: script.store.directory, clock: script.clock, report: assert.fail })
  await presence.start()
  presence.changed('li', 'online')
  await script.append(10, 1, script.says())
  await script.append(10, 1, script.assigned('li'))
  await script.append(11, 2, script.says())
  await script.append(70, 1, script.closed('li'))
  await script.append(70, 2, script.assigned('former'))
  await script.append(130, 2, script.closed('former'))
  script.clock.advance(60_000)
  await presence.close()
  return script
}

async function collect(port: SimulationPort, request: SimulationRequest): Promise<SimulationEvent[]> {
  const events: SimulationEvent[] = []
  for await (const event of port.run(request, NEVER)) events.push(event)
  return events.filter(({ type }) => type !== 'progress')
}

describe('the simulator', () => {
  test('compares what was recorded, its replay and a policy: rows, then the result', async () => {
    const script = await recorded()
    const policy = { agents: { more: { like: 'li' } } }
    const events = await collect(simulatorOf(script), { since: START - 1_000, policy })
    assert.deepEqual(
      events.map(event => [event.type, 'name' in event ? event.name : '']),
      [
        ['team', 'billing'],
        ['agent', 'li'],
        ['agent', 'more'],
        ['result', ''],
      ],
    )
    const result = events.at(-1)
    assert.ok(result?.type === 'result')
    assert.deepEqual([result.isShortened, result.since, result.formerAgents], [true, START, 1])
    // The third one waits from before to after.
    const waits = [result.recorded, result.replay, result.policy].map(measures => [
      measures?.conversations,
      measures?.served,
      measures?.maxWaitMs,
    ])
    assert.deepEqual(waits[0], [3, 2, 59_000])
    assert.equal(waits[1]![0], 3)
    assert.ok((result.policy?.meanWaitMs ?? 0) < (result.replay?.meanWaitMs ?? 0))
  })

  test('leaves out the policy when there is none', async () => {
    const result = (await collect(simulatorOf(await recorded()), { since: START })).at(-1)
    assert.ok(result?.type === 'result')
    assert.deepEqual([result.policy, result.isShortened], [undefined, false])
    assert.equal(typeof result.replay?.meanWaitMs, 'number')
  })

  test('says when there is nothing to simulate', async () => {
    const script = new Script()
    const simulator = simulatorOf(script)
    const noData = { code: 'KEFU_SIMULATION_NO_DATA' }
    script.clock.advance(1_000)
    await assert.rejects(collect(simulator, { since: START }), noData)
    await attended(script)
    script.clock.advance(1_000)
    await assert.rejects(collect(simulator, { since: START }), noData)
    await assert.rejects(collect(simulator, { since: START, until: START + 500 }), noData)
  })

  test('runs one at a time, and another one when that has ended, whether well or not', async () => {
    const script = await recorded()
    const simulator = simulatorOf(script)
    const first = simulator.run({ since: START }, NEVER)[Symbol.asyncIterator]()
    const running = first.next()
    await assert.rejects(collect(simulator, { since: START }), { code: 'KEFU_SIMULATION_RUNNING' })
    await running
    await first.return?.()
    await assert.rejects(collect(simulator, { since: START, policy: { nonsense: 1 } }), { code: 'KEFU_POLICY_INVALID' })
    assert.equal((await collect(simulator, { since: START })).at(-1)?.type, 'result')
  })

  test('ends when nobody waits for it any more', async () => {
    const script = await recorded()
    const gone = new AbortController()
    let isStuck = false
    // A log that stops giving anything.
    const simulator = simulatorOf(script, async function* (_, signal) {
      isStuck = true
      if (signal.aborted) return
      const aborted = new Promise(resolve => signal.addEventListener('abort', resolve))
      gone.abort()
      await aborted
    })
    const run = async (): Promise<void> => {
      for await (const _ of simulator.run({ since: START }, gone.signal)) assert.notEqual(_.type, 'result')
    }
    await assert.rejects(run(), { code: 'KEFU_ABORTED' })
    assert.ok(isStuck)
  })
})

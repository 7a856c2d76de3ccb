import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { RecordBody } from '../../../src/daemon/core/records.js'
import { readTrace, seqAt } from '../../../src/daemon/simulation/history.js'
import type { Episode, Leg } from '../../../src/daemon/simulation/trace.js'
import { openLevelStore } from '../../../src/daemon/store/level/open.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { tmpDir } from '../../helpers/tmp-dir.js'
import { Script, START } from './script.js'

const S = 1_000

describe('the trace of a log', () => {
  test('says of an episode when it asked, for what, who had it when, and for how long', async () => {
    const script = new Script()
    await script.append(10, 1, script.says())
    await script.append(10, 1, script.queued(10, 'offline=1'))
    await script.append(25, 1, script.assigned('li'))
    await script.append(30, 1, script.answers('li'))
    await script.append(70, 1, script.closed('li'))
    const { wishes, episodes } = await script.trace(0, 100)
    assert.deepEqual(wishes, [
      { kind: 'web', team: 'billing', requires: {}, prefers: [], language: undefined, rank: 1 },
    ])
    const expected: Episode = {
      at: script.at(10),
      since: script.at(10),
      teamSince: script.at(10),
      lineSince: script.at(10),
      lastAgent: undefined,
      declinedBy: [],
      answerMs: 5 * S,
      legs: [leg({ waitMs: 15 * S, agent: 'li', serviceMs: 45 * S, end: 'closed' })],
    }
    assert.deepEqual(episodes, [expected])
  })

  test('tells what ended a leg, and what began the next one', async () => {
    const script = new Script()
    await script.append(0, 1, script.says())
    await script.append(1, 1, script.assigned('li'))
    await script.append(11, 1, script.queued(0, 'declined', { from: 'li', declinedBy: 'li' }))
    await script.append(12, 1, script.assigned('wang'))
    await script.append(22, 1, script.queued(0, 'agent-gone', { from: 'wang' }))
    await script.append(24, 1, script.assigned('li'))
    await script.append(
      34,
      1,
      { type: 'transferred', by: { role: 'agent', id: 'li' }, team: 'refunds' },
      script.queued(0, 'transferred', { from: 'li', team: 'refunds' }),
    )
    await script.append(36, 1, script.assigned('zhou'))
    await script.append(46, 1, script.assigned('wang', { role: 'agent', id: 'zhou' }))
    await script.append(56, 1, { type: 'snoozed', by: { role: 'agent', id: 'wang' }, until: script.at(1_000) })
    await script.append(76, 1, script.says())
    await script.append(77, 1, script.assigned('wang', { role: 'agent', id: 'wang' }))
    const { wishes, episodes } = await script.trace(0, 100)
    assert.deepEqual(
      wishes.map(({ team }) => team),
      ['billing', 'refunds'],
    )
    assert.deepEqual(episodes[0]!.legs, [
      leg({ waitMs: S, agent: 'li', serviceMs: 10 * S, end: 'declined' }),
      leg({ isTeamGiven: false, waitMs: S, agent: 'wang', serviceMs: 10 * S, end: 'gone' }),
      leg({ isTeamGiven: false, waitMs: 2 * S, agent: 'li', serviceMs: 10 * S, end: 'sent' }),
      leg({ wish: 1, waitMs: 2 * S, agent: 'zhou', serviceMs: 10 * S, end: 'given' }),
      leg({ wish: 1, isTeamGiven: false, agent: 'wang', isByHand: true, serviceMs: 10 * S, end: 'snoozed' }),
      leg({
        wish: 1,
        isTeamGiven: false,
        gapMs: 20 * S,
        waitMs: S,
        agent: 'wang',
        isByHand: true,
        serviceMs: 23 * S,
        end: 'open',
      }),
    ])
  })

  test('keeps changes while it waits, and counts overflows apart from them', async () => {
    const script = new Script()
    await script.append(0, 1, script.says())
    await script.append(3, 1, { type: 'updated', by: { role: 'system' }, priority: 'urgent' })
    await script.append(5, 1, script.queued(0, 'overflow', { team: 'night' }))
    await script.append(6, 1, script.queued(0, 'transferred', { team: 'refunds' }))
    await script.append(9, 1, script.closed())
    const { wishes, episodes } = await script.trace(0, 100)
    const [first] = episodes[0]!.legs
    assert.equal(first!.overflows, 1)
    assert.deepEqual([first!.agent, first!.end, first!.waitMs], [undefined, 'closed', 9 * S])
    assert.deepEqual(
      first!.changes.map(({ afterMs, wish, isTeamGiven }) => [
        afterMs,
        wishes[wish]!.team,
        wishes[wish]!.rank,
        isTeamGiven,
      ]),
      [
        [3 * S, 'billing', 3, false],
        [6 * S, 'refunds', 3, true],
      ],
    )
  })

  test('knows at the start of its window what waits, who has what, and what is put aside', async () => {
    const script = new Script()
    const aside = { type: 'snoozed', by: { role: 'agent', id: 'wang' }, until: script.at(500) } as const
    await script.append(0, 1, script.says())
    await script.append(1, 2, script.says())
    await script.append(2, 2, script.assigned('li'))
    await script.append(3, 3, script.says())
    await script.append(4, 3, script.assigned('wang'))
    await script.append(5, 3, aside)
    await script.append(6, 4, script.says())
    await script.append(7, 4, script.assigned('zhou'))
    // Nothing of these two happens in the window.
    await script.append(8, 5, script.says())
    await script.append(120, 1, script.assigned('li'))
    await script.append(130, 2, script.closed('li'))
    await script.append(140, 3, script.says())
    const { episodes } = await script.trace(100, 200)
    const found = episodes
      .map(({ at, since, legs }) => [at - START, since === undefined ? undefined : since - START, legs.map(short)])
      .sort((a, b) => (String(a) < String(b) ? -1 : 1))
    assert.deepEqual(
      found,
      [
        [100 * S, 0, ['20 li 80 open']],
        [100 * S, undefined, ['0 li 30 closed']],
        [100 * S, undefined, ['0 wang 0 snoozed', '60 nobody 0 open']],
        [100 * S, undefined, ['0 zhou 100 open']],
        [100 * S, 8 * S, ['100 nobody 0 open']],
      ].sort((a, b) => (String(a) < String(b) ? -1 : 1)),
    )
  })

  test('finds who served a contact before, however long the conversation is', async () => {
    const script = new Script()
    for (let round = 0; round < 40; round++) {
      await script.append(10 * round, 1, script.says())
      await script.append(10 * round + 1, 1, script.assigned('li'))
      await script.append(10 * round + 2, 1, script.closed('li'))
    }
    await script.append(900, 1, ...Array.from({ length: 300 }, () => script.answers('li')))
    await script.append(1_000, 1, script.says())
    await script.append(1_001, 1, ...Array.from({ length: 90 }, () => script.says()))
    await script.append(1_100, 1, script.assigned('wang'))
    const [late] = (await script.trace(950, 1_200)).episodes
    assert.deepEqual(late!.lastAgent, { id: 'li', at: script.at(392) })
    const [middle] = (await script.trace(1_050, 1_200)).episodes
    assert.deepEqual([middle!.since, middle!.legs.map(short)], [script.at(1_000), ['50 wang 100 open']])
  })

  test('looks once for the beginning of an episode that is too far away, and knows the one after it', async () => {
    const script = new Script()
    const { log } = script.store
    await script.append(0, 1, script.says())
    for (let left = 5_500; left > 0; left -= 10)
      await script.append(1, 1, ...Array.from({ length: 10 }, () => script.says()))
    for (let second = 100; second < 150; second++) await script.append(second, 1, script.says())
    await script.append(150, 1, script.closed())
    await script.append(160, 1, script.says())
    let records = 0
    const read: typeof log.read = async (...asked) => {
      const page = await log.read(...asked)
      records += page.length
      return page
    }
    const history = {
      log: { tail: log.tail.bind(log), cursor: log.cursor.bind(log), read },
      openHeads: () => [],
      defaultTeam: () => undefined,
    }
    const window = { since: script.at(50), until: script.at(200) }
    const episodes: Episode[] = []
    for await (const batch of readTrace(history, window, new AbortController().signal)) episodes.push(...batch.episodes)
    assert.deepEqual(
      episodes.map(({ at }) => at),
      [script.at(160)],
    )
    assert.ok(records < 6_000, `${records} records were read`)
  })

  test('goes on behind records of a clock that was put back', async () => {
    const script = new Script()
    await script.append(0, 1, script.says())
    await script.append(3_600, 2, script.says())
    script.clock.setWall(script.at(20))
    await script.append(30, 3, script.says())
    await script.append(40, 1, script.assigned('li'))
    const { episodes } = await script.trace(0, 100)
    assert.deepEqual(
      episodes.map(({ at, legs }) => [at, legs[0]!.agent]),
      [
        [script.at(0), 'li'],
        [script.at(30), undefined],
        [script.at(3_600), undefined],
      ],
    )
  })

  test('begins with the wait for a person when a bot was asked first', async () => {
    const script = new Script()
    await script.append(0, 1, script.says())
    await script.append(1, 1, { ...script.assigned('robot'), bot: true } as RecordBody)
    await script.append(30, 1, script.queued(30, 'handed-over', { from: 'robot' }))
    await script.append(40, 1, script.assigned('li'))
    await script.append(60, 1, script.closed('li'))
    await script.append(70, 2, script.says())
    await script.append(71, 2, { ...script.assigned('robot'), bot: true } as RecordBody)
    await script.append(75, 2, script.closed('robot'))
    const { episodes } = await script.trace(0, 100)
    assert.deepEqual(
      episodes.map(({ at, since, legs }) => [at - START, since! - START, legs.map(short)]),
      [[30 * S, 30 * S, ['10 li 20 closed']]],
    )
  })

  test('ends with its window', async () => {
    const script = new Script()
    await script.append(0, 1, script.says())
    await script.append(10, 1, script.assigned('li'))
    await script.append(20, 1, script.closed('li'))
    const shorts = async (since: number, until: number) =>
      (await script.trace(since, until)).episodes.map(e => e.legs.map(short))
    assert.deepEqual(await shorts(0, 5), [['5 nobody 0 open']])
    assert.deepEqual(await shorts(0, 15), [['10 li 5 open']])
    assert.deepEqual(await shorts(21, 30), [])
  })

  test('comes in small parts, however many are open at the end', async () => {
    const script = new Script()
    for (let number = 0; number < 200; number++) await script.append(0, number, script.says())
    const { log, view } = script.store
    const waiting = await view.waiting(200)
    // The same again under other ids: only the heads are looked at.
    const open = Array.from({ length: 5 }, (_, copy) =>
      waiting.map(head => ({ ...head, conversation: `c_${copy}${head.conversation.slice(3)}` as const })),
    ).flat()
    const history = { log, openHeads: () => open, defaultTeam: () => undefined }
    const window = { since: script.at(10), until: script.at(100) }
    const sizes: number[] = []
    for await (const { episodes } of readTrace(history, window, new AbortController().signal))
      sizes.push(episodes.length)
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      1_000,
    )
    assert.ok(Math.max(...sizes) <= 256, `parts of ${sizes}`)
  })

  test('ends early when nobody wants it any more', async () => {
    const script = new Script()
    await script.append(0, 1, script.says())
    const { log } = script.store
    const parts = readTrace(
      { log, openHeads: () => [], defaultTeam: () => undefined },
      { since: START, until: script.at(10) },
      AbortSignal.abort(),
    )
    for await (const _ of parts) assert.fail()
  })
})

test('the beginning of a window is found by a few looks into the log', async t => {
  const clock = createManualClock(START)
  const store = await openLevelStore({ path: join(tmpDir(t), 'store'), clock })
  const script = new Script(store)
  const every = 3
  const count = 700
  for (let i = 0; i < count; i++) {
    clock.advance(every * S)
    await store.log.append(script.id(i % 7), [script.says()], {
      opening: { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: 'c' },
    })
  }
  let looks = 0
  const log = {
    cursor: () => store.log.cursor(),
    tail: (...tail: Parameters<typeof store.log.tail>) => {
      looks++
      return store.log.tail(...tail)
    },
  }
  const { signal } = new AbortController()
  const records = Number(store.log.cursor().slice(2))
  assert.equal(await seqAt(log, 0, signal), 0)
  assert.equal(await seqAt(log, clock.now() + 1, signal), records)
  looks = 0
  const middle = START + (every * S * count) / 2
  const seq = await seqAt(log, middle, signal)
  assert.ok(looks <= Math.ceil(Math.log2(records)) + 1, `${looks} looks`)
  const around: number[] = []
  for await (const entries of store.log.tail(`0:${seq - 1}`, signal)) {
    around.push(...entries.map(({ record }) => record.at))
    if (around.length > 1) break
  }
  assert.ok(around[0]! < middle && around[1]! >= middle, String(around))
  await store.close()
})

function leg(given: Partial<Leg>): Leg {
  return {
    gapMs: 0,
    wish: 0,
    isTeamGiven: true,
    changes: [],
    waitMs: 0,
    agent: undefined,
    isByHand: false,
    overflows: 0,
    serviceMs: 0,
    end: 'open',
    ...given,
  }
}

function short({ waitMs, agent = 'nobody', serviceMs, end }: Leg): string {
  return `${waitMs / S} ${agent} ${serviceMs / S} ${end}`
}

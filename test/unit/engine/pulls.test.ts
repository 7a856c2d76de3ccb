import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { InboundEvent, Pulled } from '../../../src/daemon/core/channel-adapter.js'
import type { Connection } from '../../../src/daemon/engine/platforms/connection.js'
import type { Inbound } from '../../../src/daemon/engine/platforms/inbound.js'
import { Pulls } from '../../../src/daemon/engine/platforms/pulls.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { KefuError } from '../../../src/errors.js'
import { doubtNextWrite } from '../../helpers/doubtful-write.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { PlatformRig } from './platform-rig.js'

const NOTHING: Pulled = { events: [], cursor: 'c1', hasMore: false }
const SIGNAL = { account: 'kf1' } as const

/** Pulls of one channel, whose platform answers as `pull` says. */
function rig(pull: (cursor: string | undefined) => Promise<Pulled>) {
  const clock = createManualClock()
  const { directory } = createMemoryStore({ clock })
  const asked: (string | undefined)[] = []
  const taken: string[] = []
  const reported: unknown[] = []
  const refusals = new Map<string, KefuError>()
  const take = async (_: unknown, { key }: InboundEvent) => {
    const refusal = refusals.get(key)
    if (refusal !== undefined) throw refusal
    taken.push(key)
  }
  const adapter = {
    pull: (_: unknown, cursor: string | undefined) => {
      asked.push(cursor)
      return pull(cursor)
    },
  }
  const connection = { number: 1, adapter, pullProblem: undefined } as unknown as Connection
  const inbound = { take } as unknown as Inbound
  const pulls = new Pulls({ directory, clock, inbound, report: error => reported.push(error) })
  return { clock, directory, connection, pulls, asked, taken, reported, refusals }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

describe('pulls', () => {
  test('fetch again for a signal that comes at any moment of the end of a fetch', async () => {
    for (let ticks = 0; ticks < 20; ticks++) {
      let answer: (page: Pulled) => void = () => undefined
      const { pulls, connection, asked } = rig(() => new Promise(resolve => (answer = resolve)))
      const answerAll = async () => {
        for (let turn = 0; turn < 5; turn++) {
          answer(NOTHING)
          await settled()
        }
      }
      await pulls.signalled(connection, SIGNAL)
      await answerAll()
      await pulls.signalled(connection, SIGNAL)
      await settled()
      const before = asked.length
      answer(NOTHING)
      for (let tick = 0; tick < ticks; tick++) await undefined
      void pulls.signalled(connection, SIGNAL)
      await answerAll()
      assert.ok(asked.length > before, `a signal ${ticks} steps behind the answer was lost`)
      await pulls.close()
    }
  })

  test('store nothing more of a page when its channel is removed', async () => {
    let answer: (page: Pulled) => void = () => undefined
    const { pulls, connection, directory, taken } = rig(() => new Promise(resolve => (answer = resolve)))
    await pulls.signalled(connection, SIGNAL)
    await settled()
    pulls.closed(connection)
    answer({ events: [{ key: 'e1' } as InboundEvent], cursor: 'c2', hasMore: true })
    await settled()
    assert.deepEqual([taken, await directory.list('pull/')], [[], []])
    await pulls.close()
  })

  test('go on from the stored cursor also when a signal comes before the accounts were read', async () => {
    const { pulls, connection, directory, asked } = rig(async cursor => ({ ...NOTHING, cursor: cursor ?? 'c1' }))
    await directory.create('pull/1/kf1', { cursor: 'c9' })
    await pulls.signalled(connection, SIGNAL)
    await settled()
    assert.deepEqual(asked, ['c9'])
    await pulls.close()
  })

  test('do not go back to an older cursor when the accounts are read late', async () => {
    const { pulls, connection, directory, asked } = rig(async () => ({ ...NOTHING, cursor: 'c10' }))
    await directory.create('pull/1/kf1', { cursor: 'c9' })
    const opened = pulls.opened(connection)
    const old = await directory.list('pull/1/')
    await opened
    await settled()
    // As a list that was begun before, and is answered now.
    directory.list = async () => old
    await pulls.opened(connection)
    await settled()
    assert.deepEqual(asked, ['c9', 'c10'])
    await pulls.close()
  })

  test('pass over what cannot be stored, and stop at what cannot be stored now', async () => {
    const events = ['damaged', 'huge', 'good', 'later'].map(key => ({ key }) as InboundEvent)
    const { pulls, connection, taken, reported, refusals, clock } = rig(async () => ({ ...NOTHING, events }))
    refusals.set('damaged', new KefuError('KEFU_STORE_CORRUPT', { where: 'a conversation' }))
    refusals.set('huge', new KefuError('KEFU_MESSAGE_TOO_LARGE', { bytes: 20_000, limit: 12_288 }))
    refusals.set('later', new KefuError('KEFU_STORE_FULL'))
    await pulls.signalled(connection, SIGNAL)
    await settled()
    assert.deepEqual(taken, ['good'])
    assert.equal(reported.length, 3)
    assert.match(connection.pullProblem?.reason ?? '', /full/)
    refusals.delete('later')
    clock.advance(1_000)
    await settled()
    assert.deepEqual(taken, ['good', 'good', 'later'])
    assert.equal(connection.pullProblem, undefined)
    await pulls.close()
  })

  test('ask few accounts at once without a signal, and all of them', async () => {
    const answers: (() => void)[] = []
    const { pulls, connection, directory, clock, asked } = rig(
      () => new Promise(resolve => answers.push(() => resolve(NOTHING))),
    )
    const answerAll = async () => {
      const most = answers.length
      while (answers.length > 0) {
        for (const answer of answers.splice(0)) answer()
        await settled()
        assert.ok(answers.length <= 8, `${answers.length} at once`)
      }
      return most
    }
    for (let at = 0; at < 50; at++) await directory.create(`pull/1/kf${at}`, { cursor: 'c1' })
    await pulls.opened(connection)
    assert.deepEqual([await answerAll(), asked.length], [8, 50])
    clock.advance(5 * 60_000)
    assert.deepEqual([await answerAll(), asked.length], [8, 100])
    await pulls.close()
  })

  test('leave nothing of a channel that is removed, also when it is removed while they fetch or a crash came in between', async () => {
    let answer: (page: Pulled) => void = () => undefined
    const { pulls, connection, directory, reported } = rig(() => new Promise(resolve => (answer = resolve)))
    await directory.create('pull/2/kf1', { cursor: 'c1' })
    await directory.create('pull/7/kf1', { cursor: 'c1' })
    await pulls.removeStrays(channel => channel === 2)
    await pulls.signalled(connection, SIGNAL)
    await settled()
    pulls.closed(connection)
    answer({ ...NOTHING, hasMore: true })
    await assert.rejects(pulls.signalled(connection, SIGNAL), { code: 'KEFU_LANE_CLOSED' })
    await pulls.opened(connection)
    await pulls.close()
    assert.deepEqual(
      (await directory.list('')).map(({ key }) => key),
      ['pull/2/kf1'],
    )
    assert.deepEqual(reported, [])
  })

  test('of removed channels are removed by what opens and closes channels', async () => {
    const shop = await PlatformRig.create()
    const rows = async () => (await shop.store.directory.list('pull/')).map(({ key }) => key)
    await shop.store.directory.create('pull/1/kf1', { cursor: 'c1' })
    await shop.store.directory.create('pull/99/kf1', { cursor: 'c1' })
    await shop.stop()
    await shop.start()
    assert.deepEqual(await rows(), ['pull/1/kf1'])
    await shop.channels.remove('shop')
    await shop.settle()
    assert.deepEqual(await rows(), [])
    await shop.stop()
  })

  test('do not ask without end a platform that always says more and never goes on', async () => {
    let calls = 0
    const { pulls, connection } = rig(async () => ({ ...NOTHING, hasMore: ++calls < 50 }))
    await pulls.signalled(connection, SIGNAL)
    await settled()
    assert.equal(calls, 2)
    await pulls.close()
  })
})

describe('a platform that only signals', () => {
  const signal = { signal: { account: 'kf1', pass: 'p1' } } as never

  test('is asked from where it was left, all pages, one after the other; signals meanwhile are one', async () => {
    const rig = await PlatformRig.create()
    rig.pages = [
      { events: [rig.event('e1')], cursor: 'c1', hasMore: true },
      { events: [], cursor: 'c2', hasMore: true },
      { events: [rig.event('e2')], cursor: 'c3', hasMore: false },
    ]
    await Promise.all([rig.receive(signal), rig.receive(signal), rig.receive(signal)])
    await rig.settle()
    assert.deepEqual(
      rig.pulled.slice(0, 3).map(([, cursor]) => cursor),
      [undefined, 'c1', 'c2'],
    )
    assert.ok(rig.pulled.length <= 5)
    await rig.start()
    await rig.settle()
    assert.equal(rig.pulled.at(-1)![1], 'c3')
    assert.equal((await rig.records()).filter(({ type }) => type === 'message').length, 2)
    await rig.platforms.close()
  })

  test('that fails is asked again later, and the lane says why', async () => {
    const rig = await PlatformRig.create()
    rig.pages = [
      new KefuError('KEFU_PLATFORM_UNAVAILABLE', { reason: 'down', written: 'no' }),
      { events: [rig.event('e1')], cursor: 'c1', hasMore: false },
    ]
    await rig.receive(signal)
    await rig.settle()
    assert.match(rig.platforms.lane(1)!.pullProblem!.reason, /down/)
    await rig.pass(1_000)
    assert.equal(rig.platforms.lane(1)!.pullProblem, undefined)
    assert.equal((await rig.records()).filter(({ type }) => type === 'message').length, 1)
    await rig.stop()
  })

  test('goes on from its cursor when nobody knew whether the last one was stored', async () => {
    const rig = await PlatformRig.create()
    await rig.receive(signal)
    await rig.settle()
    rig.pages = [{ events: [rig.event('e1')], cursor: 'c1', hasMore: false }]
    doubtNextWrite(rig.store.directory)
    await rig.receive(signal)
    await rig.settle()
    assert.ok(rig.platforms.lane(1)!.pullProblem)
    rig.pages = [{ events: [], cursor: 'c2', hasMore: false }]
    await rig.pass(1_000)
    assert.equal(rig.platforms.lane(1)!.pullProblem, undefined)
    await rig.start()
    await rig.settle()
    assert.equal(rig.pulled.at(-1)![1], 'c2')
    await rig.platforms.close()
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricsReading } from '../../../src/daemon/control/metrics-schemas.js'
import { Histogram } from '../../../src/daemon/core/histogram.js'
import type { Hook } from '../../../src/daemon/core/hook.js'
import { type Agent, type Channel, USUAL_LANE } from '../../../src/daemon/core/model.js'
import { Meters } from '../../../src/daemon/engine/delivery/meters.js'
import { SlowConsumers } from '../../../src/daemon/engine/delivery/slow-consumers.js'
import { describeMetrics, type MetricsSources } from '../../../src/daemon/metrics.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { READY_SEARCH } from '../../helpers/search-thread.js'

const clock = createManualClock()
const counts = {
  ...{ received: 1, duplicates: 2, refused: 3, deferred: 4, sent: 5, retried: 6, failed: 7, unknown: 8 },
  ...{ filesFetched: 9, filesLost: 10 },
}

function channelOf(number: number): Channel {
  return {
    number,
    name: `c${number}`,
    kind: number % 2 === 0 ? 'webhook' : 'web',
    origins: [],
    tokens: [],
    createdAt: 0,
  }
}

const hook = (name: string, change: Partial<Hook> = {}): Hook => ({
  ...{ id: name, name, url: 'https://crm.example', begin: 0, createdAt: 0 },
  ...change,
})

const sources: MetricsSources = {
  ...{ instance: 'a', version: '0.1.0', home: 'home', state: 'running', uptimeMs: 1, connectionLimit: 1 },
  meters: new Meters(clock),
  slow: new SlowConsumers({ clock, gateway: { bufferedBytes: () => 0 } as never }),
  counts: { open: 0, visitors: 0, agents: 0, apps: 0, waiting: 0, active: 0 },
  queue: { waiting: 0, bot: 0, active: 0, snoozed: 0, agentsOnline: 0, oldestSince: undefined },
  outbox: new Map([
    ['ch:4', { queued: 1, sending: 0, unknown: 0, parked: 2, dead: 3, retrying: 0 }],
    ['ch:99999', { queued: 4, sending: 0, unknown: 0, parked: 0, dead: 0, retrying: 0 }],
  ]),
  channels: [6, 4, 3].map(channelOf),
  laneOf: number =>
    number % 2 === 1
      ? undefined
      : {
          settings: { ...USUAL_LANE, isOutPaused: number === 6 },
          counts,
          ...{ inFlight: 1, sending: 2, missing: { settings: [], credentials: [] } },
          ...(number === 4 ? { obstruction: { reason: 'wrong secret of 王芳', since: 5, until: 6 } } : {}),
        },
  hooks: [hook('crm'), hook('old', { stopped: { at: 1, why: 'gone' } })],
  hookStatus: () => ({ state: 'retrying', cursor: 7, delivered: 1, failed: 2, dead: 3, lag: 4 }),
  search: READY_SEARCH,
  agents: [{ id: 'a_1', name: 'helper' } as Agent, { id: 'a_2', name: 'li' } as Agent],
  botStatus: id => (id === 'a_1' ? { isUp: false, answered: 1, silent: 2, failed: 3 } : undefined),
  store: {
    ...{ engine: 'memory', path: '', format: 1, records: 1, sizeBytes: 1, state: 'ready', damage: [] },
    ...{ commits: 1, committedRecords: 1 },
  },
  eventLoopDelay: new Histogram(),
}

test('a reading has each channel behind a platform, each hook and each bot, and no reason', () => {
  const reading = metricsReading.parse(describeMetrics(sources))
  const none = { due: 0, retrying: 0, sending: 0, parked: 0, unknown: 0, dead: 0 }
  const lane = { counts, inFlight: 1, sending: 2, isInPaused: false }
  assert.deepEqual(reading.channels, [
    { ...lane, channel: 'c4', outbox: { ...none, due: 1, parked: 2, dead: 3 }, isOutPaused: false, restingSince: 5 },
    { ...lane, channel: 'c6', outbox: none, isOutPaused: true },
  ])
  assert.deepEqual(
    reading.hooks.map(({ hook, state, lag }) => [hook, state, lag]),
    [
      ['crm', 'retrying', 4],
      ['old', 'stopped', 4],
    ],
  )
  assert.deepEqual(reading.bots, [{ bot: 'helper', isUp: false, answered: 1, silent: 2, failed: 3 }])
  assert.doesNotMatch(JSON.stringify(reading), /王芳|crm\.example/)
})

test('a reading names so many channels and bots at most', () => {
  const numbers = Array.from({ length: 3_000 }, (_, index) => 3_000 - index)
  const { channels, bots } = describeMetrics({
    ...sources,
    channels: numbers.map(channelOf),
    agents: numbers.map(number => ({ id: 'a_1', name: `b${number}` }) as Agent),
  })
  assert.deepEqual([channels.length, channels[0]?.channel, channels.at(-1)?.channel], [500, 'c2', 'c1000'])
  assert.equal(bots.length, 500)
})

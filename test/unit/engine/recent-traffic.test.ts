import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Meters } from '../../../src/daemon/engine/delivery/meters.js'
import { RecentTraffic, type Traffic } from '../../../src/daemon/engine/delivery/recent-traffic.js'
import { createManualClock } from '../../helpers/manual-clock.js'

test('traffic is that of the last ten to twenty seconds, and nothing of it is kept for longer', () => {
  const clock = createManualClock()
  const meters = new Meters(clock)
  const traffic = new RecentTraffic(clock, meters)
  const latest = (): Traffic => traffic.latest
  assert.deepEqual(latest(), {
    seconds: 0,
    inPerSecond: 0,
    outPerSecond: 0,
    deliver: { count: 0, p50: 0, p99: 0, max: 0 },
  })
  for (let second = 1; second <= 45; second++) {
    for (let i = 0; i < 3; i++) meters.accept('app', meters.take(0))
    meters.delivered += 5
    meters.caughtUp += 2
    meters.batchDelivered(clock.monotonicMs())
    clock.advance(1_000)
    const { seconds, inPerSecond, outPerSecond } = latest()
    assert.equal(seconds, second < 20 ? second : 10 + (second % 10))
    assert.deepEqual([inPerSecond, outPerSecond], [3, 7])
  }
  assert.equal(latest().deliver.count, 15 * 5)
  clock.advance(30_000)
  assert.deepEqual([latest().inPerSecond, latest().deliver.count], [0, 0])
  traffic.close()
  assert.equal(clock.pending, 0)
})

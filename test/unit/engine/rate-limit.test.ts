import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createBudget } from '../../../src/daemon/engine/limits/budget.js'
import { addressKey, createRateLimiter } from '../../../src/daemon/engine/limits/rate-limit.js'
import { createManualClock } from '../../helpers/manual-clock.js'

function create(burst: number, perSecond: number, keyLimit = 100) {
  const clock = createManualClock()
  return { clock, limiter: createRateLimiter(clock, { burst, perSecond, keyLimit }) }
}

describe('a rate limiter', () => {
  test('allows a burst, then the steady rate, per key', () => {
    const { clock, limiter } = create(3, 2)
    assert.deepEqual(
      [1, 2, 3].map(() => limiter.take('a')),
      [0, 0, 0],
    )
    assert.equal(limiter.take('a'), 500)
    assert.equal(limiter.take('b'), 0)
    clock.advance(499)
    assert.equal(limiter.take('a'), 1)
    clock.advance(1)
    assert.equal(limiter.take('a'), 0)
    assert.equal(limiter.take('a'), 500)
  })

  test('never holds more than a burst, however long it was quiet', () => {
    const { clock, limiter } = create(2, 1)
    limiter.take('a')
    clock.advance(1_000_000)
    assert.deepEqual(
      [1, 2, 3].map(() => limiter.take('a')),
      [0, 0, 1000],
    )
  })

  test('is not moved by the wall clock', () => {
    const { clock, limiter } = create(1, 1)
    limiter.take('a')
    clock.setWall(clock.now() + 3_600_000)
    assert.equal(limiter.take('a'), 1000)
    clock.setWall(0)
    assert.equal(limiter.take('a'), 1000)
  })

  test('charges a cost, at most a whole burst', () => {
    const { clock, limiter } = create(10, 10)
    assert.equal(limiter.take('a', 8), 0)
    assert.equal(limiter.take('a', 4), 200)
    assert.equal(limiter.take('a', 2), 0)
    clock.advance(1000)
    assert.equal(limiter.take('a', 1_000_000), 0)
    assert.equal(limiter.take('a', 1_000_000), 1000)
  })

  test('takes back what was not used, up to a burst', () => {
    const { clock, limiter } = create(10, 1)
    limiter.take('a', 10)
    assert.equal(limiter.take('a', 4), 4000)
    limiter.give('a', 3)
    clock.advance(1000)
    assert.equal(limiter.take('a', 4), 0)
    limiter.give('a', 1000)
    assert.equal(limiter.take('a', 10), 0)
    assert.equal(limiter.take('a'), 1000)
    limiter.give('unknown', 5)
    assert.equal(limiter.size, 1)
  })

  test('says the same without taking when only asked', () => {
    const { limiter } = create(1, 1)
    assert.equal(limiter.wait('a'), 0)
    assert.equal(limiter.size, 0)
    limiter.take('a')
    assert.equal(limiter.wait('a'), 1000)
    assert.equal(limiter.wait('a'), 1000)
  })

  test('lets through whoever waits as long as told, and never more than the limit allows', () => {
    const step = fc.record({ pauseMs: fc.integer({ min: 0, max: 3000 }), cost: fc.integer({ min: 1, max: 4 }) })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.double({ min: 0.01, max: 50, noNaN: true }),
        fc.array(step, { maxLength: 60 }),
        (burst, perSecond, steps) => {
          const { clock, limiter } = create(burst, perSecond)
          const startMs = clock.monotonicMs()
          let taken = 0
          for (const { pauseMs, cost } of steps) {
            clock.advance(pauseMs)
            const waitMs = limiter.take('a', cost)
            if (waitMs > 0) {
              assert.equal(limiter.wait('a', cost), waitMs)
              clock.advance(waitMs)
              assert.equal(limiter.take('a', cost), 0)
            }
            taken += Math.min(cost, burst)
            const allowed = burst + ((clock.monotonicMs() - startMs) / 1000) * perSecond
            assert.ok(taken <= allowed + 1e-3, `${taken} of ${allowed}`)
          }
        },
      ),
    )
  })

  test('forgets the least recently used key, and no other, when there are too many', () => {
    const { limiter } = create(1, 0.001, 3)
    for (const key of ['a', 'b', 'c']) limiter.take(key)
    assert.ok(limiter.take('a') > 0, 'used again: b is the oldest now')
    limiter.take('d')
    assert.equal(limiter.size, 3)
    assert.equal(limiter.wait('b'), 0)
    for (const key of ['a', 'c', 'd']) assert.ok(limiter.wait(key) > 0, key)
  })

  test('stays in its memory under a flood of keys', () => {
    const { limiter } = create(1, 1, 1000)
    const startBytes = process.memoryUsage().heapUsed
    for (let i = 0; i < 20_000; i++) limiter.take(`${i}:${'x'.repeat(10_000)}`)
    assert.equal(limiter.size, 1000)
    assert.ok(process.memoryUsage().heapUsed - startBytes < 64 * 1024 * 1024)
  })

  test('keeps long keys apart', () => {
    const { limiter } = create(1, 0.001)
    const long = 'x'.repeat(500)
    assert.equal(limiter.take(`${long}a`), 0)
    assert.equal(limiter.take(`${long}b`), 0)
    assert.ok(limiter.take(`${long}a`) > 0)
  })
})

test('addresses are limited by host', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['0000:0000:0000:0000:0000:ffff:c000:0207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:0003:0004:0005:0006', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['', ''],
    ['::::', '::::'],
  ]
  for (const [address, key] of cases) assert.equal(addressKey(address), key)
})

describe('a budget', () => {
  test('refuses what does not fit until something is given back, once', () => {
    const budget = createBudget(100)
    const first = budget.reserve(60)
    assert.equal(budget.reserve(50), undefined)
    const second = budget.reserve(40)
    assert.equal(budget.usedBytes, 100)
    first?.()
    first?.()
    assert.equal(budget.usedBytes, 40)
    second?.()
    assert.equal(budget.usedBytes, 0)
  })

  test('grants more than all of it only to one alone', () => {
    const budget = createBudget(100)
    const release = budget.reserve(1000)
    assert.ok(release)
    assert.equal(budget.reserve(1), undefined)
    release()
    assert.ok(budget.reserve(1))
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { bucketsBetween, distributionOf, Histogram } from '../../../src/daemon/core/histogram.js'

const LARGEST = 2 ** 26 - 1
const values = fc.array(fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: LARGEST })), {
  minLength: 1,
  maxLength: 200,
})

function histogramOf(list: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const value of list) histogram.record(value)
  return histogram
}

describe('a histogram', () => {
  test('counts each value once, in a bucket that begins at most 1/32 below its largest value', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LARGEST }), value => {
        const [[upTo, count] = [0, 0], ...others] = histogramOf([value]).buckets()
        assert.deepEqual([count, others.length], [1, 0])
        assert.ok(upTo >= value && upTo <= value + value / 32, `${value} counts as ${upTo}`)
      }),
    )
  })

  test('values that are too large, negative or no whole numbers count as the nearest that there is', () => {
    const histogram = new Histogram()
    for (const value of [1e12, Number.POSITIVE_INFINITY, -5, Number.NaN, 2.9]) histogram.record(value)
    assert.deepEqual(histogram.buckets(), [
      [0, 2],
      [2, 1],
      [LARGEST, 2],
    ])
  })

  test('says what a sorted list of the values says, at most 1/32 higher', () => {
    fc.assert(
      fc.property(values, list => {
        const sorted = [...list].sort((a, b) => a - b)
        const { count, p50, p99, max } = distributionOf(histogramOf(list).buckets())
        const near = (found: number, exact: number) => found >= exact && found <= exact + exact / 32
        assert.equal(count, list.length)
        assert.ok(near(p50, sorted[Math.ceil(count * 0.5) - 1]!))
        assert.ok(near(p99, sorted[Math.ceil(count * 0.99) - 1]!))
        assert.ok(near(max, sorted.at(-1)!))
      }),
    )
    assert.deepEqual(distributionOf([]), { count: 0, p50: 0, p99: 0, max: 0 })
  })

  test('what is between two readings is what was counted between them', () => {
    fc.assert(
      fc.property(values, values, (first, second) => {
        const before = histogramOf(first).buckets()
        const after = histogramOf([...first, ...second]).buckets()
        assert.deepEqual(bucketsBetween(before, after), histogramOf(second).buckets())
        assert.deepEqual(bucketsBetween(after, after), [])
        assert.equal(bucketsBetween(after, before), undefined)
      }),
    )
  })

  test('a value can stand for several', () => {
    const histogram = new Histogram()
    histogram.record(7, 8)
    assert.deepEqual(distributionOf(histogram.buckets()), { count: 8, p50: 7, p99: 7, max: 7 })
  })
})

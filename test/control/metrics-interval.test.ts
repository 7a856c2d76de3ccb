import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { intervalBetween } from '../../src/daemon/control/metrics-interval.js'
import type { MetricsReading } from '../../src/daemon/control/metrics-schemas.js'
import { Histogram } from '../../src/daemon/core/histogram.js'
import { READY_SEARCH } from '../helpers/search-thread.js'

/** What a daemon of the test has done so far. */
type Work = {
  readonly uptimeMs: number
  readonly counts: readonly number[]
  readonly times: readonly number[]
}

const work: fc.Arbitrary<Work> = fc.record({
  uptimeMs: fc.integer({ min: 1, max: 100_000 }),
  counts: fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 10, maxLength: 10 }),
  times: fc.array(fc.integer({ min: 0, max: 5_000_000 }), { maxLength: 50 }),
})

function readingOf({ uptimeMs, counts, times }: Work, instance = 'a'): MetricsReading {
  const [contacts, agents, apps, live, caughtUp, refused, errors, commits, records, cpuUs] = counts as Ten
  const histogram = new Histogram()
  for (const time of times) histogram.record(time)
  const buckets = histogram.buckets()
  return {
    instance,
    pid: 1,
    version: '0.1.0',
    home: 'home',
    state: 'running',
    uptimeMs,
    accepted: { contacts, agents, apps },
    delivered: { live, caughtUp },
    refused,
    errors,
    append: buckets,
    deliver: buckets,
    eventLoop: buckets,
    cpuUs,
    rssBytes: 1,
    sockets: { open: 0, visitors: 0, agents: 0, apps: 0, limit: 1 },
    slow: { count: 0, worst: [] },
    queue: { waiting: 0, bot: 0, active: 0, snoozed: 0, agentsOnline: 0 },
    outbox: [],
    channels: [],
    hooks: [],
    bots: [],
    search: READY_SEARCH,
    store: { state: 'ready', records, sizeBytes: 0, commits, committedRecords: records },
  }
}

type Ten = [number, number, number, number, number, number, number, number, number, number]

/** One work after the other. */
function sum(a: Work, b: Work): Work {
  return {
    uptimeMs: a.uptimeMs + b.uptimeMs,
    counts: a.counts.map((count, i) => count + b.counts[i]!),
    times: [...a.times, ...b.times],
  }
}

function numbersOf(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : []
}

describe('an interval', () => {
  test('is what was done between its readings, whatever was done before', () => {
    fc.assert(
      fc.property(work, work, (before, between) => {
        const found = intervalBetween(readingOf(before), readingOf(sum(before, between)))
        const alone = intervalBetween(undefined, readingOf(between))
        assert.deepEqual(found, { ...alone, isFromStart: false })
      }),
    )
  })

  test('rates times seconds are counts', () => {
    fc.assert(
      fc.property(work, done => {
        const { seconds, perSecond, cpu } = intervalBetween(undefined, readingOf(done))
        const [contacts, agents, apps, live, caughtUp] = done.counts as Ten
        assert.equal(Math.round(perSecond.in * seconds), contacts + agents + apps)
        assert.equal(Math.round(perSecond.out * seconds), live + caughtUp)
        assert.equal(Math.round(cpu * seconds * 1e6), done.counts[9])
      }),
    )
  })

  test('of any two readings has no negative or unknown number, and begins at the start when they are not of one life', () => {
    fc.assert(
      fc.property(work, work, fc.boolean(), (one, other, isSame) => {
        const found = intervalBetween(readingOf(one, 'a'), readingOf(other, isSame ? 'a' : 'b'))
        assert.ok(numbersOf(found).every(number => Number.isFinite(number) && number >= 0))
        const wentBack = other.uptimeMs < one.uptimeMs || other.counts.some((count, i) => count < one.counts[i]!)
        if (!isSame || wentBack)
          assert.deepEqual(found, { ...intervalBetween(undefined, readingOf(other)), isFromStart: true })
      }),
    )
  })

  test('without any time in it says nothing', () => {
    const reading = readingOf({ uptimeMs: 5, counts: new Array<number>(10).fill(3), times: [1] })
    const found = intervalBetween(reading, reading)
    assert.ok(numbersOf(found).every(number => number === 0))
    assert.equal(found.isFromStart, false)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Lane } from '../../src/client/outbox.js'
import { Reviews } from '../../src/client/reviews.js'
import type { Answer } from '../../src/client/session-role.js'
import { KefuError } from '../../src/errors.js'
import { CONVERSATION, contactMessage } from './fake-server.js'
import { createManualClock } from './manual-clock.js'

/** Reviews whose requests a test answers. */
function createBench() {
  const clock = createManualClock()
  const asked: { readonly target: string; readonly before: number | undefined; readonly answer: Answer }[] = []
  const trusted: string[] = []
  const settled: number[] = []
  const violations: KefuError[] = []
  const network = { isDown: false }
  const reviews = new Reviews({
    fetch(lane, before, answer) {
      if (network.isDown) answer(undefined, new KefuError('KEFU_DISCONNECTED', { reason: 'test' }))
      else asked.push({ target: lane.target, before, answer })
    },
    settle: (_, page) => settled.push(...page.records.map(({ n }) => n)),
    trust: lane => trusted.push(lane.target),
    violated: error => violations.push(error),
    monotonicMs: () => clock.monotonicMs(),
    random: () => 0.5,
    sweepSoon() {},
  })
  return {
    clock,
    asked,
    trusted,
    settled,
    violations,
    network,
    reviews,
    add: (target: string, sentAfter = 0) => reviews.add(laneOf(target, sentAfter)),
    /** Answers the oldest request with records `from` to `to`. */
    page(from: number, to: number) {
      const records = Array.from({ length: to - from + 1 }, (_, at) => contactMessage(from + at))
      const body = { conversation: CONVERSATION, after: from - 1, head: 5_000, records }
      asked.shift()!.answer({ channel: 0, kind: 'page', correlation: 1, body }, undefined)
    },
    refuse: (code: 'KEFU_STORE_UNAVAILABLE' | 'KEFU_CONVERSATION_NOT_FOUND') =>
      asked.shift()!.answer(undefined, new KefuError(code)),
  }
}

/** A lane whose first message was sent when the conversation had `sentAfter` records. */
function laneOf(target: string, sentAfter: number): Lane {
  const lane: Lane = { target, entries: [], next: 0, inFlight: 0, pausedUntil: 0, isInDoubt: true }
  const body = { id: 'x', parts: [] }
  const times = { expiresAt: 0, correlation: 0, sentAt: 0, sentAfter, refusals: 0 }
  lane.entries.push({ lane, body, ...times, resolve() {}, reject() {} })
  return lane
}

describe('reviews', () => {
  it('read backwards until the records are older than the message', () => {
    const bench = createBench()
    bench.add('one', 42)
    assert.equal(bench.asked[0]!.before, undefined)
    bench.page(71, 90)
    assert.equal(bench.asked[0]!.before, 71)
    bench.page(51, 70)
    assert.equal(bench.asked[0]!.before, 51)
    assert.deepEqual(bench.trusted, [])
    bench.page(43, 50)
    assert.deepEqual([bench.trusted, bench.settled.length, bench.reviews.isIdle], [['one'], 48, true])
  })

  it('ask a server that is busy again after a while, and do without one that cannot answer', () => {
    const bench = createBench()
    bench.add('one', 0)
    bench.refuse('KEFU_STORE_UNAVAILABLE')
    assert.equal(bench.reviews.sweep(), bench.clock.monotonicMs() + 1_000)
    assert.deepEqual([bench.asked.length, bench.reviews.isIdle], [0, false])
    bench.clock.advance(1_000)
    bench.reviews.sweep()
    assert.deepEqual(bench.trusted, [])
    bench.refuse('KEFU_CONVERSATION_NOT_FOUND')
    assert.deepEqual([bench.trusted, bench.reviews.isIdle], [['one'], true])
  })

  it('end when pages do not go back, and when there is too much to look at', () => {
    const bench = createBench()
    bench.add('one', 3)
    bench.page(71, 90)
    bench.page(71, 90)
    assert.deepEqual(bench.trusted, ['one'])
    bench.add('two', 3)
    for (let pages = 1; bench.asked.length > 0; pages++) {
      assert.ok(pages <= 10)
      bench.page(5_001 - 100 * pages, 5_100 - 100 * pages)
    }
    assert.deepEqual(bench.trusted, ['one', 'two'])
  })

  it('run a few at once, and answers of a lost connection start nothing', () => {
    const bench = createBench()
    const targets = Array.from({ length: 20_000 }, (_, at) => `contact ${at}`)
    for (const target of targets) bench.add(target)
    assert.equal(bench.asked.length, 4)
    bench.network.isDown = true
    bench.refuse('KEFU_STORE_UNAVAILABLE')
    assert.deepEqual([bench.asked.length, bench.trusted], [3, []])
    bench.reviews.disconnected()
    bench.page(1, 2)
    assert.deepEqual([bench.reviews.isIdle, bench.trusted, bench.settled], [true, [], []])
  })

  it('do not take another answer for a page', () => {
    const bench = createBench()
    bench.add('one')
    const body = { media: 'm', url: '/', expiresAt: 1 }
    bench.asked.shift()!.answer({ channel: 0, kind: 'media', correlation: 1, body }, undefined)
    assert.deepEqual([bench.violations.length, bench.trusted], [1, []])
  })
})

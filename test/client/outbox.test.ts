import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Lane, Outbox, type OutboxEntry, type Sent } from '../../src/client/outbox.js'
import { KefuError } from '../../src/errors.js'
import { CONVERSATION } from './fake-server.js'
import { createManualClock } from './manual-clock.js'

/** An outbox whose connection is a list of what was sent. */
function createBench(limit = 100, window = 4, review?: (lane: Lane) => void) {
  const clock = createManualClock()
  const wire: { readonly correlation: number; readonly id: string }[] = []
  let connected = false
  let lastCorrelation = 0
  const outbox: Outbox = new Outbox(
    {
      transmit(entry: OutboxEntry) {
        if (!connected) return 0
        wire.push({ correlation: ++lastCorrelation, id: entry.body.id })
        return lastCorrelation
      },
      headOf: () => 0,
      review: lane => (review === undefined ? outbox.trust(lane) : review(lane)),
      monotonicMs: () => clock.monotonicMs(),
      random: () => 0.5,
    },
    { limit, window, timeoutMs: 60_000 },
  )
  return {
    clock,
    wire,
    outbox,
    add: (target: string, id: string) => outbox.add(target, { id, parts: [{ type: 'text', text: id }] }),
    connect() {
      connected = true
      outbox.resume()
    },
    disconnect() {
      connected = false
      wire.length = 0
      outbox.disconnect()
    },
    ack(n: number) {
      const { correlation } = wire.shift()!
      outbox.settle(outbox.answered(correlation)!, CONVERSATION, n, false)
    },
    refuse(retryAfterMs?: number) {
      const { correlation } = wire.shift()!
      outbox.refuse(outbox.answered(correlation)!, new KefuError('KEFU_RATE_LIMITED'), true, retryAfterMs)
    },
    ids: () => wire.map(({ id }) => id),
  }
}

const code = (expected: string) => (error: unknown) => error instanceof KefuError && error.code === expected

describe('outbox', () => {
  it('sends in order, at most a window per conversation, and resolves with the number', async () => {
    const bench = createBench()
    bench.connect()
    const sent = ['a', 'b', 'c', 'd', 'e', 'f'].map(id => bench.add('one', id))
    const other = bench.add('two', 'x')
    assert.deepEqual(bench.ids(), ['a', 'b', 'c', 'd', 'x'])
    bench.ack(2)
    assert.deepEqual(bench.ids(), ['b', 'c', 'd', 'x', 'e'])
    for (const n of [3, 4, 5, 2]) bench.ack(n)
    for (const n of [6, 7]) bench.ack(n)
    assert.deepEqual(
      (await Promise.all(sent)).map(({ id, n }) => [id, n]),
      [
        ['a', 2],
        ['b', 3],
        ['c', 4],
        ['d', 5],
        ['e', 6],
        ['f', 7],
      ],
    )
    assert.deepEqual(await other, { id: 'x', conversation: CONVERSATION, n: 2, duplicate: false })
    assert.equal(bench.outbox.size, 0)
  })

  it('has at most 512 messages of all conversations unanswered, and forgets none of those it held back', () => {
    const bench = createBench(1_000)
    bench.connect()
    for (let at = 0; at < 600; at++) void bench.add(`contact ${at % 300}`, `m${at}`)
    assert.equal(bench.wire.length, 512)
    const seen = new Set<string>()
    for (let n = 1; n <= 600; n++) {
      seen.add(bench.wire[0]!.id)
      bench.ack(n)
      assert.ok(bench.wire.length <= 512)
    }
    assert.equal(seen.size, 600)
    assert.equal(bench.outbox.size, 0)
  })

  it('keeps messages without a connection and sends everything unanswered again, in order', () => {
    const bench = createBench()
    for (const id of ['a', 'b', 'c']) void bench.add('one', id)
    assert.deepEqual(bench.ids(), [])
    bench.connect()
    bench.ack(2)
    void bench.add('one', 'd')
    bench.disconnect()
    bench.connect()
    assert.deepEqual(bench.ids(), ['b', 'c', 'd'])
  })

  it('sends nothing of a conversation before it is known which of its messages are stored', () => {
    const reviewed: Lane[] = []
    const bench = createBench(100, 4, lane => reviewed.push(lane))
    bench.connect()
    for (const id of ['a', 'b']) void bench.add('one', id)
    bench.disconnect()
    for (const target of ['one', 'two']) void bench.add(target, 'c')
    bench.connect()
    void bench.add('one', 'd')
    bench.outbox.sweep()
    assert.deepEqual(bench.ids(), ['c'])
    assert.deepEqual(
      reviewed.map(({ target }) => target),
      ['one'],
    )
    bench.outbox.settle(bench.outbox.find('one', 'a')!, CONVERSATION, 7, true)
    bench.outbox.trust(reviewed[0]!)
    assert.deepEqual(bench.ids(), ['c', 'b', 'c', 'd'])
  })

  it('keeps the messages of a conversation whose earlier ones turn out to be stored', () => {
    const reviewed: Lane[] = []
    const bench = createBench(100, 4, lane => reviewed.push(lane))
    bench.connect()
    void bench.add('one', 'a')
    bench.disconnect()
    bench.connect()
    // Found elsewhere before the review is through: the lane is empty, and forgotten.
    bench.outbox.settle(bench.outbox.find('one', 'a')!, CONVERSATION, 7, true)
    void bench.add('one', 'b')
    bench.outbox.trust(reviewed[0]!)
    bench.disconnect()
    bench.connect()
    bench.outbox.trust(reviewed[1]!)
    assert.deepEqual(bench.ids(), ['b'])
  })

  it('refuses what is over the limit, and an id that waits already', async () => {
    const bench = createBench(2)
    void bench.add('one', 'a')
    await assert.rejects(bench.add('one', 'a'), code('KEFU_USAGE'))
    void bench.add('two', 'a')
    await assert.rejects(bench.add('one', 'b'), code('KEFU_QUEUE_FULL'))
  })

  it('waits as long as it was told after a refusal, then goes on with that message', () => {
    const bench = createBench()
    bench.connect()
    for (const id of ['a', 'b']) void bench.add('one', id)
    void bench.add('two', 'x')
    bench.refuse(700)
    bench.refuse(400)
    void bench.add('one', 'c')
    assert.deepEqual(bench.ids(), ['x'])
    assert.equal(bench.outbox.sweep().wakesAt, bench.clock.monotonicMs() + 700)
    bench.clock.advance(699)
    bench.outbox.sweep()
    assert.deepEqual(bench.ids(), ['x'])
    bench.clock.advance(1)
    bench.outbox.sweep()
    assert.deepEqual(bench.ids(), ['x', 'a', 'b', 'c'])
  })

  it('rejects a message that is refused for good, and sends the next', async () => {
    const bench = createBench(100, 1)
    bench.connect()
    const bad = bench.add('one', 'a')
    void bench.add('one', 'b')
    const entry = bench.outbox.answered(bench.wire[0]!.correlation)!
    bench.outbox.refuse(entry, new KefuError('KEFU_MESSAGE_TOO_LARGE'), false, undefined)
    await assert.rejects(bad, code('KEFU_MESSAGE_TOO_LARGE'))
    assert.deepEqual(bench.ids(), ['a', 'b'])
  })

  it('gives up after its time, and tells how old the oldest unanswered one is', async () => {
    const bench = createBench()
    const early = bench.add('one', 'a')
    bench.clock.advance(50_000)
    void bench.add('one', 'b')
    bench.connect()
    bench.clock.advance(9_999)
    assert.equal(bench.outbox.sweep().oldestMs, 9_999)
    bench.clock.advance(1)
    bench.outbox.sweep()
    await assert.rejects(early, code('KEFU_TIMEOUT'))
    assert.equal(bench.outbox.size, 1)
  })

  it('loses, repeats and reorders nothing under any course of acks, refusals, lost acks and other devices', async () => {
    const step = fc.constantFrom('add', 'ack', 'ack', 'refuse', 'disconnect', 'lose', 'connect', 'wait', 'others')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async steps => {
        // What the server has, and what of it the server would know again: the last ids, whoever sent them.
        const stored: string[] = []
        const recent: string[] = []
        const store = (id: string): number => {
          if (recent.includes(id)) return stored.indexOf(id) + 1
          stored.push(id)
          recent.push(id)
          if (recent.length > 4) recent.shift()
          return stored.length
        }
        const bench = createBench(1_000, 4, lane => {
          for (const { body } of [...lane.entries]) {
            const n = stored.indexOf(body.id) + 1
            if (n > 0) bench.outbox.settle(bench.outbox.find('one', body.id)!, CONVERSATION, n, true)
          }
          bench.outbox.trust(lane)
        })
        const results: Promise<Sent>[] = []
        let others = 0
        const answer = (): void => {
          const [first] = bench.wire
          if (first !== undefined) bench.ack(store(first.id))
        }
        for (const each of steps) {
          if (each === 'add') results.push(bench.add('one', `m${results.length}`))
          else if (each === 'ack') answer()
          // A server that refuses one refuses those behind it as well until its time has come.
          else if (each === 'refuse') while (bench.wire.length > 0) bench.refuse(100)
          else if (each === 'disconnect') bench.disconnect()
          else if (each === 'lose') {
            for (const { id } of bench.wire) store(id)
            bench.disconnect()
          } else if (each === 'others') for (let count = 0; count < 5; count++) store(`other ${others++}`)
          else if (each === 'connect') bench.connect()
          else bench.clock.advance(50)
          bench.outbox.sweep()
          assert.ok(bench.wire.length <= 4)
        }
        bench.connect()
        for (let rounds = 0; bench.outbox.size > 0; rounds++) {
          assert.ok(rounds < 1_000)
          bench.clock.advance(100)
          bench.outbox.sweep()
          answer()
        }
        const sent = await Promise.all(results)
        const own = stored.filter(id => id.startsWith('m'))
        assert.deepEqual(
          own,
          results.map((_, at) => `m${at}`),
        )
        assert.deepEqual(
          sent.map(({ n }) => stored[n - 1]),
          own,
        )
      }),
      { numRuns: 300 },
    )
  })
})

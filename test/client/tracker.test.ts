import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Answer } from '../../src/client/session-role.js'
import { type RecordEvent, Track, Tracker } from '../../src/client/tracker.js'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import { KefuError } from '../../src/errors.js'
import { agentMessage } from './fake-server.js'

const idOf = (number: number): ConversationId => `c_${String(number).padStart(26, '0')}`

/** A tracker whose requests a test answers; without a connection they fail at once. */
function createBench(limit = 100_000) {
  const asked: { readonly track: Track; readonly after: number; readonly answer: Answer }[] = []
  const emitted: RecordEvent[] = []
  const violations: KefuError[] = []
  const network = { isDown: false }
  const tracker = new Tracker(
    {
      fetch(track, after, answer) {
        if (network.isDown) answer(undefined, new KefuError('KEFU_DISCONNECTED', { reason: 'test' }))
        else asked.push({ track, after, answer })
      },
      inFlight: () => 0,
      emit: event => emitted.push(event),
      arrived: ({ conversation, channel, contact }, n, at, record) => ({
        conversation,
        channel,
        contact,
        n,
        at,
        record,
        own: false,
      }),
      refused() {},
      failed: error => assert.fail(error),
      violated: error => violations.push(error),
      monotonicMs: () => 0,
      sweepSoon() {},
    },
    limit,
  )
  return {
    tracker,
    asked,
    emitted,
    violations,
    network,
    follow(number: number): Track {
      const track = tracker.add(new Track(idOf(number), 0, 7, `contact ${number}`))
      track.isMine = true
      return track
    },
    deliver(track: Track, n: number) {
      const { at, record } = agentMessage(n)
      tracker.deliver(track, n, at, record)
    },
    /** Answers the oldest request with records `from` to `to`. */
    page(from: number, to: number, head = to) {
      const { track, answer } = asked.shift()!
      const records = Array.from({ length: to - from + 1 }, (_, at) => agentMessage(from + at))
      const body = { conversation: track.conversation, after: from - 1, head, records }
      answer({ channel: 7, kind: 'page', correlation: 1, body }, undefined)
    },
  }
}

describe('tracker', () => {
  it('bears the loss of a connection while any number of conversations wait for their records', () => {
    const bench = createBench()
    for (let number = 0; number < 20_000; number++) bench.tracker.expect(bench.follow(number), 3, false)
    assert.equal(bench.asked.length, 4)
    bench.network.isDown = true
    for (const { answer } of bench.asked) answer(undefined, new KefuError('KEFU_DISCONNECTED', { reason: 'test' }))
    bench.tracker.disconnected()
    assert.equal(bench.tracker.isIdle, true)
  })

  it('does not take a page that begins elsewhere for an answer, but a server that has less', () => {
    const bench = createBench()
    bench.deliver(bench.follow(1), 9)
    bench.page(1, 5)
    bench.page(3, 8, 9)
    assert.equal(bench.violations.length, 1)
    const { tracker, asked, violations } = createBench()
    const track = tracker.add(new Track(idOf(1), 6, 7, undefined))
    track.isMine = true
    tracker.expect(track, 9, false)
    const body = { conversation: track.conversation, after: 4, head: 4, records: [] }
    asked.shift()!.answer({ channel: 7, kind: 'page', correlation: 1, body }, undefined)
    assert.deepEqual(violations, [])
  })

  it('holds so many records beyond holes, of all conversations together, and fetches the others later', () => {
    const bench = createBench()
    const tracks = Array.from({ length: 20 }, (_, number) => bench.follow(number))
    for (const track of tracks) for (let n = 2; n <= 901; n++) bench.deliver(track, n)
    const held = (): number => tracks.reduce((sum, { sequence }) => sum + sequence.held, 0)
    assert.equal(held(), 10_000)
    while (bench.asked.length > 0) {
      const { after } = bench.asked[0]!
      bench.page(after + 1, Math.min(after + 500, 901), 901)
    }
    assert.equal(held(), 0)
    assert.equal(bench.emitted.length, 20 * 901)
    bench.deliver(tracks[0]!, 903)
    assert.equal(held(), 1)
    bench.tracker.drop(tracks[0]!)
    for (let n = 903; n <= 1_000; n++) bench.deliver(tracks[1]!, n)
    assert.equal(tracks[1]!.sequence.held, 98)
  })

  it('forgets the answer for a conversation that it has forgotten', () => {
    const bench = createBench()
    const track = bench.follow(1)
    bench.deliver(track, 3)
    bench.tracker.drop(track)
    const again = bench.follow(1)
    bench.deliver(again, 3)
    bench.page(1, 2, 3)
    assert.deepEqual([bench.emitted.length, bench.asked.length], [0, 1])
    bench.page(1, 2, 3)
    assert.deepEqual(
      bench.emitted.map(({ n }) => n),
      [1, 2, 3],
    )
  })

  it('finds the conversation of a contact', () => {
    const bench = createBench(2)
    const track = bench.follow(1)
    assert.equal(bench.tracker.ofContact('contact 1'), track)
    bench.follow(2)
    bench.follow(3)
    assert.equal(bench.tracker.ofContact('contact 1'), undefined)
  })
})

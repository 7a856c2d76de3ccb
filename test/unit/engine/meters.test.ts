import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { distributionOf } from '../../../src/daemon/core/histogram.js'
import { Meters } from '../../../src/daemon/engine/delivery/meters.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { Rig } from './rig.js'

const count = (histogram: Meters['append']): number => distributionOf(histogram.buckets()).count

describe('meters of the engine', () => {
  test('count what was sent, by who wrote it, and what was delivered', async () => {
    const rig = await Rig.create()
    const { meters } = rig.engine
    const li = await rig.agent('li')
    const app = await rig.greet({ token: rig.appToken })
    const visitor = await rig.visitor()
    for (let i = 0; i < 5; i++) await rig.say(visitor.peer, `v${i}`)
    for (let i = 0; i < 3; i++) await rig.say(app.peer, `a${i}`, { contact: 'c1' })
    await rig.settle()
    for (let i = 0; i < 2; i++) await rig.say(li.peer, `l${i}`, { conversation: visitor.conversation })
    await rig.settle()
    assert.deepEqual(meters.accepted, { visitor: 5, agent: 2, app: 3 })
    const sent = [visitor.peer, app.peer, li.peer].flatMap(({ frames }) => frames)
    const pushed = sent.filter(
      ({ kind, body }) => kind === 'deliver' || (kind === 'inbox' && body.entries !== undefined),
    )
    // Each hello is answered with a page of the inbox, which is no record.
    const pages = pushed.filter(({ kind, body }) => kind === 'inbox' && (body.entries as unknown[]).length === 0)
    assert.equal(meters.delivered, pushed.length - pages.length)
    assert.equal(count(meters.append), 10)
    assert.equal(count(meters.deliver), meters.delivered)
    await rig.stop()
  })

  test('a repetition is no message, and what is refused is counted as such', async () => {
    const rig = await Rig.create()
    const { meters } = rig.engine
    const { peer } = await rig.visitor()
    await rig.say(peer, 'm1')
    await rig.say(peer, 'm1')
    assert.equal(meters.accepted.visitor, 1)
    for (let i = 0; i < 100; i++) rig.send(peer, 'message', { id: `x${i}`, parts: [{ type: 'text', text: 'x' }] })
    await rig.settle()
    const refused = peer.frames.filter(({ kind, body }) => kind === 'error' && body.code === 'KEFU_RATE_LIMITED')
    assert.ok(refused.length > 0)
    assert.equal(meters.refused, refused.length)
    assert.equal(meters.errors, 0)
    rig.send(peer, 'presence', { state: 'online' })
    await rig.settle()
    assert.equal(meters.errors, 1)
    await rig.stop()
  })

  test('what a visitor missed is counted when it is fed', async () => {
    const rig = await Rig.create()
    const { peer, token, conversation } = await rig.visitor()
    for (let i = 0; i < 4; i++) await rig.say(peer, `m${i}`)
    await rig.settle()
    const head = await rig.store.log.head(conversation)
    await rig.greet({ token, resume: { n: 0 } })
    await rig.settle()
    assert.equal(rig.engine.meters.caughtUp, head?.n)
    await rig.stop()
  })

  test('a slow consumer is named while it does not read, the one that has for longest first', async () => {
    const rig = await Rig.create()
    const { slow } = rig.engine
    const li = await rig.agent('小李')
    const visitor = await rig.visitor()
    await rig.say(visitor.peer, 'm0')
    await rig.settle()
    assert.deepEqual([slow.count, slow.worst(10)], [0, []])
    li.peer.isSlow = true
    await rig.say(visitor.peer, 'm1')
    await rig.settle()
    rig.clock.advance(3_000)
    visitor.peer.isSlow = true
    await rig.say(visitor.peer, 'm2')
    await rig.settle()
    rig.clock.advance(2_000)
    const worst = slow.worst(10)
    assert.deepEqual(
      worst.map(({ session, forMs }) => [session.role, session.role === 'agent' ? session.agent.name : '', forMs]),
      [
        ['agent', '小李', 5_000],
        ['visitor', '', 2_000],
      ],
    )
    assert.ok(worst[0]!.bufferedBytes > 0)
    assert.equal(slow.worst(1).length, 1)
    rig.drain(li.peer)
    await rig.settle()
    assert.deepEqual([slow.count, slow.worst(10)[0]?.session.role], [1, 'visitor'])
    rig.disconnect(visitor.peer)
    assert.equal(slow.count, 0)
    await rig.stop()
  })

  test('who does not read for too long is closed, and not named any more', async () => {
    const rig = await Rig.create()
    const { peer } = await rig.visitor()
    peer.isSlow = true
    await rig.say(peer, 'm0')
    await rig.settle()
    assert.equal(rig.engine.slow.count, 1)
    rig.clock.advance(62_000)
    await rig.settle()
    assert.equal(peer.closedWith?.reason, 'KEFU_SLOW_CONSUMER')
    assert.equal(rig.engine.slow.count, 0)
    await rig.stop()
  })

  test('while many are on their way, one of eight is timed and counts for all of them', () => {
    const clock = createManualClock()
    let looks = 0
    const monotonicMs = (): number => {
      looks++
      return clock.monotonicMs()
    }
    const meters = new Meters({ monotonicMs })
    const taken = Array.from({ length: 808 }, (_, i) => meters.take(i))
    clock.advance(250)
    for (const each of taken) meters.accept('visitor', each)
    const { count, p50, max } = distributionOf(meters.append.buckets())
    assert.deepEqual([meters.accepted.visitor, count], [808, 808])
    assert.ok(p50 >= 250_000 && max < 260_000)
    // Eight, and one of eight of the other eight hundred: each at its beginning and its end.
    assert.equal(looks, 2 * (8 + 100))
  })

  test('records count from their commit to their frame', () => {
    const clock = createManualClock()
    const meters = new Meters(clock)
    const committedAtMs = clock.monotonicMs()
    meters.delivered += 3
    clock.advance(4)
    meters.batchDelivered(committedAtMs)
    meters.batchDelivered(committedAtMs)
    assert.deepEqual(meters.deliver.buckets(), [[4_031, 3]])
  })
})

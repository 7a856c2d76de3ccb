import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Alarm } from '../../src/client/alarm.js'
import { BACKOFF_MAX_MS, backoffMs } from '../../src/client/backoff.js'
import { Emitter } from '../../src/client/emitter.js'
import { Liveness } from '../../src/client/liveness.js'
import { Receipts } from '../../src/client/receipts.js'
import { conversationId } from './fake-server.js'
import { createManualClock } from './manual-clock.js'

describe('backoff', () => {
  it('spreads from zero to a ceiling that doubles from 2 s to 30 s', () => {
    const ceilings = [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
    for (const [attempt, ceiling] of ceilings.entries()) {
      assert.equal(
        backoffMs(attempt, () => 0),
        0,
      )
      assert.equal(
        backoffMs(attempt, () => 0.5),
        ceiling / 2,
      )
    }
    assert.equal(
      backoffMs(5_000, () => 1),
      BACKOFF_MAX_MS,
    )
  })
})

describe('alarm', () => {
  it('rings each slot once at its time, on one timer', () => {
    const clock = createManualClock()
    const start = clock.monotonicMs()
    const rung: [number, number][] = []
    const alarm = new Alarm(clock, 3, slot => rung.push([slot, clock.monotonicMs() - start]))
    alarm.set(0, start + 300)
    alarm.set(1, start + 100)
    alarm.set(2, start + 200)
    assert.equal(clock.timers, 1)
    clock.advance(1_000)
    assert.deepEqual(rung, [
      [1, 100],
      [2, 200],
      [0, 300],
    ])
    assert.equal(clock.timers, 0)
  })

  it('does not ring what was moved away, keeps the earlier time with atMost, and takes new times while ringing', () => {
    const clock = createManualClock()
    const start = clock.monotonicMs()
    const rung: [number, number][] = []
    const alarm = new Alarm(clock, 2, slot => {
      rung.push([slot, clock.monotonicMs() - start])
      if (rung.length === 1) alarm.set(0, clock.monotonicMs() + 10)
    })
    alarm.set(0, start + 50)
    alarm.set(0, start + 80)
    alarm.set(1, start + 60)
    alarm.clear(1)
    alarm.atMost(0, start + 90)
    clock.advance(500)
    assert.deepEqual(rung, [
      [0, 80],
      [0, 90],
    ])
    alarm.set(0, clock.monotonicMs() + 5)
    alarm.stop()
    assert.equal(clock.timers, 0)
  })
})

describe('liveness', () => {
  it('probes after silence and gives up when nothing follows', () => {
    const liveness = new Liveness(100, 20)
    liveness.heard(0)
    assert.deepEqual(liveness.check(60), { type: 'alive', at: 100 })
    assert.deepEqual(liveness.check(100), { type: 'probe', at: 120 })
    liveness.heard(110)
    assert.deepEqual(liveness.check(120), { type: 'alive', at: 210 })
    assert.deepEqual(liveness.check(210), { type: 'probe', at: 230 })
    assert.equal(liveness.check(230).type, 'dead')
  })
})

describe('receipts', () => {
  it('keeps the highest number per conversation and kind, and hands each over once', () => {
    const receipts = new Receipts()
    const [first, second] = [conversationId(1), conversationId(2)]
    receipts.add('ack', first, 3)
    receipts.add('ack', first, 9)
    receipts.add('ack', first, 5)
    receipts.add('read', first, 2)
    receipts.add('ack', second, 1)
    const sent: unknown[] = []
    receipts.flush(2, (kind, conversation, n) => sent.push([kind, conversation, n]))
    assert.deepEqual([sent.length, receipts.isEmpty], [2, false])
    receipts.flush(2, (kind, conversation, n) => sent.push([kind, conversation, n]))
    assert.deepEqual(sent, [
      ['ack', first, 9],
      ['ack', second, 1],
      ['read', first, 2],
    ])
    assert.equal(receipts.isEmpty, true)
    receipts.flush(2, () => assert.fail('handed over twice'))
  })
})

describe('emitter', () => {
  it('calls listeners in order, also those that remove themselves, and throws their errors outside', async () => {
    const emitter = new Emitter<{ word: string }>()
    const heard: string[] = []
    const off = emitter.on('word', word => {
      heard.push(`first ${word}`)
      off()
    })
    emitter.on('word', () => {
      throw new Error('a listener of the test')
    })
    emitter.on('word', word => heard.push(`last ${word}`))
    const outside = new Promise<unknown>(resolve => {
      process.setUncaughtExceptionCaptureCallback(error => {
        process.setUncaughtExceptionCaptureCallback(null)
        resolve(error)
      })
    })
    emitter.emit('word', 'a')
    assert.deepEqual(heard, ['first a', 'last a'])
    assert.match(String(await outside), /a listener of the test/)
  })
})

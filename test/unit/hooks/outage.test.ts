import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import { Outage } from '../../../src/daemon/hooks/outage.js'

const none = (): number => 0
const conversation = (at: number): ConversationId => `c_${at}`

describe('an endpoint that is down', () => {
  test('is tried again a second later, however many attempts were under way when it went', () => {
    const outage = new Outage(none)
    const news = Array.from({ length: 16 }, (_, at) => outage.failed(conversation(at), 5_000 + at))
    assert.deepEqual([news.indexOf(true), news.filter(Boolean).length], [2, 1])
    assert.equal(outage.nextAtMs, 5_002 + 1_000)
  })

  test('is tried after longer and longer pauses while every attempt fails, and at once when one gets through', () => {
    const outage = new Outage(none)
    for (let at = 0; at < 3; at++) outage.failed(conversation(at), 0)
    const pauses: number[] = []
    for (let attempt = 0; attempt < 8; attempt++) {
      const nowMs = outage.nextAtMs!
      assert.equal(outage.failed(conversation(0), nowMs), false)
      pauses.push(outage.nextAtMs! - nowMs)
    }
    assert.deepEqual(pauses, [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
    assert.equal(outage.succeeded(), true)
    assert.deepEqual([outage.nextAtMs, outage.succeeded()], [undefined, false])
  })
})

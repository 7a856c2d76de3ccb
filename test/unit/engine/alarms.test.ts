import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import { Alarms } from '../../../src/daemon/engine/routing/alarms.js'
import { createManualClock } from '../../helpers/manual-clock.js'

const MONTH_MS = 30 * 86_400_000
const idOf = (number: number): ConversationId => `c_${String(number).padStart(26, '0')}`

test('an alarm that is set again and again takes no more memory, and rings once for the last instant of each', () => {
  const clock = createManualClock()
  const rung: string[] = []
  const alarms = new Alarms(clock, (conversation, at) => rung.push(`${conversation} ${at}`))
  const start = clock.now()
  for (let round = 0; round < 2_000; round++) {
    for (let each = 0; each < 10; each++) alarms.set(idOf(each), start + MONTH_MS + round)
    if (round % 2 === 0) alarms.set(idOf(0), undefined)
  }
  assert.equal(alarms.size, 10)
  assert.ok(alarms.held < 2_000, String(alarms.held))
  clock.advance(MONTH_MS + 1_000)
  assert.deepEqual(rung, [])
  clock.advance(2_000)
  assert.deepEqual(
    rung.sort(),
    Array.from({ length: 10 }, (_, each) => `${idOf(each)} ${start + MONTH_MS + 1_999}`),
  )
  assert.deepEqual([alarms.size, alarms.held], [0, 0])
  alarms.close()
})

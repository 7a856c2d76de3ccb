import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import { firstDetails } from '../../../src/daemon/core/conversation.js'
import type { Head } from '../../../src/daemon/core/model.js'
import type { Appended } from '../../../src/daemon/core/ports.js'
import { Timetable } from '../../../src/daemon/engine/routing/timetable.js'
import { createManualClock } from '../../helpers/manual-clock.js'

const COUNT = 50

test('what falls due while the store takes nothing is tried again, and reported once and not for each', async () => {
  const clock = createManualClock()
  const reported: unknown[] = []
  const carried: ConversationId[] = []
  const failure = new Error('no room on the disk')
  let isFull = true
  const heads = new Map<ConversationId, Head>()
  for (let each = 0; each < COUNT; each++) {
    const conversation: ConversationId = `c_${String(each).padStart(26, '0')}`
    const details = { ...firstDetails(clock.now()), snoozedUntil: clock.now() + 1_000 }
    heads.set(conversation, { conversation, state: 'snoozed', agent: 'a_1', details } as Head)
  }
  const timetable = new Timetable({
    clock,
    router: {
      openHead: conversation => heads.get(conversation),
      async carry({ conversation }) {
        if (isFull) throw failure
        carried.push(conversation)
        return {} as Appended
      },
    },
    team: () => undefined,
    channel: () => undefined,
    report: error => reported.push(error),
  })
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  for (const head of heads.values()) timetable.follow(head)
  for (let second = 0; second < 20; second++) await pass(1_000)
  assert.deepEqual(reported, [failure])
  isFull = false
  for (let second = 0; second < 6; second++) await pass(1_000)
  assert.deepEqual(carried.sort(), [...heads.keys()])
  isFull = true
  for (const head of heads.values())
    timetable.follow({ ...head, details: { ...head.details, snoozedUntil: clock.now() } })
  await pass(1_000)
  assert.deepEqual(reported, [failure, failure], 'the next time it fails is told again')
  timetable.close()
})

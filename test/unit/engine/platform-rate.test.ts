import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { PlatformRig } from './platform-rig.js'

test('waiting for the rate of a lane leaves nothing behind', async () => {
  const rig = await PlatformRig.create()
  await rig.receive(rig.event('e1'))
  const { outbox } = rig.store
  const { work } = outbox
  let working: AbortSignal | undefined
  outbox.work = (...given) => {
    working = given[3]
    return work.apply(outbox, given)
  }
  await rig.channels.set('shop', { lane: { outPerSecond: 1, outConcurrency: 1 } })
  for (let each = 0; each < 10; each++) await rig.answer(`a${each}`)
  const listening: number[] = []
  for (let second = 0; second < 8; second++) {
    await rig.pass(1_000)
    listening.push(getEventListeners(working!, 'abort').length)
  }
  assert.ok(rig.texts.length >= 8 && rig.texts.length < 10)
  assert.deepEqual(listening, Array(8).fill(1))
  await rig.stop()
})

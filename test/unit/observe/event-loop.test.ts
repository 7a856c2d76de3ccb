import assert from 'node:assert/strict'
import { test } from 'node:test'
import { distributionOf } from '../../../src/daemon/core/histogram.js'
import { createEventLoopWatch } from '../../../src/daemon/observe/event-loop.js'

const DEADLINE_MS = 5_000

test('a loop that was busy is seen to be late by as much, and not watched before the start or after the end', async t => {
  const watch = createEventLoopWatch()
  t.after(() => watch.stop())
  const seen = () => distributionOf(watch.delay.buckets())
  const turns = async (isDone: () => boolean): Promise<void> => {
    const deadline = performance.now() + DEADLINE_MS
    while (!isDone()) {
      assert.ok(performance.now() < deadline)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
  const busy = (ms: number): void => {
    const end = performance.now() + ms
    while (performance.now() < end);
  }
  busy(50)
  assert.equal(seen().count, 0)
  watch.start()
  await turns(() => seen().count >= 2)
  const before = seen().count
  busy(150)
  await turns(() => seen().count > before)
  assert.ok(seen().max >= 120_000, `${seen().max} µs`)
  watch.stop()
  const { count } = seen()
  await new Promise(resolve => setTimeout(resolve, 60))
  assert.equal(seen().count, count)
})

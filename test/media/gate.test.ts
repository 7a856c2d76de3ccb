import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate } from '../../src/daemon/media/gate.js'

test('a gate runs a bounded number at once, in order, and sends the rest away', async () => {
  const gate = createGate(2, 3, () => new Error('full'))
  const finish: (() => void)[] = []
  const started: number[] = []
  const task = (id: number) => async () => {
    started.push(id)
    await new Promise<void>(resolve => finish.push(resolve))
    if (id === 1) throw new Error('task 1 failed')
    return id
  }
  const results = [0, 1, 2, 3, 4].map(id => gate.run(task(id)))
  const failed = assert.rejects(results[1]!, /task 1 failed/)
  await assert.rejects(gate.run(task(5)), /full/)
  assert.deepEqual(started, [0, 1])
  let isIdle = false
  const idle = gate.idle().then(() => {
    isIdle = true
  })
  finish[1]!()
  await failed
  assert.deepEqual(started, [0, 1, 2])
  for (let i = 0; i < 5; i++) {
    assert.equal(isIdle, false)
    finish[i]!()
    await Promise.allSettled([results[i]!])
  }
  await idle
  assert.deepEqual(started, [0, 1, 2, 3, 4])
  assert.equal(await gate.run(async () => 7), 7)
  await gate.idle()
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawnRequest } from '../../src/commands/queue/_queue/watch.js'
import { queueListRequest } from '../../src/daemon/control/queue-schemas.js'

test('a drawn view asks for no more than it can show, in steps that terminals of about the same height share', () => {
  const request = { states: ['waiting' as const] }
  const limitOn = (lines: number, limit?: number) =>
    drawnRequest({ ...request, ...(limit === undefined ? {} : { limit }) }, lines, 2_000).limit
  assert.deepEqual(
    [24, 28, 29, 50, 53, 54].map(lines => limitOn(lines)),
    [25, 25, 50, 50, 50, 75],
  )
  assert.deepEqual([limitOn(24, 5), limitOn(24, 500), limitOn(1), limitOn(100_000)], [5, 25, 25, 1_000])
  for (const lines of [0, 1, 24, 100_000])
    assert.equal(queueListRequest.safeParse(drawnRequest(request, lines, 2_000)).success, true)
})

test('a view that is drawn often does not get an answer that is older than its interval', () => {
  const ageOf = (intervalMs: number) => drawnRequest({ states: ['waiting'] }, 24, intervalMs).maxAgeMs
  assert.deepEqual([ageOf(200), ageOf(1_000), ageOf(60_000)], [200, 1_000, 1_000])
})

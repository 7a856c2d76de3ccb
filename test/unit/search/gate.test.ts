import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gate } from '../../../src/daemon/search/gate.js'
import { createManualClock } from '../../helpers/manual-clock.js'

const NEVER = new AbortController().signal

function held() {
  let release: () => void = () => undefined
  const work = () => new Promise<void>(resolve => (release = resolve))
  return { work, release: () => release() }
}

test('a gate lets a few in, the others in their order, and refuses who is too many or waits too long', async () => {
  const clock = createManualClock()
  const gate = new Gate(clock, { atOnce: 2, waiting: 2, waitMs: 100 })
  const order: string[] = []
  const [first, second] = [held(), held()]
  const a = gate.run(NEVER, first.work)
  const b = gate.run(NEVER, second.work)
  const c = gate.run(NEVER, async () => void order.push('c'))
  const d = gate.run(NEVER, async () => void order.push('d'))
  await assert.rejects(
    gate.run(NEVER, async () => void order.push('e')),
    { code: 'KEFU_SEARCH_BUSY' },
  )
  first.release()
  await Promise.all([a, c, d])
  assert.deepEqual(order, ['c', 'd'])

  const third = held()
  const e = gate.run(NEVER, third.work)
  const late = gate.run(NEVER, async () => void order.push('late'))
  const gone = new AbortController()
  const aborted = gate.run(gone.signal, async () => void order.push('aborted'))
  gone.abort()
  await assert.rejects(aborted, { code: 'KEFU_ABORTED' })
  clock.advance(100)
  await assert.rejects(late, { code: 'KEFU_SEARCH_BUSY' })
  second.release()
  third.release()
  await Promise.all([b, e])
  await gate.run(NEVER, async () => void order.push('f'))
  assert.deepEqual(order, ['c', 'd', 'f'])
  assert.equal(clock.pending, 0)
})

test('work that fails leaves the gate', async () => {
  const gate = new Gate(createManualClock(), { atOnce: 1, waiting: 0, waitMs: 1 })
  for (let i = 0; i < 3; i++)
    await assert.rejects(
      gate.run(NEVER, () => Promise.reject(new Error('no'))),
      /no/,
    )
  assert.equal(await gate.run(NEVER, async () => 7), 7)
})

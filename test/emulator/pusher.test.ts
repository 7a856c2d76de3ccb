import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Faults } from '../../src/emulator/core/faults.js'
import { Pusher } from '../../src/emulator/core/pusher.js'
import { createManualClock, type ManualClock } from '../helpers/manual-clock.js'
import type { Cleanup } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'
import { type CallbackServer, callbackServer, SUCCESS } from './rig.js'

const POLICY = {
  deadlineMs: 5_000,
  retryAfterMs: [5_000, 5_000],
  accepts: ({ status }: { readonly status: number }) => status === 200,
}
const BROKEN = { status: 500, body: 'broken' } as const

type Rig = {
  readonly pusher: Pusher
  readonly faults: Faults
  readonly clock: ManualClock
  readonly callback: CallbackServer
  /** Pushes a text. */
  readonly push: (text: string, user?: string) => ReturnType<Pusher['push']>
  /** Texts in the order in which they came. */
  readonly texts: () => readonly string[]
}

async function rig(t: Cleanup): Promise<Rig> {
  const callback = await callbackServer(t)
  const clock = createManualClock()
  const faults = new Faults()
  const pusher = new Pusher({ clock, faults }, POLICY)
  t.after(() => pusher.close())
  pusher.setTarget(callback.url)
  return {
    ...{ pusher, faults, clock, callback },
    push: (text, user = 'li') =>
      pusher.push({
        ...{ user, what: 'text' },
        build: attempt => ({ method: 'POST', query: { attempt: String(attempt) }, body: text }),
      }),
    texts: () => callback.received.map(({ body }) => body),
  }
}

describe('a push', () => {
  test('is delivered by the first answer, and keeps the query of the callback address', async t => {
    const { push, callback } = await rig(t)
    const { state, attempts } = await push('hello')
    assert.equal(state, 'delivered')
    assert.deepEqual(
      attempts.map(({ status, answer }) => [status, answer]),
      [[200, 'success']],
    )
    assert.equal(callback.received[0]!.query.get('channel'), 'main')
  })

  test('is repeated when it is not answered within the deadline, three times in all, 5 s apart', async t => {
    const { push, callback, clock, pusher } = await rig(t)
    callback.answer('hold')
    const started = clock.now()
    const done = push('hello')
    for (const count of [1, 2, 3]) {
      await callback.until(count)
      clock.advance(4_999)
      await new Promise(resolve => setTimeout(resolve, 20))
      assert.equal(callback.received.length, count)
      clock.advance(1)
    }
    const { state, attempts } = await done
    assert.equal(state, 'failed')
    assert.deepEqual(
      attempts.map(({ at, ms, failure }) => [at - started, ms, failure]),
      [0, 5_000, 10_000].map(at => [at, 5_000, 'it did not answer in time']),
    )
    assert.deepEqual(
      callback.received.map(({ query }) => query.get('attempt')),
      ['0', '1', '2'],
    )
    assert.equal(pusher.waiting, 0)
    assert.equal(clock.pending, 0)
  })

  test('that is refused is repeated 5 s after it began, until it is taken', async t => {
    const { push, callback, clock, pusher } = await rig(t)
    callback.answer(BROKEN, SUCCESS)
    const done = push('hello')
    await until('the wait for the next attempt', () => clock.pending === 1 && pusher.list()[0]!.attempts.length === 1)
    clock.advance(5_000)
    const { state, attempts } = await done
    assert.deepEqual([state, attempts.length], ['delivered', 2])
  })

  test('of a user waits for the first attempt of the one before, not for its repetitions; other users do not wait', async t => {
    const { push, callback, texts } = await rig(t)
    callback.answer(BROKEN, SUCCESS)
    void push('one')
    await push('two')
    assert.deepEqual(texts(), ['one', 'two'])
    callback.answer('hold', SUCCESS)
    void push('three')
    await callback.until(3)
    await push('four', 'wang')
    assert.deepEqual(texts().slice(2), ['three', 'four'])
  })

  test('to nobody fails with the reason; without an address it is refused', async t => {
    const { pusher, faults, clock } = await rig(t)
    const lone = new Pusher({ clock, faults }, POLICY)
    assert.throws(() => lone.push({ user: 'li', what: 'text', build: () => ({ method: 'POST' }) }), {
      code: 'KEFU_USAGE',
    })
    for (const address of ['nowhere', 'ftp://a/b', 'javascript:alert(1)'])
      assert.throws(() => lone.setTarget(address), { code: 'KEFU_USAGE' }, address)
    pusher.setTarget('http://127.0.0.1:1/')
    await assert.rejects(pusher.callOnce({ method: 'GET' }), { code: 'KEFU_PLATFORM_UNAVAILABLE' })
  })

  test('that waits when everything ends has failed', async t => {
    const { push, callback, pusher, clock } = await rig(t)
    callback.answer('hold')
    const done = push('hello')
    await callback.until(1)
    pusher.close()
    assert.equal((await done).state, 'failed')
    assert.equal(clock.pending, 0)
  })

  test('beyond 10,000 that wait is refused; that many are no reason for warnings', async t => {
    const warnings: Error[] = []
    const hear = (warning: Error): void => void warnings.push(warning)
    process.on('warning', hear)
    t.after(() => process.off('warning', hear))
    const { push, callback } = await rig(t)
    callback.answer('hold')
    for (let count = 0; count < 10_000; count++) void push('x', `u${count}`)
    assert.throws(() => push('x'), { code: 'KEFU_RATE_LIMITED' })
    await callback.until(64)
    assert.deepEqual(warnings, [])
  })
})

describe('a fault of pushes', () => {
  test('duplicate: comes twice, and is two deliveries', async t => {
    const { push, faults, callback, pusher, texts } = await rig(t)
    faults.add({ fault: 'duplicate' })
    await push('one')
    await push('two')
    await callback.until(3)
    assert.deepEqual([...texts()].sort(), ['one', 'one', 'two'])
    assert.deepEqual(
      pusher.list().map(({ fault }) => fault),
      ['duplicate', 'duplicate', undefined],
    )
  })

  test('reorder: the next one of the user overtakes it; without one it goes by itself', async t => {
    const { push, faults, clock, texts } = await rig(t)
    faults.add({ fault: 'reorder', count: 2 })
    const overtaken = push('one')
    const alone = push('alone', 'zhao')
    await push('other', 'wang')
    assert.deepEqual(texts(), ['other'])
    await push('two')
    await overtaken
    assert.deepEqual(texts(), ['other', 'two', 'one'])
    clock.advance(2_000)
    assert.equal((await alone).state, 'delivered')
    assert.equal(clock.pending, 0)
  })

  test('delay: goes so much later, and holds back no other', async t => {
    const { push, faults, clock, texts } = await rig(t)
    faults.add({ fault: 'delay', ms: 60_000 })
    const first = push('one')
    await push('two')
    clock.advance(59_999)
    assert.deepEqual(texts(), ['two'])
    clock.advance(1)
    assert.equal((await first).state, 'delivered')
    assert.deepEqual(texts(), ['two', 'one'])
  })

  test('drop: never comes', async t => {
    const { push, faults, texts } = await rig(t)
    faults.add({ fault: 'drop', count: 2 })
    assert.equal((await push('one')).state, 'dropped')
    assert.equal((await push('two')).state, 'dropped')
    await push('three')
    assert.deepEqual(texts(), ['three'])
  })
})

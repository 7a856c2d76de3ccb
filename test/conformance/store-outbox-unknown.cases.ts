import assert from 'node:assert/strict'
import { OUTBOX_HOLD_MS, type OutboxResult } from '../../src/daemon/core/ports.js'
import { fillOut, type Handler, isEmpty, LANE, rowsOf, SENT, workUntil } from './outbox-bench.js'
import { type StoreCase, storeCase, turns, until } from './store-bench.js'

/** The outbox: messages of which nobody knows whether they went, and what follows them. */
export const unknownCases: readonly StoreCase[] = [
  storeCase('unknown, and a handler that throws, let the next ones go and are never repeated', async ({ store }) => {
    await fillOut(store, 1, 4)
    const calls: number[] = []
    const handler: Handler = async ({ n }) => {
      calls.push(n)
      if (n === 3) return { type: 'unknown' }
      if (n === 4) throw new Error('a handler failed, as the test wants')
      return SENT
    }
    const rest = async () => (await rowsOf(store, 10)).length === 2
    await workUntil(store, 'the last', rest, handler)
    await workUntil(store, 'nothing more', rest, handler)
    assert.deepEqual(calls, [3, 4, 5, 6])
    assert.deepEqual(
      (await rowsOf(store, 10)).map(({ n, state }) => [n, state]),
      [
        [3, 'unknown'],
        [4, 'unknown'],
      ],
    )
  }),

  storeCase('what follows an unknown one waits for as long as is said, others do not', async ({ store, clock }) => {
    const [first] = await fillOut(store, 2, 2)
    const calls: string[] = []
    const handler: Handler = async ({ conversation, n }) => {
      calls.push(`${conversation === first ? 'held' : 'other'} ${n}`)
      return conversation === first && n === 3 ? { type: 'unknown', holdMs: 30_000 } : SENT
    }
    const abort = new AbortController()
    const working = store.outbox.work(LANE, 2, handler, abort.signal)
    await until('the others', async () => (await rowsOf(store, 10)).length === 2)
    clock.advance(29_999)
    await turns(5)
    assert.deepEqual(calls.toSorted(), ['held 3', 'other 3', 'other 4'])
    clock.advance(1)
    await until('the follower', async () => (await rowsOf(store, 10)).length === 1)
    assert.equal(calls.at(-1), 'held 4')
    abort.abort()
    await working
  }),

  storeCase(
    'whoever settles an unknown one ends the waiting for it, not that for another',
    async ({ store, clock }) => {
      const [retried, dropped] = await fillOut(store, 2, 3)
      const calls: string[] = []
      const handler: Handler = async ({ conversation, n }, attempt) => {
        calls.push(`${conversation === retried ? 'retried' : 'dropped'} ${n}`)
        return n < 5 && attempt === 1 ? { type: 'unknown', holdMs: 30_000 } : SENT
      }
      const abort = new AbortController()
      const working = store.outbox.work(LANE, 1, handler, abort.signal)
      const unknown = async () => (await store.outbox.rows({ states: ['unknown'], limit: 10 })).rows.length
      await until('the first', async () => (await unknown()) === 2)
      clock.advance(30_000)
      await until('the second', async () => (await unknown()) === 4)
      await store.outbox.retry(retried!, 3, { mayRepeat: true })
      await store.outbox.drop(dropped!, 3)
      await turns(5)
      assert.deepEqual(calls.slice(4), [])
      await store.outbox.retry(retried!, 4, { mayRepeat: true })
      await store.outbox.drop(dropped!, 4)
      await until('an empty outbox', isEmpty(store))
      abort.abort()
      await working
      assert.deepEqual(calls.slice(4).toSorted(), ['dropped 5', 'retried 3', 'retried 4', 'retried 5'])
    },
  ),

  storeCase(
    'what waits for an unknown one waits its time over a restart',
    async subject => {
      await fillOut(subject.store, 1, 2)
      const first = async () => (await rowsOf(subject.store, 1))[0]
      await workUntil(
        subject.store,
        'the state',
        async () => (await first())?.state === 'unknown',
        async () => ({ type: 'unknown', holdMs: 30_000 }),
      )
      const before = await first()
      assert.equal(before?.heldUntil, subject.clock.now() + 30_000)
      subject.clock.advance(10_000)
      const store = await subject.restart()
      assert.deepEqual((await rowsOf(store, 1))[0], before)
      const later: number[] = []
      const handler: Handler = async ({ n }) => {
        later.push(n)
        return SENT
      }
      subject.clock.advance(19_999)
      await workUntil(store, 'nothing yet', () => turns(5).then(() => true), handler)
      assert.deepEqual(later, [])
      subject.clock.advance(1)
      await workUntil(store, 'the next', () => later.length === 1, handler)
    },
    { needs: 'restart' },
  ),

  storeCase(
    'a kill between effect and result leaves it unknown, not sent again; what follows waits',
    async subject => {
      await fillOut(subject.store, 1, 2)
      const calls: number[] = []
      const abort = new AbortController()
      let finish = (_: OutboxResult) => {}
      const never = new Promise<OutboxResult>(resolve => {
        finish = resolve
      })
      const working = subject.store.outbox.work(
        LANE,
        2,
        ({ n }) => {
          calls.push(n)
          return never
        },
        abort.signal,
      )
      await until('the effect', () => calls.length === 1)
      const store = await subject.kill()
      abort.abort()
      finish(SENT)
      await working
      assert.equal((await rowsOf(store, 10))[0]?.state, 'unknown')
      const later: number[] = []
      const handler: Handler = async ({ n }) => {
        later.push(n)
        return SENT
      }
      subject.clock.advance(OUTBOX_HOLD_MS - 1)
      await workUntil(store, 'nothing yet', () => turns(5).then(() => true), handler)
      assert.deepEqual(later, [])
      subject.clock.advance(1)
      await workUntil(store, 'the next', () => later.length === 1, handler)
      assert.deepEqual([calls, later], [[3], [4]])
      assert.deepEqual(
        (await rowsOf(store, 10)).map(({ n, state, attempts }) => [n, state, attempts]),
        [[3, 'unknown', 1]],
      )
    },
    { needs: 'restart' },
  ),
]

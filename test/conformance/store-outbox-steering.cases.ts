import assert from 'node:assert/strict'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import { OUTBOX_REASON_LENGTH, type OutboxResult, type OutboxRow, type Store } from '../../src/daemon/core/ports.js'
import { fillOut, type Handler, isEmpty, LANE, OUT, rowsOf, SENT, workUntil } from './outbox-bench.js'
import {
  answer,
  assertRefused,
  conversationId,
  fill,
  type StoreCase,
  soon,
  storeCase,
  turns,
  until,
} from './store-bench.js'

const DEAD: OutboxResult = { type: 'dead', reason: 'refused' }
const NONE = { queued: 0, sending: 0, unknown: 0, parked: 0, dead: 0, retrying: 0 }

/** Works until each message has had the result of its number; those without one wait for ever. */
async function settle(store: Store, results: Readonly<Record<number, OutboxResult>>): Promise<void> {
  const wanted = (await rowsOf(store, 1_000)).filter(({ n }) => results[n] !== undefined).length
  let settled = 0
  const isSettled = async () => {
    const { sending = 0 } = (await store.outbox.totals()).get(LANE) ?? {}
    return settled === wanted && sending === 0
  }
  await workUntil(store, 'the results', isSettled, async ({ n }) => {
    assert.ok(results[n], `message ${n} was sent`)
    settled++
    return results[n]
  })
}

/** A worker of the lane that runs until `end`, and what it was given: numbers and attempts. */
function startWork(store: Store, handler: Handler) {
  const abort = new AbortController()
  const calls: string[] = []
  const working = store.outbox.work(
    LANE,
    4,
    (job, attempt, progress) => {
      calls.push(`${job.n} ${attempt}`)
      return handler(job, attempt, progress)
    },
    abort.signal,
  )
  const end = async () => {
    abort.abort()
    await working
  }
  return { calls, end }
}

const states = (rows: readonly OutboxRow[]) => rows.map(({ n, state }) => `${n} ${state}`)

const totalsOf = async ({ outbox }: Store) => (await outbox.totals()).get(LANE) ?? NONE

/** Two conversations with a message in each state but `sending`, and the ids of both. */
async function fillStates(store: Store): Promise<[ConversationId, ConversationId]> {
  const [first, second] = await fillOut(store, 2, 4)
  let settled = 0
  const all = async () => settled === 5 && (await totalsOf(store)).sending === 0
  await workUntil(store, 'the states', all, async ({ conversation, n }) => {
    settled++
    if (n === 3) return conversation === first ? DEAD : SENT
    if (n === 4) return conversation === first ? { type: 'unknown', reason: 'timed out' } : { type: 'park' }
    return { type: 'retry', retryMs: 60_000, reason: 'busy' }
  })
  return [first!, second!]
}

/** The outbox as operators see and steer it. */
export const steeringCases: readonly StoreCase[] = [
  storeCase('rows say how often, when again, and why not', async ({ store, clock }) => {
    await fillStates(store)
    const rows = await rowsOf(store, 100)
    const told = rows.map(({ n, state, attempts, retryAt, reason }) => [n, state, attempts, retryAt, reason])
    assert.deepEqual(
      told.toSorted((a, b) => String(a).localeCompare(String(b))),
      [
        [3, 'dead', 1, undefined, 'refused'],
        [4, 'parked', 1, undefined, undefined],
        [4, 'unknown', 1, undefined, 'timed out'],
        [5, 'queued', 0, undefined, undefined],
        [5, 'retrying', 1, clock.now() + 60_000, 'busy'],
        [6, 'queued', 0, undefined, undefined],
        [6, 'queued', 0, undefined, undefined],
      ],
    )
  }),

  storeCase('of a reason only so much is kept', async ({ store }) => {
    await fillOut(store, 1, 1)
    await settle(store, { 3: { type: 'dead', reason: 'x'.repeat(100_000) } })
    assert.equal((await rowsOf(store, 1))[0]?.reason, 'x'.repeat(OUTBOX_REASON_LENGTH))
  }),

  storeCase('rows of some states, of all lanes, in pages, come in log order', async ({ store }) => {
    const ids = await fillOut(store, 3, 4)
    const other = await Promise.all([50, 51].map(number => fill(store.log, number, 1, { ...OUT, channel: 8 })))
    for (const key of ['a', 'b'])
      for (const id of [...other, ids[0]!]) await store.log.append(id, [answer('ann', key)], { id: key })
    await settle(store, { 3: DEAD, 4: SENT, 5: DEAD, 6: DEAD, 7: SENT, 8: DEAD })
    const all = (await store.outbox.rows({ limit: 1_000 })).rows
    assert.equal(all.length, 14)
    assert.ok(all.every((row, i) => i === 0 || row.seq > all[i - 1]!.seq))
    for (const [range, wanted] of [
      [{}, all],
      [{ lane: LANE }, all.filter(({ lane }) => lane === LANE)],
      [{ states: ['dead'] }, all.filter(({ state }) => state === 'dead')],
      [{ states: ['queued', 'parked'] }, all.filter(({ state }) => state === 'queued')],
      [{ lane: 'ch:8', states: ['dead'] }, []],
      [{ lane: 'ch:9' }, []],
    ] as const)
      for (const limit of [1, 3, 1_000]) {
        const rows: OutboxRow[] = []
        let after: string | undefined
        do {
          const page = await store.outbox.rows({ ...range, limit, ...(after === undefined ? {} : { after }) })
          rows.push(...page.rows)
          assert.ok(page.rows.length === limit || page.next === undefined)
          assert.ok(rows.length <= wanted.length)
          after = page.next
        } while (after !== undefined)
        assert.deepEqual(rows, wanted)
      }
  }),

  storeCase('totals follow every change', async ({ store }) => {
    assert.deepEqual(await store.outbox.totals(), new Map())
    const [first, second] = await fillStates(store)
    assert.deepEqual(await totalsOf(store), { ...NONE, queued: 3, retrying: 1, unknown: 1, parked: 1, dead: 1 })
    await store.outbox.retry(first, 3)
    await store.outbox.drop(first, 4)
    await store.outbox.drop(second, 5)
    await store.outbox.resume(second)
    assert.deepEqual(await totalsOf(store), { ...NONE, queued: 4, retrying: 1 })
    const id = await fill(store.log, 50, 1, { ...OUT, channel: 8 })
    await store.log.append(id, [answer('ann', 'a')], { id: 'a' })
    assert.deepEqual([...(await store.outbox.totals()).keys()].sort(), [LANE, 'ch:8'])
    await store.outbox.drop(id, 3)
    assert.deepEqual([...(await store.outbox.totals()).keys()], [LANE])
  }),

  storeCase('a dead one that is tried again goes before what waits, after what has gone', async ({ store }) => {
    const [id] = await fillOut(store, 1, 4)
    await settle(store, { 3: DEAD, 4: SENT, 5: { type: 'retry', retryMs: 60_000 } })
    assert.equal(await store.outbox.retry(id!, 3), true)
    assert.deepEqual(states(await rowsOf(store, 10)), ['3 queued', '5 retrying', '6 queued'])
    const { calls, end } = startWork(store, async ({ n }) => (n === 3 ? SENT : { type: 'park' }))
    await until('the message', () => calls.length > 0)
    await turns(5)
    await end()
    assert.deepEqual(calls, ['3 2'])
  }),

  storeCase('what is parked behind one that is tried again is resumed, too', async ({ store }) => {
    const [id] = await fillOut(store, 1, 3)
    await settle(store, { 3: DEAD, 4: { type: 'park' } })
    await store.outbox.retry(id!, 3)
    await store.outbox.resume(id!)
    assert.deepEqual(states(await rowsOf(store, 10)), ['3 queued', '4 queued', '5 queued'])
    const { calls, end } = startWork(store, async (_, attempt) => (attempt === 2 ? { type: 'park' } : SENT))
    await until('the first', async () => (await rowsOf(store, 1))[0]?.state === 'parked')
    await store.outbox.resume(id!)
    await until('the second', async () => (await rowsOf(store, 1))[0]?.n === 4 && (await totalsOf(store)).parked === 1)
    await store.outbox.resume(id!)
    await until('an empty outbox', isEmpty(store))
    await end()
    assert.deepEqual(calls, ['3 2', '3 3', '4 2', '4 3', '5 1'])
  }),

  storeCase('what is queued is not tried again twice, what is sent or parked not at all', async ({ store }) => {
    const [first, second] = await fillStates(store)
    const { outbox } = store
    assert.equal(await outbox.retry(first, 5), false)
    assert.equal(await outbox.retry(first, 6), false)
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => outbox.retry(first, 3))), [true, false, false])
    await assertRefused(outbox.retry(second, 4), 'KEFU_OUTBOX_STATE')
    await assertRefused(outbox.retry(second, 3), 'KEFU_OUTBOX_NOT_FOUND')
    for (const [id, n] of [
      [first, 2],
      [first, 7],
      [first, 0],
      [conversationId(99), 3],
    ] as const)
      await assertRefused(outbox.retry(id, n), 'KEFU_OUTBOX_NOT_FOUND')
  }),

  storeCase('an unknown one goes again only when that is said', async ({ store }) => {
    const [id] = await fillOut(store, 1, 1)
    await settle(store, { 3: { type: 'unknown', reason: 'timed out' } })
    await assertRefused(store.outbox.retry(id!, 3), 'KEFU_OUTBOX_UNKNOWN')
    assert.deepEqual(states(await rowsOf(store, 10)), ['3 unknown'])
    assert.equal(await store.outbox.retry(id!, 3, { mayRepeat: true }), true)
    await settle(store, { 3: SENT })
    assert.deepEqual(await rowsOf(store, 10), [])
  }),

  storeCase('what is dropped does not go, and what follows does', async ({ store }) => {
    const [first, second] = await fillStates(store)
    const { outbox } = store
    // In the middle of the line, then those that hold it up.
    for (const [id, n] of [
      [first, 6],
      [first, 5],
      [first, 4],
      [first, 3],
      [second, 4],
    ] as const)
      assert.equal(await outbox.drop(id, n), true)
    await settle(store, { 5: SENT, 6: SENT })
    assert.deepEqual(await rowsOf(store, 10), [])
    assert.deepEqual(await store.outbox.totals(), new Map())
  }),

  storeCase('dropping again changes nothing; what never was is told', async ({ store }) => {
    const [first, second] = await fillStates(store)
    const { outbox } = store
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => outbox.drop(first, 5))), [true, false, false])
    assert.equal(await outbox.drop(second, 3), false)
    const socket = await fill(store.log, 70, 1, { channel: 7 })
    await store.log.append(socket, [answer('ann', 'b')], { id: 'b' })
    for (const [id, n] of [
      [first, 2],
      [first, 7],
      [first, 0],
      [socket, 3],
      [conversationId(99), 3],
    ] as const)
      await assertRefused(outbox.drop(id, n), 'KEFU_OUTBOX_NOT_FOUND')
  }),

  storeCase('what is being sent is neither dropped nor tried again', async ({ store }) => {
    const [id] = await fillOut(store, 1, 3)
    await settle(store, { 3: DEAD, 4: { type: 'park' } })
    let finish = (_: OutboxResult) => {}
    const pending = new Promise<OutboxResult>(resolve => {
      finish = resolve
    })
    await store.outbox.resume(id!)
    const { calls, end } = startWork(store, ({ n }, attempt) =>
      n === 4 && attempt === 2 ? pending : Promise.resolve(SENT),
    )
    await until('the message', () => calls.length === 1)
    await assertRefused(store.outbox.drop(id!, 4), 'KEFU_OUTBOX_STATE')
    await assertRefused(store.outbox.retry(id!, 4), 'KEFU_OUTBOX_STATE')
    // One before it that is tried again, and one behind it that is dropped, wait for nothing and disturb nothing.
    assert.equal(await soon(store.outbox.retry(id!, 3), 'the retry'), true)
    assert.equal(await soon(store.outbox.drop(id!, 5), 'the drop'), true)
    await turns(5)
    assert.deepEqual(calls, ['4 2'])
    finish({ type: 'retry', retryMs: 0 })
    await until('an empty outbox', isEmpty(store))
    await end()
    assert.deepEqual(calls, ['4 2', '3 2', '4 3'])
  }),

  storeCase('operators and workers at once: everything goes once or not at all, in order', async ({ store }) => {
    const ids = await fillOut(store, 6, 12)
    const sent = new Map<ConversationId, number[]>(ids.map(id => [id, []]))
    const dropped = new Set<string>()
    const busy = new Set<ConversationId>()
    const wrong: string[] = []
    const { end } = startWork(store, async ({ conversation, n }, attempt) => {
      // What a handler throws is told to nobody.
      if (busy.has(conversation)) wrong.push(`${n}: two jobs of one conversation at once`)
      if (dropped.has(`${conversation} ${n}`)) wrong.push(`${n}: dropped, and sent`)
      busy.add(conversation)
      await turns(1)
      busy.delete(conversation)
      if (n % 5 === 0 && attempt === 1) return DEAD
      sent.get(conversation)!.push(n)
      return SENT
    })
    const steer = async (id: ConversationId, n: number) => {
      try {
        if (n % 3 === 0 && (await store.outbox.drop(id, n))) dropped.add(`${id} ${n}`)
        if (n % 5 === 0) await store.outbox.retry(id, n)
      } catch {
        // It is being sent, or has gone: that is for the worker to say.
      }
    }
    const isDone = async () => {
      await Promise.all((await rowsOf(store, 1_000)).map(({ conversation, n }) => steer(conversation, n)))
      return await isEmpty(store)()
    }
    await until('an empty outbox', isDone)
    await end()
    assert.deepEqual(wrong, [])
    for (const [id, numbers] of sent) {
      const expected = Array.from({ length: 12 }, (_, i) => i + 3).filter(n => !dropped.has(`${id} ${n}`))
      assert.deepEqual(
        numbers.toSorted((a, b) => a - b),
        expected,
      )
      const inOrder = numbers.filter(n => n % 5 !== 0)
      assert.deepEqual(
        inOrder,
        inOrder.toSorted((a, b) => a - b),
      )
    }
    assert.deepEqual(await store.outbox.totals(), new Map())
    assert.deepEqual((await store.check({ deep: true })).findings, [])
  }),

  storeCase(
    'what operators did holds after a kill, and totals are as before',
    async subject => {
      const [first, second] = await fillStates(subject.store)
      const { outbox } = subject.store
      await Promise.all([
        outbox.retry(first, 3),
        outbox.retry(first, 4, { mayRepeat: true }),
        outbox.drop(first, 5),
        outbox.drop(second, 6),
        outbox.resume(second),
        outbox.resume(second),
      ])
      const before = [await rowsOf(subject.store, 100), await outbox.totals()]
      const store = await subject.kill()
      assert.deepEqual((await store.info()).damage, [])
      assert.deepEqual([await rowsOf(store, 100), await store.outbox.totals()], before)
      assert.deepEqual((await store.check({ deep: true })).findings, [])
      await settle(store, { 3: SENT, 4: SENT, 5: SENT, 6: SENT })
      assert.deepEqual(await store.outbox.totals(), new Map())
    },
    { needs: 'restart' },
  ),
]

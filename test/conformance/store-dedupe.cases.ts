import assert from 'node:assert/strict'
import {
  answer,
  assertRefused,
  assigned,
  conversationId,
  fill,
  message,
  opening,
  queued,
  readAll,
  type StoreCase,
  storeCase,
} from './store-bench.js'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** Two ids with the same 32-bit FNV-1a hash. */
const SAME_HASH = ['m-1lmpjmi', 'm-1hd88yj'] as const

/** Sending again: the same id, the same platform key. */
export const dedupeCases: readonly StoreCase[] = [
  storeCase('the same id again gives the first answer', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const first = await log.append(id, [message('a', 'first')], { id: 'a' })
    await log.append(id, [message('b')], { id: 'b' })
    const again = await log.append(id, [message('a', 'second')], { id: 'a' })
    assert.deepEqual(again, { ...first, duplicate: true })
    const records = await readAll(log, id)
    assert.equal(records.length, 4)
    assert.deepEqual(records[2]?.body, message('a', 'first'))
  }),

  storeCase('the same id 50 times at once is stored once', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const results = await Promise.all(Array.from({ length: 50 }, () => log.append(id, [message('a')], { id: 'a' })))
    assert.equal(results.filter(result => !result.duplicate).length, 1)
    assert.equal(new Set(results.map(result => `${result.n} ${result.cursor} ${result.at}`)).size, 1)
    assert.equal((await log.head(id))?.n, 3)
  }),

  storeCase('the same first message 50 times at once opens and stores once', async ({ store: { log } }) => {
    const id = conversationId(1)
    const results = await Promise.all(
      Array.from({ length: 50 }, () => log.append(id, [message('a')], { id: 'a', opening: opening() })),
    )
    assert.deepEqual(new Set(results.map(result => result.n)), new Set([2]))
    assert.equal((await log.head(id))?.n, 2)
  }),

  storeCase('a repetition waits for the disk as the first does', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const first = log.append(id, [message('a')], { id: 'a' })
    let isAnswered = false
    const again = log.append(id, [message('a')], { id: 'a' }).then(result => {
      isAnswered = true
      return result
    })
    for (let i = 0; i < 20; i++) await Promise.resolve()
    assert.equal(isAnswered, false)
    assert.equal((await again).n, (await first).n)
  }),

  storeCase('a repetition within a unit is answered with its record', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const first = await log.append(id, [message('a'), queued(1)], { id: 'a' })
    assert.equal(first.n, 4)
    const again = await log.append(id, [message('a'), queued(1)], { id: 'a' })
    assert.deepEqual([again.n, again.duplicate], [3, true])
    assert.equal((await log.head(id))?.n, 4)
  }),

  storeCase('ids of other conversations do not count', async ({ store: { log } }) => {
    const [a, b] = await Promise.all([fill(log, 1, 1), fill(log, 2, 1)])
    const results = await Promise.all([
      log.append(a, [message('x')], { id: 'x' }),
      log.append(b, [message('x')], { id: 'x' }),
    ])
    assert.ok(results.every(result => !result.duplicate))
  }),

  storeCase('ids of the other side do not count', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const contact = await log.append(id, [message('x')], { id: 'x' })
    const staff = await log.append(id, [answer('ann', 'x')], { id: 'x' })
    assert.deepEqual([contact.duplicate, staff.duplicate], [false, false])
    assert.deepEqual((await log.append(id, [message('x')], { id: 'x' })).n, contact.n)
    assert.deepEqual((await log.append(id, [answer('bob', 'x')], { id: 'x' })).n, staff.n)
    for (let i = 0; i < 64; i++) await log.append(id, [answer('ann', `a${i}`)], { id: `a${i}` })
    assert.equal((await log.append(id, [message('x')], { id: 'x' })).duplicate, true)
    assert.equal((await log.append(id, [answer('ann', 'x')], { id: 'x' })).duplicate, false)
  }),

  storeCase('an id is known for 64 ids of its side, not for longer', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const first = await log.append(id, [message('x')], { id: 'x' })
    for (let i = 0; i < 63; i++) await log.append(id, [message(`m${i}`)], { id: `m${i}` })
    await log.append(id, [message(undefined), assigned('ann'), answer('ann', 'y')])
    assert.deepEqual([(await log.append(id, [message('x')], { id: 'x' })).n], [first.n])
    await log.append(id, [message('m63')], { id: 'm63' })
    const late = await log.append(id, [message('x')], { id: 'x' })
    assert.equal(late.duplicate, false)
  }),

  storeCase('ids that look alike to a hash are different', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const [one, other] = SAME_HASH
    const first = await log.append(id, [message(one)], { id: one })
    const second = await log.append(id, [message(other)], { id: other })
    assert.equal(second.duplicate, false)
    assert.equal((await log.append(id, [message(one)], { id: one })).n, first.n)
    assert.equal((await log.append(id, [message(other)], { id: other })).n, second.n)
    const both = await fill(log, 2, 1)
    const results = await Promise.all(
      [one, other, one, other].map(key => log.append(both, [message(key)], { id: key })),
    )
    assert.deepEqual(
      results.map(result => result.n),
      [3, 4, 3, 4],
    )
  }),

  storeCase('a repetition is answered before its expectation is looked at', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const first = await log.append(id, [message('a')], { id: 'a', expect: 2 })
    const again = await log.append(id, [message('a')], { id: 'a', expect: 2 })
    assert.deepEqual(again, { ...first, duplicate: true })
    await assertRefused(log.append(id, [message('b')], { id: 'b', expect: 2 }), 'KEFU_STORE_CONFLICT')
  }),

  storeCase('an append keeps its place behind one that is looked up', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    await log.append(id, [message('a')], { id: 'a' })
    const results = await Promise.all([
      log.append(id, [message('a')], { id: 'a' }),
      log.append(id, [message('b')], { id: 'b' }),
      log.append(id, [message('k')], { id: 'k', platformKey: 'k' }),
      log.append(id, [message('c')], { id: 'c' }),
      log.append(id, [message('a')], { id: 'a' }),
      log.append(id, [message('d')], { id: 'd' }),
    ])
    assert.deepEqual(
      results.map(({ n, duplicate }) => [n, duplicate]),
      [
        [3, true],
        [4, false],
        [5, false],
        [6, false],
        [3, true],
        [7, false],
      ],
    )
  }),

  storeCase(
    'an id is known after a restart',
    async subject => {
      const id = await fill(subject.store.log, 1, 70)
      const { log } = await subject.restart()
      const again = await log.append(id, [message('c1-69')], { id: 'c1-69' })
      assert.deepEqual([again.n, again.duplicate], [71, true])
      assert.equal((await log.append(id, [message('c1-6')], { id: 'c1-6' })).n, 8)
      assert.equal((await log.append(id, [message('c1-5')], { id: 'c1-5' })).duplicate, false)
    },
    { needs: 'restart' },
  ),

  storeCase('the same platform key again gives the first answer', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const first = await log.append(id, [message(undefined, 'one')], { platformKey: 'wx:1' })
    for (let i = 0; i < 70; i++) await log.append(id, [message(undefined)], { platformKey: `wx:other-${i}` })
    const again = await log.append(id, [message(undefined, 'two')], { platformKey: 'wx:1' })
    assert.deepEqual(again, { ...first, duplicate: true })
    assert.equal((await log.head(id))?.n, 73)
  }),

  storeCase('the same platform key 50 times at once is stored once', async ({ store: { log } }) => {
    const id = conversationId(1)
    const results = await Promise.all(
      Array.from({ length: 50 }, () => log.append(id, [message(undefined)], { platformKey: 'k', opening: opening() })),
    )
    assert.equal(results.filter(result => !result.duplicate).length, 1)
    assert.equal(new Set(results.map(result => result.n)).size, 1)
    assert.equal((await log.head(id))?.n, 2)
  }),

  storeCase('platform keys of other conversations do not count', async ({ store: { log } }) => {
    const [a, b] = await Promise.all([fill(log, 1, 1), fill(log, 2, 1)])
    const results = await Promise.all([a, b].map(id => log.append(id, [message(undefined)], { platformKey: '7' })))
    assert.ok(results.every(result => !result.duplicate))
  }),

  storeCase('a platform key is known after 11 minutes and after almost 8 days', async ({ store: { log }, clock }) => {
    const id = await fill(log, 1, 1)
    const first = await log.append(id, [message(undefined)], { platformKey: 'k' })
    for (const ms of [11 * MINUTE_MS, 4 * DAY_MS, 4 * DAY_MS - 12 * MINUTE_MS]) {
      clock.advance(ms)
      assert.deepEqual(await log.append(id, [message(undefined)], { platformKey: 'k' }), { ...first, duplicate: true })
    }
  }),

  storeCase('a platform key is forgotten some time', async ({ store: { log }, clock }) => {
    const id = await fill(log, 1, 1)
    await log.append(id, [message(undefined)], { platformKey: 'k' })
    for (let i = 0; i < 3; i++) {
      clock.advance(9 * DAY_MS)
      await log.append(id, [message(undefined)], { platformKey: `other-${i}` })
    }
    assert.equal((await log.append(id, [message(undefined)], { platformKey: 'k' })).duplicate, false)
  }),

  storeCase(
    'a platform key is known after a restart',
    async subject => {
      const id = await fill(subject.store.log, 1, 1)
      const first = await subject.store.log.append(id, [message(undefined)], { platformKey: 'k' })
      subject.clock.advance(7 * DAY_MS)
      const { log } = await subject.restart()
      assert.deepEqual(await log.append(id, [message(undefined)], { platformKey: 'k' }), { ...first, duplicate: true })
    },
    { needs: 'restart' },
  ),
]

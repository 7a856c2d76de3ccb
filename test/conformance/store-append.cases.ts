import assert from 'node:assert/strict'
import { parseCursor } from '../../src/daemon/core/cursor.js'
import { START } from '../../src/daemon/core/ports.js'
import { isKefuError } from '../../src/errors.js'
import {
  answer,
  assertContiguous,
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
  takeTail,
} from './store-bench.js'

/** Appending: numbers, units, conditions, visibility. */
export const appendCases: readonly StoreCase[] = [
  storeCase('numbers of a conversation follow the order of the calls', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const results = await Promise.all(
      Array.from({ length: 300 }, (_, i) => log.append(id, [message(undefined, `text ${i}`)])),
    )
    assert.deepEqual(
      results.map(result => result.n),
      results.map((_, i) => i + 3),
    )
    const records = await readAll(log, id)
    assertContiguous(records)
    const texts = records
      .slice(2)
      .map(({ body }) => body.type === 'message' && body.parts[0]?.type === 'text' && body.parts[0].text)
    assert.deepEqual(
      texts,
      results.map((_, i) => `text ${i}`),
    )
  }),

  storeCase('answers come in the order of the calls', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        log.append(id, [message(`m${i}`)], { id: `m${i}` }).then(({ n }) => order.push(n)),
      ),
    )
    assert.deepEqual(
      order,
      order.map((_, i) => i + 3),
    )
  }),

  storeCase('positions of the log have neither gap nor duplicate over 50 conversations', async ({ store: { log } }) => {
    const ids = await Promise.all(Array.from({ length: 50 }, (_, i) => fill(log, i, 20)))
    const seqs: number[] = []
    for (const id of ids) {
      const records = await readAll(log, id)
      assert.equal(records.length, 21)
      assertContiguous(records)
      seqs.push(...records.map(record => record.seq))
    }
    seqs.sort((a, b) => a - b)
    assert.deepEqual(
      seqs,
      seqs.map((_, i) => i + 1),
    )
    assert.equal(parseCursor(log.cursor()), seqs.length)
  }),

  storeCase('bodies of one append are one unit', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const results = await Promise.all([
      log.append(id, [message('a'), queued(5), assigned('ann')], { id: 'a' }),
      log.append(id, [message('b'), message('c')]),
    ])
    assert.deepEqual(
      results.map(result => result.n),
      [5, 7],
    )
    const types = (await log.read(id, 2, 10)).map(({ body }) => body.type)
    assert.deepEqual(types, ['message', 'queued', 'assigned', 'message', 'message'])
    assert.deepEqual([(await log.head(id))?.state, (await log.head(id))?.agent], ['active', 'ann'])
  }),

  storeCase('a unit with a body that is not allowed stores nothing', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    await assertRefused(log.append(id, [message('a'), opening()], { id: 'a' }), 'KEFU_STORE_CONFLICT')
    assert.equal((await log.head(id))?.n, 2)
    assert.deepEqual(await log.read(id, 2, 10), [])
    assert.equal((await log.append(id, [message('a')], { id: 'a' })).duplicate, false)
  }),

  storeCase('bodies come back as they were given', async ({ store: { log } }) => {
    const id = conversationId(1)
    const bodies = [
      message('id-1', '你好 👋 \u0000 \u202e ‏x'),
      {
        type: 'message',
        by: { role: 'contact', name: 'Ünal' },
        parts: [
          {
            type: 'event',
            name: 'order.paid',
            data: { amount: 12.5, count: -3, big: 2 ** 53 - 1, isGift: true, text: '' },
          },
          { type: 'location', latitude: -33.86, longitude: 151.2, label: 'Sydney' },
          { type: 'image', media: 'md_1', name: 'a b.png' },
        ],
      } as const,
      answer('ann', 'id-2'),
      queued(1_700_000_000_000),
      assigned('ann'),
    ]
    await log.append(id, bodies, { opening: opening() })
    const records = await log.read(id, 1, 10)
    assert.deepEqual(
      records.map(record => record.body),
      bodies,
    )
    assert.deepEqual(
      (await log.read(id, 0, 10)).map(record => record.isInternal),
      [true, false, false, false, true, false],
    )
  }),

  storeCase('it is known when the last record became durable', async ({ store: { log }, clock }) => {
    assert.equal(log.committedAtMs(), 0)
    const id = conversationId(1)
    await log.append(id, [message('a')], { id: 'a', opening: opening() })
    const first = clock.monotonicMs()
    assert.equal(log.committedAtMs(), first)
    clock.advance(100)
    assert.equal(log.committedAtMs(), first)
    await log.append(id, [message('b')], { id: 'b' })
    assert.equal(log.committedAtMs(), clock.monotonicMs())
    clock.advance(100)
    await log.append(id, [message('b')], { id: 'b' })
    assert.equal(log.committedAtMs(), first + 100)
  }),

  storeCase('time is the clock of the store, order is not', async ({ store: { log }, clock }) => {
    const id = await fill(log, 1, 1)
    const start = clock.now()
    clock.setWall(start - 86_400_000)
    const past = await log.append(id, [message('past')], { id: 'past' })
    clock.setWall(start + 86_400_000)
    const future = await log.append(id, [message('future')], { id: 'future' })
    assert.deepEqual([past.n, future.n], [3, 4])
    assert.deepEqual([past.at, future.at], [start - 86_400_000, start + 86_400_000])
    assertContiguous(await readAll(log, id))
  }),

  storeCase('the largest body is taken, a larger one refused', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const frame = JSON.stringify(message('m')).length
    let size = 12 * 1024 - frame
    // The exact overhead is the codec's: find the largest text that is taken, from below.
    for (let step = 64; step >= 1; step >>= 1) {
      for (;;) {
        try {
          await log.append(id, [message(undefined, 'x'.repeat(size + step))])
          size += step
        } catch (error) {
          assert.ok(isKefuError(error, 'KEFU_MESSAGE_TOO_LARGE'))
          assert.equal(error.detail.limit, 12 * 1024)
          assert.ok(Number(error.detail.bytes) > 12 * 1024)
          break
        }
      }
    }
    assert.ok(size > 12 * 1024 - frame && size < 12 * 1024)
    const before = await log.head(id)
    await assertRefused(log.append(id, [message('ok'), message('big', 'x'.repeat(20_000))]), 'KEFU_MESSAGE_TOO_LARGE')
    assert.deepEqual(await log.head(id), before)
  }),

  storeCase('what is not a conversation id is refused', async ({ store: { log } }) => {
    for (const id of ['c_', `c_${'0'.repeat(25)}`, `c_${'0'.repeat(25)}!`] as const) {
      await assertRefused(log.append(id, [message('a')], { opening: opening() }), 'KEFU_CODEC_INVALID')
      await assertRefused(log.head(id), 'KEFU_CODEC_INVALID')
      await assertRefused(log.read(id, 0, 1), 'KEFU_CODEC_INVALID')
    }
  }),

  storeCase('nothing is seen before it is durable', async ({ store: { log, view } }) => {
    const id = await fill(log, 1, 3)
    const cursor = log.cursor()
    const append = log.append(id, [message('late'), assigned('ann')], { id: 'late' })
    let isDone = false
    void append.then(() => {
      isDone = true
    })
    // No disk answers within microtasks.
    for (let i = 0; i < 20; i++) {
      assert.equal(log.cursor(), cursor)
      assert.equal(log.cachedHead(id)?.n ?? 4, 4)
      await Promise.resolve()
    }
    assert.equal(isDone, false, 'acknowledged without a disk')
    const head = await log.head(id)
    if (!isDone) assert.equal(head?.n, 4)
    const { n } = await append
    assert.equal(n, 6)
    assert.equal((await log.head(id))?.n, 6)
    assert.equal((await view.activeCounts()).get('ann'), 1)
  }),

  storeCase('what is acknowledged is seen at once, everywhere', async ({ store: { log, view } }) => {
    const id = await fill(log, 1, 1)
    for (let i = 0; i < 20; i++) {
      const { n, cursor } = await log.append(id, [message(`m${i}`)], { id: `m${i}` })
      assert.equal(log.cachedHead(id)?.n, n)
      assert.equal(log.cursor(), cursor)
      assert.equal((await log.head(id))?.n, n)
      assert.equal((await log.read(id, n - 1, 5)).length, 1)
      assert.equal((await view.inbox('ch:1', { after: START, limit: 1 })).entries[0]?.cursor, cursor)
    }
  }),

  storeCase('an answer carries the position of its record', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const first = await log.append(id, [message('a')], { id: 'a' })
    const second = await log.append(id, [message('b')], { id: 'b' })
    const [entry] = await takeTail(log, first.cursor, 1)
    assert.equal(entry?.record.n, second.n)
    assert.equal(entry?.record.at, second.at)
  }),

  storeCase('the right expectation is met, a wrong one refused', async ({ store: { log } }) => {
    const id = await fill(log, 1, 2)
    assert.equal((await log.append(id, [assigned('ann')], { expect: 3 })).n, 4)
    await assert.rejects(log.append(id, [assigned('bob')], { expect: 3 }), (error: unknown) => {
      assert.ok(isKefuError(error, 'KEFU_STORE_CONFLICT'))
      assert.deepEqual([error.detail.expected, error.detail.actual], [3, 4])
      return true
    })
    await assertRefused(log.append(id, [assigned('bob')], { expect: 5 }), 'KEFU_STORE_CONFLICT')
    assert.equal((await log.head(id))?.agent, 'ann')
    assert.equal((await log.head(id))?.n, 4)
  }),

  storeCase('expecting 0 creates a conversation, once', async ({ store: { log } }) => {
    const id = conversationId(1)
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => log.append(id, [queued(1)], { expect: 0, opening: opening() })),
    )
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal((await log.head(id))?.n, 2)
  }),

  storeCase('of 50 that expect the same, one wins', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    for (let round = 0; round < 5; round++) {
      const n = (await log.head(id))!.n
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, (_, i) => log.append(id, [assigned(`agent-${i}`)], { expect: n })),
      )
      const losers = results.filter(result => result.status === 'rejected')
      assert.equal(losers.length, 49)
      assert.ok(losers.every(({ reason }) => isKefuError(reason, 'KEFU_STORE_CONFLICT')))
      assert.equal((await log.head(id))?.n, n + 1)
    }
  }),

  storeCase('an expectation counts what is on its way to the disk', async ({ store: { log } }) => {
    const id = await fill(log, 1, 1)
    const [first, second, third] = await Promise.allSettled([
      log.append(id, [message('a')], { id: 'a' }),
      log.append(id, [assigned('ann')], { expect: 2 }),
      log.append(id, [assigned('bob')], { expect: 3 }),
    ])
    assert.ok(first.status === 'fulfilled' && first.value.n === 3)
    assert.ok(second.status === 'rejected' && isKefuError(second.reason, 'KEFU_STORE_CONFLICT'))
    assert.ok(third.status === 'fulfilled' && third.value.n === 4)
  }),

  storeCase(
    'numbers go on after a restart',
    async subject => {
      const id = await fill(subject.store.log, 1, 10)
      const before = await readAll(subject.store.log, id)
      const { log } = await subject.restart()
      assert.deepEqual(
        (await readAll(log, id)).map(record => record.body),
        before.map(record => record.body),
      )
      const { n, cursor } = await log.append(id, [message('after')], { id: 'after' })
      assert.equal(n, 12)
      assert.equal(parseCursor(cursor), 12)
    },
    { needs: 'restart' },
  ),

  storeCase(
    'what was acknowledged is there after a kill',
    async subject => {
      const { log } = subject.store
      const acknowledged = new Map<string, number>()
      const ids = Array.from({ length: 10 }, (_, i) => conversationId(i))
      for (let round = 0; round < 10; round++)
        await Promise.all(
          ids.map(async id => {
            const key = `${id} ${round}`
            const { n } = await log.append(id, [message(key)], { id: key, opening: opening() })
            acknowledged.set(key, n)
          }),
        )
      const killed = (await subject.kill()).log
      for (const id of ids) {
        const records = await readAll(killed, id)
        assertContiguous(records)
        for (const { n, body } of records) if (body.type === 'message') assert.equal(acknowledged.get(body.id!), n)
        assert.equal(records.length, 11)
      }
      assert.equal(parseCursor(killed.cursor()), 110)
    },
    { needs: 'restart' },
  ),
]

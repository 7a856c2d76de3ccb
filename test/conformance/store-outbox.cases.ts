import assert from 'node:assert/strict'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import { NOTHING_SENT, type OutboxProgress, type OutboxResult } from '../../src/daemon/core/ports.js'
import { fillOut, type Handler, isEmpty, LANE, OUT, rowsOf, SENT, workUntil } from './outbox-bench.js'
import { answer, fill, message, type StoreCase, storeCase, turns, until } from './store-bench.js'

/** The outbox: order per conversation, attempts, results. */
export const outboxCases: readonly StoreCase[] = [
  storeCase('what agents write to a platform is in its lane, with the record', async ({ store }) => {
    const id = await fill(store.log, 1, 2, OUT)
    const { n, cursor } = await store.log.append(id, [answer('ann', 'a')], { id: 'a' })
    assert.deepEqual(await rowsOf(store, 10), [
      { lane: LANE, conversation: id, n, seq: Number(cursor.slice(2)), state: 'queued', attempts: 0 },
    ])
    const socket = await fill(store.log, 2, 1, { channel: 7 })
    await store.log.append(socket, [answer('ann', 'b'), message('c')], { id: 'b' })
    assert.equal((await rowsOf(store, 10)).length, 1)
    assert.deepEqual(await rowsOf(store, 10, 'ch:1'), [])
  }),

  storeCase('a repetition makes no second row', async ({ store }) => {
    const [id] = await fillOut(store, 1, 1)
    await store.log.append(id!, [answer('ann', 'a0')], { id: 'a0' })
    assert.equal((await rowsOf(store, 10)).length, 1)
  }),

  storeCase('rows come in log order, as many as asked for', async ({ store }) => {
    await fillOut(store, 5, 4)
    const rows = await rowsOf(store, 100)
    assert.equal(rows.length, 20)
    assert.ok(rows.every((row, i) => i === 0 || row.seq > rows[i - 1]!.seq))
    assert.deepEqual(await rowsOf(store, 7), rows.slice(0, 7))
  }),

  storeCase('with 8 workers each conversation keeps its order, one job at a time', async ({ store }) => {
    await fillOut(store, 10, 12)
    const done = new Map<ConversationId, number[]>()
    const busy = new Set<ConversationId>()
    let most = 0
    await workUntil(store, 'an empty outbox', isEmpty(store), async ({ conversation, n }, attempt) => {
      assert.equal(attempt, 1)
      assert.equal(busy.has(conversation), false, 'two jobs of one conversation at once')
      busy.add(conversation)
      most = Math.max(most, busy.size)
      await turns(2)
      busy.delete(conversation)
      done.set(conversation, [...(done.get(conversation) ?? []), n])
      return SENT
    })
    assert.equal(done.size, 10)
    for (const numbers of done.values())
      assert.deepEqual(
        numbers,
        numbers.map((_, i) => i + 3),
      )
    assert.ok(most > 1 && most <= 8, `${most} at once`)
  }),

  storeCase('no more jobs at once than asked for', async ({ store }) => {
    await fillOut(store, 10, 2)
    let running = 0
    let most = 0
    const handler = async () => {
      running++
      most = Math.max(most, running)
      await turns(2)
      running--
      return SENT
    }
    await workUntil(store, 'an empty outbox', isEmpty(store), handler, 2)
    assert.equal(most, 2)
  }),

  storeCase('several who work on a lane share it', async ({ store }) => {
    await fillOut(store, 4, 10)
    const done: string[] = []
    const busy = new Set<ConversationId>()
    const handler: Handler = async ({ conversation, n }) => {
      assert.equal(busy.has(conversation), false)
      busy.add(conversation)
      await turns(1)
      busy.delete(conversation)
      done.push(`${conversation} ${n}`)
      return SENT
    }
    const abort = new AbortController()
    const working = Promise.all([1, 2, 3].map(() => store.outbox.work(LANE, 2, handler, abort.signal)))
    await until('an empty outbox', isEmpty(store))
    abort.abort()
    await working
    assert.equal(done.length, 40)
    assert.equal(new Set(done).size, 40)
  }),

  storeCase('what arrives while it works goes out, too', async ({ store }) => {
    const [id] = await fillOut(store, 1, 1)
    const sent: number[] = []
    await workUntil(
      store,
      'the later ones',
      async () => {
        if (sent.length > 0 && sent.length < 5)
          await store.log.append(id!, [answer('ann', `late-${sent.length}`)], { id: `late-${sent.length}` })
        return sent.length >= 5
      },
      async ({ n }) => {
        sent.push(n)
        return SENT
      },
    )
    assert.deepEqual(
      sent,
      sent.map((_, i) => i + 3),
    )
  }),

  storeCase('sending is stored before the handler runs', async ({ store }) => {
    await fillOut(store, 1, 1)
    const seen: unknown[] = []
    await workUntil(store, 'the job', isEmpty(store), async (_, attempt) => {
      const [row] = await rowsOf(store, 1)
      seen.push([row?.state, row?.attempts, attempt])
      return SENT
    })
    assert.deepEqual(seen, [['sending', 1, 1]])
  }),

  storeCase('a retry waits its time, keeps its place and counts', async ({ store, clock }) => {
    await fillOut(store, 1, 3)
    const calls: [number, number][] = []
    const handler: Handler = async ({ n }, attempt) => {
      calls.push([n, attempt])
      return n === 3 && attempt < 3 ? { type: 'retry', retryMs: 30_000 } : SENT
    }
    const abort = new AbortController()
    const working = store.outbox.work(LANE, 4, handler, abort.signal)
    for (let attempt = 1; attempt < 3; attempt++) {
      await until('the end of the attempt', async () => {
        const [row] = await rowsOf(store, 1)
        return row?.state === 'retrying' && row.attempts === attempt
      })
      assert.equal(calls.length, attempt)
      clock.advance(29_999)
      await turns(5)
      assert.equal(calls.length, attempt)
      clock.advance(1)
    }
    await until('an empty outbox', isEmpty(store))
    abort.abort()
    await working
    assert.deepEqual(calls, [
      [3, 1],
      [3, 2],
      [3, 3],
      [4, 1],
      [5, 1],
    ])
  }),

  storeCase('a retry of one conversation does not hold up another', async ({ store }) => {
    const [slow] = await fillOut(store, 2, 3)
    const sent: ConversationId[] = []
    const handler: Handler = async ({ conversation }) => {
      if (conversation === slow) return { type: 'retry', retryMs: 60_000 }
      sent.push(conversation)
      return SENT
    }
    await workUntil(store, 'the other', () => sent.length === 3, handler, 1)
    assert.ok(sent.every(id => id !== slow))
  }),

  storeCase('dead lets the next ones go and says why', async ({ store }) => {
    const [id] = await fillOut(store, 1, 3)
    const sent: number[] = []
    await workUntil(
      store,
      'the last',
      () => sent.length === 2,
      async ({ n }) => {
        if (n === 3) return { type: 'dead', reason: 'refused: 45015' }
        sent.push(n)
        return SENT
      },
    )
    assert.deepEqual(sent, [4, 5])
    const [row, ...others] = await rowsOf(store, 10)
    assert.deepEqual(
      [row?.conversation, row?.n, row?.state, row?.attempts, row?.reason],
      [id, 3, 'dead', 1, 'refused: 45015'],
    )
    assert.deepEqual(others, [])
  }),

  storeCase('an attempt is told what has gone, and where; a free one does not count', async ({ store }) => {
    await fillOut(store, 1, 1)
    const two = { pieces: 2, place: { part: 1, offset: 2_048 } }
    const three = { pieces: 3, place: { part: 2, offset: 0 } }
    const seen: (readonly [number, OutboxProgress])[] = []
    const answers: readonly Awaited<ReturnType<Handler>>[] = [
      { type: 'retry', retryMs: 0, progress: two },
      { type: 'retry', retryMs: 0, isFree: true },
      { type: 'dead', reason: 'no', progress: three },
    ]
    const handler: Handler = async (_, attempt, progress) => {
      seen.push([attempt, progress])
      return answers[seen.length - 1] ?? SENT
    }
    await workUntil(store, 'the end', async () => (await rowsOf(store, 1))[0]?.state === 'dead', handler)
    const [row] = await rowsOf(store, 1)
    assert.deepEqual([row?.attempts, row?.progress], [2, three])
    await store.outbox.retry(row!.conversation, row!.n)
    await workUntil(store, 'an empty outbox', isEmpty(store), handler)
    assert.deepEqual(seen, [
      [1, NOTHING_SENT],
      [2, two],
      [2, two],
      [3, three],
    ])
  }),

  storeCase(
    'what has gone of a message is known after a restart',
    async subject => {
      const [id] = await fillOut(subject.store, 1, 1)
      const progress = { pieces: 2, place: { part: 1, offset: 2_048 } }
      await workUntil(
        subject.store,
        'the state',
        async () => (await rowsOf(subject.store, 1))[0]?.state === 'parked',
        async () => ({ type: 'park', progress }),
      )
      const store = await subject.restart()
      const seen: OutboxProgress[] = []
      await store.outbox.resume(id!)
      await workUntil(store, 'an empty outbox', isEmpty(store), async (...[, , given]) => {
        seen.push(given)
        return SENT
      })
      assert.deepEqual(seen, [progress])
    },
    { needs: 'restart' },
  ),

  storeCase('nothing is taken before it is admitted', async ({ store }) => {
    await fillOut(store, 2, 1)
    const calls: number[] = []
    let admit: (() => void) | undefined
    const abort = new AbortController()
    const handler: Handler = async ({ n }) => {
      calls.push(n)
      return SENT
    }
    const gate = () => new Promise<void>(resolve => (admit = resolve))
    const working = store.outbox.work(LANE, 1, handler, abort.signal, gate)
    await turns(5)
    assert.deepEqual([calls, (await rowsOf(store, 10)).map(({ state }) => state)], [[], ['queued', 'queued']])
    admit?.()
    await until('the first', async () => (await rowsOf(store, 10)).length === 1)
    assert.equal(calls.length, 1)
    abort.abort()
    admit?.()
    await working
    assert.equal(calls.length, 1)
  }),

  storeCase('a parked conversation waits until it is resumed, others go', async ({ store }) => {
    const [parked, other] = await fillOut(store, 2, 3)
    const calls: string[] = []
    let isOpen = false
    const handler: Handler = async ({ conversation, n }) => {
      calls.push(`${conversation === parked ? 'parked' : 'other'} ${n}`)
      return conversation === parked && !isOpen ? { type: 'park' } : SENT
    }
    const abort = new AbortController()
    const working = store.outbox.work(LANE, 2, handler, abort.signal)
    await until('the other', async () => (await rowsOf(store, 10)).length === 3)
    await until('the state', async () => (await rowsOf(store, 1))[0]?.state === 'parked')
    await store.outbox.resume(other!)
    await turns(5)
    assert.deepEqual(
      calls.filter(call => call.startsWith('parked')),
      ['parked 3'],
    )
    isOpen = true
    await store.outbox.resume(parked!)
    await until('an empty outbox', isEmpty(store))
    abort.abort()
    await working
    assert.deepEqual(
      calls.filter(call => call.startsWith('parked')),
      ['parked 3', 'parked 3', 'parked 4', 'parked 5'],
    )
  }),

  storeCase('lanes do not hold up each other', async ({ store }) => {
    await fillOut(store, 2, 1)
    const id = await fill(store.log, 50, 1, { ...OUT, channel: 8 })
    await store.log.append(id, [answer('ann', 'a')], { id: 'a' })
    const abort = new AbortController()
    const never = new Promise<OutboxResult>(resolve => abort.signal.addEventListener('abort', () => resolve(SENT)))
    const stuck = store.outbox.work(LANE, 8, () => never, abort.signal)
    let sent = 0
    const working = store.outbox.work(
      'ch:8',
      1,
      async () => {
        sent++
        return SENT
      },
      abort.signal,
    )
    await until('the other lane', () => sent === 1)
    abort.abort()
    await Promise.all([stuck, working])
  }),

  storeCase('at the end a running job is finished and no other begun', async ({ store }) => {
    await fillOut(store, 1, 3)
    const abort = new AbortController()
    const calls: number[] = []
    await store.outbox.work(
      LANE,
      2,
      async ({ n }) => {
        calls.push(n)
        abort.abort()
        await turns(2)
        return SENT
      },
      abort.signal,
    )
    assert.deepEqual(calls, [3])
    assert.deepEqual(
      (await rowsOf(store, 10)).map(({ n, state }) => [n, state]),
      [
        [4, 'queued'],
        [5, 'queued'],
      ],
    )
  }),

  storeCase(
    'rows survive a restart',
    async subject => {
      const [first, second] = await fillOut(subject.store, 2, 2)
      await workUntil(
        subject.store,
        'the states',
        async () => {
          const rows = await rowsOf(subject.store, 10)
          return (
            rows.some(row => row.state === 'parked') && rows.filter(row => row.conversation === second).length === 1
          )
        },
        async ({ conversation, n }) => {
          if (conversation === first) return { type: 'park' }
          return n === 3 ? SENT : { type: 'retry', retryMs: 60_000 }
        },
      )
      const before = await rowsOf(subject.store, 10)
      const store = await subject.restart()
      assert.deepEqual(await rowsOf(store, 10), before)
      const calls: string[] = []
      const handler: Handler = async ({ conversation, n }, attempt) => {
        calls.push(`${conversation === first ? 'first' : 'second'} ${n} ${attempt}`)
        return SENT
      }
      await workUntil(store, 'nothing yet', () => turns(5).then(() => true), handler)
      assert.deepEqual(calls, [])
      subject.clock.advance(60_000)
      await store.outbox.resume(first!)
      await workUntil(store, 'an empty outbox', isEmpty(store), handler)
      assert.deepEqual(calls.sort(), ['first 3 2', 'first 4 1', 'second 4 2'])
    },
    { needs: 'restart' },
  ),
]

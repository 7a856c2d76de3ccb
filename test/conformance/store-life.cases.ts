import assert from 'node:assert/strict'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import { START, type Store } from '../../src/daemon/core/ports.js'
import { createMemoryStore } from '../../src/daemon/store/memory/store.js'
import { isKefuError } from '../../src/errors.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { Random } from '../helpers/random.js'
import {
  answer,
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
import { OPERATIONS } from './traits/operations.js'

/** The store as a whole: facts, checks, its end; and that it does what the model does. */
export const lifeCases: readonly StoreCase[] = [
  storeCase('facts are right', async ({ store }) => {
    await fill(store.log, 1, 10)
    const info = await store.info()
    assert.deepEqual([info.records, info.state, info.damage, info.committedRecords], [11, 'ready', [], 11])
    assert.ok(info.commits >= 1 && info.commits <= 11)
    assert.ok(info.sizeBytes > 0)
  }),

  storeCase('a whole store has no findings', async ({ store }) => {
    const ids = await Promise.all(Array.from({ length: 8 }, (_, i) => fill(store.log, i, 10, { egress: 'outbox' })))
    for (const id of ids) await store.log.append(id, [assigned('ann'), answer('ann', 'x'), assigned('bob'), queued(4)])
    await store.directory.create('k', 1)
    for (const deep of [false, true]) {
      const progress: [number, number][] = []
      const report = await store.check({ deep, onProgress: (done, total) => progress.push([done, total]) })
      assert.deepEqual(report, { deep, records: 120, conversations: 8, findings: [] })
      const [done, total] = progress.at(-1)!
      assert.equal(done, total)
    }
  }),

  storeCase('a check of a store that is written to finds nothing', async ({ store }) => {
    const ids = await Promise.all(Array.from({ length: 5 }, (_, i) => fill(store.log, i, 30)))
    let isOver = false
    const writing = (async () => {
      for (let i = 0; !isOver; i++)
        await Promise.all(
          ids.map(id => store.log.append(id, [assigned(`agent-${i % 3}`), message(`x${i}`)], { id: `x${i}` })),
        )
    })()
    try {
      for (let i = 0; i < 3; i++) assert.deepEqual((await store.check({ deep: true })).findings, [])
    } finally {
      isOver = true
      await writing
    }
  }),

  storeCase('a check can be stopped', async ({ store }) => {
    await fill(store.log, 1, 5)
    const result = await store.check({ deep: true, signal: AbortSignal.abort() }).catch((error: unknown) => error)
    assert.ok(isKefuError(result, 'KEFU_ABORTED'))
  }),

  storeCase(
    'closing finishes what is under way',
    async subject => {
      const { store } = subject
      const id = conversationId(1)
      const appends = Array.from({ length: 100 }, (_, i) =>
        store.log.append(id, [message(`m${i}`)], { id: `m${i}`, opening: opening() }),
      )
      const created = store.directory.create('k', 1)
      await Promise.all([store.close(), store.close()])
      assert.deepEqual(
        (await Promise.all(appends)).map(result => result.n),
        appends.map((_, i) => i + 2),
      )
      await created
      await store.close()
      assert.equal((await readAll((await subject.restart()).log, id)).length, 101)
    },
    { needs: 'restart' },
  ),

  storeCase('a closed store ends what watches it and refuses all writing', async ({ store }) => {
    const id = await fill(store.log, 1, 3)
    const signal = new AbortController().signal
    const ending = Promise.all([
      (async () => {
        for await (const _ of store.log.tail(store.log.cursor(), signal)) assert.fail('a record')
      })(),
      (async () => {
        for await (const _ of store.directory.watch('', signal)) assert.fail('an entry')
      })(),
      store.outbox.work('ch:1', 3, async () => assert.fail('a job'), signal),
    ])
    assert.equal(store.refusal(), undefined)
    await store.close()
    assert.equal(store.refusal()?.code, 'KEFU_DRAINING')
    await ending
    for (const { name, isWrite, call } of OPERATIONS) {
      if (!isWrite) continue
      const error = await call(store, id).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      assert.ok(isKefuError(error), `${name} after close: ${error}`)
    }
  }),

  storeCase('it does what the model does', async ({ store, clock }) => {
    for (const seed of [1, 2, 3]) {
      const model = createMemoryStore({ clock: createManualClock(clock.now()) })
      await compare(store, model, seed)
      await model.close()
    }
  }),
]

/** The same random calls to both, in the same order; then everything that can be read must be equal. */
async function compare(store: Store, model: Store, seed: number): Promise<void> {
  const random = new Random(seed)
  const offset = Number(store.log.cursor().slice(2))
  const ids = Array.from({ length: 12 }, (_, i) => conversationId(seed * 1_000 + i))
  const agents = ['ann', 'bob', 'carl'].map(name => `${name}-${seed}`)
  const channel = 100 + seed
  for (let round = 0; round < 25; round++) {
    const calls = Array.from({ length: random.integer(1, 12) }, () => randomAppend(random, ids, agents, channel))
    const [results, expected] = await Promise.all(
      [store, model].map(({ log }) =>
        Promise.all(
          calls.map(([id, bodies, options]) =>
            log.append(id, bodies, options).then(
              ({ n, duplicate }) => ({ n, duplicate }),
              (error: unknown) => (isKefuError(error) ? error.code : String(error)),
            ),
          ),
        ),
      ),
    )
    assert.deepEqual(results, expected)
  }
  for (const id of ids) {
    const [own, theirs] = await Promise.all([store, model].map(({ log }) => readAll(log, id, random.integer(1, 50))))
    assert.deepEqual(
      own!.map(({ n, body, flags }) => ({ n, body, flags })),
      theirs!.map(({ n, body, flags }) => ({ n, body, flags })),
    )
    assert.deepEqual(await comparableHead(store, id), await comparableHead(model, id))
  }
  const owners = [...agents.map(agent => `a:${agent}`), `ch:${channel}`]
  for (const owner of owners) {
    const [own, theirs] = await Promise.all(
      [store, model].map(async ({ view }) =>
        (await view.inbox(owner, { after: START, limit: 100 })).entries.map(({ head }) => head.conversation),
      ),
    )
    assert.deepEqual(new Set(own), new Set(theirs), `the inbox of ${owner}`)
  }
  for (const agent of agents) {
    const [own, theirs] = await Promise.all([store, model].map(({ view }) => view.active(agent, 100)))
    assert.deepEqual(own!.map(head => head.conversation).sort(), theirs!.map(head => head.conversation).sort())
    const [count, expected] = await Promise.all(
      [store, model].map(async ({ view }) => (await view.activeCounts()).get(agent)),
    )
    assert.equal(count, expected)
  }
  const mine = (id: ConversationId) => ids.includes(id)
  const [waits, expectedWaits] = await Promise.all([store, model].map(({ view }) => view.waiting(1_000)))
  assert.deepEqual(
    waits!.filter(head => mine(head.conversation)).map(head => [head.conversation, head.waitingSince]),
    expectedWaits!.map(head => [head.conversation, head.waitingSince]),
  )
  const total = Number(model.log.cursor().slice(2))
  assert.equal(Number(store.log.cursor().slice(2)), offset + total)
  const tail = await takeTail(store.log, `0:${offset}`, total)
  for (const id of ids)
    assert.deepEqual(
      tail.filter(({ record }) => record.conversation === id).map(({ record }) => record.n),
      Array.from({ length: (await model.log.head(id))?.n ?? 0 }, (_, i) => i + 1),
    )
}

async function comparableHead({ log }: Store, id: ConversationId) {
  const head = await log.head(id)
  return head === null ? null : { ...head, seq: 0 }
}

function randomAppend(random: Random, ids: readonly ConversationId[], agents: readonly string[], channel: number) {
  const id = random.pick(ids)
  const key = `k${random.integer(1, 40)}`
  const first = opening({ channel, kind: ids.indexOf(id) % 2 === 0 ? 'app' : 'web' })
  const options = {
    ...(random.next() < 0.8 ? { opening: first } : {}),
    ...(random.next() < 0.2 ? { expect: random.integer(0, 30) } : {}),
  }
  switch (random.integer(0, 5)) {
    case 0:
      return [id, [assigned(random.pick(agents))], options] as const
    case 1:
      return [id, [queued(random.integer(1, 9))], options] as const
    case 2:
      return [
        id,
        [message(key), answer(random.pick(agents), key), assigned(random.pick(agents))],
        { ...options, id: key },
      ] as const
    case 3:
      return [id, [answer(random.pick(agents), key)], { ...options, id: key }] as const
    case 4:
      return [id, [message(undefined, key)], { ...options, platformKey: key }] as const
    default:
      return [id, [message(key)], { ...options, id: key }] as const
  }
}

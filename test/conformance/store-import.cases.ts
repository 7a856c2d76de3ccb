import assert from 'node:assert/strict'
import type { Store } from '../../src/daemon/core/ports.js'
import type { RecordBody } from '../../src/daemon/core/records.js'
import {
  answer,
  assertContiguous,
  assigned,
  conversationId,
  message,
  opening,
  queued,
  type StoreCase,
  storeCase,
} from './store-bench.js'

const BODIES: readonly RecordBody[] = [
  opening({ egress: 'outbox', kind: 'webhook' }),
  message('a'),
  queued(500),
  assigned('ann'),
  answer('ann', 'b'),
]
const TIMES = [1_000, 2_000, 1_500, 3_000, 4_000]

/** What was said elsewhere or earlier. */
export const importCases: readonly StoreCase[] = [
  storeCase(
    'what was said earlier has its times and a flag, is over, and does not go out',
    async ({ store, clock }) => {
      const { log, outbox, view } = store
      const id = conversationId(1)
      const { n, at } = await log.append(id, BODIES, { expect: 0, times: TIMES })
      assert.deepEqual([n, at], [5, 4_000])
      const records = await log.read(id, 0, 10)
      assertContiguous(records)
      assert.deepEqual(
        records.map(record => record.at),
        TIMES,
      )
      assert.ok(records.every(record => record.isImported))
      const head = await log.head(id)
      assert.deepEqual(
        [head?.state, head?.agent, head?.waitingSince, head?.unansweredSince, head?.at],
        ['closed', undefined, undefined, undefined, 4_000],
      )
      assert.deepEqual((await outbox.rows({ limit: 10 })).rows, [])
      assert.deepEqual([await view.waiting(10), await view.active('ann', 10)], [[], []])
      await log.append(id, [message('c')])
      const [live] = await log.read(id, 5, 1)
      assert.deepEqual([live?.at, live?.isImported, (await log.head(id))?.state], [clock.now(), false, 'new'])
    },
  ),

  storeCase(
    'what was said earlier is sound after a restart and a kill',
    async subject => {
      await subject.store.log.append(conversationId(1), BODIES, { expect: 0, times: TIMES })
      await subject.store.eraser.forget([{ conversation: conversationId(1), records: [2] }])
      for (const reopen of [subject.restart, subject.kill]) {
        const { log, check }: Store = await reopen.call(subject)
        const records = await log.read(conversationId(1), 0, 10)
        assert.deepEqual(
          records.map(record => [record.at, record.isImported]),
          TIMES.map(at => [at, true]),
        )
        const { findings } = await check({ deep: true })
        assert.deepEqual(findings, [])
        assert.equal((await log.head(conversationId(1)))?.state, 'closed')
      }
    },
    { needs: 'restart' },
  ),
]

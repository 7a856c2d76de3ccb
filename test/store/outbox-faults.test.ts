import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import { OUTBOX_HOLD_MS, type OutboxResult, type Store } from '../../src/daemon/core/ports.js'
import { fillOut, type Handler, isEmpty, rowsOf, SENT, workUntil } from '../conformance/outbox-bench.js'
import { answer, assertRefused, turns, until } from '../conformance/store-bench.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { FaultyDisk } from './faulty-handle.js'
import { assertSound, openFaulty } from './faulty-store.js'

/** Two conversations: one with a dead, an unknown and a queued message, one that is parked. */
async function fillStates(store: Store): Promise<[ConversationId, ConversationId]> {
  const [first, second] = await fillOut(store, 2, 3)
  let settled = 0
  const all = async () =>
    settled === 4 && (await store.outbox.rows({ states: ['sending'], limit: 1 })).rows.length === 0
  await workUntil(store, 'the states', all, async ({ conversation, n }) => {
    settled++
    if (conversation === second) return { type: 'park' }
    if (n === 3) return { type: 'dead', reason: 'refused' }
    return n === 4 ? { type: 'unknown' } : { type: 'retry', retryMs: 60_000 }
  })
  return [first!, second!]
}

const statesOf = async (store: Store) => (await rowsOf(store, 100)).map(({ n, state }) => `${n} ${state}`).sort()

const counted = async (store: Store) =>
  [...(await store.outbox.totals()).values()].reduce(
    (sum, totals) => sum + Object.values(totals).reduce((a, b) => a + b),
    0,
  )

describe('outbox: a disk that fails', { concurrency: 4 }, () => {
  for (const mode of ['refuses', 'lies'] as const) {
    test(`a disk that ${mode}: what operators did holds or does not, and is told right when it is done again`, async t => {
      const { path, clock, disk, store, recover } = await openFaulty(t)
      const [first, second] = await fillStates(store)
      const { outbox } = store
      const before = await statesOf(store)
      const steps: (() => Promise<unknown>)[] = [
        () => outbox.retry(first, 3),
        () => outbox.drop(first, 4),
        () => outbox.drop(first, 5),
        () => outbox.drop(second, 4),
        () => outbox.resume(second),
      ]
      disk.mode = mode
      const results = await Promise.allSettled(steps.map(step => step()))
      assert.ok(results.every(({ status }) => status === 'rejected'))
      await assertRefused(outbox.drop(second, 5), 'KEFU_STORE_UNAVAILABLE')
      disk.mode = 'works'
      await recover()
      const after = await statesOf(store)
      assert.equal(await counted(store), after.length)
      if (mode === 'refuses') assert.deepEqual(after, before)
      else assert.notDeepEqual(after, before)
      const again = await Promise.all(steps.map(step => step()))
      assert.ok(again.slice(0, 4).every(changed => changed === true || (mode === 'lies' && changed === false)))
      assert.deepEqual(await statesOf(store), ['3 queued', '3 queued', '5 queued'])
      assert.equal(await counted(store), 3)
      const sent: string[] = []
      const handler: Handler = async ({ conversation, n }) => {
        sent.push(`${conversation === first ? 'first' : 'second'} ${n}`)
        return SENT
      }
      clock.advance(60_000)
      await workUntil(store, 'an empty outbox', isEmpty(store), handler)
      assert.deepEqual(sent.sort(), ['first 3', 'second 3', 'second 5'])
      await assertSound(path, store)
    })
  }

  test('a message that was cut off is not sent again when that could not be stored at once', async t => {
    const folder = tmpDir(t)
    const before = await openFaulty(t)
    const id = (await fillOut(before.store, 1, 1))[0]!
    await before.store.log.append(id, [answer('ann', 'later')], { id: 'later' })
    const abort = new AbortController()
    let finish = (_: OutboxResult) => {}
    const pending = new Promise<OutboxResult>(resolve => {
      finish = resolve
    })
    const working = before.store.outbox.work('ch:7', 1, () => pending, abort.signal)
    await until('the effect', async () => (await rowsOf(before.store, 1))[0]?.state === 'sending')
    const path = join(folder, 'killed')
    cpSync(before.path, path, { recursive: true })
    abort.abort()
    finish(SENT)
    await working

    const disk = new FaultyDisk()
    disk.refusesFrom = 2
    const { clock, store, stateOf, recover } = await openFaulty(t, {}, path, disk)
    await until('the failure', async () => (await stateOf()) === 'failed')
    disk.refusesFrom = Number.POSITIVE_INFINITY
    await recover()
    await until('the mark', async () => (await rowsOf(store, 1))[0]?.state === 'unknown')
    clock.advance(OUTBOX_HOLD_MS)
    const calls: number[] = []
    const isThrough = async () => (await rowsOf(store, 10)).length === 1
    await workUntil(store, 'the follower', isThrough, async ({ n }) => {
      calls.push(n)
      return SENT
    })
    await turns(5)
    assert.deepEqual(calls, [4])
    const [row] = await rowsOf(store, 1)
    assert.deepEqual([row?.n, row?.state, row?.reason], [3, 'unknown', 'kefu ended while it was being sent'])
    await assertSound(path, store)
  })
})

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openHandle } from '../../src/daemon/store/level/database.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { isKefuError } from '../../src/errors.js'
import {
  assertRefused,
  assigned,
  conversationId,
  fill,
  message,
  opening,
  soon,
  turns,
  until,
} from '../conformance/store-bench.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { assertSound, openFaulty } from './faulty-store.js'

/** A store whose look-ups of one key can be made to wait. */
async function openStalling(t: TestContext, path = join(tmpDir(t), 'store')) {
  const clock = createManualClock()
  let isStalled = false
  const waiting: (() => void)[] = []
  const store = await openLevelStore({ path, clock }, async (folder, limits) => {
    const handle = await openHandle(folder, limits)
    const get = handle.get.bind(handle) as (key: Uint8Array) => Promise<Uint8Array | undefined>
    const value = async (key: Uint8Array) => {
      if (isStalled) await new Promise<void>(resolve => waiting.push(resolve))
      return get(key)
    }
    Object.defineProperty(handle, 'get', { value })
    return handle
  })
  const release = () => {
    isStalled = false
    for (const go of waiting.splice(0)) go()
  }
  t.after(() => {
    release()
    return store.close()
  })
  const reads = {
    stall() {
      isStalled = true
    },
    release,
    get waiting() {
      return waiting.length
    },
  }
  return { path, clock, reads, store }
}

describe('store: a disk that stalls', { concurrency: 4 }, () => {
  test('a stalled disk: the queue is bounded, nothing is acknowledged, then all of it in order', async t => {
    const { path, disk, store } = await openFaulty(t, { queueBytes: 200_000, batchRecords: 10 })
    const ids = await Promise.all(Array.from({ length: 5 }, (_, i) => fill(store.log, i, 1)))
    disk.mode = 'stalls'
    let acknowledged = 0
    const refused: unknown[] = []
    const order = new Map<string, number[]>(ids.map(id => [id, []]))
    const appends = Array.from({ length: 2_000 }, (_, i) =>
      store.log.append(ids[i % 5]!, [message(`m${i}`)], { id: `m${i}` }).then(
        ({ n }) => {
          acknowledged++
          order.get(ids[i % 5]!)!.push(n)
        },
        (error: unknown) => refused.push(error),
      ),
    )
    await turns(20)
    assert.equal(acknowledged, 0)
    assert.ok(refused.length > 1_000 && refused.length < 1_900, `${refused.length} refused`)
    assert.ok(refused.every(error => isKefuError(error, 'KEFU_QUEUE_FULL')))
    assert.equal((await store.log.read(ids[0]!, 0, 10)).length, 2)
    disk.release()
    await Promise.all(appends)
    for (const numbers of order.values())
      assert.deepEqual(
        numbers,
        numbers.map((_, i) => i + 3),
      )
    await assertSound(path, store)
  })

  test('what a full batch has no room for fills the next while the disk is busy, and goes to it before the first is acknowledged', async t => {
    const { path, disk, store } = await openFaulty(t, { batchRecords: 10 })
    const id = await fill(store.log, 1, 1)
    disk.mode = 'stalls'
    const before = disk.writes
    const appends = Array.from({ length: 20 }, (_, i) => store.log.append(id, [message(`m${i}`)], { id: `m${i}` }))
    await until('the first batch', () => disk.stalled === 1)
    disk.release()
    await appends[0]
    assert.equal(disk.writes - before, 2)
    await Promise.all(appends)
    await assertSound(path, store)
  })

  test('of a repetition that waits for the first one nothing is kept but who asked', async t => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const { disk, store } = await openFaulty(t)
    const id = await fill(store.log, 1, 1)
    disk.mode = 'stalls'
    const first = store.log.append(id, [message('m1')], { id: 'm1' })
    const repetitions: Promise<unknown>[] = []
    const bodies = Array.from({ length: 10 }, () => {
      const body = message('m1')
      repetitions.push(store.log.append(id, [body], { id: 'm1' }))
      return new WeakRef(body)
    })
    await until('the collection', async () => {
      await turns()
      collect()
      return bodies.every(body => body.deref() === undefined)
    })
    disk.release()
    const { n, cursor, at } = await first
    for (const answer of await Promise.all(repetitions)) assert.deepEqual(answer, { n, cursor, at, duplicate: true })
  })

  test('a disk that takes too long fails what waits for it; what it did all the same is found', async t => {
    const { path, clock, disk, store, recover } = await openFaulty(t)
    const id = await fill(store.log, 1, 1)
    disk.mode = 'stalls'
    const first = assertRefused(store.log.append(id, [message('a')], { id: 'a' }), 'KEFU_STORE_UNAVAILABLE')
    await turns()
    const second = assertRefused(store.log.append(id, [message('b')], { id: 'b' }), 'KEFU_STORE_UNAVAILABLE')
    await turns()
    clock.advance(15_000)
    await Promise.all([first, second])
    disk.release()
    await recover()
    const again = await store.log.append(id, [message('a')], { id: 'a' })
    assert.deepEqual([again.n, again.duplicate], [3, true])
    assert.deepEqual((await store.log.append(id, [message('b')], { id: 'b' })).n, 4)
    await assertSound(path, store)
  })

  test('a disk that does not answer whether a message is there already fails that message, in time, and no other', async t => {
    const { path, clock, reads, store } = await openStalling(t)
    const id = conversationId(1)
    await store.log.append(id, [message('a')], { id: 'a', opening: opening() })
    reads.stall()
    const again = assertRefused(store.log.append(id, [message('a')], { id: 'a' }), 'KEFU_STORE_UNREADABLE')
    const next = store.log.append(id, [message('b')], { id: 'b' })
    await until('the look-up', () => reads.waiting > 0)
    clock.advance(15_000)
    await again
    assert.equal((await next).n, 3)
    reads.release()
    assert.equal((await store.log.append(id, [message('a')], { id: 'a' })).n, 2)
    await assertSound(path, store)
  })

  test('a disk that does not answer which ids there were fails all messages that have one, in time, and nothing else', async t => {
    const path = join(tmpDir(t), 'store')
    const first = await openLevelStore({ path, clock: createManualClock() })
    const id = await fill(first.log, 1, 40)
    await first.close()
    const { clock, reads, store } = await openStalling(t, path)
    await store.log.head(id)
    reads.stall()
    const refused = ['a', 'b', 'c'].map(key =>
      assertRefused(store.log.append(id, [message(key)], { id: key }), 'KEFU_STORE_UNREADABLE'),
    )
    const assigning = store.log.append(id, [assigned('ann')])
    await until('the look-up', () => reads.waiting > 0)
    clock.advance(15_000)
    await Promise.all(refused.map(refusal => soon(refusal, 'a refusal')))
    assert.equal((await assigning).n, 42)
    reads.release()
    assert.equal((await store.log.append(id, [message('b')], { id: 'b' })).n, 43)
    await assertSound(path, store)
  })
})

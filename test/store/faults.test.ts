import assert from 'node:assert/strict'
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { START } from '../../src/daemon/core/ports.js'
import { storePaths } from '../../src/daemon/store/level/create.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { SILENT } from '../../src/daemon/store/options.js'
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
  soon,
  takeTail,
  turns,
  until,
} from '../conformance/store-bench.js'
import { OPERATIONS } from '../conformance/traits/operations.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { FaultyDisk } from './faulty-handle.js'
import { assertSound, openFaulty } from './faulty-store.js'

describe('store: a disk that fails', { concurrency: 4 }, () => {
  for (const mode of ['refuses', 'lies'] as const) {
    test(`a disk that ${mode}: everything under way is refused, reads go on, it recovers, nothing is there twice`, async t => {
      const { path, disk, store, stateOf, recover } = await openFaulty(t)
      const id = await fill(store.log, 1, 5)
      const before = await store.log.head(id)
      disk.mode = mode
      const results = await Promise.allSettled(
        Array.from({ length: 40 }, (_, i) => store.log.append(id, [message(`m${i}`)], { id: `m${i}` })),
      )
      assert.ok(
        results.every(result => result.status === 'rejected' && isKefuError(result.reason, 'KEFU_STORE_UNAVAILABLE')),
      )
      assert.equal(await stateOf(), 'failed')
      assert.deepEqual(await store.log.head(id), before)
      assert.equal((await readAll(store.log, id)).length, 6)
      for (const { name, isWrite, call } of OPERATIONS) {
        const startedAt = performance.now()
        if (isWrite) await assertRefused(call(store, id), 'KEFU_STORE_UNAVAILABLE')
        else
          await call(store, id).catch(error =>
            assert.ok(mode === 'lies' && isKefuError(error, 'KEFU_STORE_UNREADABLE')),
          )
        assert.ok(performance.now() - startedAt < 1_000, name)
      }
      disk.mode = 'works'
      await recover()
      const again = await Promise.all(
        Array.from({ length: 40 }, (_, i) => store.log.append(id, [message(`m${i}`)], { id: `m${i}` })),
      )
      assert.ok(again.every(({ duplicate }) => duplicate === (mode === 'lies')))
      assert.deepEqual(
        again.map(({ n }) => n),
        again.map((_, i) => i + 7),
      )
      const records = await readAll(store.log, id)
      assert.equal(records.length, 46)
      assertContiguous(records)
      await assertSound(path, store)
    })
  }

  test('a full disk is called so, and nothing is tried before there is room', async t => {
    const { clock, disk, store, stateOf } = await openFaulty(t, { resumeFreeBytes: Number.MAX_SAFE_INTEGER })
    const id = await fill(store.log, 1, 1)
    disk.mode = 'refuses'
    disk.errorText = 'IO error: 000004.log: No space left on device'
    await assertRefused(store.log.append(id, [message('a')], { id: 'a' }), 'KEFU_STORE_FULL')
    assert.equal(await stateOf(), 'full')
    assert.equal(store.refusal()?.code, 'KEFU_STORE_FULL')
    const { opens } = disk
    for (let i = 0; i < 5; i++) {
      clock.advance(30_000)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    assert.equal(disk.opens, opens)
    await assertRefused(store.log.append(id, [message('a')], { id: 'a' }), 'KEFU_STORE_FULL')
  })

  test('when it cannot be opened again it goes on trying, later and later', async t => {
    const { clock, disk, store, stateOf, recover } = await openFaulty(t, { readWaitMs: 10 })
    const id = await fill(store.log, 1, 1)
    disk.mode = 'refuses'
    disk.canOpen = false
    await assertRefused(store.log.append(id, [message('a')], { id: 'a' }), 'KEFU_STORE_UNAVAILABLE')
    const pauses: number[] = []
    for (let attempt = 1; attempt <= 6; attempt++) {
      const { opens } = disk
      let waitedMs = 0
      await until('an attempt', async () => {
        if (disk.opens > opens) return true
        // An attempt that is under way, closing files, takes real time: it is no pause.
        if (clock.pending === 0) return false
        clock.advance(500)
        waitedMs += 500
        await turns(10)
        return disk.opens > opens
      })
      pauses.push(waitedMs)
      await until('its end', async () => clock.pending > 0)
    }
    assert.ok(pauses[0]! <= 1_500 && pauses[5]! >= 2_000, pauses.join(' '))
    const reading = assertRefused(store.log.read(id, 0, 10), 'KEFU_STORE_UNREADABLE')
    await turns()
    clock.advance(10)
    await reading
    assert.equal(await stateOf(), 'failed')
    assert.equal(store.refusal()?.code, 'KEFU_STORE_UNAVAILABLE')
    disk.mode = 'works'
    disk.canOpen = true
    await recover()
    assert.equal(store.refusal(), undefined)
    assert.equal((await store.log.append(id, [message('a')], { id: 'a' })).n, 3)
  })

  test('a tail and a watcher live through a failure', async t => {
    const { disk, store, recover } = await openFaulty(t)
    const id = await fill(store.log, 1, 1)
    const tail = takeTail(store.log, START, 5)
    const abort = new AbortController()
    const seen: string[] = []
    const watching = (async () => {
      for await (const event of store.directory.watch('', abort.signal))
        seen.push(event.type === 'put' ? event.entry.key : `-${event.key}`)
    })()
    await store.directory.create('before', 1)
    disk.mode = 'lies'
    await Promise.all([
      assertRefused(store.log.append(id, [message('a'), assigned('ann')], { id: 'a' }), 'KEFU_STORE_UNAVAILABLE'),
      assertRefused(store.directory.create('during', 1), 'KEFU_STORE_UNAVAILABLE'),
    ])
    assert.equal(await store.directory.get('during'), null)
    disk.mode = 'works'
    await recover()
    assert.equal((await store.directory.get('during'))?.value, 1)
    await store.log.append(id, [message('b')], { id: 'b' })
    await store.directory.create('after', 1)
    assert.deepEqual(
      (await tail).map(({ record }) => record.seq),
      [1, 2, 3, 4, 5],
    )
    await until('the entries', () => seen.length >= 3)
    abort.abort()
    await watching
    assert.deepEqual(seen, ['before', 'during', 'after'])
    assert.equal((await store.view.activeCounts()).get('ann'), 1)
  })

  test('the result of a job is not forgotten, whatever the disk says', async t => {
    const { path, clock, disk, store, recover } = await openFaulty(t)
    const id = await fill(store.log, 1, 1, { egress: 'outbox', channel: 7 })
    for (const key of ['a', 'b', 'c']) await store.log.append(id, [answer('ann', key)], { id: key })
    const abort = new AbortController()
    const calls: string[] = []
    const working = store.outbox.work(
      'ch:7',
      2,
      async ({ n }, attempt) => {
        calls.push(`${n} ${attempt}`)
        if (n === 3) disk.mode = 'lies'
        if (n === 4) disk.mode = 'refuses'
        return { type: 'sent' }
      },
      abort.signal,
    )
    for (const count of [1, 2]) {
      await until('the job', () => calls.length === count)
      await until('the failure', async () => (await store.info()).state === 'failed')
      disk.mode = 'works'
      await recover()
    }
    await until('an empty outbox', async () => {
      clock.advance(500)
      await turns()
      return (await store.outbox.rows({ limit: 1 })).rows.length === 0
    })
    abort.abort()
    await working
    assert.deepEqual(calls, ['3 1', '4 1', '5 1'])
    await assertSound(path, store)
  })

  for (const ending of ['answers', 'never answers'] as const) {
    test(`a stalled disk that ${ending}: repetitions of an append under way have room in the queue, and give it back`, async t => {
      const { path, clock, disk, store, recover } = await openFaulty(t, { queueBytes: 100_000 })
      const id = await fill(store.log, 1, 1)
      /** By their id, by the platform's key, and openings of what is being opened. */
      const append = (round: number, i: number): Promise<unknown> => {
        if (i % 3 === 0) return store.log.append(id, [message(`m${round}`)], { id: `m${round}` })
        if (i % 3 === 1) return store.log.append(id, [message('p')], { platformKey: `p${round}` })
        return store.log.append(conversationId(2 + round), [], { opening: opening() })
      }
      const appends = (round: number, count: number) =>
        Promise.allSettled(Array.from({ length: count }, (_, i) => append(round, i)))
      const codes = (results: PromiseSettledResult<unknown>[]): unknown[] =>
        results.map(result => (result.status === 'fulfilled' ? 'ok' : (result.reason as { code?: string }).code))
      for (let round = 0; round < 2; round++) {
        // In memory: what is looked up waits with all that it holds.
        await store.log.append(id, [message(`before ${round}`)], { id: `before ${round}` })
        await store.log.head(conversationId(2 + round))
        disk.mode = 'stalls'
        // A platform's key is looked up: it goes first, the others are stamped at once.
        const first = [append(round, 1)]
        await until('the write', async () => {
          await turns()
          return disk.stalled > 0
        })
        first.push(append(round, 0), append(round, 2))
        const firsts = Promise.allSettled(first)
        const results = appends(round, 300)
        await turns(20)
        if (ending === 'answers') disk.release()
        else clock.advance(15_000)
        const ended = codes(await results)
        const full = ended.filter(code => code === 'KEFU_QUEUE_FULL').length
        assert.equal(300 - full, Math.floor(100_000 / 512), `round ${round}`)
        const expected = ending === 'answers' ? 'ok' : 'KEFU_STORE_UNAVAILABLE'
        assert.ok(ended.every(code => code === expected || code === 'KEFU_QUEUE_FULL'))
        assert.deepEqual(codes(await firsts), [expected, expected, expected])
        if (ending === 'answers') break
        disk.release()
        await recover()
      }
      // All of the room is there again: twice as much as the queue holds at once.
      for (let i = 0; i < 2; i++) assert.ok(codes(await appends(0, 150)).every(code => code === 'ok'))
      await assertSound(path, store)
    })
  }

  test('a page that is read while the store recovers is not taken for damage', async t => {
    const path = join(tmpDir(t), 'store')
    const first = await openLevelStore({ path, clock: createManualClock() })
    const [a] = await Promise.all([1, 2].map(number => fill(first.log, number, 1)))
    await first.close()
    const { clock, disk, store, recover } = await openFaulty(t, {}, path)
    // One conversation in memory, as it was before the write that is there all the same; the other is read when the store has recovered.
    await store.log.head(a!)
    disk.mode = 'lies'
    await assertRefused(store.log.append(a!, [queued(7)]), 'KEFU_STORE_UNAVAILABLE')
    disk.mode = 'works'
    const page = assertRefused(store.view.waiting(10), 'KEFU_STORE_UNREADABLE')
    clock.advance(1_000)
    await page
    await recover()
    assert.equal((await store.view.waiting(10)).length, 2)
    await assertSound(path, store)
  })

  test('closing while it fails ends', async t => {
    const { disk, store } = await openFaulty(t)
    disk.mode = 'refuses'
    await assertRefused(
      store.log.append(conversationId(1), [message('a')], { id: 'a', opening: opening() }),
      'KEFU_STORE_UNAVAILABLE',
    )
    await store.close()
  })

  test('a recovery that ends while the store closes does not open it again', async t => {
    const path = join(tmpDir(t), 'store')
    const clock = createManualClock()
    const disk = new FaultyDisk()
    let opens = 0
    let letOpen: (() => void) | undefined
    const store = await openLevelStore({ path, clock }, async (folder, limits) => {
      if (++opens > 1) await new Promise<void>(resolve => (letOpen = resolve))
      return disk.open(folder, limits)
    })
    const id = await fill(store.log, 1, 1)
    disk.mode = 'refuses'
    await assertRefused(store.log.append(id, [message('a')], { id: 'a' }), 'KEFU_STORE_UNAVAILABLE')
    disk.mode = 'works'
    clock.advance(1_000)
    await until('the recovery', () => letOpen !== undefined)
    const closing = store.close()
    letOpen?.()
    await closing
    assert.equal(store.refusal()?.code, 'KEFU_DRAINING')
    await assertRefused(store.log.append(id, [message('a')], { id: 'a' }), 'KEFU_DRAINING')
    await assertSound(path, store)
  })

  test('a commit that cannot be noted beside the database counts all the same', {
    skip: !existsSync('/dev/full'),
  }, async t => {
    const path = join(tmpDir(t), 'store')
    const first = await openLevelStore({ path, clock: createManualClock() })
    const id = await fill(first.log, 1, 1)
    await first.close()
    // Every write to it fails with ENOSPC.
    rmSync(storePaths(path).acknowledged)
    symlinkSync('/dev/full', storePaths(path).acknowledged)
    const events: string[] = []
    const logger = { ...SILENT, warn: (_: object, event: string) => events.push(event) }
    const store = await openLevelStore({ path, clock: createManualClock(), logger })
    for (const [i, key] of ['a', 'b', 'c'].entries())
      assert.equal((await soon(store.log.append(id, [message(key)], { id: key }), key)).n, i + 3)
    assert.deepEqual(events, ['store.commit_not_noted'])
    await assertSound(path, store)
  })

  test('many failures in a row lose and repeat nothing', async t => {
    const { path, disk, store, recover } = await openFaulty(t)
    const id = await fill(store.log, 1, 0).then(() => conversationId(1))
    await store.log.append(id, [], { opening: opening() })
    for (let k = 0; k < 12; k++) {
      for (let i = 0; i < k; i++) await store.log.append(id, [message(`${k}-${i}`)], { id: `${k}-${i}` })
      disk.mode = k % 2 === 0 ? 'refuses' : 'lies'
      const key = `failed-${k}`
      await assertRefused(store.log.append(id, [message(key)], { id: key }), 'KEFU_STORE_UNAVAILABLE')
      disk.mode = 'works'
      await recover()
      assert.equal((await store.log.append(id, [message(key)], { id: key })).duplicate, k % 2 === 1)
    }
    const records = await readAll(store.log, id)
    assertContiguous(records)
    assert.equal(records.length, 1 + 66 + 12)
    await assertSound(path, store)
  })
})

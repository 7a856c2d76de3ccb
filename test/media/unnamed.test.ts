import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { isMediaId, mediaTime } from '../../src/daemon/core/media.js'
import { createUnnamedFiles } from '../../src/daemon/media/unnamed.js'
import { isKefuError } from '../../src/errors.js'
import { createManualClock, type ManualClock } from '../helpers/manual-clock.js'
import { eventually } from '../helpers/raw-connection.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { conversation, isKept, openStore, sample } from './samples.js'

const HOUR_MS = 60 * 60_000
const put = { conversation: conversation(1), uploader: 'v_A', declaredType: undefined }

async function open(t: TestContext) {
  const path = join(tmpDir(t), 'media')
  const clock = createManualClock()
  return { path, clock, ...(await openStore(path, {}, clock)) }
}

/** Until a sweep has begun that finds everything which was uploaded before. */
async function toTheNextDay(clock: ManualClock): Promise<void> {
  await eventually('the next sweep is planned', () => clock.pending === 1)
  clock.advance(23.5 * HOUR_MS)
  await eventually('the next sweep is planned', () => clock.pending === 1)
  clock.advance(HOUR_MS)
}

describe('files that no message names', () => {
  test('are removed a day after their upload, by the hour; those that were named stay', async t => {
    const { path, clock, store, swept, reported } = await open(t)
    const lost = await store.put({ ...put, bytes: sample('png', 100) })
    const named = await store.put({ ...put, bytes: sample('png', 100) })
    const alone = await store.put({ ...put, conversation: conversation(2), bytes: sample('png', 100) })
    assert.equal(mediaTime(lost.media), clock.now())
    assert.equal(await store.keep(put.conversation, named.media), true)
    clock.advance(20 * HOUR_MS)
    const younger = await store.put({ ...put, bytes: sample('png', 100) })
    for (let hour = 0; hour < 5; hour++) {
      await eventually('the next sweep is planned', () => clock.pending === 1)
      assert.equal(await isKept(store, put.conversation, lost.media), true)
      clock.advance(HOUR_MS)
    }
    await eventually('the sweep is done', () => swept.length > 0)
    assert.deepEqual(swept, [{ files: 2, failures: 0 }])
    assert.deepEqual(readdirSync(join(path, put.conversation)).sort(), [named.media, younger.media].sort())
    assert.equal(existsSync(join(path, alone.conversation)), false, 'no empty folder stays')
    assert.deepEqual(readdirSync(join(path, 'pending')), [`${put.conversation}.${younger.media}`])
    assert.equal(await store.keep(put.conversation, lost.media), false)
    assert.equal(await store.keep(put.conversation, named.media), true, 'named again')
    await store.close()
    assert.deepEqual(reported, [])
    assert.equal(clock.pending, 0)
  })

  test('are removed at the start, and what was named before it stays', async t => {
    const { path, clock, store } = await open(t)
    const lost = await store.put({ ...put, bytes: sample('png', 100) })
    const named = await store.put({ ...put, bytes: sample('png', 100) })
    await store.keep(put.conversation, named.media)
    await store.close()
    clock.advance(25 * HOUR_MS)
    const second = await openStore(path, {}, clock)
    await eventually('the sweep is done', () => second.swept.length > 0)
    assert.equal(await isKept(second.store, put.conversation, lost.media), false)
    assert.equal(await isKept(second.store, put.conversation, named.media), true)
    await second.store.close()
  })

  test('without a mark nothing is removed, and nothing else in the folder of marks counts as one', async t => {
    const { path, clock, store } = await open(t)
    const { media } = await store.put({ ...put, bytes: sample('png', 100) })
    await store.close()
    const pending = join(path, 'pending')
    rmSync(join(pending, `${put.conversation}.${media}`))
    writeFileSync(join(path, 'precious'), '')
    for (const name of ['..precious', `${put.conversation}.precious`, `${put.conversation}.${media}x`, 'x.y'])
      writeFileSync(join(pending, name), '')
    clock.advance(1000 * HOUR_MS)
    const second = await openStore(path, {}, clock)
    await eventually('the sweep is done', () => clock.pending === 1)
    assert.deepEqual(second.swept, [])
    assert.ok(existsSync(join(path, 'precious')))
    assert.equal(await second.store.keep(put.conversation, media), true)
    await second.store.close()
  })

  test('are either kept or gone when a message names them while they are being removed', async t => {
    const { clock, store, reported } = await open(t)
    let kept = 0
    for (let round = 0; round < 40; round++) {
      const metas = await Promise.all(Array.from({ length: 6 }, () => store.put({ ...put, bytes: sample('png', 50) })))
      await toTheNextDay(clock)
      const named: Promise<boolean>[] = []
      for (const { media } of metas) {
        for (let turn = 0; turn < round; turn++) await new Promise(resolve => setImmediate(resolve))
        named.push(store.keep(put.conversation, media), store.keep(put.conversation, media))
      }
      const answers = await Promise.all(named)
      await eventually('the sweep is done', () => clock.pending === 1)
      for (const [index, { media }] of metas.entries()) {
        const isThere = await isKept(store, put.conversation, media)
        assert.deepEqual([answers[2 * index], answers[2 * index + 1]], [isThere, isThere], `round ${round}`)
        if (isThere) kept++
      }
    }
    t.diagnostic(`${kept} of 240 were kept`)
    await store.close()
    assert.deepEqual(reported, [])
  })

  test('make room for uploads into the same conversation while they go', async t => {
    const { clock, store, reported } = await open(t)
    for (let round = 0; round < 30; round++) {
      await store.put({ ...put, bytes: sample('png', 50) })
      await toTheNextDay(clock)
      const metas = await Promise.all(Array.from({ length: 4 }, () => store.put({ ...put, bytes: sample('png', 50) })))
      for (const { media } of metas) assert.equal(await store.keep(put.conversation, media), true)
    }
    await store.close()
    assert.deepEqual(reported, [])
  })
  test('that cannot be removed are counted, stay with their marks, and keep no other from being removed', async t => {
    const { path, clock, store, swept, reported } = await open(t)
    const metas = await Promise.all(Array.from({ length: 9 }, () => store.put({ ...put, bytes: sample('png', 50) })))
    const pathOf = (media: string) => join(path, put.conversation, media)
    const markOf = (media: string) => join(path, 'pending', `${put.conversation}.${media}`)
    const [stuck, marked, ...others] = metas.map(({ media }) => media) as [string, string, ...string[]]
    rmSync(pathOf(stuck))
    mkdirSync(pathOf(stuck))
    rmSync(markOf(marked))
    mkdirSync(markOf(marked))
    await toTheNextDay(clock)
    await eventually('the sweep is done', () => swept.length > 0)
    assert.deepEqual(swept, [{ files: 7, failures: 2 }])
    assert.deepEqual(
      reported.map(({ code }) => code),
      ['KEFU_MEDIA_UNAVAILABLE'],
    )
    assert.ok(others.every(media => !existsSync(pathOf(media))))
    assert.ok(existsSync(markOf(stuck)))
    rmdirSync(pathOf(stuck))
    writeFileSync(pathOf(stuck), '')
    rmdirSync(markOf(marked))
    await eventually('the next sweep is planned', () => clock.pending === 1)
    clock.advance(HOUR_MS)
    await eventually('the next sweep is done', () => swept.length > 1)
    assert.deepEqual(swept[1], { files: 1, failures: 0 })
    assert.deepEqual([existsSync(pathOf(stuck)), existsSync(pathOf(marked))], [false, true])
    await store.close()
  })

  test('leave no mark when they could not be written', async t => {
    const { path, store, reported } = await open(t)
    writeFileSync(join(path, put.conversation), 'where a folder should be')
    await assert.rejects(store.put({ ...put, bytes: sample('png', 50) }), error =>
      isKefuError(error, 'KEFU_MEDIA_UNAVAILABLE'),
    )
    await store.close()
    assert.deepEqual([readdirSync(join(path, 'pending')), readdirSync(join(path, 'incoming'))], [[], []])
    assert.deepEqual(reported, [])
  })

  test('are taken back with their mark, and never without it', async t => {
    const path = tmpDir(t)
    const pending = join(path, 'pending')
    mkdirSync(pending)
    const files = createUnnamedFiles(pending, path)
    const media = `md_${'0'.repeat(26)}`
    assert.ok(isMediaId(media))
    const file = { ...put, media, path: join(path, 'file') }
    await files.add(put.conversation, media)
    mkdirSync(file.path)
    await assert.rejects(files.discard(file), error => isKefuError(error, 'KEFU_MEDIA_UNAVAILABLE'))
    assert.equal(readdirSync(pending).length, 1)
    rmdirSync(file.path)
    writeFileSync(file.path, '')
    await files.discard(file)
    assert.deepEqual([readdirSync(pending), existsSync(file.path)], [[], false])
  })

  test('stay for their day, whatever is done to the wall clock', async t => {
    const { path, clock, store, swept } = await open(t)
    const start = clock.now()
    const shift = (ms: number) => clock.setWall(clock.now() + ms)
    const upload = async () => (await store.put({ ...put, bytes: sample('png', 50) })).media
    const before = await upload()
    shift(-1000 * HOUR_MS)
    const behind = await upload()
    shift(3000 * HOUR_MS)
    const ahead = await upload()
    const all = [before, behind, ahead].sort()
    for (let hour = 1; hour < 24; hour++) {
      await eventually('the next sweep is planned', () => clock.pending === 1)
      clock.advance(HOUR_MS)
    }
    await eventually('the sweep is done', () => clock.pending === 1)
    assert.deepEqual([swept, readdirSync(join(path, put.conversation)).sort()], [[], all])
    for (let hour = 24; hour < 51; hour++) {
      clock.advance(HOUR_MS)
      await eventually('the sweep is done', () => clock.pending === 1)
    }
    assert.equal(clock.now() - start, 2050 * HOUR_MS)
    assert.ok(!existsSync(join(path, put.conversation)), 'and go after another one')
    await store.close()
  })

  test('whose marks could not be synced are synced again, until it succeeds', async t => {
    const path = tmpDir(t)
    const pending = join(path, 'pending')
    mkdirSync(pending)
    let syncs = 0
    let isBroken = true
    const files = createUnnamedFiles(pending, path, async () => {
      syncs++
      if (isBroken) throw Object.assign(new Error('injected'), { code: 'EIO' })
    })
    const media = `md_${'0'.repeat(26)}`
    assert.ok(isMediaId(media))
    const { signal } = new AbortController()
    const keep = () => files.keep({ ...put, media, path: join(path, 'file') }, async () => true)
    await files.add(put.conversation, media)
    await assert.rejects(keep(), error => isKefuError(error, 'KEFU_MEDIA_UNAVAILABLE'))
    await assert.rejects(keep(), error => isKefuError(error, 'KEFU_MEDIA_UNAVAILABLE'))
    const swept = await files.sweep(0, signal)
    assert.deepEqual([swept.failures, swept.firstFailure?.code, syncs], [1, 'KEFU_MEDIA_UNAVAILABLE', 3])
    isBroken = false
    assert.equal((await files.sweep(0, signal)).failures, 0)
    assert.equal(await keep(), true)
    assert.equal(syncs, 4, 'nothing is left to sync')
  })
})

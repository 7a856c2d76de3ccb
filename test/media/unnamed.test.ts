import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { mediaTime } from '../../src/daemon/core/media.js'
import { createManualClock } from '../helpers/manual-clock.js'
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
    assert.deepEqual(swept, [2])
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
      await eventually('the next sweep is planned', () => clock.pending === 1)
      // The sweep that is planned finds files of yesterday.
      clock.setWall(clock.now() + 24 * HOUR_MS)
      clock.advance(HOUR_MS)
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
      await eventually('the next sweep is planned', () => clock.pending === 1)
      // The sweep that is planned finds files of yesterday.
      clock.setWall(clock.now() + 24 * HOUR_MS)
      clock.advance(HOUR_MS)
      const metas = await Promise.all(Array.from({ length: 4 }, () => store.put({ ...put, bytes: sample('png', 50) })))
      for (const { media } of metas) assert.equal(await store.keep(put.conversation, media), true)
    }
    await store.close()
    assert.deepEqual(reported, [])
  })
})

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decompress, ZSTD_MEDIA_LIMITS } from '../../src/codec/zstd.js'
import { isMediaId } from '../../src/daemon/core/media.js'
import { isKefuError } from '../../src/errors.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { collect, conversation, isKept, openStore, sample, sampleText, sha256Hex } from './samples.js'

const KIB = 1024
const notFound = (error: unknown) => isKefuError(error, 'KEFU_MEDIA_NOT_FOUND')
const put = { conversation: conversation(1), uploader: 'v_A', declaredType: undefined }

describe('the media store', () => {
  test('gives back what was put, also after it was opened anew', async context => {
    const path = join(tmpDir(context), 'media')
    const first = await openStore(path)
    const files = [
      Buffer.of(1),
      sample('png', 1000),
      sampleText(5000),
      sample('bin', 256 * KIB),
      sample('mp4', 256 * KIB + 1),
      sample('bin', 3 * 1024 * KIB + 17),
      sampleText(2 * 1024 * KIB),
    ]
    const metas = await Promise.all(files.map(bytes => first.store.put({ ...put, bytes })))
    await first.store.close()
    const { store } = await openStore(path)
    for (const [index, meta] of metas.entries()) {
      const bytes = files[index]!
      assert.ok(isMediaId(meta.media))
      assert.equal(meta.sizeBytes, bytes.length)
      assert.equal(meta.sha256, sha256Hex(bytes))
      assert.ok(await isKept(store, put.conversation, meta.media))
      const file = await store.open(put.conversation, meta.media)
      assert.deepEqual(file.meta, meta)
      assert.ok((await collect(await file.read({ type: 'whole' }))).equals(bytes), `file ${index}`)
    }
    assert.equal(new Set(metas.map(meta => meta.media)).size, files.length)
    await store.close()
  })

  test('compresses text at rest into one frame, and only where it pays', async context => {
    const path = join(tmpDir(context), 'media')
    const { store } = await openStore(path)
    const text = sampleText(600 * KIB)
    const { media } = await store.put({ ...put, bytes: text })
    const file = await store.open(put.conversation, media)
    assert.ok(file.zstdBytes !== undefined && file.zstdBytes < text.length * 0.9)
    assert.ok(statSync(join(path, put.conversation, media)).size < text.length * 0.9)
    const frame = await collect(await file.read({ type: 'zstd' }))
    assert.equal(frame.length, file.zstdBytes)
    assert.ok(Buffer.from(await decompress(frame, ZSTD_MEDIA_LIMITS)).equals(text))

    const hardText = Buffer.from(sample('bin', 300 * KIB).toString('base64url'))
    for (const bytes of [
      sample('png', 50_000),
      sample('bin', 50_000),
      Buffer.from('too short'),
      hardText.subarray(0, 300),
    ]) {
      const kept = await store.put({ ...put, bytes })
      const { zstdBytes } = await store.open(put.conversation, kept.media)
      assert.ok(zstdBytes === undefined || zstdBytes <= bytes.length * 0.9)
      if (bytes.includes(0) || bytes.length < 256) assert.equal(zstdBytes, undefined)
    }
    await store.close()
  })

  test('reads any range as it is in the file', async context => {
    const { store } = await openStore(join(tmpDir(context), 'media'))
    const bytes = sample('mp4', 700 * KIB + 3)
    const { media } = await store.put({ ...put, bytes })
    const file = await store.open(put.conversation, media)
    const last = bytes.length - 1
    const edges = [0, 1, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 512 * KIB, last - 1, last]
    const place = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: last }))
    await fc.assert(
      fc.asyncProperty(place, place, async (a, b) => {
        const range = { type: 'range', first: Math.min(a, b), last: Math.max(a, b) } as const
        assert.ok((await collect(await file.read(range))).equals(bytes.subarray(range.first, range.last + 1)))
      }),
      { numRuns: 60 },
    )
    await store.close()
  })

  test('knows a file in its own conversation only', async context => {
    const { store } = await openStore(join(tmpDir(context), 'media'))
    const { media } = await store.put({ ...put, bytes: sample('png', 100) })
    assert.equal(await isKept(store, conversation(2), media), false)
    await assert.rejects(store.open(conversation(2), media), notFound)
    await store.put({ ...put, conversation: conversation(2), bytes: sample('png', 100) })
    await assert.rejects(store.open(conversation(2), media), notFound)
    await store.close()
  })

  test('never leaves its folder, whatever it is asked for', async context => {
    const root = tmpDir(context)
    const path = join(root, 'media')
    const { store } = await openStore(path)
    const { media } = await store.put({ ...put, bytes: sample('png', 100) })
    writeFileSync(join(root, 'secret'), 'secret')
    const texts = [
      '',
      '.',
      '..',
      '../secret',
      '../../secret',
      '/etc/passwd',
      `../${put.conversation}/${media}`,
      '%2e%2e',
    ]
    const long = [`${media}\0`, `${media}/`, `${media}/..`, media.toLowerCase(), 'x'.repeat(5000), 'md_\\..\\..']
    for (const text of [...texts, ...long]) {
      assert.equal(await isKept(store, put.conversation, text), false, text)
      await assert.rejects(store.open(put.conversation, text), notFound, text)
    }
    for (const text of ['..', 'incoming', 'c_../x', `${put.conversation}/..`]) {
      const foreign = text as typeof put.conversation
      assert.equal(await isKept(store, foreign, media), false)
      await assert.rejects(store.open(foreign, media), notFound)
      await assert.rejects(store.put({ ...put, conversation: foreign, bytes: Buffer.of(1) }), error =>
        isKefuError(error, 'KEFU_CONVERSATION_NOT_FOUND'),
      )
    }
    await fc.assert(
      fc.asyncProperty(fc.string(), async text => assert.equal(await isKept(store, put.conversation, text), false)),
    )
    assert.deepEqual(readdirSync(root).sort(), ['media', 'secret'])
    assert.deepEqual(readdirSync(path).sort(), [put.conversation, 'incoming', 'pending'])
    await store.close()
  })

  test('does not follow a link in place of a file', async context => {
    const root = tmpDir(context)
    const { store } = await openStore(join(root, 'media'))
    const { media } = await store.put({ ...put, bytes: sample('png', 100) })
    const file = join(root, 'media', put.conversation, media)
    writeFileSync(join(root, 'elsewhere'), readFileSync(file))
    rmSync(file)
    symlinkSync(join(root, 'elsewhere'), file)
    await assert.rejects(store.open(put.conversation, media), error => isKefuError(error, 'KEFU_MEDIA_UNAVAILABLE'))
    await store.close()
  })

  test('keeps everything to its owner', async context => {
    const path = join(tmpDir(context), 'media')
    const before = process.umask(0)
    context.after(() => process.umask(before))
    const { store } = await openStore(path)
    const { media } = await store.put({ ...put, bytes: sample('png', 100) })
    const modes = [path, join(path, 'incoming'), join(path, put.conversation)].map(each => statSync(each).mode & 0o777)
    assert.deepEqual(modes, [0o700, 0o700, 0o700])
    assert.equal(statSync(join(path, put.conversation, media)).mode & 0o777, 0o600)
    await store.close()
  })

  test('refuses a file over the limit', async context => {
    const path = join(tmpDir(context), 'media')
    const { store } = await openStore(path, { fileLimitBytes: 1000 })
    await store.put({ ...put, bytes: sample('bin', 1000) })
    await assert.rejects(store.put({ ...put, bytes: sample('bin', 1001) }), error =>
      isKefuError(error, 'KEFU_BODY_TOO_LARGE'),
    )
    await store.close()
  })

  test('removes what a crash left half-written, and nothing else', async context => {
    const path = join(tmpDir(context), 'media')
    const first = await openStore(path)
    const { media } = await first.store.put({ ...put, bytes: sample('png', 100) })
    await first.store.close()
    for (let i = 0; i < 50; i++) writeFileSync(join(path, 'incoming', `run_OLD-${i}`), 'half a file')
    mkdirSync(join(path, 'incoming', 'folder'))
    const { store, reported } = await openStore(path)
    const during = await store.put({ ...put, bytes: sample('png', 100) })
    await store.close()
    assert.deepEqual(readdirSync(join(path, 'incoming')), ['folder'])
    assert.deepEqual(reported, [])
    for (const id of [media, during.media]) assert.ok(existsSync(join(path, put.conversation, id)))
  })

  test('takes nothing after it was closed, and finishes what runs', async context => {
    const path = join(tmpDir(context), 'media')
    const { store } = await openStore(path)
    const running = store.put({ ...put, bytes: sample('bin', 2 * 1024 * KIB) })
    await store.close()
    assert.equal(readdirSync(join(path, 'incoming')).length, 0)
    assert.ok(existsSync(join(path, put.conversation, (await running).media)))
    await assert.rejects(store.put({ ...put, bytes: Buffer.of(1) }), error => isKefuError(error, 'KEFU_DRAINING'))
  })

  test('bounds the memory of files that it decompresses for slow readers', async context => {
    const { store } = await openStore(join(tmpDir(context), 'media'), { inflatedLimitBytes: 1024 * KIB })
    const text = sampleText(700 * KIB)
    const { media } = await store.put({ ...put, bytes: text })
    const file = await store.open(put.conversation, media)
    const first = await file.read({ type: 'whole' })
    await assert.rejects(file.read({ type: 'whole' }), error => isKefuError(error, 'KEFU_MEDIA_UNAVAILABLE'))
    await collect(await file.read({ type: 'zstd' }))
    assert.ok(!(first instanceof Uint8Array))
    first.destroy()
    await new Promise(resolve => first.once('close', resolve))
    const second = await file.read({ type: 'whole' })
    assert.ok((await collect(second)).equals(text))
    assert.ok((await collect(await file.read({ type: 'whole' }))).equals(text), 'reading to the end gives it back, too')
    await store.close()
  })

  test('stops reading for somebody who has gone', async context => {
    const { store } = await openStore(join(tmpDir(context), 'media'), { inflatedLimitBytes: 3 * 1024 * KIB })
    for (const bytes of [sample('bin', 3 * 1024 * KIB), sampleText(2 * 1024 * KIB)]) {
      const { media } = await store.put({ ...put, bytes })
      const file = await store.open(put.conversation, media)
      const gone = new AbortController()
      const reading = file.read({ type: 'whole' }, gone.signal)
      gone.abort()
      await assert.rejects(reading, error => isKefuError(error, 'KEFU_ABORTED'))
      assert.ok((await collect(await file.read({ type: 'whole' }))).equals(bytes), 'the memory was given back')
    }
    await store.close()
  })
})

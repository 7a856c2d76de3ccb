import assert from 'node:assert/strict'
import { cpSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { MediaId } from '../../src/daemon/core/media.js'
import { factsLength, PREFIX_BYTES } from '../../src/daemon/media/format.js'
import { isKefuError } from '../../src/errors.js'
import { fuzzDecoder } from '../helpers/mutate.js'
import { Random } from '../helpers/random.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { collect, conversation, openStore, sample, sampleText } from './samples.js'

const KIB = 1024
const put = { conversation: conversation(1), uploader: 'v_A', declaredType: undefined }
const isDamage = (error: unknown) =>
  isKefuError(error, 'KEFU_STORE_CORRUPT') && error.message.includes(put.conversation)

describe('a damaged file', () => {
  test('is named and never served, whichever bit is wrong', async context => {
    const path = join(tmpDir(context), 'media')
    const { store } = await openStore(path)
    const source = new Random(21)
    const random = (): number => source.integer(0, 2 ** 31)
    const kinds = [sample('png', 3000), sampleText(4000), sample('mp4', 600 * KIB), sampleText(700 * KIB)]
    for (const [kind, bytes] of kinds.entries()) {
      const { media } = await store.put({ ...put, bytes })
      const file = join(path, put.conversation, media)
      const whole = readFileSync(file)
      for (let round = 0; round < 60; round++) {
        const damaged = damage(Buffer.from(whole), random, round)
        writeFileSync(file, damaged)
        await assert.rejects(readAll(media), isDamage, `kind ${kind}, round ${round}`)
      }
      writeFileSync(file, whole)
      assert.ok((await readAll(media)).equals(bytes))
    }
    await store.close()

    async function readAll(media: MediaId): Promise<Buffer> {
      return collect(await (await store.open(put.conversation, media)).read({ type: 'whole' }))
    }
  })

  test('is found by a range that touches the damage, and by no other', async context => {
    const path = join(tmpDir(context), 'media')
    const { store } = await openStore(path)
    const bytes = sample('mp4', 1024 * KIB)
    const { media } = await store.put({ ...put, bytes })
    const file = join(path, put.conversation, media)
    const stored = readFileSync(file)
    const dataAt = PREFIX_BYTES + factsLength(stored.subarray(0, PREFIX_BYTES))
    stored[dataAt + 600 * KIB]! ^= 4
    writeFileSync(file, stored)
    const opened = await store.open(put.conversation, media)
    for (const [first, last] of [
      [0, 500 * KIB],
      [800 * KIB, 1024 * KIB - 1],
    ] as const)
      assert.ok(
        (await collect(await opened.read({ type: 'range', first, last }))).equals(bytes.subarray(first, last + 1)),
      )
    for (const [first, last] of [
      [0, 1024 * KIB - 1],
      [590 * KIB, 600 * KIB],
      [520 * KIB, 521 * KIB],
    ] as const)
      await assert.rejects(opened.read({ type: 'range', first, last }), isDamage)
    await store.close()
  })

  test('is found when it is damaged while it is sent', async context => {
    const path = join(tmpDir(context), 'media')
    const { store } = await openStore(path)
    const bytes = sample('mp4', 1024 * KIB)
    const { media } = await store.put({ ...put, bytes })
    const file = join(path, put.conversation, media)
    const stream = await (await store.open(put.conversation, media)).read({ type: 'whole' })
    assert.ok(!(stream instanceof Uint8Array))
    const stored = readFileSync(file)
    stored[stored.length - 1]! ^= 1
    writeFileSync(file, stored)
    const received: Buffer[] = []
    await assert.rejects(async () => {
      for await (const chunk of stream) received.push(chunk)
    }, isDamage)
    assert.ok(bytes.subarray(0, 768 * KIB).equals(Buffer.concat(received)), 'only whole, verified pieces came')
    await store.close()
  })

  test('is gone cleanly when it is removed while it is sent', async context => {
    const path = join(tmpDir(context), 'media')
    const { store } = await openStore(path)
    const { media } = await store.put({ ...put, bytes: sample('mp4', 1024 * KIB) })
    const stream = await (await store.open(put.conversation, media)).read({ type: 'whole' })
    rmSync(join(path, put.conversation, media))
    await assert.rejects(collect(stream), error => isKefuError(error, 'KEFU_MEDIA_NOT_FOUND'))
    await store.close()
  })

  test('is not served under another name or in another conversation', async context => {
    const path = join(tmpDir(context), 'media')
    const { store } = await openStore(path)
    const mine = await store.put({ ...put, bytes: sample('png', 100) })
    const other = await store.put({ ...put, conversation: conversation(2), bytes: sample('png', 100) })
    const own = join(path, put.conversation, mine.media)
    cpSync(own, join(path, conversation(2), mine.media))
    await assert.rejects(store.open(conversation(2), mine.media), error => isKefuError(error, 'KEFU_STORE_CORRUPT'))
    renameSync(join(path, conversation(2), other.media), own)
    await assert.rejects(store.open(put.conversation, mine.media), isDamage)
    await store.close()
  })

  test('gives one kind of error for any bytes at all', async context => {
    const path = join(tmpDir(context), 'media')
    const { store } = await openStore(path)
    const { media } = await store.put({ ...put, bytes: sampleText(2000) })
    const file = join(path, put.conversation, media)
    const whole = readFileSync(file)
    await fuzzDecoder({
      name: 'media file',
      seed: 5,
      count: 600,
      corpus: [whole],
      decode: async bytes => {
        writeFileSync(file, bytes)
        return collect(await (await store.open(put.conversation, media)).read({ type: 'whole' }))
      },
      isExpectedError: isDamage,
      check: (_, bytes) => assert.ok(whole.equals(bytes), 'only the file itself is served'),
    })
    truncateSync(file, 0)
    await assert.rejects(store.open(put.conversation, media), isDamage)
    assert.equal(statSync(file).size, 0)
    await store.close()
  })
})

function damage(bytes: Buffer, random: () => number, round: number): Buffer {
  const at = random() % bytes.length
  switch (round % 6) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return Buffer.concat([bytes, bytes.subarray(0, 1 + (random() % 100))])
    case 2: {
      const end = Math.min(bytes.length, at + 64)
      const before = Buffer.from(bytes)
      bytes.fill(0, at, end)
      if (bytes.equals(before)) bytes[at]! ^= 1
      return bytes
    }
    case 3:
      bytes[random() % Math.min(bytes.length, 600)]! ^= 1 << (random() % 8)
      return bytes
    default:
      bytes[at]! ^= 1 << (random() % 8)
      return bytes
  }
}

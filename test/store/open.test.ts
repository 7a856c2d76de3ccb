import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Level } from 'level'
import { KEY, textKey } from '../../src/codec/keys.js'
import { sealValue } from '../../src/codec/record.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { isKefuError } from '../../src/errors.js'
import {
  assertContiguous,
  assertRefused,
  assigned,
  conversationId,
  fill,
  message,
  opening,
  readAll,
} from '../conformance/store-bench.js'
import { OPERATIONS } from '../conformance/traits/operations.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { type Cleanup, tmpDir } from '../helpers/tmp-dir.js'

const open = (path: string) => openLevelStore({ path, clock: createManualClock() })

/** A closed store with a few records. */
async function prepare(t: Cleanup): Promise<string> {
  const path = join(tmpDir(t), 'store')
  const store = await open(path)
  for (let i = 0; i < 5; i++) await fill(store.log, i, 20)
  await store.directory.create('k', 1)
  await store.close()
  return path
}

/** The write-ahead log, which holds everything of a store that was opened once. */
function logFile(path: string): string {
  const name = readdirSync(join(path, 'level')).find(each => each.endsWith('.log'))
  return join(path, 'level', name!)
}

function flip(file: string, offset: number): void {
  const bytes = readFileSync(file)
  bytes[offset]! ^= 0x10
  writeFileSync(file, bytes)
}

describe('store: opening', { concurrency: 4 }, () => {
  test('a new store is private, and its database was finished before it got its name', async t => {
    const path = join(tmpDir(t), 'deep', 'store')
    const store = await open(path)
    assert.equal(statSync(path).mode & 0o777, 0o700)
    assert.equal(statSync(join(path, 'acknowledged')).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(path).sort(), ['acknowledged', 'level'])
    assert.deepEqual((await store.info()).records, 0)
    await store.close()
  })

  test('what an interrupted creation left is removed', async t => {
    const path = await prepare(t)
    mkdirSync(join(path, 'level.new-abc'))
    writeFileSync(join(path, 'level.new-abc', 'x'), 'x')
    await (await open(path)).close()
    assert.deepEqual(readdirSync(path).sort(), ['acknowledged', 'level'])
  })

  test('a store in use is locked', async t => {
    const path = await prepare(t)
    const store = await open(path)
    await assertRefused(open(path), 'KEFU_STORE_LOCKED')
    assert.equal((await store.log.append(conversationId(1), [message('a')], { id: 'a' })).n, 22)
    await store.close()
    await (await open(path)).close()
  })

  test('two that make the same store: one has it, the other finds it locked', async t => {
    const path = join(tmpDir(t), 'store')
    const results = await Promise.allSettled([open(path), open(path), open(path)])
    const opened = results.filter(result => result.status === 'fulfilled')
    assert.equal(opened.length, 1)
    for (const result of results)
      if (result.status === 'rejected')
        assert.ok(isKefuError(result.reason, 'KEFU_STORE_LOCKED'), String(result.reason))
    await opened[0]!.value.close()
    assert.deepEqual(readdirSync(path).filter(name => name !== 'acknowledged' && name !== 'level').length, 0)
  })

  test('a newer format is refused, and nothing is changed', async t => {
    const path = await prepare(t)
    const db = new Level<Uint8Array, Uint8Array>(join(path, 'level'), { keyEncoding: 'view', valueEncoding: 'view' })
    const key = textKey(KEY.meta, 'format')
    await db.put(key, sealValue(key, { format: 99, createdAt: 1 }))
    await db.close()
    await assert.rejects(open(path), (error: unknown) => {
      assert.ok(isKefuError(error, 'KEFU_STORE_FORMAT_NEWER'))
      assert.deepEqual(error.detail, { found: 99, known: 1 })
      return true
    })
  })

  test('a folder that cannot be written is named', async t => {
    const folder = tmpDir(t)
    writeFileSync(join(folder, 'file'), 'x')
    await assert.rejects(open(join(folder, 'file', 'store')), (error: unknown) => {
      assert.ok(isKefuError(error, 'KEFU_STORE_UNWRITABLE'), String(error))
      return true
    })
  })

  test('what is not a database is not taken for an empty one', async t => {
    for (const spoil of [
      (path: string) => rmSync(join(path, 'level', 'CURRENT')),
      (path: string) => writeFileSync(join(path, 'level', 'CURRENT'), 'MANIFEST-000099\n'),
      (path: string) => renameSync(join(path, 'level'), join(path, 'elsewhere')),
      (path: string) => {
        for (const name of readdirSync(join(path, 'level')))
          if (name.startsWith('MANIFEST')) writeFileSync(join(path, 'level', name), '')
      },
    ]) {
      const path = await prepare(t)
      spoil(path)
      await assertRefused(open(path), 'KEFU_STORE_CORRUPT')
    }
  })

  test('a lost end of the write-ahead log is noticed: damaged, named, readable, not writable', async t => {
    for (const spoil of [
      (file: string) => flip(file, statSync(file).size - 5),
      (file: string) => writeFileSync(file, readFileSync(file).subarray(0, -1)),
    ]) {
      const path = join(tmpDir(t), 'store')
      const store = await open(path)
      const id = await fill(store.log, 1, 20)
      await store.log.append(id, [message('last'), assigned('ann')], { id: 'last' })
      await store.close()
      spoil(logFile(path))
      const damaged = await open(path)
      const info = await damaged.info()
      assert.equal(info.state, 'damaged')
      assert.equal(damaged.refusal()?.code, 'KEFU_STORE_CORRUPT')
      assert.deepEqual(
        info.damage.filter(({ seq }) => seq !== undefined).map(({ kind, seq }) => [kind, seq]),
        [
          ['lost', 22],
          ['lost', 23],
        ],
      )
      assertContiguous(await readAll(damaged.log, id))
      for (const { isWrite, call } of OPERATIONS)
        if (isWrite) await assertRefused(call(damaged, id), 'KEFU_STORE_CORRUPT')
      const report = await damaged.check({ deep: false })
      assert.ok(report.findings.some(({ kind, seq }) => kind === 'lost' && seq === 22))
      await damaged.close()
      assert.equal((await (await reopened(path)).info()).state, 'damaged')
    }

    async function reopened(path: string) {
      const store = await open(path)
      t.after(() => store.close())
      return store
    }
  })

  test('a lost commit without records is noticed, too', async t => {
    const path = join(tmpDir(t), 'store')
    const store = await open(path)
    await fill(store.log, 1, 3)
    await store.directory.create('token', 'revoked')
    await store.close()
    const file = logFile(path)
    flip(file, statSync(file).size - 5)
    const damaged = await open(path)
    assert.equal((await damaged.info()).state, 'damaged')
    await damaged.close()
  })

  test('a hole in the middle of the write-ahead log is named', async t => {
    const path = join(tmpDir(t), 'store')
    const store = await open(path)
    for (let i = 0; i < 50; i++)
      await store.log.append(conversationId(i), [message('m', 'x'.repeat(2_000))], { id: 'm', opening: opening() })
    await store.close()
    const file = logFile(path)
    flip(file, Math.floor(statSync(file).size / 2))
    const damaged = await open(path)
    const { state, damage } = await damaged.info()
    assert.equal(state, 'damaged')
    const lost = new Set(damage.map(({ seq }) => seq))
    let gone = 0
    for (let i = 0; i < 50; i++) {
      const records = await readAll(damaged.log, conversationId(i))
      if (records.length === 2) continue
      gone++
      assert.ok(lost.has(2 * i + 1) && lost.has(2 * i + 2))
    }
    assert.ok(gone > 0 && gone < 50)
    await damaged.close()
  })

  test('a torn end that was never acknowledged is nothing', async t => {
    const path = await prepare(t)
    const before = join(tmpDir(t), 'before')
    cpSync(path, before, { recursive: true })
    const store = await open(path)
    await store.log.append(conversationId(1), [message('a')], { id: 'a' })
    await store.close()
    // As if the machine had stopped between the write and its acknowledgement.
    cpSync(join(before, 'acknowledged'), join(path, 'acknowledged'))
    const file = logFile(path)
    writeFileSync(file, readFileSync(file).subarray(0, -3))
    const torn = await open(path)
    assert.deepEqual([(await torn.info()).state, (await torn.log.head(conversationId(1)))?.n], ['ready', 21])
    assert.equal((await torn.log.append(conversationId(1), [message('a')], { id: 'a' })).n, 22)
    await torn.close()
  })

  test('the file of acknowledgements may be missing or damaged', async t => {
    for (const spoil of [
      (file: string) => rmSync(file),
      (file: string) => writeFileSync(file, ''),
      (file: string) => writeFileSync(file, Buffer.alloc(40, 7)),
    ]) {
      const path = await prepare(t)
      spoil(join(path, 'acknowledged'))
      const store = await open(path)
      assert.equal((await store.info()).state, 'ready')
      await store.log.append(conversationId(1), [message('a')], { id: 'a' })
      await store.close()
    }
  })

  test('what is damaged in a table file is named with its conversation before it is read', async t => {
    const path = await prepare(t)
    await (await open(path)).close()
    const folder = join(path, 'level')
    const sizeOf = (name: string) => statSync(join(folder, name)).size
    const tables = readdirSync(folder).filter(name => name.endsWith('.ldb'))
    const table = tables.sort((a, b) => sizeOf(b) - sizeOf(a))[0]!
    flip(join(folder, table), 200)
    await assert.rejects(open(path), (error: unknown) => {
      assert.ok(isKefuError(error, 'KEFU_STORE_CORRUPT'))
      assert.match(error.message, new RegExp(`${table}.*conversation c_[0-9A-Z]{26}`))
      return true
    })
    await assertRefused(open(path), 'KEFU_STORE_CORRUPT')
  })
})

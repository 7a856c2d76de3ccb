import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { START, type Store } from '../../src/daemon/core/ports.js'
import { SYSTEM } from '../../src/daemon/core/records.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { answer, conversationId, message, opening, readAll, soon } from '../conformance/store-bench.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { Random } from '../helpers/random.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { FaultyDisk } from './faulty-handle.js'
import { filesWith } from './table-contents.js'

const NOBODY = new AbortController().signal
const TARGET = conversationId(7)
const SECRETS = ['Cañon-zebra-本当-41', 'wicker-plum-phone-13800138000', 'marble-otter-name']
/** Writes between two that are tried as the last one. */
const STEP = process.env.KEFU_TEST_LONG === '1' ? 1 : 3
/** So small that there are many files on several levels. */
const SMALL = { writeBufferBytes: 64 * 1024, fileBytes: 1024 * 1024 }
const OUT = opening({ channel: 7, kind: 'webhook', egress: 'outbox', contact: SECRETS[2]! })

/** A word of the contact, one of an agent, and what is noted of the contact. */
async function tell(store: Store, at: number): Promise<void> {
  const text = `${SECRETS[0]} ${at} ${'so it goes '.repeat(at % 40)}`
  await store.log.append(TARGET, [message(`t-${at}`, text), answer('ann', `a-${at}`, text)], { opening: OUT })
  await store.log.append(TARGET, [{ type: 'updated', by: SYSTEM, attributes: { phone: `${SECRETS[1]} ${at}` } }])
}

/** Other conversations: of all places in the order of the keys. */
async function crowd(store: Store, count: number, seed: number): Promise<void> {
  const random = new Random(seed)
  const appends = Array.from({ length: count }, (_, i) => {
    const text = Array.from({ length: 30 }, () => random.integer(0, 1e9).toString(36)).join(' ')
    return store.log.append(conversationId(100 + (i % 50)), [message(`m-${seed}-${i}`, text)], { opening: opening() })
  })
  await Promise.all(appends)
}

async function forgetTarget(store: Store): Promise<void> {
  const head = await store.log.head(TARGET)
  await store.eraser.forget([{ conversation: TARGET, upTo: head!.n }])
  const { rows } = await store.outbox.rows({ limit: 10_000 })
  for (const { conversation, n } of rows) if (conversation === TARGET) await store.outbox.drop(conversation, n)
  await store.eraser.expunge([TARGET], NOBODY)
}

/** Closes it first: compactions that LevelDB begins by itself take and give files meanwhile. */
async function assertGone(store: Store, path: string): Promise<void> {
  assert.equal(
    (await readAll(store.log, TARGET)).every(({ body }) => body.type === 'forgotten'),
    true,
  )
  assert.deepEqual((await store.check({ deep: true })).findings, [])
  await store.close()
  assert.deepEqual(filesWith(path, SECRETS), [])
}

describe('store: forgetting leaves no byte in any file', { concurrency: 2 }, () => {
  test('of what was written a moment ago, and nobody else is there', async t => {
    const path = join(tmpDir(t), 'store')
    const store = await openLevelStore({ path, clock: createManualClock() })
    await tell(store, 1)
    assert.notDeepEqual(filesWith(path, SECRETS), [])
    await forgetTarget(store)
    assert.deepEqual(filesWith(path, SECRETS), [])
    await assertGone(store, path)
  })

  test('of what lies in the files of all levels, while others read and write', async t => {
    const path = join(tmpDir(t), 'store')
    const clock = createManualClock()
    let store = await openLevelStore({ path, clock, limits: SMALL })
    for (let at = 0; at < 16; at++) {
      await tell(store, at)
      await crowd(store, 100, at)
      if (at % 8 === 5) {
        await store.close()
        store = await openLevelStore({ path, clock, limits: SMALL })
      }
    }
    await tell(store, 99)
    const found = filesWith(path, SECRETS)
    assert.ok(found.length >= 4, `only in ${found}`)
    const abort = new AbortController()
    const readers = Array.from({ length: 4 }, () => read(store, abort.signal))
    const writer = write(store, abort.signal)
    await forgetTarget(store).finally(() => abort.abort())
    await soon(Promise.all([...readers, writer]), 'those who read and write')
    await assertGone(store, path)
  })

  test('of single records, when everything is expunged', async t => {
    const path = join(tmpDir(t), 'store')
    const store = await openLevelStore({ path, clock: createManualClock(), limits: SMALL })
    for (let at = 0; at < 30; at++) {
      await crowd(store, 40, at)
      await store.log.append(TARGET, [message(`s-${at}`, `${SECRETS[0]} ${at}`)], { opening: opening() })
    }
    const records = Array.from({ length: 30 }, (_, i) => i + 2)
    const kept = (await readAll(store.log, conversationId(103))).length
    await store.eraser.forget([{ conversation: TARGET, records: records.slice(0, 10) }])
    await store.eraser.forget([{ conversation: TARGET, records: records.slice(10) }])
    await store.eraser.expunge('all', NOBODY)
    assert.deepEqual(filesWith(path, SECRETS), [])
    assert.equal((await readAll(store.log, conversationId(103))).length, kept)
    assert.deepEqual((await store.check({ deep: true })).findings, [])
    await store.close()
  })
})

test('store: forgetting that is cut off at any write is done by the same call once more', async t => {
  const folder = tmpDir(t)
  const source = join(folder, 'source')
  const clock = createManualClock()
  const first = await openLevelStore({ path: source, clock })
  await Promise.all(Array.from({ length: 90 }, (_, at) => tell(first, at)))
  await crowd(first, 200, 1)
  const head = await first.log.head(TARGET)
  const others = (await readAll(first.log, conversationId(103))).map(({ bytes }) => Buffer.from(bytes))
  await first.close()
  const what = [{ conversation: TARGET, upTo: head!.n }]
  for (let allowed = 0; ; allowed += STEP) {
    const path = join(folder, `cut-${allowed}`)
    cpSync(source, path, { recursive: true })
    const disk = new FaultyDisk()
    const cut = await openLevelStore({ path, clock }, disk.open)
    disk.refusesFrom = disk.writes + allowed + 1
    const isDone = await forget(cut, what)
    // What a killed process would have left.
    const left = `${path}-left`
    cpSync(path, left, { recursive: true })
    await cut.close()
    const store = await openLevelStore({ path: left, clock })
    assert.deepEqual((await store.info()).damage, [])
    assert.equal((await readAll(store.log, TARGET)).length, head!.n)
    await forgetTarget(store)
    const present = (await readAll(store.log, conversationId(103))).map(({ bytes }) => Buffer.from(bytes))
    assert.deepEqual(present, others)
    await assertGone(store, left)
    if (isDone) {
      assert.ok(allowed >= 5, `only ${allowed} writes`)
      return
    }
  }
})

async function forget(store: Store, what: Parameters<Store['eraser']['forget']>[0]): Promise<boolean> {
  try {
    await store.eraser.forget(what)
    await store.eraser.expunge([TARGET], NOBODY)
    return true
  } catch {
    return false
  }
}

async function read(store: Store, signal: AbortSignal): Promise<void> {
  while (!signal.aborted)
    for await (const batch of store.log.tail(START, signal)) if (batch.at(-1)!.record.seq >= 1_000) break
}

async function write(store: Store, signal: AbortSignal): Promise<void> {
  for (let at = 0; !signal.aborted; at++) await crowd(store, 20, 1_000 + at)
}

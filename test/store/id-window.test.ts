import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Level } from 'level'
import { parseConversationId } from '../../src/codec/conversation-id.js'
import { idWindowKey } from '../../src/codec/keys.js'
import { sealValue } from '../../src/codec/record.js'
import { SAVE_RECORDS } from '../../src/daemon/store/level/id-window.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { isKefuError } from '../../src/errors.js'
import { answer, conversationId, fill, message } from '../conformance/store-bench.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { Random } from '../helpers/random.js'
import { type Cleanup, tmpDir } from '../helpers/tmp-dir.js'

const open = (path: string) => openLevelStore({ path, clock: createManualClock() })
const WINDOW = 64

describe('store: the ids that a conversation has seen', () => {
  test('are known after every restart, the last 64 of each side', async t => {
    const path = join(tmpDir(t), 'store')
    const id = conversationId(1)
    const random = new Random(3)
    const sides = { c: [] as { id: string; n: number }[], a: [] as { id: string; n: number }[] }
    for (let round = 0; round < 12; round++) {
      const store = await open(path)
      const { log } = store
      if (round === 0) await fill(log, 1, 1)
      for (const [side, sent] of Object.entries(sides)) {
        for (const { id: key, n } of sent.slice(-WINDOW)) {
          const body = side === 'c' ? message(key) : answer('ann', key)
          assert.deepEqual(
            await log.append(id, [body], { id: key }).then(({ n, duplicate }) => ({ n, duplicate })),
            { n, duplicate: true },
            `round ${round}: ${key}`,
          )
        }
      }
      // Runs of one side, some longer than a window, some shorter than what is saved at once.
      const side = random.integer(0, 1) === 0 ? 'c' : 'a'
      for (let left = random.integer(1, 3 * SAVE_RECORDS); left > 0; left--) {
        const key = `${side}-${round}-${left}`
        const { n, duplicate } = await log.append(id, [side === 'c' ? message(key) : answer('ann', key)], { id: key })
        assert.equal(duplicate, false)
        sides[side].push({ id: key, n })
      }
      assert.deepEqual((await store.check({ deep: true })).findings, [])
      await store.close()
    }
  })

  for (const [name, spoil] of Object.entries<(path: string, key: Uint8Array) => Promise<void>>({
    'is missing': (path, key) => change(path, db => db.del(key)),
    'is damaged': (path, key) => change(path, db => db.put(key, Uint8Array.of(1, 2, 3, 4, 5, 6))),
    'is an older one': (path, key) => change(path, db => db.put(key, sealValue(key, [SAVE_RECORDS, null, null]))),
  })) {
    test(`a saved window that ${name} is named, and nothing is appended that might be a repetition`, async t => {
      const path = await prepare(t)
      const id = conversationId(1)
      await spoil(path, idWindowKey(parseConversationId(id)))
      const store = await open(path)
      for (const key of ['new', 'm1'])
        await assert.rejects(
          store.log.append(id, [message(key)], { id: key }),
          error => isKefuError(error, 'KEFU_STORE_CORRUPT') && error.message.includes(id),
        )
      const { findings } = await store.check({ deep: true })
      assert.deepEqual(
        findings.map(({ conversation }) => conversation),
        [id],
      )
      await store.close()
    })
  }
})

/** A closed store with a conversation of 100 messages. */
async function prepare(t: Cleanup): Promise<string> {
  const path = join(tmpDir(t), 'store')
  const store = await open(path)
  const id = await fill(store.log, 1, 1)
  for (let i = 0; i < 100; i++) await store.log.append(id, [message(`m${i}`)], { id: `m${i}` })
  await store.close()
  return path
}

async function change(path: string, work: (db: Level<Uint8Array, Uint8Array>) => Promise<void>): Promise<void> {
  const db = new Level<Uint8Array, Uint8Array>(join(path, 'level'), { keyEncoding: 'view', valueEncoding: 'view' })
  await work(db)
  await db.close()
}

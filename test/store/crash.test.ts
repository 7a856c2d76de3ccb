import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Random } from '../helpers/random.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { assertKept, type Ledger, StoreProcess } from './store-process.js'

const KILLS = process.env.KEFU_TEST_LONG === '1' ? 100 : 4
/** Kills after which everything is read back. What was lost at one is not there after the next either, and the store grows. */
const KILLS_PER_READING = Math.ceil(KILLS / 10)

test(`store: ${KILLS} kills of a writer lose and repeat nothing`, async t => {
  const path = join(tmpDir(t), 'store')
  const seed = Number(process.env.KEFU_TEST_SEED ?? 11)
  const random = new Random(seed)
  const ledger: Ledger = new Map()
  for (let kill = 0; kill < KILLS; kill++) {
    const child = new StoreProcess(path, `k${kill}`, ledger)
    t.after(() => child.kill())
    await child.until('its start', () => child.said('ready').length > 0)
    child.tell(`write 64 ${random.integer(1, 400)}`)
    const enough = ledger.size + random.integer(200, 3_000)
    await child.until('acknowledgements', () => ledger.size >= enough)
    await child.kill()
    if ((kill + 1) % KILLS_PER_READING === 0) await assertKept(path, ledger)
  }
  t.diagnostic(`seed ${seed}: ${ledger.size} acknowledged`)
  assert.ok(ledger.size >= KILLS * 200)
})

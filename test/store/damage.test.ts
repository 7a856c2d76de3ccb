import assert from 'node:assert/strict'
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { Random } from '../helpers/random.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'
import { type Answers, askRaw, askStore, damageCopy, prepareStore, tryStore, type Verdict } from './damage-harness.js'

const SEED = Number(process.env.KEFU_TEST_SEED ?? 20260105)
const ROUNDS = process.env.KEFU_TEST_LONG === '1' ? 3_000 : 200

describe('store: damaged files', { timeout: 30 * 60_000 }, () => {
  const folder = makeTmpDir('kefu-damage-')
  const path = join(folder, 'store')
  let truth: Answers = new Map()
  let rawTruth: Answers = new Map()

  before(async () => {
    await prepareStore(path, new Random(SEED))
    const copy = join(folder, 'truth')
    cpSync(path, copy, { recursive: true })
    const store = await openLevelStore({ path: copy, clock: createManualClock() })
    truth = await askStore(store)
    assert.equal((await store.check({ deep: true })).findings.length, 0)
    assert.ok((await store.info()).records > 2_900)
    await store.close()
    rawTruth = await askRaw(copy)
  })
  after(() => removeDir(folder))

  test('the prepared store has table files and a write-ahead log with records of its own', () => {
    const names = readdirSync(join(path, 'level'))
    assert.ok(names.filter(name => name.endsWith('.ldb')).length >= 3, names.join(' '))
    assert.ok(names.some(name => name.endsWith('.log')))
  })

  test(`${ROUNDS} random damages, no silently wrong answer`, async t => {
    const random = new Random(SEED + 1)
    const counts: Record<Verdict, number> = { harmless: 0, detected: 0, announced: 0, silent: 0 }
    const silent: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const copy = join(folder, `damaged-${round}`)
      const what = damageCopy(path, copy, random)
      const { verdict, wrong } = await tryStore(copy, truth)
      counts[verdict]++
      if (verdict === 'silent') silent.push(`${what}: ${wrong.slice(0, 5).join(', ')}`)
      removeDir(copy)
    }
    t.diagnostic(`seed ${SEED}: ${JSON.stringify(counts)}`)
    assert.deepEqual(silent, [], `seed ${SEED}`)
    assert.ok(counts.detected > ROUNDS / 4, 'most damage is not harmless')
  })

  test('the same damage without the checks is served silently', async t => {
    const random = new Random(SEED + 1)
    let silent = 0
    const rounds = Math.min(ROUNDS, 60)
    for (let round = 0; round < rounds; round++) {
      const copy = join(folder, `raw-${round}`)
      damageCopy(path, copy, random)
      const answers = await askRaw(copy)
      const isWrong = [...answers].some(
        ([question, given]) => !given.startsWith('!') && given !== rawTruth.get(question),
      )
      if (isWrong) silent++
      removeDir(copy)
    }
    t.diagnostic(`seed ${SEED}: ${silent} of ${rounds} damages change answers of LevelDB without an error`)
    assert.ok(silent > 0)
  })
})

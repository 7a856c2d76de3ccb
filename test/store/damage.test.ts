import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { Random } from '../helpers/random.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'
import { type Answers, askRaw, askStore, damageCopy, prepareStore, tryStore, type Verdict } from './damage-harness.js'

const CHILD = fileURLToPath(new URL('./damage-raw-child.js', import.meta.url))
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
    const paths = Array.from({ length: 60 }, (_, i) => join(folder, `raw-${i}`))
    for (const copy of paths) damageCopy(path, copy, random)
    const truthFile = join(folder, 'raw-truth.json')
    writeFileSync(truthFile, JSON.stringify([...rawTruth]))
    let silent = 0
    let crashes = 0
    for (let rest = paths; rest.length > 0; ) {
      const { stdout } = spawnSync(process.execPath, [CHILD, truthFile, ...rest], {
        encoding: 'utf8',
      })
      const lines = stdout.trimEnd().split('\n')
      silent += lines.filter(line => line === 'wrong').length
      assert.notEqual(stdout, '', 'the child did nothing')
      const isCrash = lines.length % 2 === 1
      if (isCrash) crashes++
      rest = rest.slice(Math.ceil(lines.length / 2))
    }
    t.diagnostic(`seed ${SEED}: ${silent} of 60 change answers of LevelDB without an error, ${crashes} end its process`)
    assert.ok(silent > 0)
  })
})

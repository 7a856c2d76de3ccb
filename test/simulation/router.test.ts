import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { FAULTY_ROUTERS } from './faulty-routers.js'
import { type SimulationOptions, type SimulationReport, simulate } from './simulation.js'

const isLong = process.env.KEFU_TEST_LONG === '1'
const seed = Number(process.env.KEFU_TEST_SEED ?? randomInt(2 ** 31))

test(`200 agents, 20 teams, crashes: nobody over capacity, lost, doubly assigned, skipped or kept idle (seed ${seed})`, async t => {
  const conversations = isLong ? 50_000 : 4_000
  const report = await run(t, { seed, conversations, crashes: isLong ? 40 : 10 })
  assert.deepEqual(report.violations, [])
  assert.equal(report.conversations, conversations)
  // The run was what it should be: lines formed, decisions crossed other records, routers were thrown away.
  assert.ok(report.assigned > conversations / 2)
  assert.ok(report.explained.waiting >= 100 && report.explained.active >= 100, JSON.stringify(report.explained))
  assert.ok(report.mostWaiting >= 20 && report.refused >= 10 && report.crashes >= 5, JSON.stringify(report))
})

test('the same seed gives the same log, in memory and on disk', async t => {
  const options = { seed, conversations: 100, agents: 20, teams: 10, crashes: 2 }
  const reports = [
    await run(t, options),
    await run(t, options),
    await run(t, { ...options, openStore: clock => openLevelStore({ path: join(tmpDir(t), 'store'), clock }) }),
  ]
  assert.deepEqual(reports[1], reports[0])
  assert.deepEqual(reports[2], reports[0])
  assert.deepEqual(reports[0]?.violations, [])
  const other = await run(t, { ...options, seed: seed + 1 })
  assert.notEqual(other.digest, reports[0]?.digest)
})

describe('the simulation finds a router that', () => {
  for (const [defect, { create, expected }] of Object.entries(FAULTY_ROUTERS))
    test(defect, async t => {
      const report = await run(t, {
        seed,
        conversations: 600,
        agents: 40,
        teams: 10,
        crashes: 5,
        violationLimit: 5,
        createRouter: create,
      })
      assert.ok(
        report.violations.some(({ what }) => expected.includes(what)),
        `expected one of ${expected} among ${JSON.stringify(report.violations)}`,
      )
    })
})

test('the simulation finds an explanation that is not what the log says', async t => {
  const report = await run(t, {
    seed,
    conversations: 300,
    agents: 20,
    teams: 10,
    crashes: 1,
    violationLimit: 5,
    // The last record is not seen.
    queueLog: log => ({
      append: (...append) => log.append(...append),
      head: conversation => log.head(conversation),
      cachedHead: conversation => log.cachedHead(conversation),
      read: async (...read) => (await log.read(...read)).slice(0, -1),
      readAt: seqs => log.readAt(seqs),
      tail: (...tail) => log.tail(...tail),
      cursor: () => log.cursor(),
      committedAtMs: () => log.committedAtMs(),
    }),
  })
  assert.ok(report.violations.some(({ what }) => what === 'unexplained'))
})

async function run(t: TestContext, options: SimulationOptions): Promise<SimulationReport> {
  const startedAt = performance.now()
  const report = await simulate(options)
  const ms = Math.round(performance.now() - startedAt)
  t.diagnostic(JSON.stringify({ ...report, violations: report.violations.length, ms }))
  return report
}

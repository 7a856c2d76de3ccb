import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { tmpDir } from '../helpers/tmp-dir.js'
import { crashRun } from './harness.js'

const BARE_DAEMON = fileURLToPath(new URL('./bare-daemon.js', import.meta.url))
const isLong = process.env.KEFU_TEST_LONG === '1'
const seed = Number(process.env.KEFU_TEST_SEED ?? randomInt(2 ** 31))

test(`kill -9 at random moments under load loses, doubles and reorders nothing (seed ${seed})`, async t => {
  const report = await crashRun({
    home: join(tmpDir(t), 'home'),
    seed,
    writers: 16,
    kills: isLong ? 400 : 40,
    acknowledged: isLong ? 2_000_000 : 200_000,
    uptimeMs: [100, 300],
    killStarting: 0.2,
    entry: [BARE_DAEMON],
  })
  // The aim is ready again within 3 s (slowestReadyMs); a busy machine must not fail the test for it, 15 s without readiness do.
  t.diagnostic(JSON.stringify({ ...report, violations: report.violations.length }))
  assert.deepEqual(report.violations, [])
  assert.ok(report.acknowledged >= 200_000)
})

test('the harness finds a daemon that acknowledges before it has written', async t => {
  const report = await crashRun({
    home: join(tmpDir(t), 'home'),
    seed,
    writers: 16,
    kills: 3,
    acknowledged: 0,
    uptimeMs: [300, 600],
    entry: [BARE_DAEMON, 'hasty'],
  })
  const losses = report.violations.filter(({ what }) => /^lost|went back/.test(what))
  assert.notEqual(losses.length, 0, `expected losses among ${report.violations.length} violations`)
})

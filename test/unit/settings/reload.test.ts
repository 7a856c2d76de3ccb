import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig } from '../../../src/daemon/config/load.js'
import { createLiveSettings } from '../../../src/daemon/live-settings.js'
import { createLog } from '../../../src/daemon/observe/log.js'
import { Reloader } from '../../../src/daemon/reload.js'
import { isKefuError } from '../../../src/errors.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { tmpDir } from '../../helpers/tmp-dir.js'

async function open(t: TestContext, text: string) {
  const file = join(tmpDir(t), 'kefu.yaml')
  writeFileSync(file, text)
  const lines: Record<string, unknown>[] = []
  const log = createLog('info', { write: line => void lines.push(JSON.parse(line)) })
  const read = () => loadConfig({ flags: new Map([['http.port', '1']]), environment: {}, file })
  const { config, problems } = await read()
  const live = createLiveSettings(config, createManualClock(), log)
  return { file, lines, live, reloader: new Reloader({ read, live, log }, problems) }
}

test('a file that is not valid changes nothing, and its error is told or logged', async t => {
  const { file, lines, live, reloader } = await open(t, 'limits:\n  messagesPer10s: 5\n')
  for (const wrong of [
    'limits:\n  messagesPer10s: 6\n  helloTimeout: 2h\n',
    'limits: [\n',
    'presence:\n  awayAfter: 1h\n',
  ]) {
    writeFileSync(file, wrong)
    await assert.rejects(reloader.reload(), error => isKefuError(error, 'KEFU_CONFIG_INVALID'))
    await reloader.reloadOnSignal()
    const last = lines.at(-1)
    assert.deepEqual([last?.level, last?.event, last?.code], ['error', 'config.reload-failed', 'KEFU_CONFIG_INVALID'])
    assert.equal(reloader.warnings.length, 1)
    assert.match(
      reloader.warnings[0]!,
      /^the last reload failed, and a start would fail as well: the configuration is not valid/,
    )
  }
  assert.equal(live.config.limits.messagesPer10s, 5)
  writeFileSync(file, 'limits:\n  messagesPer10s: 6\n')
  await reloader.reloadOnSignal()
  assert.equal(live.config.limits.messagesPer10s, 6)
  assert.deepEqual(reloader.warnings, [])
  assert.deepEqual(lines.at(-1)?.applied, ['limits.messagesPer10s'])
})

test('warnings are those of the last reading, and settings that wait for a restart', async t => {
  const { file, reloader } = await open(t, 'log:\n  levle: debug\n')
  assert.match(reloader.warnings.join(), /"log\.levle", did you mean "log\.level"\?/)
  writeFileSync(file, 'http:\n  host: ::1\n')
  assert.deepEqual((await reloader.reload()).warnings, [])
  assert.deepEqual(reloader.warnings, ['changed, but not in use: http.host; kefu daemon restart'])
  writeFileSync(file, 'http:\n  port: 99\n')
  assert.deepEqual(await reloader.reload(), { applied: [], needsRestart: [], warnings: [] }, 'a flag is stronger')
  assert.deepEqual(reloader.warnings, [])
})

test('readings do not overtake each other', async t => {
  const { file, live, reloader } = await open(t, '')
  const reloads = Array.from({ length: 10 }, (_, index) => {
    writeFileSync(file, `limits:\n  messagesPer10s: ${index + 1}\n`)
    return reloader.reload()
  })
  const applied = (await Promise.all(reloads)).flatMap(reload => reload.applied)
  assert.equal(live.config.limits.messagesPer10s, 10)
  assert.equal(applied.at(-1)?.to, '10')
})

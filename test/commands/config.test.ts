import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CONFIG_KEYS } from '../../src/daemon/config/schema.js'
import { kefuFails, kefuJson, runKefu } from '../helpers/cli.js'
import { makeTmpDir, removeDir, tmpDir } from '../helpers/tmp-dir.js'

test('set, get and unset go through the file, which keeps its comments', async t => {
  const home = tmpDir(t)
  const file = join(home, 'kefu.yaml')
  writeFileSync(file, '# mine\nhttp:\n  host: ::1 # v6\n')
  const set = await kefuJson(['config', 'set', 'http.port', '9000'], { home })
  assert.deepEqual(set, { key: 'http.port', value: '9000', file, changed: true })
  assert.equal(readFileSync(file, 'utf8'), '# mine\nhttp:\n  host: ::1 # v6\n  port: 9000\n')
  const [again, plain, json, list] = await Promise.all([
    kefuJson<{ changed: boolean }>(['config', 'set', 'http.port', '9000'], { home }),
    runKefu(['config', 'get', 'http.port'], { home }),
    kefuJson(['config', 'get', 'http.port'], { home }),
    runKefu(['config', 'list', '--origin'], { home, environment: { KEFU_LOG_LEVEL: 'debug' } }),
  ])
  assert.equal(again.changed, false)
  assert.deepEqual(plain, { code: 0, stdout: '9000\n', stderr: '' })
  assert.deepEqual(json, { key: 'http.port', value: 9000, origin: { kind: 'file', where: `${file}:4` } })
  const rows = list.stdout
    .trimEnd()
    .split('\n')
    .map(line => line.split('\t'))
  assert.deepEqual(
    rows.map(([key]) => key),
    CONFIG_KEYS,
  )
  assert.deepEqual(
    rows.find(([key]) => key === 'log.level'),
    ['log.level', 'debug', 'KEFU_LOG_LEVEL'],
  )
  assert.deepEqual(
    rows.find(([key]) => key === 'http.host'),
    ['http.host', '::1', `${file}:3`],
  )
  const unset = await kefuJson<{ changed: boolean }>(['config', 'unset', 'http.port'], { home })
  assert.equal(unset.changed, true)
  assert.equal((await runKefu(['config', 'get', 'http.port'], { home })).stdout, '8787\n')
})

test('wrong keys and values are refused before anything is written', async t => {
  const home = tmpDir(t)
  const unknown = { code: 'KEFU_CONFIG_UNKNOWN_KEY', exit: 15, message: /"http\.prt", did you mean "http\.port"\?/ }
  const invalid = { code: 'KEFU_CONFIG_INVALID', exit: 15, message: /http\.port is "x"; allowed is a port/ }
  await Promise.all([
    kefuFails(['config', 'get', 'http.prt'], unknown, { home }),
    kefuFails(['config', 'set', 'http.prt', '1'], unknown, { home }),
    kefuFails(['config', 'set', 'http.port', 'x'], invalid, { home }),
    kefuFails(['daemon', 'run', '--set', 'http.prt=1'], unknown, { home }),
    kefuFails(['daemon', 'start', '--set', 'http.port=x'], { ...invalid, message: /http\.port is "x"/ }, { home }),
  ])
  assert.equal(existsSync(join(home, 'kefu.yaml')), false)
})

test('check says everything that is wrong; unknown keys are errors with --strict', async t => {
  const home = tmpDir(t)
  const file = join(home, 'kefu.yaml')
  writeFileSync(file, 'http:\n  prot: 1\n')
  const [lax, strict] = await Promise.all([
    runKefu(['config', 'check', '--json'], { home }),
    runKefu(['config', 'check', '--strict'], { home }),
  ])
  assert.equal(lax.code, 0)
  const document = JSON.parse(lax.stdout) as { valid: boolean; problems: { key: string; severity: string }[] }
  assert.deepEqual(
    [document.valid, document.problems.map(({ key, severity }) => [key, severity])],
    [true, [['http.prot', 'warning']]],
  )
  assert.equal(strict.code, 15)
  assert.match(strict.stdout, /^error\tthere is no configuration key "http\.prot", did you mean "http\.port"\?/)
  writeFileSync(file, 'http:\n  port: x\nlog:\n  level: loud\n')
  const wrong = await runKefu(['config', 'check', '--json'], { home })
  assert.equal(wrong.code, 15)
  const found = JSON.parse(wrong.stdout) as { valid: boolean; problems: { key: string }[] }
  assert.deepEqual([found.valid, found.problems.map(({ key }) => key)], [false, ['http.port', 'log.level']])
})

test('check answers as ever when the file is no YAML, and set names the same place', async t => {
  const home = tmpDir(t)
  const file = join(home, 'kefu.yaml')
  writeFileSync(file, 'http:\n  port: [1\n')
  const [check, set] = await Promise.all([
    runKefu(['config', 'check', '--json'], { home }),
    runKefu(['config', 'set', 'http.port', '1'], { home }),
  ])
  assert.deepEqual([check.code, check.stderr], [15, ''])
  const { valid, problems } = JSON.parse(check.stdout) as { valid: boolean; problems: { message: string }[] }
  assert.equal(valid, false)
  assert.equal(problems.length, 1)
  assert.ok(problems[0]?.message.startsWith(`${file}:3: `), problems[0]?.message)
  assert.equal(set.code, 15)
  assert.ok(set.stderr.startsWith(`Error: the configuration is not valid: ${problems[0]?.message}`), set.stderr)
})

test('check says when the file that was named is not there', async t => {
  const home = tmpDir(t)
  const words = ['config', 'check', '--config', join(home, 'typo.yaml')]
  const [lax, strict, byVariable, unnamed] = await Promise.all([
    runKefu(words, { home }),
    runKefu([...words, '--strict'], { home }),
    runKefu(['config', 'check', '--strict'], { home, environment: { KEFU_CONFIG: join(home, 'typo.yaml') } }),
    runKefu(['config', 'check', '--strict'], { home }),
  ])
  assert.deepEqual([lax.code, strict.code, byVariable.code, unnamed.code], [0, 15, 15, 0])
  assert.equal(lax.stdout, `warning\tthere is no file ${join(home, 'typo.yaml')}\n`)
})

test('a daemon that starts on defaults says when the file that was named is not there', async t => {
  const home = makeTmpDir()
  // In this order: a daemon whose home is gone is not found any more.
  t.after(async () => {
    const { code, stderr } = await runKefu(['daemon', 'stop', '--now'], { home })
    removeDir(home)
    assert.equal(code, 0, stderr)
  })
  const file = join(home, 'typo.yaml')
  const words = ['daemon', 'start', '--port', '0', '--config', file]
  const { warnings } = await kefuJson<{ warnings: string[] }>(words, { home })
  const status = await kefuJson<{ warnings: string[] }>(['status'], { home })
  const told = `there is no file ${file}`
  assert.deepEqual([warnings, status.warnings], [[told], [told]])
  assert.match(readFileSync(join(home, 'logs/daemon.log'), 'utf8'), /"config\.warning".+there is no file/)
})

test('--config and path name the file', async t => {
  const home = tmpDir(t)
  const file = join(home, 'other.yaml')
  writeFileSync(file, 'http:\n  port: 1234\n')
  const [get, path, all] = await Promise.all([
    runKefu(['config', 'get', 'http.port', '--config', file], { home }),
    runKefu(['config', 'path', '--config', file], { home }),
    runKefu(['config', 'path', '--all'], { home }),
  ])
  assert.equal(get.stdout, '1234\n')
  assert.equal(path.stdout, `${file}\n`)
  assert.match(all.stdout, new RegExp(`^config\t${home}/kefu\\.yaml\nstore\t${home}/store\n`))
  assert.match(all.stdout, new RegExp(`\nsecret\t${home}/server\\.secret\n`))
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import WebSocket from 'ws'
import { cliEnvironment, kefuFails, kefuJson, runKefu } from '../helpers/cli.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { ROOT } from '../helpers/project.js'
import { eventually } from '../helpers/raw-connection.js'
import { tmpDir } from '../helpers/tmp-dir.js'

type Change = { readonly key: string; readonly from: string; readonly to: string }
type Reloaded = { readonly changed: boolean; readonly applied: Change[]; readonly needsRestart: Change[] }
type Status = { readonly pid: number; readonly warnings: string[]; readonly connections: { readonly limit: number } }

test('a running daemon takes over its file, says what waits for a restart, and survives a file that is not valid', async t => {
  const home = tmpDir(t)
  const file = join(home, 'kefu.yaml')
  const base = 'http:\n  port: 0\n'
  const daemon = await DaemonProcess.start({ home, config: base })
  t.after(() => daemon.kill())
  assert.deepEqual(await kefuJson(['daemon', 'reload'], { home }), {
    changed: false,
    home,
    applied: [],
    needsRestart: [],
  })
  writeFileSync(file, `${base}  host: 127.0.0.2\nlimits:\n  socketsPerAddress: 1\n  messagesPr10s: 1\n`)
  const reloaded = await runKefu(['daemon', 'reload', '--json'], { home })
  const { applied, needsRestart, ...rest } = JSON.parse(reloaded.stdout) as Reloaded & { warnings: string[] }
  assert.deepEqual(applied, [{ key: 'limits.socketsPerAddress', from: '1000', to: '1' }])
  assert.deepEqual(needsRestart, [{ key: 'http.host', from: '127.0.0.1', to: '127.0.0.2' }])
  assert.match(rest.warnings.join(), /"limits\.messagesPr10s", did you mean "limits\.messagesPer10s"\?/)
  for (const command of [['status'], ['daemon', 'status']]) {
    const { warnings, pid, connections } = await kefuJson<Status>(command, { home })
    assert.equal(pid, daemon.pid)
    assert.ok(connections.limit > 0)
    assert.match(warnings.join('\n'), /did you mean "limits\.messagesPer10s".*\nchanged, but not in use: http\.host/)
  }

  await daemon.control('channel.add', { kind: 'web', name: 'site', origins: [] })
  const url = await daemon.socketUrl()
  const first = new WebSocket(url, 'kefu.v1')
  t.after(() => first.terminate())
  await once(first, 'open')
  const second = new WebSocket(url, 'kefu.v1')
  const [, response] = (await once(second, 'unexpected-response')) as [unknown, { statusCode: number }]
  assert.equal(response.statusCode, 429)
  second.on('error', () => undefined).terminate()

  writeFileSync(file, `${base}limits:\n  socketsPerAddress: none\n`)
  await kefuFails(
    ['daemon', 'reload'],
    { code: 'KEFU_CONFIG_INVALID', exit: 15, message: /limits\.socketsPerAddress is "none"/ },
    { home },
  )
  const failed = await kefuJson<Status>(['status'], { home })
  assert.equal(failed.pid, daemon.pid)
  assert.match(failed.warnings.join(), /the last reload failed.+limits\.socketsPerAddress is "none"/)
  writeFileSync(file, `${base}limits:\n  socketsPerAddress: 2\n`)
  process.kill(daemon.pid, 'SIGHUP')
  const log = join(home, 'daemon.log')
  await eventually('the signal is heeded', () => readFileSync(log, 'utf8').split('config.reloaded').length === 4)
  assert.deepEqual((await kefuJson<Status>(['status'], { home })).warnings, [])
  const third = new WebSocket(url, 'kefu.v1')
  t.after(() => third.terminate())
  await once(third, 'open')
  assert.equal(await daemon.stop(), 0)
  await kefuFails(['daemon', 'reload'], { code: 'KEFU_DAEMON_UNREACHABLE', exit: 10 }, { home })
})

test('an open-file limit that leaves room for few sockets is a warning, one that leaves enough is none', async t => {
  for (const [files, expected] of [
    [1_200, ['the open-file limit leaves room for 432 sockets only: raise it (ulimit -n, LimitNOFILE=), and restart']],
    [2_000, []],
  ] as const) {
    const home = tmpDir(t)
    writeFileSync(join(home, 'kefu.yaml'), 'http:\n  port: 0\n')
    const program = join(ROOT, 'bin/run.js')
    const child = spawn(
      'sh',
      ['-c', `ulimit -n ${files} && exec "$0" "$@"`, process.execPath, program, 'daemon', 'run'],
      {
        env: cliEnvironment({ home }),
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    t.after(() => child.kill('SIGKILL'))
    let log = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
    await eventually('ready', () => log.includes('"daemon.ready"'), 15_000)
    const { warnings, connections } = await kefuJson<Status>(['status'], { home })
    assert.deepEqual([connections.limit, warnings], [files - 768, expected])
    const levels = log.split('\n').filter(line => /connections-limited|open-file limit leaves/.test(line))
    assert.deepEqual(
      levels.map(line => (JSON.parse(line) as { level: string }).level),
      [expected.length > 0 ? 'warn' : 'info'],
    )
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  }
})

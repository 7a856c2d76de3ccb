import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ERRORS } from '../../src/errors.js'
import { cliEnvironment, kefuFails, kefuFailsInWords, kefuJson, runKefu } from '../helpers/cli.js'
import { ROOT } from '../helpers/project.js'
import { tmpDir } from '../helpers/tmp-dir.js'

describe('wrong usage', { concurrency: 4 }, () => {
  const wrong: readonly (readonly [words: string, message: RegExp])[] = [
    ['agnt list', /there is no command "agnt list", did you mean "agent list"\?/],
    ['statu', /did you mean "status"\?/],
    ['zzzzzz', /there is no command "zzzzzz"\.?$/m],
    ['status now', /kefu status does not take "now"/],
    ['agent add a b', /unexpected argument: b/],
    ['agent list --limt 3', /nonexistent flag: --limt, did you mean "--limit"\?/],
    ['agent list --fields nam', /there is no field "nam", did you mean "name"\?/],
    ['channel add fax a', /to be one of: web, app/],
    ['status --timeout 10', /needs a unit/],
    ['channel set shop', /there is nothing to change: give a flag/],
    ['errors KEFU_PORT_TAKN', /did you mean "KEFU_PORT_TAKEN"\?/],
    ['daemon run --set port', /--set takes KEY=VALUE/],
    ['daemon run --port x', /^--port: expected an integer but received: x$/],
    ['daemon stop --now --drain', /^--drain cannot also be provided when using --now/],
  ]
  for (const [words, message] of wrong) {
    test(`kefu ${words}`, t =>
      kefuFails(words.split(' '), { code: 'KEFU_USAGE', exit: 2, message }, { home: tmpDir(t) }))
  }

  test('is said in words, too', async t => {
    const home = tmpDir(t)
    const usage = { code: 'KEFU_USAGE', exit: 2 }
    const alone = { home, isAlone: true }
    await Promise.all([
      kefuFails(['agnt', 'list'], usage, alone),
      kefuFailsInWords(['agnt', 'list'], { ...usage, message: /did you mean "agent list"\?\n/ }, alone),
      kefuFailsInWords(['agent', 'add'], { ...usage, message: /^Error: missing NAME\.\n/ }, alone),
      kefuFailsInWords(['help', 'agnt'], { ...usage, message: /there is no command "agnt", did you mean "agent"\?/ }),
    ])
  })

  for (const words of ['daemon nope', 'daemon strat', 'agnt list', 'daemon start extra', 'chanel']) {
    test(`kefu help ${words} says the same as kefu ${words}`, async t => {
      const options = { home: tmpDir(t), isAlone: true }
      const [help, command] = await Promise.all([
        runKefu(['help', ...words.split(' ')], options),
        runKefu(words.split(' '), options),
      ])
      assert.equal(command.code, 2)
      assert.deepEqual(help, command)
    })
  }

  test('a token on the command line is not repeated', async t => {
    const { stderr, code } = await runKefu(['agent', 'list', `kat_${'x'.repeat(43)}`], { home: tmpDir(t) })
    assert.equal(code, 2)
    assert.ok(!stderr.includes('xxxx'), stderr)
  })
})

describe('commands that answers name', () => {
  test('mean the daemon that was meant: its places go with them, in errors, notes and JSON', async t => {
    const home = tmpDir(t)
    const socket = join(home, 'a b.sock')
    const place = `kefu --home ${home} --socket '${socket}' `
    const run = (words: string[]) => runKefu([`--home=${home}`, ...words, '--socket', socket])
    const [list, json, status, set] = await Promise.all([
      run(['agent', 'list']),
      run(['agent', 'list', '--json']),
      run(['status']),
      run(['config', 'set', 'log.level', 'debug']),
    ])
    assert.ok(list.stderr.includes(`\nTry:   ${place}daemon start, or kefu --home DIR … `), list.stderr)
    const { error } = JSON.parse(json.stderr) as { error: { hint: string } }
    assert.ok(error.hint.startsWith(`${place}daemon start, or `), error.hint)
    assert.equal(status.stderr, `Try: ${place}daemon start\n`)
    assert.ok(set.stderr.startsWith(`Next: ${place}daemon `), set.stderr)
    const inherited = await runKefu(['status'], { home })
    assert.equal(inherited.stderr, 'Try: kefu daemon start\n')
  })
})

describe('global flags', () => {
  test('may stand before the command or after it; --home is stronger than KEFU_HOME', async t => {
    const home = tmpDir(t)
    const other = tmpDir(t)
    const [before, after] = await Promise.all([
      kefuJson<{ config: string }>(['--home', home, 'config', 'path'], { home: other }),
      kefuJson<{ config: string }>(['config', 'path', `--home=${home}`], { home: other }),
    ])
    assert.equal(before.config, join(home, 'kefu.yaml'))
    assert.deepEqual(after, before)
  })

  test('KEFU_CONTENT_TYPE=json asks every command for JSON', async t => {
    const { stdout } = await runKefu(['config', 'path'], {
      home: tmpDir(t),
      environment: { KEFU_CONTENT_TYPE: 'json' },
    })
    assert.match(stdout, /^\{"config":/)
  })

  test('nothing is written where nothing was asked for', async t => {
    const home = join(tmpDir(t), 'none')
    await runKefu(['status'], { home })
    await runKefu(['store', 'check'], { home })
    await runKefu(['config', 'list'], { home })
    assert.equal(existsSync(home), false)
  })
})

describe('without a daemon', () => {
  test('commands that need one say so, whatever the format', async t => {
    const home = tmpDir(t)
    const expected = {
      code: 'KEFU_DAEMON_UNREACHABLE',
      exit: 10,
      message: /is not running \(no answer on its control socket \/.+\.sock\)/,
    }
    await Promise.all([
      kefuFails(['agent', 'list'], expected, { home }),
      kefuFailsInWords(['channel', 'show', 'shop'], expected, { home }),
    ])
  })

  test('status answers no: exit 3', async t => {
    const home = tmpDir(t)
    const [plain, json, daemon] = await Promise.all([
      runKefu(['status'], { home }),
      runKefu(['status', '--json'], { home }),
      runKefu(['daemon', 'status', '-q'], { home }),
    ])
    assert.deepEqual(plain, { code: 3, stdout: 'state\tstopped\n', stderr: 'Try: kefu daemon start\n' })
    assert.deepEqual(
      { ...json, stdout: JSON.parse(json.stdout) as unknown },
      { code: 3, stdout: { state: 'stopped', home }, stderr: '' },
    )
    assert.deepEqual(daemon, { code: 3, stdout: 'state\tstopped\n', stderr: '' })
  })

  test('stop has nothing to do; a store that is not there is said; logs, too', async t => {
    const home = tmpDir(t)
    assert.deepEqual(await kefuJson(['daemon', 'stop'], { home }), { changed: false, home })
    await Promise.all([
      kefuFails(['store', 'check'], { code: 'KEFU_STORE_NOT_FOUND', exit: 13 }, { home }),
      kefuFails(['daemon', 'logs'], { code: 'KEFU_LOG_NOT_FOUND', exit: 13 }, { home }),
      kefuFails(['daemon', 'wait', '--timeout', '200ms'], { code: 'KEFU_TIMEOUT', exit: 18 }, { home }),
    ])
  })
})

describe('errors and version', () => {
  test('the kinds of channels are the same for people and for programs', async t => {
    const options = { home: join(tmpDir(t), 'none') }
    type Kind = { readonly kind: string; readonly settings: readonly unknown[] }
    const { kinds } = await kefuJson<{ readonly kinds: readonly Kind[] }>(['channel', 'kinds'], options)
    const { stdout } = await runKefu(['channel', 'kinds', '--plain'], options)
    const listed = stdout
      .trimEnd()
      .split('\n')
      .map(line => line.split('\t')[0])
    assert.deepEqual(
      kinds.map(({ kind }) => kind),
      listed,
    )
    assert.deepEqual(listed.slice(0, 2), ['web', 'app'])
    assert.deepEqual((await kefuJson<Kind>(['channel', 'kinds', 'web'], options)).settings, [])
  })

  test('errors lists the table and explains one', async () => {
    const all = await kefuJson<{ errors: { code: string }[] }>(['errors'])
    assert.deepEqual(
      all.errors.map(({ code }) => code),
      Object.keys(ERRORS),
    )
    const { error } = await kefuJson<{ error: object }>(['errors', 'port_taken'])
    assert.deepEqual(error, { code: 'KEFU_PORT_TAKEN', ...ERRORS.KEFU_PORT_TAKEN })
  })

  test('a reader that goes away ends the command with exit code 0', async () => {
    const child = spawn(process.execPath, [join(ROOT, 'bin', 'run.js'), 'errors'], {
      env: cliEnvironment({}),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const [code] = (await once(child, 'close')) as [number | null]
    assert.equal(code, 0)
    assert.ok(!stderr.includes('EPIPE'), stderr)
  })

  test('a bug ends with exit code 70 and its stack', async t => {
    const home = tmpDir(t)
    const broken = `data:text/javascript,${encodeURIComponent("process.getuid = () => { throw new TypeError('canary') }")}`
    const [human, json] = await Promise.all([
      runKefu(['config', 'path'], { home, nodeArguments: ['--import', broken] }),
      runKefu(['config', 'path', '--json'], { home, nodeArguments: ['--import', broken] }),
    ])
    assert.equal(human.code, 70)
    assert.match(human.stderr, /TypeError: canary\n {4}at .+Code: {2}KEFU_INTERNAL/s)
    assert.equal(json.code, 70)
    assert.equal((JSON.parse(json.stderr) as { error: { code: string } }).error.code, 'KEFU_INTERNAL')
  })

  test('a home that cannot be made is said with its code', async t => {
    const file = join(tmpDir(t), 'file')
    writeFileSync(file, '')
    const homes = [join(file, 'home'), ...(process.platform === 'linux' ? ['/proc/kefu'] : [])]
    const results = await Promise.all(homes.map(home => runKefu(['daemon', 'run', '--home', home])))
    for (const { code, stderr } of results) {
      assert.equal(code, 12, stderr)
      assert.match(stderr, /Code: {2}KEFU_STORE_UNWRITABLE/)
    }
  })
})

describe('from the sources', () => {
  test('bin/dev.js runs the same commands without a build', async t => {
    const home = tmpDir(t)
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', join(ROOT, 'bin', 'dev.js'), 'config', 'get', 'http.port'],
      {
        cwd: ROOT,
        env: cliEnvironment({ home }),
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    const [code] = (await once(child, 'close')) as [number | null]
    assert.equal(code, 0)
    assert.equal(stdout, '8787\n')
  })
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { cliEnvironment, kefuFails, kefuJson, runKefu } from '../helpers/cli.js'
import { ROOT } from '../helpers/project.js'
import { makeTmpDir, removeDir, tmpDir } from '../helpers/tmp-dir.js'

type Started = {
  readonly changed: boolean
  readonly state: string
  readonly pid: number
  readonly version: string
  readonly address: { readonly http: string; readonly socket: string }
  readonly logFile: string
}

describe('a daemon in the background', () => {
  const home = makeTmpDir()
  let started: Started
  let infoOfRunning: Record<string, unknown> = {}
  before(async () => {
    started = await kefuJson<Started>(['daemon', 'start', '--port', '0'], { home })
  })
  after(async () => {
    await runKefu(['daemon', 'stop', '--now'], { home })
    removeDir(home)
  })

  test('is ready when start returns, and everything of it is for its owner alone', async () => {
    assert.equal(started.changed, true)
    assert.equal(started.state, 'running')
    assert.match(started.address.socket, /^ws:\/\/127\.0\.0\.1:\d+\/v1\/socket$/)
    const response = await fetch(new URL('/v1/health', started.address.http)).catch(() => undefined)
    assert.ok(response !== undefined)
    for (const path of ['run', 'logs', 'store']) assert.equal(statSync(join(home, path)).mode & 0o077, 0, path)
    for (const path of ['run/kefu.sock', 'logs/daemon.log'])
      assert.equal(statSync(join(home, path)).mode & 0o777, 0o600, path)
  })

  test('is not started twice: start is content, run is refused', async () => {
    const [again] = await Promise.all([
      kefuJson<Started>(['daemon', 'start'], { home }),
      kefuFailsQuietly(['daemon', 'run', '--port', '0'], 'KEFU_DAEMON_ALREADY_RUNNING', 11),
    ])
    assert.equal(again.changed, false)
    assert.equal(again.pid, started.pid)
    const warned = await kefuJson<{ warnings: string[] }>(['daemon', 'start', '--port', '1'], { home })
    assert.match(warned.warnings[0] ?? '', /were not applied/)
  })

  test('answers status, wait and store commands, for people, scripts and programs', async () => {
    const [status, plain, daemon, wait, info, check] = await Promise.all([
      kefuJson<{ pid: number; state: string; transport: string; store: { state: string }; warnings: string[] }>(
        ['status'],
        { home },
      ),
      runKefu(['status'], { home }),
      runKefu(['daemon', 'status'], { home }),
      kefuJson<{ state: string }>(['daemon', 'wait'], { home }),
      kefuJson<Record<string, unknown>>(['store', 'info'], { home }),
      kefuJson(['store', 'check', '--deep'], { home }),
    ])
    assert.deepEqual(
      [status.pid, status.state, status.store.state, status.warnings],
      [started.pid, 'running', 'ready', []],
    )
    assert.match(plain.stdout, /^state\trunning\nready\tyes\naddress\thttp:/)
    assert.equal(plain.stderr, 'Next: kefu channel add web NAME --origin URL\n')
    assert.match(daemon.stdout, new RegExp(`^transport\t${status.transport.replace('.', '\\.')}$`, 'm'))
    assert.equal(wait.state, 'running')
    assert.deepEqual([info.engine, info.path], ['level', join(home, 'store')])
    infoOfRunning = info
    assert.deepEqual(check, { sound: true, deep: true, records: 0, conversations: 0, findings: [] })
  })

  test('shows its log, and follows it until it is told to stop', async () => {
    const { stdout } = await runKefu(['daemon', 'logs', '-n', '1000'], { home })
    const events = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { event?: string; type?: string })
    assert.ok(events.some(({ event }) => event === 'daemon.ready'))
    const json = await runKefu(['daemon', 'logs', '-n', '1', '--json'], { home })
    assert.equal((JSON.parse(json.stdout) as { type: string }).type, 'log')
    const child = spawn(process.execPath, [join(ROOT, 'bin/run.js'), 'daemon', 'logs', '-f', '-n', '0'], {
      env: cliEnvironment({ home }),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    const lines = (child.stdout.setEncoding('utf8') as AsyncIterable<string>)[Symbol.asyncIterator]()
    const first = lines.next()
    // Whenever it begins to follow, there is a next line.
    const write = setInterval(() => void runKefu(['agent', 'show', 'nobody'], { home }), 500)
    assert.match(String((await first).value), /"event":"control\.refused"/)
    clearInterval(write)
    child.kill('SIGINT')
    assert.deepEqual(await exited, [0, null])
  })

  test('restarts as another process, and stops', async () => {
    const restarted = await kefuJson<Started & { previousPid: number }>(['daemon', 'restart', '--port', '0'], { home })
    assert.equal(restarted.previousPid, started.pid)
    assert.notEqual(restarted.pid, started.pid)
    // Killed, it leaves its socket behind, which is in nobody's way.
    process.kill(restarted.pid, 'SIGKILL')
    const again = await kefuJson<Started>(['daemon', 'start', '--port', '0'], { home })
    assert.deepEqual([again.changed, again.state], [true, 'running'])
    const stopped = await kefuJson<{ changed: boolean; pid: number; mode: string }>(['daemon', 'stop'], { home })
    assert.deepEqual([stopped.changed, stopped.pid, stopped.mode], [true, again.pid, 'drain'])
    assert.equal(existsSync(join(home, 'run', 'kefu.sock')), false)
    const info = await kefuJson<Record<string, unknown>>(['store', 'info'], { home })
    assert.deepEqual([info.state, info.path], ['ready', join(home, 'store')])
    // Without a daemon nothing is searched.
    const { search: _, ...ofStore } = infoOfRunning
    assert.deepEqual(Object.keys(info).sort(), Object.keys(ofStore).sort())
    assert.match(
      (await runKefu(['store', 'info'], { home })).stdout,
      /^engine\tlevel\npath\t.*\nformat\t1\nstate\tready\nrecords\t0\n/,
    )
    assert.deepEqual(await kefuJson(['store', 'check'], { home }), {
      sound: true,
      deep: false,
      records: 0,
      conversations: 0,
      findings: [],
    })
  })

  test('what is not there is not looked into', async () => {
    const nowhere = join(home, 'nowhere')
    for (const words of [['info'], ['check']])
      await kefuFails(
        ['store', ...words],
        { code: 'KEFU_STORE_NOT_FOUND', exit: 13, message: /store/ },
        { home: nowhere },
      )
    assert.equal(existsSync(join(nowhere, 'store')), false)
  })

  async function kefuFailsQuietly(words: readonly string[], code: string, exit: number): Promise<void> {
    const result = await runKefu([...words, '--json'], { home })
    assert.equal(result.code, exit, result.stderr)
    const last = result.stderr.trimEnd().split('\n').at(-1)!
    assert.equal((JSON.parse(last) as { error: { code: string } }).error.code, code)
  }
})

describe('a daemon that cannot start', () => {
  test('passes on its own error: the port is taken', async t => {
    const home = tmpDir(t)
    const server = createServer().listen(0, '127.0.0.1')
    t.after(() => server.close())
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const expected = { code: 'KEFU_PORT_TAKEN', exit: 11, message: new RegExp(`127\\.0\\.0\\.1:${port} is taken`) }
    await kefuFails(['daemon', 'start', '--port', String(port)], expected, { home })
    assert.equal((await runKefu(['status'], { home })).code, 3)
    const { stdout: log } = await runKefu(['daemon', 'logs', '--json'], { home })
    assert.match(log, /KEFU_PORT_TAKEN/)
    assert.doesNotMatch(log, /daemon\.stopped/, 'it has not run')
  })

  test('passes on its own error: the folder of the socket is open to others', async t => {
    const home = tmpDir(t)
    mkdirSync(join(home, 'run'))
    chmodSync(join(home, 'run'), 0o777)
    await kefuFails(['daemon', 'start', '--port', '0'], { code: 'KEFU_CONTROL_DIRECTORY', exit: 12 }, { home })
  })

  test('says what it said last when it ended without an error of ours', async t => {
    const home = tmpDir(t)
    const died = `data:text/javascript,${encodeURIComponent("if (process.argv.includes('run')) { console.error('out of luck'); process.exit(9) }")}`
    const { code, stderr } = await runKefu(['daemon', 'start', '--port', '0'], {
      home,
      nodeArguments: ['--import', died],
    })
    assert.equal(code, 1)
    assert.match(stderr, /the daemon did not become ready: out of luck\.\nCode: {2}KEFU_DAEMON_START_FAILED/)
  })
})

describe('a daemon in the foreground', () => {
  test('says when it is ready, makes a first channel and agent, and drains on SIGTERM', async t => {
    const home = tmpDir(t)
    writeFileSync(join(home, 'kefu.yaml'), 'http:\n  port: 0\nlog:\n  levle: debug\n')
    const socket = join(home, 'own.sock')
    let count = 1
    const run = async () => {
      const child = spawn(
        process.execPath,
        [join(ROOT, 'bin/run.js'), 'daemon', 'run', '--quickstart', '--json', '--socket', socket],
        {
          env: cliEnvironment({ home }),
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      t.after(() => child.kill('SIGKILL'))
      let stdout = ''
      let stderr = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
      for await (const text of child.stdout.setEncoding('utf8') as AsyncIterable<string>) {
        stdout += text
        if (stdout.includes('"quickstart"')) break
      }
      // Its reader has gone, and it goes on.
      const status = await kefuJson<{ pid: number; channels: number; agents: number }>(['status', '--socket', socket], {
        home,
      })
      assert.deepEqual([status.pid, status.channels, status.agents], [child.pid, count, count])
      if (count++ === 1) {
        await kefuJson(['agent', 'add', 'another', '--socket', socket], { home })
        await kefuJson(['channel', 'add', 'app', 'an-app', '--socket', socket], { home })
      }
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      const [code] = (await exited) as [number | null]
      assert.equal(code, 0, stderr)
      const [ready, quickstart] = stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line) as Record<string, unknown>)
      assert.deepEqual([ready?.type, ready?.pid], ['ready', child.pid])
      const events = stderr
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line) as { event: string; message?: string })
      const warning = events.find(({ event }) => event === 'config.warning')
      assert.match(warning?.message ?? '', /"log\.levle", did you mean "log\.level"\?/)
      assert.equal(events.at(-1)?.event, 'daemon.stopped')
      return quickstart as { channel: string; agent: string; tokenFile: string; lines: string[] }
    }
    const first = await run()
    assert.deepEqual([first.channel, first.agent], ['site', 'xiaowang'])
    assert.equal(statSync(first.tokenFile).mode & 0o777, 0o600)
    const token = readFileSync(first.tokenFile, 'utf8').trim()
    assert.match(token, /^kat_[A-Za-z0-9_-]{43}$/)
    const text = first.lines.join('\n')
    const place = `--home ${home} --socket ${socket}`
    for (const wanted of [
      token,
      `${place} chat visitor --channel`,
      `${place} chat agent`,
      'chat visitor --channel site',
      'chat agent --token-file ',
    ])
      assert.ok(text.includes(wanted), text)
    const second = await run()
    assert.deepEqual([second.channel, second.agent], ['site', 'xiaowang'])
    assert.equal(readFileSync(second.tokenFile, 'utf8').trim(), token)
  })
})

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, type TestContext, test } from 'node:test'
import WebSocket from 'ws'
import { createAgent, createVisitor, type WebSocketConstructor } from '../../src/client/index.js'
import { cliEnvironment, kefuFails, kefuJson, runKefu } from '../helpers/cli.js'
import { DaemonProcess, LOAD_TEST_CONFIG } from '../helpers/daemon-process.js'
import { ROOT } from '../helpers/project.js'
import { makeTmpDir, removeDir, tmpDir } from '../helpers/tmp-dir.js'

type Interval = {
  readonly type: 'interval'
  readonly seconds: number
  readonly isFromStart: boolean
  readonly perSecond: { readonly [name: string]: number }
  readonly latencyMs: { readonly append: { readonly count: number; readonly p50: number; readonly p99: number } }
  readonly sockets: { readonly visitors: number; readonly agents: number }
  readonly queue: { readonly waiting: number; readonly active: number; readonly agentsOnline: number }
  readonly daemon: { readonly pid: number }
}
type Event = Interval | { readonly type: 'away'; readonly error: { readonly code: string } }

const webSocket = WebSocket as unknown as WebSocketConstructor
const DEADLINE_MS = 15_000

/** A `kefu top` that goes on by itself. */
class Top {
  readonly events: Event[] = []
  readonly child: ChildProcess
  readonly #exited: Promise<unknown>

  constructor(t: TestContext, home: string) {
    const words = ['top', '--json', '-i', '150ms']
    this.child = spawn(process.execPath, [join(ROOT, 'bin/run.js'), ...words], {
      env: cliEnvironment({ home }),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#exited = once(this.child, 'exit')
    t.after(() => this.child.kill('SIGKILL'))
    createInterface(this.child.stdout!).on('line', line => this.events.push(JSON.parse(line) as Event))
  }

  get intervals(): Interval[] {
    return this.events.filter(event => event.type === 'interval')
  }

  /** How many there were of something, in all intervals. */
  total(name: string): number {
    return Math.round(this.intervals.reduce((sum, { seconds, perSecond }) => sum + seconds * perSecond[name]!, 0))
  }

  async until(isDone: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS
    while (!isDone()) {
      if (performance.now() > deadline) throw new Error(`${what}: ${JSON.stringify(this.events.slice(-3))}`)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  /** Ctrl-C; the exit code. */
  async end(): Promise<number | null> {
    this.child.kill('SIGINT')
    await this.#exited
    return this.child.exitCode
  }
}

describe('kefu top', () => {
  const home = makeTmpDir()
  const options = { home }
  let daemon: DaemonProcess
  before(async () => {
    daemon = await DaemonProcess.start({ home, config: LOAD_TEST_CONFIG })
  })
  after(async () => {
    await daemon.kill()
    removeDir(home)
  })

  test('tells as many messages as were sent, and how things stand', async t => {
    const url = await daemon.socketUrl()
    await daemon.control('channel.add', { kind: 'web', name: 'site', origins: [] })
    const { token } = await daemon.control<{ token: string }>('agent.add', { name: '小王' })
    const top = new Top(t, home)
    await top.until(() => top.intervals.length > 0, 'no interval')
    assert.equal(top.intervals[0]!.isFromStart, false)
    const agent = createAgent({ url, webSocket, token })
    const visitor = createVisitor({ url, webSocket, channel: 'site' })
    t.after(() => Promise.all([agent.close(), visitor.close()]))
    await agent.ready()
    const answered = new Promise<void>(resolve => {
      agent.on('message', ({ conversation, record }) => {
        if (record.by.role === 'contact') void agent.send(conversation, '答').then(() => resolve())
      })
    })
    for (let i = 0; i < 30; i++) await visitor.send(`你好 ${i}`)
    await answered
    await top.until(() => top.total('contacts') === 30 && top.total('agents') > 0, 'not all messages were told')
    assert.ok(top.total('out') >= 30, 'records of the visitor go to the agent, and answers back')
    const timed = top.intervals.filter(({ latencyMs }) => latencyMs.append.count > 0)
    assert.ok(timed.length > 0)
    for (const { latencyMs } of timed)
      assert.ok(latencyMs.append.p50 > 0 && latencyMs.append.p50 <= latencyMs.append.p99)
    const { sockets, queue } = top.intervals.at(-1)!
    assert.deepEqual([sockets.visitors, sockets.agents, queue.active, queue.agentsOnline], [1, 1, 1, 1])
    assert.equal(await top.end(), 0)
  })

  test('says that the daemon is away, and goes on with another one without a negative rate', async t => {
    const own = { home: join(tmpDir(t), 'home'), config: LOAD_TEST_CONFIG }
    const first = await DaemonProcess.start(own)
    t.after(() => first.kill())
    const top = new Top(t, own.home)
    await top.until(() => top.intervals.length > 1, 'no interval')
    await first.kill()
    await top.until(() => top.events.at(-1)?.type === 'away', 'not told to be away')
    const second = await DaemonProcess.start(own)
    t.after(() => second.kill())
    await top.until(() => top.intervals.at(-1)?.daemon.pid === second.pid, 'does not go on')
    const { intervals } = top
    assert.equal(intervals.find(({ daemon: { pid } }) => pid === second.pid)!.isFromStart, true)
    assert.ok(intervals.every(({ perSecond }) => Object.values(perSecond).every(rate => rate >= 0)))
    assert.equal(await top.end(), 0)
  })

  test('for Prometheus there is kefu metrics', async t => {
    await daemon.control('hook.add', { name: 'crm', url: 'http://127.0.0.1:1/' })
    t.after(() => daemon.control('hook.remove', { name: 'crm' }))
    const { code, stdout, stderr } = await runKefu(['metrics'], options)
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^kefu_store_ready 1\n# HELP/m)
    assert.match(stdout, /^kefu_hook_state\{hook="crm",state="stopped"\} 0$/m)
    const { hooks } = await kefuJson<{ hooks: readonly { hook: string }[] }>(['metrics'], options)
    assert.deepEqual(
      hooks.map(({ hook }) => hook),
      ['crm'],
    )
    await kefuFails(['metrics'], { code: 'KEFU_DAEMON_UNREACHABLE', exit: 10 }, { home: join(tmpDir(t), 'none') })
  })

  test('piped, it writes a row for each interval and a header every 20 rows', async () => {
    const { code, stdout, stderr } = await runKefu(['top', '-i', '100ms', '-n', '21'], options)
    assert.deepEqual([code, stderr], [0, ''])
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map(line => line.split('\t'))
    const isHeader = rows.map(([first]) => first === 'time')
    assert.deepEqual([rows.length, isHeader.indexOf(true), isHeader.lastIndexOf(true)], [23, 0, 21])
    for (const row of rows) assert.equal(row.length, rows[0]!.length)
    for (const value of rows[1]!.slice(1)) assert.match(value, /^\d+(\.\d+)?$/)
    assert.match(rows[1]![0]!, /^\d{4}-\d\d-\d\dT.+Z$/)
  })

  test('with --json, a number of intervals is as many documents', async () => {
    const { code, stdout } = await runKefu(['top', '-i', '100ms', '-n', '2', '--json'], options)
    assert.equal(code, 0)
    const events = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Event)
    assert.deepEqual(
      events.map(({ type }) => type),
      ['interval', 'interval'],
    )
  })

  test('ends without an error when nobody reads it any more', async t => {
    const child = spawn(process.execPath, [join(ROOT, 'bin/run.js'), 'top', '-i', '100ms'], {
      env: cliEnvironment(options),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.after(() => child.kill('SIGKILL'))
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [code] = (await once(child, 'exit')) as [number | null]
    assert.deepEqual([code, stderr], [0, ''])
  })

  test('without a daemon it says so and ends with 3', async t => {
    const nowhere = { home: tmpDir(t) }
    const plain = await runKefu(['top'], nowhere)
    assert.deepEqual([plain.code, plain.stdout], [3, 'state\tstopped\n'])
    const json = await runKefu(['top', '--json'], nowhere)
    assert.equal(json.code, 3)
    assert.equal((JSON.parse(json.stdout) as { state: string }).state, 'stopped')
  })

  test('refuses intervals and counts that make no sense', async () => {
    const usage = { code: 'KEFU_USAGE', exit: 2 }
    for (const words of [['-i', '1ms'], ['-i', '2h'], ['-i', '5'], ['-n', '0'], ['-n', 'x'], ['more']])
      await kefuFails(['top', ...words], usage, options)
  })
})

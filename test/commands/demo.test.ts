import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import { isAlive } from '../../src/commands/_cli/process-life.js'
import { CUSTOMERS } from '../../src/commands/_demo/script.js'
import { EMULATED_KINDS } from '../../src/commands/_emulate/kinds.js'
import { cliEnvironment, kefuFailsInWords } from '../helpers/cli.js'
import { ROOT } from '../helpers/project.js'
import { type Cleanup, tmpDir } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'

type Event = {
  readonly type: string
  readonly pid?: number
  readonly home?: string
  readonly pages?: Readonly<Record<string, string>>
  readonly agent?: string
  readonly channel?: string
  readonly name?: string
  readonly priority?: string
}

type Running = {
  readonly child: ChildProcessWithoutNullStreams
  /** The folder of temporary files: what the demo makes is in it. */
  readonly temporary: string
  /** The person's own home. */
  readonly own: string
  readonly stderr: () => string
  readonly events: () => Event[]
  readonly ready: () => Promise<{
    readonly pid: number
    readonly home: string
    readonly pages: Readonly<Record<string, string>>
  }>
  readonly ended: Promise<number | null>
}

function run(t: Cleanup, ...words: string[]): Running {
  return runIn(t, tmpDir(t), ...words)
}

function runIn(t: Cleanup, folder: string, ...words: string[]): Running {
  const [temporary, own] = [join(folder, 'tmp'), join(folder, 'own')]
  for (const path of [temporary, own]) mkdirSync(path, { recursive: true })
  const child = spawn(process.execPath, [join(ROOT, 'bin/run.js'), 'demo', '--json', ...words], {
    cwd: ROOT,
    env: cliEnvironment({ home: own, environment: { TMPDIR: temporary, KEFU_LOG_LEVEL: 'not-a-level' } }),
  })
  t.after(() => void child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const lines = (): string[] => stdout.split('\n').slice(0, -1)
  const events = (): Event[] => lines().map(line => JSON.parse(line) as Event)
  const ready: Running['ready'] = async () => {
    await until(`ready: ${stderr}`, () => events().length > 0 || child.exitCode !== null)
    const { pid, home, pages } = events()[0] ?? {}
    assert.ok(pid !== undefined && home !== undefined && pages !== undefined, stderr)
    return { pid, home, pages }
  }
  return { child, temporary, own, stderr: () => stderr, events, ready, ended }
}

async function sentBy(page: string): Promise<readonly object[]> {
  const answer = (await (await fetch(new URL('sent', page))).json()) as { readonly sent: readonly object[] }
  return answer.sent
}

describe('kefu demo', { concurrency: true }, () => {
  test('customers of every channel wait and are answered, and nothing is left', async t => {
    const { child, temporary, own, events, ready, ended, stderr } = run(t)
    const { pid, home, pages } = await ready()
    assert.equal(statSync(home).mode & 0o777, 0o700)
    assert.deepEqual(Object.keys(pages).sort(), [...EMULATED_KINDS].sort())
    for (const [kind, page] of Object.entries(pages))
      await until(`an answer on ${kind}: ${stderr()}`, async () => (await sentBy(page)).length > 0)
    const isTold = (is: (event: Event) => boolean): Promise<void> =>
      until(`${is}: ${stderr()}`, () => events().some(is))
    for (const channel of [...EMULATED_KINDS, 'site'])
      for (const type of ['queued', 'assigned']) await isTold(event => event.type === type && event.channel === channel)
    for (const kind of EMULATED_KINDS) await isTold(({ channel, name }) => channel === kind && name !== undefined)
    await isTold(({ name, priority }) => name === '刘洋' && priority === 'urgent')
    await isTold(({ type, name }) => type === 'left' && name === 'Ann Miller')
    child.kill('SIGINT')
    assert.equal(await ended, 0, stderr())
    assert.deepEqual(events().at(-1), { type: 'ended' })
    assert.equal(stderr(), '')
    assert.equal(isAlive(pid), false)
    assert.deepEqual([readdirSync(temporary), readdirSync(own)], [[], []])
  })

  test('the daemon of a demo that is killed ends, and the next demo removes what is left', async t => {
    const folder = tmpDir(t)
    const { child, ready, ended, temporary } = runIn(t, folder)
    const { pid, home } = await ready()
    assert.ok(isAlive(pid))
    child.kill('SIGKILL')
    await ended
    await until('the end of the daemon', () => !isAlive(pid))
    assert.deepEqual(readdirSync(temporary), [basename(home)])
    const next = runIn(t, folder, '--for', '100ms')
    assert.equal(await next.ended, 0, next.stderr())
    assert.deepEqual(readdirSync(temporary), [])
  })

  test('SIGTERM ends it, and --for; --keep-home leaves the folder', async t => {
    for (const words of [[], ['--for', '500ms', '--keep-home']]) {
      const { child, temporary, events, ready, ended, stderr } = run(t, ...words)
      const { pid, home } = await ready()
      const isKept = words.length > 0
      if (!isKept) child.kill('SIGTERM')
      assert.equal(await ended, 0, stderr())
      assert.equal(isAlive(pid), false)
      assert.deepEqual(events().at(-1), isKept ? { type: 'ended', home } : { type: 'ended' })
      assert.equal(readdirSync(temporary).length, isKept ? 1 : 0)
      if (isKept) assert.ok(readdirSync(home).includes('store'))
    }
  })

  test('it has a folder of its own', () =>
    kefuFailsInWords(['demo', '--home', 'somewhere'], { code: 'KEFU_USAGE', exit: 2, message: /leave out --home/ }))

  test('the script has customers for every emulated platform, each once', () => {
    const users = CUSTOMERS.map(({ user }) => user)
    assert.equal(new Set(users).size, users.length)
    assert.ok(CUSTOMERS.filter(({ via }) => via === 'platform').length >= EMULATED_KINDS.length)
  })
})

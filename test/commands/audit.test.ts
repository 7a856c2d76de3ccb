import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import WebSocket from 'ws'
import { createAgent } from '../../src/client/index.js'
import { cliEnvironment, kefuFails, kefuJson, runKefu } from '../helpers/cli.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { ROOT } from '../helpers/project.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { until } from '../helpers/until.js'

type Entry = {
  readonly n: number
  readonly action: string
  readonly outcome: string
  readonly target?: string
  readonly by: { readonly kind: string; readonly uid?: number; readonly user?: string; readonly sudoUser?: string }
  readonly fields?: Readonly<Record<string, unknown>>
}
type List = { readonly entries: readonly Entry[]; readonly next?: string }
type Check = { readonly sound: boolean; readonly entries: number; readonly findings: { readonly message: string }[] }

const config = 'http:\n  port: 0\n'
const NOBODY = `kat_${'a'.repeat(43)}`

/** The files of a log, in order. */
function filesOf(home: string): string[] {
  return readdirSync(join(home, 'audit'))
    .sort()
    .map(name => join(home, 'audit', name))
}

test('the audit log from the command line', async t => {
  const home = tmpDir(t)
  let daemon = await DaemonProcess.start({ home, config })
  t.after(() => daemon.kill())
  const list = async (...flags: string[]) => kefuJson<List>(['audit', 'list', ...flags], { home })

  await kefuJson(['agent', 'add', 'li'], { home })
  await kefuJson(['channel', 'add', 'web', 'shop', '--origin', 'https://shop.example'], { home })
  const [channel, agent, start] = (await list()).entries
  assert.deepEqual([channel?.action, channel?.target, channel?.outcome], ['channel.add', 'shop', 'done'])
  const user = userInfo().username
  assert.deepEqual([agent?.by.kind, agent?.by.uid, agent?.by.user], ['operator', process.getuid?.(), user])
  assert.deepEqual(
    [start?.action, start?.by.kind, start?.fields?.settings],
    ['daemon.start', 'daemon', ['http.port: 0']],
  )
  const first = await list('--limit', '1')
  assert.deepEqual((await list('--limit', '1', '--cursor', first.next!)).entries, [agent])
  assert.deepEqual((await list('--action', 'agent', '--by', user, '--since', '1h')).entries, [agent])
  assert.deepEqual((await list('--until', '1h')).entries, [])
  const plain = (await runKefu(['audit', 'list', '--plain', '--fields', 'action,by,outcome'], { home })).stdout
  assert.match(plain, /^channel\.add\t\S+\tdone\nagent\.add\t\S+\tdone\ndaemon\.start\tkefu\tdone\n$/)
  await kefuFails(['audit', 'list', '--since', 'soon'], { code: 'KEFU_USAGE', exit: 2 }, { home })
  await kefuFails(['audit', 'list', '--cursor', 'x'], { code: 'KEFU_USAGE', exit: 2 }, { home })
  await kefuFails(['audit', 'list', '-f', '--until', '1h'], { code: 'KEFU_USAGE', exit: 2 }, { home })

  // Who follows is told of what comes: here, a setting that a signal brings.
  const follower = spawn(
    process.execPath,
    [join(ROOT, 'bin/run.js'), 'audit', 'list', '-f', '--json', '--action', 'daemon'],
    {
      env: cliEnvironment({ home }),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  t.after(() => follower.kill('SIGKILL'))
  let followed = ''
  follower.stdout.setEncoding('utf8').on('data', (text: string) => (followed += text))
  await until('the start is shown', () => followed.includes('daemon.start'))
  writeFileSync(join(home, 'kefu.yaml'), `${config}limits:\n  socketsPerAddress: 7\n`)
  process.kill(daemon.pid, 'SIGHUP')
  await until('the reload is shown', () => followed.includes('limits.socketsPerAddress: 1000 → 7'))
  assert.match(followed, /"action":"daemon\.reload","by":\{"kind":"daemon"\}/)
  follower.kill('SIGINT')
  assert.deepEqual(await once(follower, 'close'), [0, null])

  // A login with a token that nobody has is summed up, at the latest when the daemon ends.
  const stranger = createAgent({ url: await daemon.socketUrl(), token: NOBODY, webSocket: WebSocket as never })
  await assert.rejects(stranger.ready())
  await stranger.close()
  assert.equal(await daemon.stop(), 0)
  const [login] = readFileSync(filesOf(home)[0]!, 'utf8').trimEnd().split('\n').slice(-1)
  assert.match(login!, /"action":"login\.refuse","by":\{"kind":"address","address":"127\.0\.0\.1"\}/)
  assert.ok(!readFileSync(filesOf(home)[0]!, 'utf8').includes(NOBODY.slice(4)))

  // Without the daemon: sound, then not; and what it does about that.
  const sound = await kefuJson<Check>(['audit', 'verify'], { home })
  assert.deepEqual([sound.sound, sound.findings], [true, []])
  await kefuFails(['audit', 'list'], { code: 'KEFU_DAEMON_UNREACHABLE', exit: 10 }, { home })
  const [file] = filesOf(home)
  writeFileSync(file!, readFileSync(file!, 'utf8').replace('"target":"shop"', '"target":"shup"'))
  for (const command of [
    ['audit', 'verify'],
    ['store', 'check', '--deep'],
  ]) {
    const result = await runKefu([...command, '--json'], { home })
    assert.equal(result.code, 16)
    assert.match(
      (JSON.parse(result.stdout) as Check).findings[0]!.message,
      /^the line of entry \d+ in audit-0{11}1\.jsonl was changed$/,
    )
  }
  daemon = await DaemonProcess.start({ home, config })
  const status = await kefuJson<{ warnings: string[] }>(['status'], { home })
  assert.match(status.warnings.join(), /the audit log was not as it was left.*kefu audit verify/)
  assert.deepEqual(
    (await list('--limit', '2')).entries.map(({ action }) => action),
    ['daemon.start', 'audit.damage'],
  )
  assert.equal((await runKefu(['audit', 'verify'], { home })).code, 16)
})

test('what was done before a kill -9 stands in it, what was not over is unknown, and a torn line goes', async t => {
  const home = tmpDir(t)
  let daemon = await DaemonProcess.start({ home, config })
  t.after(() => daemon.kill())
  const done = new Set<string>()
  let isOver = false
  const hand = async (which: number): Promise<void> => {
    for (let i = 0; !isOver; i++) {
      const name = `team-${which}-${i}`
      await daemon.control('team.add', { name }).then(
        () => done.add(name),
        () => undefined,
      )
    }
  }
  const hands = Array.from({ length: 8 }, (_, which) => hand(which))
  await until('some of it is done', () => done.size > 30)
  await daemon.kill()
  isOver = true
  await Promise.all(hands)
  appendFileSync(filesOf(home).at(-1)!, '{"hash":"0123')
  daemon = await DaemonProcess.start({ home, config })
  assert.deepEqual((await kefuJson<Check>(['audit', 'verify'], { home })).findings, [])
  const { entries } = await kefuJson<List>(['audit', 'list', '--limit', '1000'], { home })
  const told = new Map(entries.map(({ target, outcome }) => [target, outcome]))
  for (const name of done) assert.ok(['done', 'unknown'].includes(told.get(name) ?? ''), `${name}: ${told.get(name)}`)
  const { teams } = await daemon.control<{ teams: { name: string }[] }>('team.list', { limit: 1000 })
  for (const { name } of teams) assert.ok(told.has(name), `${name} has no entry`)
  assert.ok(!entries.some(({ outcome }) => outcome === 'begun'))
  assert.equal(entries.filter(({ action }) => action === 'audit.repair').length, 1)
})

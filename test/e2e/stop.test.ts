import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createVisitor } from '../../src/client/index.js'
import { systemClock } from '../../src/daemon/clock.js'
import { resolveDirs } from '../../src/daemon/config/dirs.js'
import { loadConfig } from '../../src/daemon/config/load.js'
import { createControlClient } from '../../src/daemon/control/client.js'
import type { DaemonStatus } from '../../src/daemon/control/schemas.js'
import { runDaemon } from '../../src/daemon/main.js'
import { createLog } from '../../src/daemon/observe/log.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { until } from '../conformance/store-bench.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { FaultyDisk } from '../store/faulty-handle.js'

const HARD_EXIT = new URL('../../src/daemon/hard-exit.js', import.meta.url).href

test('a disk that hangs does not keep a daemon: what did not close is named, and the exit code says so', async t => {
  const home = tmpDir(t)
  const dirs = resolveDirs({
    home,
    environment: {},
    userHome: homedir(),
    temporaryDir: tmpdir(),
    uid: process.getuid?.(),
  })
  const { config } = await loadConfig({
    flags: new Map([
      ['http.port', '0'],
      ['drain.deadline', '300ms'],
    ]),
    environment: {},
    file: dirs.configFile,
  })
  const disk = new FaultyDisk()
  const lines: { event: string; part?: string; end?: string }[] = []
  const closed: Promise<void>[] = []
  let ready: DaemonStatus | undefined
  const ended = runDaemon({
    config,
    dirs,
    version: '0.0.0',
    log: createLog('info', { write: line => void lines.push(JSON.parse(line) as { event: string }) }),
    connectionLimit: 10,
    closeDeadlineMs: 300,
    openStore: async () => {
      const store = await openLevelStore({ path: dirs.storeDir, clock: systemClock }, disk.open)
      const close = () => {
        closed.push(store.close())
        return closed.at(-1)!
      }
      return { ...store, close }
    },
    onReady: status => {
      ready = status
    },
  })
  t.after(async () => {
    disk.release()
    await Promise.all(closed)
  })
  await until('the daemon', () => ready !== undefined)
  const control = createControlClient({ socketPath: dirs.socketPath, home, version: '0.0.0', timeoutMs: 5_000 })
  await control.call('channel.add', { name: 'site', kind: 'web', origins: [] })
  const visitor = createVisitor({ url: ready!.address.http!, channel: 'site' })
  t.after(() => visitor.close())
  await visitor.send('before')

  disk.mode = 'stalls'
  const sent = assert.rejects(visitor.send('never acknowledged'))
  await until(
    'the write',
    async () => (await control.call('daemon.status', {})).store.state === 'ready' && disk.stalled > 0,
  )
  await control.call('daemon.stop', { mode: 'drain' })
  assert.equal(await ended, 18)
  const cut = lines.filter(({ event }) => event === 'daemon.close-cut-short').map(({ part }) => part)
  assert.deepEqual(cut, ['store'])
  assert.ok(lines.some(({ event, end }) => event === 'daemon.drain-cut-short' && end === 'deadline'))
  assert.equal(lines.at(-1)?.event, 'daemon.stopped')
  await visitor.close()
  await sent
})

test('a process whose thread waits for ever exits all the same; one that can exits with its code', async t => {
  const folder = tmpDir(t)
  const fifo = join(folder, 'fifo')
  if (spawnSync('mkfifo', [fifo]).status !== 0) return t.skip('no mkfifo here')
  const run = async (before: string) => {
    const code = `import { exitHard } from ${JSON.stringify(HARD_EXIT)}\nimport { open } from 'node:fs'\n${before}\nsetTimeout(() => exitHard(18, 300), 50)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' })
    t.after(() => child.kill('SIGKILL'))
    return once(child, 'exit')
  }
  assert.deepEqual(await run(''), [18, null])
  // Nobody ever writes to it: the thread that opens it waits as for a disk that hangs.
  assert.deepEqual(await run(`open(${JSON.stringify(fifo)}, 'r', () => {})`), [null, 'SIGKILL'])
})

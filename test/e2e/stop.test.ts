import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
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
import { createMemoryStore } from '../../src/daemon/store/memory/store.js'
import { isKefuError } from '../../src/errors.js'
import { until } from '../conformance/store-bench.js'
import { type Cleanup, tmpDir } from '../helpers/tmp-dir.js'
import { FaultyDisk } from '../store/faulty-handle.js'

const HARD_EXIT = new URL('../../src/daemon/hard-exit.js', import.meta.url).href

/** Folders of a daemon, and its configuration with these settings. */
async function prepare(t: Cleanup, settings: Readonly<Record<string, string>>) {
  const home = tmpDir(t)
  const dirs = resolveDirs({
    home,
    environment: {},
    userHome: homedir(),
    temporaryDir: tmpdir(),
    uid: process.getuid?.(),
  })
  const flags = new Map(Object.entries(settings))
  const { config } = await loadConfig({ flags, environment: {}, file: dirs.configFile })
  return { home, dirs, config }
}

test('a disk that hangs does not keep a daemon: what did not close is named, and the exit code says so', async t => {
  const { home, dirs, config } = await prepare(t, { 'http.port': '0', 'drain.deadline': '300ms' })
  const disk = new FaultyDisk()
  const lines: { event: string; part?: string; end?: string }[] = []
  const closed: Promise<void>[] = []
  const leftBehind: (readonly string[])[] = []
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
    onLeftBehind: parts => void leftBehind.push(parts),
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
  // The engine writes down who was there, and the head of the audit log stands in the store.
  assert.deepEqual(cut, ['engine', 'audit log', 'store'])
  assert.deepEqual(leftBehind, [['engine', 'audit log', 'store']])
  assert.ok(lines.some(({ event, end }) => event === 'daemon.drain-cut-short' && end === 'deadline'))
  assert.equal(lines.at(-1)?.event, 'daemon.stopped')
  await visitor.close()
  await sent
})

test('a start that fails closes what it has opened, and hands on what does not close', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => void taken.close())
  const { port } = taken.address() as AddressInfo
  const { dirs, config } = await prepare(t, { 'http.host': '127.0.0.1', 'http.port': String(port) })
  const lines: { event: string; part?: string }[] = []
  const start = async (close: () => Promise<void>) => {
    const leftBehind: (readonly string[])[] = []
    await assert.rejects(
      runDaemon({
        config,
        dirs,
        version: '0.0.0',
        log: createLog('info', { write: line => void lines.push(JSON.parse(line) as { event: string }) }),
        connectionLimit: 10,
        closeDeadlineMs: 100,
        openStore: async () => {
          const store = createMemoryStore({ clock: systemClock })
          t.after(() => store.close())
          return { ...store, close }
        },
        onLeftBehind: parts => void leftBehind.push(parts),
      }),
      error => isKefuError(error, 'KEFU_PORT_TAKEN'),
    )
    assert.ok(!existsSync(dirs.socketPath), 'the control socket is closed')
    return leftBehind
  }
  assert.deepEqual(await start(() => new Promise(() => undefined)), [['store']])
  const broken = start(() => {
    throw new Error('broken at once')
  })
  assert.deepEqual(await broken, [])
  assert.deepEqual(
    lines.filter(({ event }) => event === 'daemon.close-failed').map(({ part }) => part),
    ['store'],
  )
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
  const hang = `open(${JSON.stringify(fifo)}, 'r', () => {})`
  assert.deepEqual(await run(hang), [null, 'SIGKILL'])
  // Where the system starts no process, spawn throws, or has a child without a number.
  for (const program of ['\\0', '/nowhere/node'])
    assert.deepEqual(await run(`process.execPath = '${program}'; ${hang}`), [null, 'SIGKILL'], program)
})

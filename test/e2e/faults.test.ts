import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import WebSocket from 'ws'
import { createVisitor, type Visitor } from '../../src/client/index.js'
import { DaemonProcess, LOAD_TEST_CONFIG } from '../helpers/daemon-process.js'
import { mountSmallDisk } from '../helpers/small-disk.js'
import { tmpDir } from '../helpers/tmp-dir.js'

type Status = {
  readonly pid: number
  readonly ready: boolean
  readonly notReady: string | null
  readonly store: { readonly state: string }
  readonly warnings: readonly string[]
  readonly address: { readonly http: string }
}

const PATIENCE_MS = 20_000

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `timed out waiting until ${what}`)
    await delay(20)
  }
}

async function storeState(daemon: DaemonProcess): Promise<string> {
  return (await daemon.control<Status>('daemon.status')).store.state
}

test('a full disk refuses messages, serves what is there, and takes messages again when there is room, without a restart', async t => {
  const disk = mountSmallDisk(t, 48)
  if ('reason' in disk) {
    t.skip(disk.reason)
    return
  }
  const daemon = await DaemonProcess.start({ home: join(disk.path, 'home'), config: LOAD_TEST_CONFIG })
  t.after(() => daemon.kill())
  await daemon.control('channel.add', { kind: 'web', name: 'site', origins: [] })
  const { pid, address } = await daemon.control<Status>('daemon.status')
  const visitor: Visitor = createVisitor({ url: address.http, channel: 'site' })
  t.after(() => visitor.close())
  const numbers = [(await visitor.send('before')).n]

  disk.fill()
  // Large enough that the write-ahead log needs new blocks.
  const waiting = Array.from({ length: 30 }, (_, i) => visitor.send(`${i} ${'满'.repeat(3_000)}`))
  await until(async () => (await storeState(daemon)) === 'full', 'the store says that it is full')
  const full = await daemon.control<Status>('daemon.status')
  assert.match(full.warnings.join(), /disk is full/)
  assert.deepEqual([full.ready, full.notReady], [false, 'KEFU_STORE_FULL'])
  const notReady = await fetch(`${address.http}/health/ready`)
  assert.deepEqual([notReady.status, await notReady.json()], [503, { state: 'running', code: 'KEFU_STORE_FULL' }])
  const page = await visitor.history({ after: 0 })
  assert.ok(page.records.some(({ record }) => record.parts?.[0]?.type === 'text' && record.parts[0].text === 'before'))
  assert.equal((await fetch(`${address.http}/health/live`)).status, 200)

  disk.free()
  for (const { n } of await Promise.all(waiting)) numbers.push(n)
  numbers.push((await visitor.send('after')).n)
  const status = await daemon.control<Status>('daemon.status')
  assert.equal(status.pid, pid)
  assert.equal(status.store.state, 'ready')
  assert.deepEqual([status.ready, status.notReady], [true, null])
  const ready = await fetch(`${address.http}/health/ready`)
  assert.deepEqual([ready.status, await ready.json()], [200, { state: 'running' }])
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  )
  assert.equal(new Set(numbers).size, 32, 'each message is stored once')
})

test('sockets above the limit are refused, those that are open go on', async t => {
  const home = join(tmpDir(t), 'home')
  const config = `${LOAD_TEST_CONFIG}  connections: 20\n`
  const daemon = await DaemonProcess.start({ home, config })
  t.after(() => daemon.kill())
  await daemon.control('channel.add', { kind: 'web', name: 'site', origins: [] })
  const url = await daemon.socketUrl()
  const visitor = createVisitor({ url, channel: 'site' })
  t.after(() => visitor.close())
  await visitor.ready()
  const sockets = Array.from({ length: 60 }, () => new WebSocket(url, 'kefu.v1'))
  t.after(() => {
    for (const socket of sockets) socket.terminate()
  })
  const outcomes = await Promise.all(
    sockets.map(
      socket =>
        new Promise<string>(resolve => {
          socket.on('open', () => resolve('open'))
          socket.on('unexpected-response', (_, response) => resolve(String(response.statusCode)))
          socket.on('error', () => resolve('error'))
        }),
    ),
  )
  assert.equal(outcomes.filter(outcome => outcome === 'open').length, 19)
  assert.equal(outcomes.filter(outcome => outcome === '503').length, 41)
  assert.equal((await visitor.send('still here')).n, 2)
})

test('a second daemon on the same folder or port ends with a code, a sentence and a next step', async t => {
  const folder = tmpDir(t)
  const daemon = await DaemonProcess.start({ home: join(folder, 'one'), config: LOAD_TEST_CONFIG })
  t.after(() => daemon.kill())
  const { port } = new URL((await daemon.control<Status>('daemon.status')).address.http)
  await assert.rejects(
    DaemonProcess.start({ home: join(folder, 'one') }),
    /ended with 11[\s\S]*KEFU_DAEMON_ALREADY_RUNNING[\s\S]*Try:/,
  )
  await assert.rejects(
    DaemonProcess.start({ home: join(folder, 'two'), config: `http:\n  port: ${port}\n` }),
    /ended with 11[\s\S]*KEFU_PORT_TAKEN[\s\S]*Try:/,
  )
})

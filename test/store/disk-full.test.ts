import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'
import { assertKept, type Ledger, StoreProcess } from './store-process.js'

const SIZE = 32 * 1024 * 1024

test('store: a disk that fills up refuses at once, reads on, and goes on by itself', { timeout: 120_000 }, async t => {
  const folder = makeTmpDir()
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'kefu-test', folder], { encoding: 'utf8' })
  if (mount.status !== 0) {
    removeDir(folder)
    return t.skip(`no file system of a fixed size can be mounted here: ${mount.stderr?.trim()}`)
  }
  const path = join(folder, 'store')
  const ballast = join(folder, 'ballast')
  writeFileSync(ballast, Buffer.alloc(16 * 1024 * 1024, 1))
  const ledger: Ledger = new Map()
  const child = new StoreProcess(path, 'd', ledger)
  t.after(async () => {
    await child.kill()
    spawnSync('umount', ['-l', folder])
    removeDir(folder)
  })
  await child.until('its start', () => child.said('ready').length > 0)
  child.tell('write 16 4000')
  await child.until('a full disk', () => child.said('failed').some(line => line.startsWith('KEFU_STORE_FULL')), 60_000)
  assert.match(await child.ask('state', 'state'), /full/)
  const acknowledged = ledger.size
  assert.ok(Number(await child.ask('read', 'read')) >= acknowledged, 'reads go on')
  const count = child.said('failed').length
  await child.until('more refusals', () => child.said('failed').length >= count + 50)
  const later = child.said('failed').slice(count)
  assert.ok(
    later.every(line => line.startsWith('KEFU_STORE_FULL')),
    later.join(', '),
  )
  const slowest = Math.max(...later.map(line => Number(line.split(' ')[1])))
  assert.ok(slowest <= 100, `refused after ${slowest} ms`)
  assert.equal(ledger.size, acknowledged)

  const freedAt = performance.now()
  rmSync(ballast)
  await child.until('it to go on', () => ledger.size > acknowledged, 20_000)
  const resumedMs = performance.now() - freedAt
  assert.ok(resumedMs <= 10_000, `went on after ${resumedMs} ms`)
  assert.match(await child.ask('state', 'state'), /ready/)
  await child.stop()
  t.diagnostic(
    `${acknowledged} acknowledged until it was full, ${ledger.size} in all; went on after ${Math.round(resumedMs)} ms`,
  )
  await assertKept(path, ledger)
})

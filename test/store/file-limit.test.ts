import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { tmpDir } from '../helpers/tmp-dir.js'
import { assertKept, type Ledger, StoreProcess } from './store-process.js'

test('store: without file handles it refuses or goes on, and loses nothing', { timeout: 60_000 }, async t => {
  const path = join(tmpDir(t), 'store')
  const ledger: Ledger = new Map()
  const child = new StoreProcess(path, 'f', ledger, 'ulimit -n 96')
  t.after(() => child.kill())
  await child.until('its start', () => child.said('ready').length > 0)
  child.tell('write 16 4000')
  await child.until('acknowledgements', () => ledger.size > 500)
  const hogged = Number(await child.ask('hog 1000', 'hogged'))
  assert.ok(hogged > 10 && hogged < 96)
  // A memory table is full after 8 MiB: the next write-ahead log cannot be made.
  await child.until('a refusal', () => child.said('failed').length > 0, 30_000)
  assert.ok(child.said('failed').every(line => line.startsWith('KEFU_STORE_UNAVAILABLE')))
  const acknowledged = ledger.size
  child.tell('free')
  await child.until('it to go on', () => ledger.size > acknowledged + 100, 20_000)
  assert.match(await child.ask('state', 'state'), /ready/)
  await child.stop()
  t.diagnostic(`${hogged} handles taken, ${child.said('failed').length} refusals, ${ledger.size} acknowledged`)
  await assertKept(path, ledger)
})

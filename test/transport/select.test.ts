import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from '../../src/daemon/transport/select.js'
import { loadUws } from '../../src/daemon/transport/uws-native.js'
import { codeOf } from '../helpers/raw-transport.js'

test('ws is what is asked for', async () => {
  assert.equal((await createTransport('ws')).name, 'ws')
})

test('auto is uWebSockets.js where its native module loads, else ws', async () => {
  assert.equal((await createTransport('auto')).name, loadUws().isAvailable ? 'uWebSockets.js' : 'ws')
})

test('uWebSockets.js is given or refused with the reason, and nothing is printed', async t => {
  const printed: unknown[] = []
  for (const method of ['log', 'warn', 'error'] as const)
    t.mock.method(console, method, (...args: unknown[]) => printed.push(args))
  const load = loadUws()
  if (load.isAvailable) {
    assert.equal((await createTransport('uWebSockets.js')).name, 'uWebSockets.js')
  } else {
    const fault: unknown = await createTransport('uWebSockets.js').catch(error => error)
    assert.equal(codeOf(fault), 'KEFU_CONFIG_INVALID')
    assert.match(String(fault), /uWebSockets\.js/)
  }
  assert.deepEqual(printed, [])
})

test('without a binary for this Node the native module is not available, with a reason', () => {
  const load = loadUws('1')
  assert.equal(load.isAvailable, false)
  assert.match(load.isAvailable ? '' : load.reason, /no binary for Node \d+/)
})

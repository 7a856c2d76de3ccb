import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StopRequest } from '../../../src/daemon/stop-request.js'

test('a signal asks to drain, a second one is heard, and afterwards signals are left alone', async t => {
  // A listener for signals keeps no process alive.
  const alive = setInterval(() => undefined, 1_000)
  t.after(() => clearInterval(alive))
  const stop = new StopRequest()
  stop.onSignals(['SIGTERM', 'SIGHUP'])
  const before = process.listenerCount('SIGHUP')
  process.kill(process.pid, 'SIGHUP')
  assert.equal(await stop.requested, 'drain')
  process.kill(process.pid, 'SIGTERM')
  assert.equal(await stop.again, 'again')
  stop.close()
  assert.equal(process.listenerCount('SIGHUP'), before - 1)
})

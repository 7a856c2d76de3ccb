import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DaemonProcess } from './daemon-process.js'
import { tmpDir } from './tmp-dir.js'
import { until } from './until.js'

test('a daemon that is not ready in time is ended: nobody else could', async t => {
  const entry = ['-e', 'setInterval(() => {}, 60_000)', '--']
  await assert.rejects(DaemonProcess.start({ home: tmpDir(t), entry }, 50), /not ready within 50 ms/)
  await until('no process', () => !process.getActiveResourcesInfo().includes('ProcessWrap'), 5_000)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, formatSize, parseDurationMs, parseSizeBytes } from '../../../src/daemon/config/units.js'

test('durations need a unit and may be put together', () => {
  assert.equal(parseDurationMs('500ms'), 500)
  assert.equal(parseDurationMs('30s'), 30_000)
  assert.equal(parseDurationMs('1.5m'), 90_000)
  assert.equal(parseDurationMs('1h30m'), 5_400_000)
  assert.equal(parseDurationMs('2d'), 172_800_000)
  assert.equal(parseDurationMs('0s'), 0)
  for (const text of ['', '30', 's', '-1s', '1 s', '1s,2s', '1w', 'Infinitys', '1e3s', `${'9'.repeat(39)}d`])
    assert.equal(parseDurationMs(text), undefined, text)
})

test('sizes are bytes, or have a unit', () => {
  assert.equal(parseSizeBytes('4096'), 4096)
  assert.equal(parseSizeBytes('64KiB'), 65_536)
  assert.equal(parseSizeBytes('1.5 mib'), 1_572_864)
  assert.equal(parseSizeBytes('20MB'), 20_000_000)
  assert.equal(parseSizeBytes('7B'), 7)
  for (const text of ['', 'KiB', '-1', '1 2', '64K', '1PiB', '9'.repeat(40), '1e9'])
    assert.equal(parseSizeBytes(text), undefined, text)
})

test('what is written is read back as the same', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 45 }), ms => parseDurationMs(formatDuration(ms)) === ms))
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 50 }), bytes => parseSizeBytes(formatSize(bytes)) === bytes))
  assert.equal(formatDuration(90_500), '1m30s500ms')
  assert.equal(formatSize(262_144), '256KiB')
})

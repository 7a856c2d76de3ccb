import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instantOf } from '../../src/commands/_cli/instant.js'

const NOW = new Date(2026, 10, 24, 12, 0, 0).getTime()

test('instants are durations ago, or dates and times, local unless they name a zone', () => {
  assert.equal(instantOf('since', '2h', NOW), NOW - 7_200_000)
  assert.equal(instantOf('since', '7d', NOW), NOW - 7 * 86_400_000)
  assert.equal(instantOf('since', 'today', NOW), new Date(2026, 10, 24).getTime())
  assert.equal(instantOf('since', 'yesterday 9:30', NOW), new Date(2026, 10, 23, 9, 30).getTime())
  assert.equal(instantOf('since', '2026-11-01', NOW), new Date(2026, 10, 1).getTime())
  assert.equal(instantOf('since', '2026-11-01T14:30', NOW), new Date(2026, 10, 1, 14, 30).getTime())
  assert.equal(instantOf('since', '2026-11-01 14:30:05', NOW), new Date(2026, 10, 1, 14, 30, 5).getTime())
  assert.equal(instantOf('since', '2026-11-01T14:30:00.5Z', NOW), Date.UTC(2026, 10, 1, 14, 30) + 500)
  assert.equal(instantOf('since', '2026-11-01T14:30:00+08:00', NOW), Date.UTC(2026, 10, 1, 6, 30))
  const wrong = ['', 'x', '7', '2026-13-01', '2026-02-30', '2026-1-1', '2026-11-01T25:00', '2026-11-01Z', '\u001b[2J']
  for (const text of wrong) assert.throws(() => instantOf('since', text, NOW), { code: 'KEFU_USAGE' }, text)
})

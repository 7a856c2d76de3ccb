import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProxyHint } from '../../../src/daemon/proxy-hint.js'

test('a peer in a private network is taken for a proxy, once; one on the internet may be anybody', () => {
  const logged: unknown[] = []
  const hint = createProxyHint({ warn: (_, fields) => void logged.push(fields?.warning) })
  for (const peer of ['', 'nonsense', '203.0.113.9', '172.32.0.1', '2001:db8::1']) hint.seen(peer)
  assert.deepEqual([hint.warnings, logged], [[], []])
  for (const peer of ['172.18.0.2', '127.0.0.1', '172.18.0.2', '::1', 'fd00::7']) hint.seen(peer)
  assert.equal(hint.warnings.length, 1)
  assert.match(hint.warnings[0] ?? '', /^172\.18\.0\.2 sends X-Forwarded-For, but is not among http\.trustedProxies/)
  assert.deepEqual(logged, hint.warnings)
  for (const peer of ['127.0.0.1', '::1', 'fd00::7', '10.1.1.1', '192.168.7.7']) {
    const other = createProxyHint({ warn: () => undefined })
    other.seen(peer)
    assert.equal(other.warnings.length, 1, peer)
  }
})

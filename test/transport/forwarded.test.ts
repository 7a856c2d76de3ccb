import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createClientAddress } from '../../src/daemon/transport/forwarded.js'

const PROXIES = ['127.0.0.1', '10.0.0.0/8', '2001:db8:1::/48']

test('the client is the rightmost address that is no trusted proxy', () => {
  const addressOf = createClientAddress(PROXIES)
  const cases: readonly (readonly [peer: string, header: string | undefined, client: string])[] = [
    ['127.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['127.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['127.0.0.1', '2001:db8:2::7', '2001:db8:2::7'],
    ['10.3.2.1', '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['2001:db8:1::9', '1.1.1.1, 203.0.113.9, 10.0.0.1, 127.0.0.1', '203.0.113.9'],
    ['127.0.0.1', ' nonsense , 203.0.113.9\t', '203.0.113.9'],
    ['127.0.0.1', '10.0.0.7', '10.0.0.7'],
    ['127.0.0.1', '10.0.0.7, 10.0.0.8', '10.0.0.7'],
  ]
  for (const [peer, header, client] of cases) assert.equal(addressOf(peer, header), client, `${peer} ${header}`)
})

test('a header that does not say it leaves the peer', () => {
  const addressOf = createClientAddress(PROXIES)
  const headers = ['', ' ', ',', 'unknown', '203.0.113.9,', ',10.0.0.1', '203.0.113.9:1234', '[2001:db8:2::7]', '1.2.3']
  for (const header of [...headers, undefined, 'fe80::1%eth0', '_hidden', '1.1.1.1, x, 10.0.0.1', '"203.0.113.9"'])
    assert.equal(addressOf('127.0.0.1', header), '127.0.0.1', String(header))
})

test('a peer that is not trusted may claim what it likes', () => {
  const trusting = createClientAddress(PROXIES)
  const trustingNobody = createClientAddress([])
  for (const peer of ['203.0.113.9', '127.0.0.2', '2001:db8:2::1', 'fe80::1%eth0', ''])
    for (const header of ['1.1.1.1', '127.0.0.1', '10.0.0.1, 127.0.0.1']) {
      assert.equal(trusting(peer, header), peer)
      assert.equal(trustingNobody(peer, header), peer)
    }
})

test('whatever a client writes in front, the proxy’s own word decides', () => {
  const addressOf = createClientAddress(PROXIES)
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), claimed => {
      assert.equal(addressOf('127.0.0.1', `${claimed}, 203.0.113.9`), '203.0.113.9')
    }),
  )
})

import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { limitSocketsPerAddress } from '../../src/daemon/socket-limit.js'
import { createUwsTransport } from '../../src/daemon/transport/uws.js'
import { loadUws } from '../../src/daemon/transport/uws-native.js'
import { createWsTransport } from '../../src/daemon/transport/ws.js'
import { eventually } from '../helpers/raw-connection.js'
import { rawExchange, rawRequest } from '../helpers/raw-http.js'
import { TEST_OPTIONS, type TransportFactory } from '../helpers/raw-transport.js'
import { type RawWebSocket, rawUpgrade, upgradeHeaders } from '../helpers/raw-ws.js'

const FACTORIES: Readonly<Record<string, TransportFactory>> = {
  ws: createWsTransport,
  ...(loadUws().isAvailable ? { 'uWebSockets.js': createUwsTransport } : {}),
}

for (const [name, factory] of Object.entries(FACTORIES)) {
  describe(`sockets of one address over ${name}`, () => {
    test('are refused above the limit, whatever they claim, until one of them closes', async t => {
      const bench = await open(t, factory, 2)
      const first = await bench.upgrade('203.0.113.1')
      await bench.upgrade('203.0.113.1')
      const response = await bench.refused('203.0.113.1')
      assert.equal(response.status, 429)
      assert.match(response.body.toString(), /^KEFU_RATE_LIMITED: too many connections from this address$/)
      assert.equal((await bench.refused('203.0.113.2, 203.0.113.1')).status, 429, 'another address in front')
      await bench.upgrade('203.0.113.2')
      first.destroy()
      await eventually('one has closed', () => bench.closed() === 1)
      await bench.upgrade('203.0.113.1')
      assert.equal((await bench.refused('203.0.113.1')).status, 429)
    })

    test('are counted by network in IPv6', async t => {
      const bench = await open(t, factory, 2)
      await bench.upgrade('2001:db8:1:2::1')
      await bench.upgrade('2001:db8:1:2:ffff::1')
      assert.equal((await bench.refused('2001:db8:1:2::3')).status, 429)
      await bench.upgrade('2001:db8:1:3::1')
    })
  })
}

/** A listener behind a trusted proxy, which the test is. */
async function open(t: TestContext, factory: TransportFactory, limit: number) {
  const reported: unknown[] = []
  let opened = 0
  let closed = 0
  const handlers = limitSocketsPerAddress(
    {
      upgrade: () => ({ accept: true, subprotocol: '', context: undefined }),
      opened: () => void opened++,
      message: () => undefined,
      drained: () => undefined,
      closed: () => void closed++,
      request: () => ({ status: 404 }),
    },
    () => limit,
  )
  const transport = factory({ onError: error => reported.push(error) })
  const listener = await transport.listen({ ...TEST_OPTIONS, trustedProxies: ['127.0.0.1'] }, handlers)
  const peers: RawWebSocket[] = []
  t.after(async () => {
    for (const peer of peers) peer.destroy()
    await listener.close()
    assert.deepEqual(reported, [])
  })
  const header = (address: string): string => `X-Forwarded-For: ${address}`
  return {
    closed: () => closed,
    async upgrade(address: string): Promise<RawWebSocket> {
      const before = opened
      const peer = await rawUpgrade(listener.port, '/', [header(address)])
      peers.push(peer)
      await eventually('opened', () => opened === before + 1)
      return peer
    },
    refused: (address: string) => rawExchange(listener.port, rawRequest('GET', '/', upgradeHeaders([header(address)]))),
  }
}

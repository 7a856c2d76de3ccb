import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { UpgradeRequest } from '../../src/daemon/transport/port.js'
import { eventually } from '../helpers/raw-connection.js'
import { rawExchange, rawRequest } from '../helpers/raw-http.js'
import { openBench, type Subject } from '../helpers/raw-transport.js'
import { rawUpgrade, upgradeHeaders } from '../helpers/raw-ws.js'

/** How WebSockets begin: handshakes, decisions, the connection limit. */
export function upgradeCases(subject: Subject): void {
  describe('upgrade', { concurrency: true }, () => {
    test('the handler sees the request, and its decision is kept', async t => {
      const requests: UpgradeRequest[] = []
      const bench = await openBench(t, subject, {
        upgrade: request => {
          requests.push(request)
          return { accept: true, subprotocol: 'kefu.v1.json', context: { id: 7 } }
        },
      })
      const peer = await rawUpgrade(bench.port, '/v1/socket?token=no', [
        'Origin: https://shop.example',
        'Sec-WebSocket-Protocol: kefu.v1, kefu.v1.json',
        'X-Forwarded-For: 10.0.0.1',
        'x-forwarded-for: 10.0.0.2',
      ])
      assert.equal(peer.handshake.headers['sec-websocket-protocol'], 'kefu.v1.json')
      assert.equal(peer.handshake.headers['sec-websocket-extensions'], undefined)
      await eventually('opened', () => bench.opened.length === 1)
      const request = requests[0]
      assert.ok(request, 'the handler was asked')
      assert.equal(request.path, '/v1/socket')
      assert.equal(request.origin, 'https://shop.example')
      assert.deepEqual(request.subprotocols, ['kefu.v1', 'kefu.v1.json'])
      assert.equal(request.remoteAddress, '127.0.0.1')
      assert.equal(request.header('x-forwarded-for'), '10.0.0.1, 10.0.0.2')
      assert.equal(request.header('cookie'), undefined)
      const socket = bench.opened[0]
      assert.deepEqual(socket?.context, { id: 7 })
      assert.equal(socket?.subprotocol, 'kefu.v1.json')
      assert.equal(socket?.remoteAddress, '127.0.0.1')
      assert.equal(socket?.isOpen, true)
      assert.equal(socket?.bufferedBytes, 0)
      assert.equal(bench.listener.connections, 1)
    })

    test('behind a trusted proxy the address is the client’s, of sockets and requests alike', async t => {
      const seen: string[] = []
      const bench = await openBench(
        t,
        subject,
        {
          upgrade: request => {
            seen.push(request.remoteAddress)
            return { accept: true, subprotocol: '', context: undefined }
          },
          request: request => ({ status: 200, body: request.remoteAddress }),
        },
        { trustedProxies: ['127.0.0.0/8', '2001:db8::/32'] },
      )
      const cases: readonly (readonly [header: string, expected: string])[] = [
        ['203.0.113.9', '203.0.113.9'],
        ['6.6.6.6, 203.0.113.9', '203.0.113.9'],
        ['6.6.6.6,203.0.113.9 , 2001:db8::5,127.0.0.2', '203.0.113.9'],
        ['6.6.6.6, nonsense', '127.0.0.1'],
      ]
      for (const [header, expected] of cases) {
        await rawUpgrade(bench.port, '/', [`X-Forwarded-For: ${header}`])
        const response = await rawExchange(bench.port, rawRequest('GET', '/', [`X-Forwarded-For: ${header}`]))
        assert.equal(response.body.toString(), expected)
        await eventually('opened', () => bench.opened.length === seen.length)
        assert.deepEqual([seen.at(-1), bench.opened.at(-1)?.remoteAddress], [expected, expected])
      }
      const plain = await rawExchange(bench.port, rawRequest('GET', '/'))
      assert.equal(plain.body.toString(), '127.0.0.1')
    })

    test('from anybody else X-Forwarded-For is a claim that nobody believes', async t => {
      const ignored: string[] = []
      const bench = await openBench(
        t,
        subject,
        {
          request: request => ({ status: 200, body: request.remoteAddress }),
          forwardedIgnored: peer => void ignored.push(peer),
        },
        { trustedProxies: ['10.0.0.0/8'] },
      )
      for (const header of ['203.0.113.9', '10.0.0.1', '203.0.113.9, 10.0.0.1']) {
        await rawUpgrade(bench.port, '/', [`X-Forwarded-For: ${header}`])
        const response = await rawExchange(bench.port, rawRequest('GET', '/', [`X-Forwarded-For: ${header}`]))
        assert.equal(response.body.toString(), '127.0.0.1')
      }
      await eventually('opened', () => bench.opened.length === 3)
      for (const socket of bench.opened) assert.equal(socket.remoteAddress, '127.0.0.1')
      assert.deepEqual(ignored, new Array(6).fill('127.0.0.1'))
    })

    test('a client that offers no subprotocol gets none', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port)
      assert.equal(peer.handshake.headers['sec-websocket-protocol'], undefined)
      await eventually('opened', () => bench.opened.length === 1)
      assert.equal(bench.opened[0]?.subprotocol, '')
    })

    test('compression is never negotiated', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port, '/', ['sec-websocket-extensions: permessage-deflate'])
      assert.equal(peer.handshake.headers['sec-websocket-extensions'], undefined)
    })

    test('a refusal has its status and text, and closes', async t => {
      const bench = await openBench(t, subject, {
        upgrade: () => ({ accept: false, status: 403, message: 'not from here' }),
      })
      const response = await rawExchange(bench.port, rawRequest('GET', '/', upgradeHeaders()))
      assert.equal(response.status, 403)
      assert.equal(response.body.toString(), 'not from here')
      assert.equal(response.headers.connection, 'close')
      assert.equal(bench.opened.length, 0)
      assert.equal(bench.listener.connections, 0)
      assert.deepEqual(bench.reported, [])
    })

    test('a handler that throws, or picks what was not offered, is reported and answered 500', async t => {
      const faults = [
        () => {
          throw new Error('secret detail')
        },
        () => ({ accept: true, subprotocol: 'kefu.v2', context: undefined }) as const,
        () => ({ accept: true, subprotocol: '', context: undefined }) as const,
        () => ({ accept: false, status: 101, message: '' }) as const,
      ]
      for (const upgrade of faults) {
        const bench = await openBench(t, subject, { upgrade })
        const request = rawRequest('GET', '/', upgradeHeaders(['sec-websocket-protocol: kefu.v1']))
        const response = await rawExchange(bench.port, request)
        assert.equal(response.status, 500)
        assert.doesNotMatch(response.body.toString(), /secret/)
        assert.equal(bench.reported.length, 1)
        assert.equal(bench.opened.length, 0)
      }
    })

    test('what is not a handshake is answered 400 without asking the handler', async t => {
      let calls = 0
      const bench = await openBench(t, subject, {
        upgrade: () => {
          calls++
          return { accept: true, subprotocol: '', context: undefined }
        },
        request: () => {
          calls++
          return { status: 200 }
        },
      })
      const good = upgradeHeaders()
      const without = (name: string): string[] => good.filter(line => !line.startsWith(name))
      const requests = {
        'version 12': rawRequest('GET', '/', [...without('sec-websocket-version'), 'sec-websocket-version: 12']),
        'no version': rawRequest('GET', '/', without('sec-websocket-version')),
        'no key': rawRequest('GET', '/', without('sec-websocket-key')),
        'short key': rawRequest('GET', '/', [...without('sec-websocket-key'), 'sec-websocket-key: abc']),
        'no base64 key': rawRequest('GET', '/', [
          ...without('sec-websocket-key'),
          'sec-websocket-key: !!!!!!!!!!!!!!!!!!!!!!==',
        ]),
        'no connection header': rawRequest('GET', '/', without('connection')),
        post: rawRequest('POST', '/', [...good, 'content-length: 0']),
        'a body': rawRequest('GET', '/', [...good, 'content-length: 3'], 'abc'),
        'bad subprotocol': rawRequest('GET', '/', [...good, 'sec-websocket-protocol: a b']),
        'subprotocol twice': rawRequest('GET', '/', [...good, 'sec-websocket-protocol: a, a']),
      }
      for (const [name, request] of Object.entries(requests)) {
        const response = await rawExchange(bench.port, request)
        assert.equal(response.status, 400, name)
      }
      assert.equal(calls, 0)
      assert.deepEqual(bench.reported, [])
    })

    test('above the connection limit upgrades are refused with 503, until one closes', async t => {
      const bench = await openBench(t, subject, {}, { connectionLimit: 2 })
      const first = await rawUpgrade(bench.port)
      await rawUpgrade(bench.port)
      const response = await rawExchange(bench.port, rawRequest('GET', '/', upgradeHeaders()))
      assert.equal(response.status, 503)
      assert.equal(bench.listener.connections, 2)
      first.destroy()
      await eventually('room again', () => bench.listener.connections === 1)
      await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 3)
    })
  })
}

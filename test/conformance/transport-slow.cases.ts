import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Socket } from '../../src/daemon/transport/port.js'
import { eventually, type RawConnection, rawConnect } from '../helpers/raw-connection.js'
import { parseResponses, rawRequest } from '../helpers/raw-http.js'
import { numberedBytes, openBench, patternBytes, type Subject } from '../helpers/raw-transport.js'
import { OPCODE, rawUpgrade } from '../helpers/raw-ws.js'

const IDLE = { idleTimeoutSeconds: 8 }

/** Peers that are silent, half gone or drip; all at once, because each takes its seconds. */
export function slowCases(subject: Subject): void {
  describe('slow', { concurrency: true }, () => {
    test('a peer that never answers a ping is closed after the idle timeout, one that does stays', async t => {
      const bench = await openBench(t, subject, {}, IDLE)
      const silent = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      const alive = await rawUpgrade(bench.port)
      let answered = 0
      const answer = setInterval(() => {
        const pings = alive.frames().filter(frame => frame.opcode === OPCODE.ping)
        for (const ping of pings.slice(answered)) alive.sendFrame({ opcode: OPCODE.pong, payload: ping.payload })
        answered = pings.length
      }, 100)
      t.after(() => clearInterval(answer))
      const tookMs = await silent.closed(16_000)
      assert.ok(tookMs > 3000, `closed after ${tookMs} ms`)
      assert.equal(
        silent.frames().some(frame => frame.opcode === OPCODE.ping),
        true,
      )
      await eventually('closed', () => bench.closed.length === 1)
      assert.equal(bench.closed[0]?.socket, bench.opened[0])
      await delay(Math.max(0, 13_000 - tookMs))
      assert.equal(bench.opened[1]?.isOpen, true)
      assert.equal(answered >= 1, true)
    })

    test('a peer that vanishes with bytes waiting for it is closed after the idle timeout', async t => {
      const bench = await openBench(t, subject, {}, IDLE)
      const peer = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      const socket = bench.opened[0] as Socket
      peer.stall()
      for (let index = 0; socket.bufferedBytes < 60_000; index++)
        assert.equal(socket.send(numberedBytes(index, 8192)), true)
      await eventually('closed', () => bench.closed.length === 1, 16_000)
      assert.equal(bench.listener.connections, 0)
      peer.destroy()
    })

    test('a peer that does not answer a close frame is cut', async t => {
      const bench = await openBench(t, subject, {}, IDLE)
      const peer = await rawUpgrade(bench.port, '/', [], { allowHalfOpen: true })
      await eventually('opened', () => bench.opened.length === 1)
      bench.opened[0]?.close(1000, 'bye')
      await peer.untilFrames(all => all.some(frame => frame.opcode === OPCODE.close))
      // A cut shows only as the answer to something sent.
      const prod = setInterval(() => peer.sendFrame({ opcode: OPCODE.ping }), 200)
      t.after(() => clearInterval(prod))
      await peer.closed(14_000)
      await eventually('closed', () => bench.closed.length === 1)
      assert.equal(bench.closed[0]?.code, 1000)
    })

    const drip = (t: TestContext, connection: RawConnection): void => {
      const timer = setInterval(() => connection.socket.write('x'), 500)
      t.after(() => clearInterval(timer))
    }

    test('requests that drip or never come are cut, and reach no handler', async t => {
      let calls = 0
      const bench = await openBench(t, subject, {
        request: () => {
          calls++
          return { status: 200 }
        },
      })
      const silent = await rawConnect(bench.port)
      const half = await rawConnect(bench.port)
      half.write('GET / HTTP/1.1\r\nhost: t')
      const dripping = await rawConnect(bench.port)
      dripping.write('GET / HTTP/1.1\r\nhost: t')
      drip(t, dripping)
      const upgrading = await rawConnect(bench.port)
      upgrading.write('GET / HTTP/1.1\r\nupgrade: websocket\r\nx: ')
      drip(t, upgrading)
      await Promise.all([silent, half, dripping, upgrading].map(connection => connection.closed(16_000)))
      assert.equal(calls, 0)
    })

    test('a body that drips or never comes is cut, and the handler is told', async t => {
      let aborted = 0
      const bench = await openBench(t, subject, {
        request: async request => {
          request.signal.addEventListener('abort', () => aborted++)
          await request.body({ limitBytes: 100_000, timeoutMs: 60_000 })
          return { status: 200 }
        },
      })
      const never = await rawConnect(bench.port)
      never.write(rawRequest('POST', '/', ['content-length: 100']))
      const dripping = await rawConnect(bench.port)
      dripping.write(rawRequest('POST', '/', ['content-length: 100']))
      drip(t, dripping)
      await Promise.all([never, dripping].map(connection => connection.closed(16_000)))
      await eventually('aborted', () => aborted === 2)
      assert.deepEqual(bench.reported, [])
    })

    test('a body that comes slowly, but faster than the floor, may take longer than the stall time', async t => {
      const total = 16 * 40_000
      const bench = await openBench(t, subject, {
        request: async request => {
          const body = await request.body({ limitBytes: total, timeoutMs: 60_000 })
          return { status: 200, body: String(body.byteLength) }
        },
      })
      const connection = await rawConnect(bench.port)
      connection.write(rawRequest('POST', '/', [`content-length: ${total}`]))
      for (let part = 0; part < 16; part++) {
        connection.write(Buffer.alloc(40_000))
        await delay(800)
      }
      const bytes = await connection.until(all => parseResponses(all).length === 1)
      assert.equal(parseResponses(bytes)[0]?.body.toString(), String(total))
    })

    test('a reader that stalls in the middle of a response is cut', async t => {
      let isAborted = false
      const bench = await openBench(t, subject, {
        request: request => {
          request.signal.addEventListener('abort', () => {
            isAborted = true
          })
          return { status: 200, body: patternBytes(16 * 1024 * 1024, 1) }
        },
      })
      const connection = await rawConnect(bench.port)
      connection.stall()
      connection.write(rawRequest('GET', '/'))
      await eventually('aborted', () => isAborted, 16_000)
      connection.destroy()
    })

    test('a handler may take longer than the stall time, and a stream may pause for longer', async t => {
      const bench = await openBench(t, subject, {
        request: async request => {
          await delay(12_500)
          return { status: 200, body: request.path }
        },
      })
      const connection = await rawConnect(bench.port)
      connection.write(rawRequest('GET', '/late'))
      const bytes = await connection.until(all => parseResponses(all).length === 1, 16_000)
      assert.equal(parseResponses(bytes)[0]?.body.toString(), '/late')
    })
  })
}

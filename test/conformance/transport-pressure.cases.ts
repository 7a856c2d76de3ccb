import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { Socket } from '../../src/daemon/transport/port.js'
import { eventually } from '../helpers/raw-connection.js'
import { numberedBytes, openBench, type Subject } from '../helpers/raw-transport.js'
import { joinMessages, rawUpgrade } from '../helpers/raw-ws.js'

const LIMIT_BYTES = 256 * 1024

/** Peers that read slowly or not at all. */
export function pressureCases(subject: Subject): void {
  describe('pressure', { concurrency: true }, () => {
    test('what waits for a slow peer shows, drains, and drained is called', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      const socket = bench.opened[0] as Socket
      peer.stall()
      let count = 0
      while (socket.bufferedBytes < 100_000) {
        assert.equal(socket.send(numberedBytes(count, 8192)), true)
        count++
      }
      assert.equal(bench.drained.length, 0)
      peer.resume()
      await eventually('drained', () => bench.drained.length > 0)
      assert.equal(socket.bufferedBytes < 16 * 1024, true)
      await eventually('all arrived', () => peer.receivedBytes() >= count * 8196)
      const messages = joinMessages(peer.frames())
      assert.equal(
        messages.every((message, index) => message.payload.equals(numberedBytes(index, 8192))),
        true,
      )
      assert.equal(messages.length, count)
      assert.equal(bench.drained[0], socket)
      assert.equal(bench.closed.length, 0)
    })

    test('drained comes after what cork left behind, too', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      const socket = bench.opened[0] as Socket
      peer.stall()
      while (socket.bufferedBytes === 0) socket.cork(() => assert.equal(socket.send(Buffer.alloc(4096)), true))
      peer.resume()
      await eventually('drained', () => bench.drained.length > 0)
      assert.equal(socket.isOpen, true)
    })

    test('drained comes after what a message handler left behind, too', async t => {
      const bench = await openBench(t, subject, {
        message: socket => {
          if (socket.bufferedBytes === 0) assert.equal(socket.send(Buffer.alloc(4096)), true)
        },
      })
      const peer = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      const socket = bench.opened[0] as Socket
      peer.stall()
      const step = 50
      for (let asked = step; socket.bufferedBytes === 0; asked += step) {
        for (let index = 0; index < step; index++) peer.sendFrame({ payload: 'more' })
        await eventually('heard', () => bench.messages.length === asked)
      }
      peer.resume()
      await eventually('drained', () => bench.drained.length > 0)
      assert.deepEqual(bench.reported, [])
    })

    for (const [name, length] of [
      ['short messages', 1000],
      ['fragmented messages', 100_000],
    ] as const) {
      test(`a peer that does not read is closed at the limit: ${name}`, async t => {
        const bench = await openBench(t, subject, { message: (socket, bytes) => void socket.send(bytes) })
        const witness = await rawUpgrade(bench.port)
        await eventually('opened', () => bench.opened.length === 1)
        const peer = await rawUpgrade(bench.port)
        await eventually('opened', () => bench.opened.length === 2)
        const socket = bench.opened[1] as Socket
        peer.stall()
        let count = 0
        let most = 0
        while (socket.send(numberedBytes(count, length))) {
          count++
          most = Math.max(most, socket.bufferedBytes)
          if (count % 100 === 0) await delay(1)
          assert.ok(count * length < 64 * 1024 * 1024, 'the limit is never reached')
        }
        assert.ok(most <= LIMIT_BYTES, `${most} bytes waited`)
        assert.equal(socket.isOpen, false)
        assert.equal(socket.send('more'), false)
        await eventually('closed', () => bench.closed.length === 1)
        assert.equal(bench.closed[0]?.socket, socket)
        assert.equal([1013, 1006].includes(bench.closed[0]?.code ?? 0), true)
        witness.sendFrame({ payload: 'still here' })
        await witness.untilFrames(all => all.length === 1)
        peer.resume()
        await peer.closed()
        // No hole: what arrived is the start of what was sent.
        const messages = joinMessages(peer.frames())
        assert.equal(
          messages.every((message, index) => message.payload.equals(numberedBytes(index, length))),
          true,
        )
        assert.equal(messages.length <= count, true)
        assert.deepEqual(bench.reported, [])
      })
    }

    test('the limit holds inside cork too', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      const socket = bench.opened[0] as Socket
      peer.stall()
      let isRefused = false
      socket.cork(() => {
        for (let index = 0; index < 10_000 && !isRefused; index++) isRefused = !socket.send(numberedBytes(index, 8192))
      })
      assert.equal(isRefused, true)
      assert.equal(socket.isOpen, false)
      await eventually('closed', () => bench.closed.length === 1)
    })

    test('a client that reads in fits gets every message whole: sizes around all borders, paced by drained', async t => {
      const sizes = [4, 125, 126, 1000, 15_356, 15_360, 15_361, 16_384, 30_720, 30_721, 65_535, 65_536, 150_000]
      const count = 600
      let next = 0
      const pump = (socket: Socket): void => {
        while (next < count && socket.bufferedBytes < 64 * 1024) {
          assert.equal(socket.send(numberedBytes(next, sizes[next % sizes.length] ?? 4)), true)
          next++
        }
      }
      const bench = await openBench(t, subject, { opened: pump, drained: pump })
      const client = new WebSocket(`ws://127.0.0.1:${bench.port}/`)
      const received: Buffer[] = []
      client.on('error', () => {})
      client.on('message', data => {
        received.push(data as Buffer)
        if (received.length % 7 !== 0) return
        client.pause()
        setTimeout(() => client.resume(), received.length % 3)
      })
      await eventually('all arrived', () => received.length === count || bench.closed.length > 0, 20_000)
      for (const [index, bytes] of received.entries()) {
        assert.ok(bytes.equals(numberedBytes(index, sizes[index % sizes.length] ?? 4)), `message ${index}`)
      }
      client.terminate()
      assert.deepEqual(bench.reported, [])
    })
  })
}

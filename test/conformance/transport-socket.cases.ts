import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Socket } from '../../src/daemon/transport/port.js'
import { eventually } from '../helpers/raw-connection.js'
import { numberedBytes, openBench, patternBytes, type Subject } from '../helpers/raw-transport.js'
import { joinMessages, OPCODE, type RawWebSocket, rawUpgrade } from '../helpers/raw-ws.js'

const FRAME_LIMIT_BYTES = 15 * 1024

/** How open WebSockets behave: messages, order, closing. */
export function socketCases(subject: Subject): void {
  describe('socket', { concurrency: true }, () => {
    test('text and binary are echoed as what they are, empty ones too', async t => {
      const bench = await openBench(t, subject, {
        message: (socket, bytes, isBinary) => {
          assert.equal(socket.send(isBinary ? bytes : Buffer.from(bytes).toString()), true)
        },
      })
      const peer = await rawUpgrade(bench.port)
      const sent = [
        { opcode: OPCODE.text, payload: Buffer.from('你好, мир, 🙂') },
        { opcode: OPCODE.binary, payload: patternBytes(1000, 1) },
        { opcode: OPCODE.text, payload: Buffer.alloc(0) },
        { opcode: OPCODE.binary, payload: Buffer.alloc(0) },
        { opcode: OPCODE.binary, payload: patternBytes(64 * 1024, 2) },
      ]
      for (const parts of sent) peer.sendFrame(parts)
      const frames = await peer.untilFrames(all => joinMessages(all).length === sent.length)
      assert.deepEqual(joinMessages(frames), sent)
      assert.deepEqual(
        bench.messages.map(message => message.isBinary),
        sent.map(parts => parts.opcode === OPCODE.binary),
      )
      assert.equal(
        frames.every(frame => !frame.isMasked && frame.reserved === 0),
        true,
      )
      assert.deepEqual(bench.reported, [])
    })

    test('10,000 messages keep their order both ways', async t => {
      const bench = await openBench(t, subject, {
        message: (socket, bytes) => {
          assert.equal(socket.send(bytes), true)
        },
      })
      const peer = await rawUpgrade(bench.port)
      const count = 10_000
      const step = 500
      for (let index = 0; index < count; index++) {
        const payload = Buffer.alloc(4)
        payload.writeUInt32BE(index)
        peer.sendFrame({ payload })
        if (index % step === step - 1) {
          const wanted = (index + 1) * 6
          await eventually('echoed', () => peer.receivedBytes() >= wanted)
        }
      }
      const echoed = joinMessages(await peer.untilFrames(all => all.length === count))
      assert.equal(
        echoed.every((message, index) => message.payload.readUInt32BE() === index),
        true,
      )
      assert.equal(
        bench.messages.every((message, index) => Buffer.from(message.bytes).readUInt32BE() === index),
        true,
      )
    })

    test('the bytes of a message belong to the handler', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port)
      const payloads = [...Array(200).keys()].map(index => numberedBytes(index, 300 + index))
      for (const payload of payloads) peer.sendFrame({ payload })
      await eventually('all arrived', () => bench.messages.length === payloads.length)
      await nextTurn()
      for (const [index, payload] of payloads.entries()) {
        assert.ok(payload.equals(bench.messages[index]?.bytes ?? Buffer.alloc(0)), `message ${index}`)
      }
    })

    test('large payloads arrive whole, in frames of at most 15 KiB', async t => {
      const bench = await openBench(t, subject, {}, { backpressureLimitBytes: 4 * 1024 * 1024 })
      const peer = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      const socket = bench.opened[0] as Socket
      const sizes = [14 * 1024, FRAME_LIMIT_BYTES, FRAME_LIMIT_BYTES + 1, 2 * FRAME_LIMIT_BYTES, 64 * 1024, 200 * 1024]
      for (const size of sizes) {
        assert.equal(socket.send(patternBytes(size, size)), true)
        assert.equal(socket.send('字'.repeat(Math.ceil(size / 3))), true)
        assert.equal(socket.send('x'.repeat(size)), true)
      }
      const frames = await peer.untilFrames(all => joinMessages(all).length === sizes.length * 3)
      assert.equal(
        frames.every(frame => frame.payload.byteLength <= FRAME_LIMIT_BYTES && frame.reserved === 0),
        true,
      )
      const messages = joinMessages(frames)
      for (const [index, size] of sizes.entries()) {
        const [binary, wide, narrow] = messages.slice(index * 3, index * 3 + 3)
        assert.equal(binary?.opcode, OPCODE.binary)
        assert.equal(binary?.payload.equals(patternBytes(size, size)), true)
        assert.equal(wide?.opcode, OPCODE.text)
        assert.equal(wide?.payload.toString(), '字'.repeat(Math.ceil(size / 3)))
        assert.equal(narrow?.payload.toString(), 'x'.repeat(size))
      }
      const single = frames.filter(frame => frame.isFinal && frame.opcode !== OPCODE.continuation)
      assert.equal(single.length, 6, 'payloads up to the limit are not fragmented')
    })

    test('a lone surrogate leaves as valid UTF-8', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      bench.opened[0]?.send('a\ud800b')
      const frames = await peer.untilFrames(all => all.length === 1)
      assert.equal(frames[0]?.payload.toString(), 'a\ufffdb')
    })

    test('the caller may use its bytes again after send', async t => {
      const bench = await openBench(t, subject, {}, { backpressureLimitBytes: 32 * 1024 * 1024 })
      const peer = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      const socket = bench.opened[0] as Socket
      peer.stall()
      const bytes = Buffer.alloc(8192)
      let count = 0
      while (socket.bufferedBytes < 200_000) {
        bytes.fill(count % 256)
        assert.equal(socket.send(bytes), true)
        count++
      }
      bytes.fill(0xee)
      peer.resume()
      await eventually('all arrived', () => peer.receivedBytes() >= count * 8196)
      const messages = joinMessages(peer.frames())
      assert.equal(messages.length, count)
      assert.equal(
        messages.every(({ payload }, index) => payload.every(byte => byte === index % 256)),
        true,
      )
    })

    test('cork keeps order and sends everything', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      const socket = bench.opened[0] as Socket
      const payloads = [...Array(300).keys()].map(index => numberedBytes(index, index % 50 === 0 ? 40_000 : 100))
      socket.cork(() => {
        for (const payload of payloads.slice(0, 200)) assert.equal(socket.send(payload), true)
        socket.cork(() => {
          for (const payload of payloads.slice(200)) assert.equal(socket.send(payload), true)
        })
      })
      const messages = joinMessages(await peer.untilFrames(all => joinMessages(all).length === payloads.length))
      assert.equal(
        messages.every((message, index) => message.payload.equals(payloads[index] as Buffer)),
        true,
      )
      assert.throws(() => socket.cork(() => assert.fail('thrown inside')), /thrown inside/)
      assert.equal(socket.send('still good'), true)
      await peer.untilFrames(all => all.at(-1)?.payload.toString() === 'still good')
    })

    test('a close by the peer is answered and told once, with its code', async t => {
      const bench = await openBench(t, subject)
      for (const [payload, code] of [
        [Buffer.from([0x03, 0xe8]), 1000],
        [Buffer.concat([Buffer.from([0x0f, 0xa0]), Buffer.from('bye')]), 4000],
        [Buffer.alloc(0), 1005],
      ] as const) {
        const peer = await rawUpgrade(bench.port)
        const before = bench.closed.length
        peer.sendFrame({ opcode: OPCODE.close, payload })
        await peer.closed()
        await eventually('closed', () => bench.closed.length === before + 1)
        assert.equal(bench.closed[before]?.code, code)
        const answer = peer.frames().find(frame => frame.opcode === OPCODE.close)
        assert.ok(answer, 'a close frame is answered')
        assert.equal(bench.closed[before]?.socket.isOpen, false)
      }
      assert.equal(bench.listener.connections, 0)
    })

    test('close sends what was sent before, then code and reason', async t => {
      const bench = await openBench(t, subject)
      const cases = [
        { reason: 'go away', expected: 'go away' },
        { reason: `${'x'.repeat(122)}é`, expected: 'x'.repeat(122) },
        { reason: '字'.repeat(100), expected: '字'.repeat(41) },
        { reason: '', expected: '' },
      ]
      for (const isCorked of [false, true]) {
        for (const { reason, expected } of cases) {
          const before = bench.opened.length
          const peer = await rawUpgrade(bench.port)
          await eventually('opened', () => bench.opened.length === before + 1)
          const socket = bench.opened[before] as Socket
          const finish = (): void => {
            assert.equal(socket.send('last words'), true)
            socket.close(4001, reason)
            assert.equal(socket.isOpen, false)
            assert.equal(socket.send('too late'), false)
          }
          if (isCorked) socket.cork(finish)
          else finish()
          const frames = await peer.untilFrames(all => all.length === 2)
          assert.equal(frames[0]?.payload.toString(), 'last words')
          assert.equal(frames[1]?.opcode, OPCODE.close)
          assert.equal(frames[1]?.payload.readUInt16BE(), 4001)
          assert.equal(frames[1]?.payload.toString('utf8', 2), expected)
          peer.sendFrame({ opcode: OPCODE.close, payload: Buffer.from([0x0f, 0xa1]) })
          assert.ok((await peer.closed()) < 2000, 'an answered close ends the connection at once')
          await eventually('closed', () => bench.closed.length === before + 1)
          assert.equal(bench.closed[before]?.code, 4001)
        }
      }
      assert.throws(() => bench.opened[0]?.close(1006, ''), { code: 'KEFU_INTERNAL' })
    })

    test('terminate cuts at once', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      bench.opened[0]?.terminate()
      await peer.closed(1000)
      await eventually('closed', () => bench.closed.length === 1)
      assert.equal(bench.closed[0]?.code, 1006)
      assert.equal(
        peer.frames().some(frame => frame.opcode === OPCODE.close),
        false,
      )
    })

    test('a closed socket is safe to use and never calls back again', async t => {
      const bench = await openBench(t, subject)
      const enders: ((socket: Socket, peer: RawWebSocket) => void)[] = [
        socket => socket.terminate(),
        socket => socket.close(1000, ''),
        (_socket, peer) => peer.destroy(),
        socket => socket.cork(() => socket.terminate()),
      ]
      for (const end of enders) {
        const before = bench.opened.length
        const peer = await rawUpgrade(bench.port)
        await eventually('opened', () => bench.opened.length === before + 1)
        const socket = bench.opened[before] as Socket
        end(socket, peer)
        peer.sendFrame({ payload: 'after the close' })
        if (!peer.isClosed) peer.sendFrame({ opcode: OPCODE.close, payload: Buffer.from([0x03, 0xe8]) })
        await eventually('closed', () => bench.closed.length === before + 1)
        assert.equal(socket.isOpen, false)
        assert.equal(socket.send('x'), false)
        assert.equal(socket.send(patternBytes(50_000, 1)), false)
        assert.equal(socket.bufferedBytes, 0)
        socket.cork(() => assert.fail('must not run'))
        socket.close(1000, 'again')
        socket.terminate()
        peer.destroy()
      }
      await nextTurn()
      assert.equal(bench.closed.length, enders.length)
      assert.equal(bench.messages.length, 0)
      assert.equal(bench.listener.connections, 0)
      assert.deepEqual(bench.reported, [])
    })

    test('closed is never called from inside close or terminate', async t => {
      let isInside = false
      const bench = await openBench(t, subject, {
        message: (socket, bytes) => {
          isInside = true
          if (bytes.byteLength === 1) socket.close(1000, '')
          else socket.terminate()
          isInside = false
        },
        closed: () => assert.equal(isInside, false),
      })
      for (const payload of ['x', 'xx']) (await rawUpgrade(bench.port)).sendFrame({ payload })
      await eventually('closed', () => bench.closed.length === 2)
      assert.deepEqual(bench.reported, [])
    })
  })
}

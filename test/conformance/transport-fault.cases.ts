import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Socket } from '../../src/daemon/transport/port.js'
import { eventually, rawConnect } from '../helpers/raw-connection.js'
import { rawRequest } from '../helpers/raw-http.js'
import { openBench, patternBytes, type Subject } from '../helpers/raw-transport.js'
import { encodeFrame, type FrameParts, joinMessages, OPCODE, rawUpgrade, upgradeHeaders } from '../helpers/raw-ws.js'

const LIMIT_BYTES = 64 * 1024

/** What peers and handlers do wrong, and that it concerns nobody else. */
export function faultCases(subject: Subject): void {
  const { refusesUnmaskedFrames, refusesInterleavedMessages } = subject.capabilities

  describe('fault', { concurrency: true }, () => {
    const malformed: Readonly<Record<string, readonly FrameParts[]>> = {
      'a message over the limit': [{ payload: Buffer.alloc(LIMIT_BYTES + 1) }],
      'fragments over the limit': [
        { payload: Buffer.alloc(LIMIT_BYTES), isFinal: false },
        { opcode: OPCODE.continuation, payload: 'x' },
      ],
      'an endless row of fragments': [
        { payload: 'x', isFinal: false },
        ...Array<FrameParts>(9).fill({ opcode: OPCODE.continuation, payload: Buffer.alloc(8192), isFinal: false }),
      ],
      'a length of 2^63': [{ claimedLength: 2n ** 63n, payload: 'x' }],
      'a length of 2^53': [{ claimedLength: 2n ** 53n, payload: 'x' }],
      'a length of 2^32': [{ claimedLength: 2n ** 32n, payload: 'x' }],
      'reserved data opcode 3': [{ opcode: 3, payload: 'x' }],
      'reserved control opcode 11': [{ opcode: 11, payload: 'x' }],
      'reserved bit 1': [{ reserved: 4, payload: 'x' }],
      'reserved bit 2': [{ reserved: 2, payload: 'x' }],
      'reserved bit 3': [{ reserved: 1, payload: 'x' }],
      'text that is not UTF-8': [{ opcode: OPCODE.text, payload: Buffer.from([0x61, 0xff, 0x62]) }],
      'text with a surrogate half': [{ opcode: OPCODE.text, payload: Buffer.from([0xed, 0xa0, 0x80]) }],
      'text cut in a character': [{ opcode: OPCODE.text, payload: Buffer.from([0xe4, 0xbd]) }],
      'fragmented text that is not UTF-8': [
        { opcode: OPCODE.text, payload: Buffer.from([0xe4, 0xbd]), isFinal: false },
        { opcode: OPCODE.continuation, payload: 'a' },
      ],
      'a ping in fragments': [{ opcode: OPCODE.ping, payload: 'x', isFinal: false }],
      'a ping of 126 bytes': [{ opcode: OPCODE.ping, payload: Buffer.alloc(126) }],
      'a close of 126 bytes': [{ opcode: OPCODE.close, payload: Buffer.alloc(126, 0x33) }],
      'a lone continuation': [{ opcode: OPCODE.continuation, payload: 'x' }],
      'close code 1005': [{ opcode: OPCODE.close, payload: Buffer.from([0x03, 0xed]) }],
      'close code 999': [{ opcode: OPCODE.close, payload: Buffer.from([0x03, 0xe7]) }],
      'a close of one byte': [{ opcode: OPCODE.close, payload: 'x' }],
    }

    test('malformed and oversized frames close their socket only', async t => {
      const bench = await openBench(t, subject, { message: (socket, bytes) => void socket.send(bytes) })
      const witness = await rawUpgrade(bench.port)
      for (const [name, frames] of Object.entries(malformed)) {
        const before = bench.opened.length
        const heard = bench.messages.length
        const peer = await rawUpgrade(bench.port)
        for (const parts of frames) peer.sendFrame(parts)
        // `ws` answers with a close frame and waits for the peer's.
        peer.sendFrame({ opcode: OPCODE.close, payload: Buffer.from([0x03, 0xea]) })
        await peer.closed().catch(error => assert.fail(`${name}: ${error}`))
        await eventually(`${name}: closed`, () => bench.closed.length === before)
        assert.equal(bench.closed.at(-1)?.socket, bench.opened[before], name)
        assert.equal(bench.messages.length, heard, `${name}: no message`)
        witness.sendFrame({ payload: name })
        await witness.untilFrames(all => joinMessages(all).at(-1)?.payload.toString() === name)
      }
      assert.equal(bench.listener.connections, 1)
      assert.deepEqual(bench.reported, [])
    })

    test('a message of exactly the limit passes, whole and in fragments', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port)
      const payload = patternBytes(LIMIT_BYTES, 5)
      peer.sendFrame({ payload })
      peer.sendFrame({ payload: payload.subarray(0, 1), isFinal: false })
      peer.sendFrame({ opcode: OPCODE.ping, payload: 'between' })
      peer.sendFrame({ opcode: OPCODE.continuation, payload: payload.subarray(1, 40_000), isFinal: false })
      peer.sendFrame({ opcode: OPCODE.continuation, payload: payload.subarray(40_000) })
      await eventually('both', () => bench.messages.length === 2)
      for (const message of bench.messages) assert.equal(payload.equals(message.bytes), true)
      const frames = await peer.untilFrames(all => all.length === 1)
      assert.equal(frames[0]?.opcode, OPCODE.pong)
      assert.equal(frames[0]?.payload.toString(), 'between')
    })

    test('frames cut at any byte arrive the same', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port)
      const bytes = Buffer.concat([
        encodeFrame({ opcode: OPCODE.text, payload: 'héllo' }),
        encodeFrame({ payload: patternBytes(200, 3) }),
      ])
      for (const byte of bytes) {
        peer.socket.write(Buffer.from([byte]))
        await new Promise(resolve => setImmediate(resolve))
      }
      await eventually('both', () => bench.messages.length === 2)
      assert.equal(Buffer.from(bench.messages[0]?.bytes ?? []).toString(), 'héllo')
      assert.equal(patternBytes(200, 3).equals(bench.messages[1]?.bytes ?? Buffer.alloc(0)), true)
    })

    const refused = [
      { name: 'frames without a mask', can: refusesUnmaskedFrames, frames: [{ payload: 'bare', isMasked: false }] },
      {
        name: 'a new message inside fragments',
        can: refusesInterleavedMessages,
        frames: [{ payload: 'x', isFinal: false }, { payload: 'y' }],
      },
    ]
    for (const { name, can, frames } of refused) {
      test(`closes on ${name}`, { skip: can === true ? false : can }, async t => {
        const bench = await openBench(t, subject)
        const peer = await rawUpgrade(bench.port)
        for (const parts of frames) peer.sendFrame(parts)
        peer.sendFrame({ opcode: OPCODE.close, payload: Buffer.from([0x03, 0xea]) })
        await peer.closed()
        assert.equal(bench.messages.length, 0)
      })
    }

    test('a flood of pings from a peer that does not read cannot fill the memory', async t => {
      const bench = await openBench(t, subject)
      const peer = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      const socket = bench.opened[0] as Socket
      peer.stall()
      const pings = Buffer.concat(
        Array.from({ length: 1000 }, () => encodeFrame({ opcode: OPCODE.ping, payload: Buffer.alloc(125) })),
      )
      let most = 0
      for (let round = 0; round < 400 && bench.closed.length === 0; round++) {
        await new Promise<void>(resolve => peer.socket.write(pings, () => resolve()))
        most = Math.max(most, socket.bufferedBytes)
      }
      await eventually('closed', () => bench.closed.length === 1)
      assert.ok(most <= 256 * 1024 + 16 * 1024, `${most} bytes waited`)
    })

    test('a handler that throws costs its own socket only', async t => {
      const bench = await openBench(t, subject, {
        opened: socket => {
          if (bench?.opened.length === 2) throw new Error('opened')
          assert.equal(socket.isOpen, true)
        },
        message: (socket, bytes) => {
          if (bytes.byteLength === 1) throw new Error('message')
          socket.send(bytes)
        },
        closed: () => {
          throw new Error('closed')
        },
      })
      const witness = await rawUpgrade(bench.port)
      await eventually('opened', () => bench.opened.length === 1)
      const second = await rawConnect(bench.port)
      second.write(rawRequest('GET', '/', upgradeHeaders()))
      await second.closed()
      await eventually('closed', () => bench.closed.length === 1)
      const third = await rawUpgrade(bench.port)
      third.sendFrame({ payload: 'x' })
      third.sendFrame({ payload: 'never heard' })
      await third.closed()
      await eventually('closed', () => bench.closed.length === 2)
      witness.sendFrame({ payload: 'still here' })
      await witness.untilFrames(all => all.length === 1)
      assert.deepEqual(
        bench.reported.map(error => (error as Error).message),
        ['opened', 'closed', 'message', 'closed'],
      )
      assert.equal(bench.listener.connections, 1)
    })
  })
}

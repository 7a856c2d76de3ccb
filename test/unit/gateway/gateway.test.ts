import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOSE } from '../../../src/codec/close-codes.js'
import { decodeJsonFrame, type Frame } from '../../../src/codec/frame.js'
import type { ClientFrame } from '../../../src/codec/wire.js'
import { createGateway } from '../../../src/daemon/gateway/gateway.js'
import type { Socket } from '../../../src/daemon/transport/port.js'

const INVALID_LIMIT = 3

/** A JSON socket of a gateway whose engine takes every frame and answers none. */
function connect() {
  const taken: ClientFrame[] = []
  const answers: Frame[] = []
  let closedWith: number | undefined
  const gateway = createGateway(
    {
      opened: () => undefined,
      frame: (_, frame) => void taken.push(frame),
      drained: () => undefined,
      closed: () => undefined,
    },
    { highWaterBytes: 65_536, invalidFrameLimit: INVALID_LIMIT },
  )
  const decision = gateway.upgrade({
    path: '/v1/socket',
    origin: undefined,
    subprotocols: ['kefu.v1.json'],
    remoteAddress: '203.0.113.7',
    header: () => undefined,
  })
  assert.ok(decision.accept)
  const socket: Socket = {
    remoteAddress: '203.0.113.7',
    subprotocol: 'kefu.v1.json',
    context: decision.context,
    isOpen: true,
    bufferedBytes: 0,
    send: text => {
      answers.push(decodeJsonFrame(String(text)))
      return true
    },
    cork: write => write(),
    close: code => {
      closedWith = code
    },
    terminate: () => undefined,
  }
  gateway.opened(socket)
  return {
    taken,
    answers,
    closedWith: () => closedWith,
    send: (kind: string, body: object) =>
      gateway.message(socket, Buffer.from(JSON.stringify({ kind, correlation: 5, body })), false),
  }
}

test('before a valid hello a frame with an invalid body ends the connection, be it a hello or not', () => {
  for (const [kind, body] of [
    ['hello', { channel: 5 }],
    ['hello', { channel: 'site', admin: true }],
    ['typing', {}],
    ['history', { limit: 0 }],
  ] as const) {
    const { send, answers, taken, closedWith } = connect()
    send(kind, body)
    send('hello', { channel: 'site' })
    assert.deepEqual(
      answers.map(answer => [answer.kind, answer.correlation, answer.body.code]),
      [['error', 5, 'KEFU_FRAME_INVALID']],
    )
    assert.equal(closedWith(), CLOSE.protocolError)
    assert.equal(taken.length, 0)
  }
})

test('after hello a few invalid bodies are answered, then the connection ends', () => {
  const { send, answers, taken, closedWith } = connect()
  send('hello', { channel: 'site' })
  for (let count = 1; count <= INVALID_LIMIT; count++) send('typing', {})
  assert.equal(closedWith(), undefined)
  send('typing', {})
  assert.equal(closedWith(), CLOSE.protocolError)
  assert.equal(answers.length, INVALID_LIMIT + 1)
  assert.deepEqual(
    taken.map(({ kind }) => kind),
    ['hello'],
  )
})

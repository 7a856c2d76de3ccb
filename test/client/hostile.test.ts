import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { Alarm } from '../../src/client/alarm.js'
import { Inbound } from '../../src/client/inbound.js'
import {
  type ClientClock,
  type ClientEvents,
  createAgent,
  createVisitor,
  KefuError,
  type StateChange,
  type VisitorOptions,
} from '../../src/client/index.js'
import { encodeFrame, encodeRawFrame } from '../../src/codec/frame.js'
import { pack } from '../../src/codec/msgpack.js'
import { compress } from '../../src/codec/zstd.js'
import {
  agentMessage,
  agentWelcome,
  CONVERSATION,
  contactMessage,
  conversationId,
  eventually,
  inboxEntry,
  type Peer,
  stub,
  visitorWelcome,
} from './fake-server.js'
import { createManualClock } from './manual-clock.js'
import { useClients } from './rigs.js'

/** Servers that break the protocol, lose their memory, or never come to an end. */
describe('a client and its server', () => {
  const rig = useClients()

  function create(options: Partial<VisitorOptions> = {}) {
    const visitor = createVisitor({ url: rig.server.url, channel: 'site', random: () => 0, ...options })
    rig.keep(visitor)
    return { visitor, ...listen(visitor) }
  }

  type Source = {
    on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): unknown
  }

  function listen(client: Source) {
    const states: StateChange[] = []
    const errors: KefuError[] = []
    const numbers: number[] = []
    client.on('state', change => states.push(change))
    client.on('error', error => errors.push(error))
    client.on('record', ({ n }) => numbers.push(n))
    return { states, errors, numbers, codes: () => errors.map(({ code }) => code) }
  }

  async function welcome(n: number): Promise<Peer> {
    const peer = await rig.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', visitorWelcome(n), hello.correlation)
    return peer
  }

  it('leaves a server that sends a compressed page before its welcome', async () => {
    const { states } = create()
    const peer = await rig.server.accept()
    await peer.expect('hello')
    const page = await compress(pack({ conversation: CONVERSATION, after: 0, head: 1, records: [stub(1)] }))
    peer.sendRaw(encodeRawFrame(7, 'page', 0, page, 1))
    assert.equal(await peer.closed, 4400)
    assert.equal(states.at(-1)!.error!.code, 'KEFU_FRAME_UNEXPECTED')
    await welcome(0)
    await eventually(() => states.at(-1)!.state === 'ready', 'the next connection')
  })

  it('is not put off for ever', async () => {
    const clock = createManualClock()
    const { states } = create({ clock })
    const first = await welcome(0)
    await eventually(() => states.at(-1)!.state === 'ready', 'the connection')
    first.send('goAway', { reason: 'restart', reconnectAfterMs: Number.MAX_SAFE_INTEGER })
    first.close(1012)
    await eventually(() => states.at(-1)!.state === 'reconnecting', 'the loss')
    assert.equal(states.at(-1)!.retryInMs, 300_000)
    clock.advance(300_000)
    const second = await rig.server.accept()
    const { correlation } = await second.expect('hello')
    second.fail('KEFU_DRAINING', correlation, { retryAfterMs: 2 ** 40 })
    await eventually(() => states.length === 4, 'the refusal')
    assert.equal(states.at(-1)!.retryInMs, 300_000)
  })

  it('is left when it says again and again that it goes, or says so before its welcome, and stays', async () => {
    const clock = createManualClock()
    const { visitor, states } = create({ clock })
    const first = await welcome(0)
    for (let seconds = 0, n = 1; seconds < 9; seconds += 3) {
      first.send('goAway', { reason: 'restart', reconnectAfterMs: 0 })
      first.send('deliver', { conversation: CONVERSATION, ...stub(n++) })
      await eventually(() => visitor.known === n - 1, 'the delivery')
      clock.advance(3_000)
    }
    assert.equal(states.at(-1)!.state, 'ready')
    clock.advance(1_000)
    assert.equal(states.at(-1)!.state, 'reconnecting')
    clock.advance(1)
    const second = await rig.server.accept()
    const hello = await second.expect('hello')
    second.send('goAway', { reason: 'restart', reconnectAfterMs: 0 })
    second.send('welcome', visitorWelcome(3), hello.correlation)
    await eventually(() => states.at(-1)!.state === 'ready', 'the welcome')
    clock.advance(10_000)
    assert.equal(states.at(-1)!.state, 'reconnecting')
  })

  it('is left within two seconds when it closes and keeps the connection', async () => {
    const sockets = new Set<Socket>()
    const tcp = createServer({ allowHalfOpen: true }, socket => {
      sockets.add(socket)
      socket.once('data', data => {
        const key = /^sec-websocket-key: (.+)\r$/im.exec(data.toString())![1]!
        const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: kefu.v1\r\n\r\n`,
        )
        // A close frame with code 1012, and then nothing.
        socket.write(Uint8Array.of(0x88, 2, 0x03, 0xf4))
      })
      socket.on('error', () => {})
    })
    tcp.listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    const { port } = tcp.address() as AddressInfo
    const { states, visitor } = create({ url: `http://127.0.0.1:${port}`, random: () => 0.99 })
    await eventually(() => states.length === 2, 'the loss')
    assert.match(states[1]!.error!.message, /1012/)
    await visitor.close()
    for (const socket of sockets) socket.destroy()
    tcp.close()
  })

  it('is asked at once for everything when it has lost what was kept and what was told', async () => {
    const { codes, numbers } = create({ after: 2, tokens: { load: () => 'kvt_1', save() {} } })
    const first = await welcome(3)
    first.send('page', { conversation: CONVERSATION, after: 2, head: 3, records: [agentMessage(3)] })
    await eventually(() => numbers.length === 1, 'the record')
    first.terminate()
    const second = await welcome(1)
    const pull = await second.until('history')
    assert.deepEqual(pull.body, { conversation: CONVERSATION, after: 0 })
    second.send('page', { conversation: CONVERSATION, after: 0, head: 1, records: [stub(1)] }, pull.correlation)
    await eventually(() => numbers.length === 2, 'what there is')
    assert.deepEqual([numbers, codes()], [[3, 1], ['KEFU_STORE_CONFLICT']])
  })

  it('tells only what is new to a caller that asks for what follows a number beyond the end', async () => {
    const { visitor, codes, numbers } = create({ after: Number.MAX_SAFE_INTEGER })
    const peer = await welcome(5)
    peer.send('deliver', { conversation: CONVERSATION, ...agentMessage(6) })
    await eventually(() => numbers.length === 1, 'the record')
    assert.deepEqual([numbers, codes(), visitor.known], [[6], [], 6])
  })

  it('gives links to its own files only', async () => {
    const { visitor } = create()
    const peer = await welcome(0)
    await visitor.ready()
    for (const url of ['javascript:alert(1)', '//elsewhere.example/x', 'http://elsewhere.example/', 'http://[']) {
      const link = visitor.media('md_01')
      const { correlation } = await peer.until('media')
      peer.send('media', { media: 'md_01', url, expiresAt: 1 }, correlation)
      await assert.rejects(link, error => error instanceof KefuError && error.code === 'KEFU_FRAME_INVALID')
    }
  })

  describe('of an agent', () => {
    function createDesk() {
      const client = createAgent({ url: rig.server.url, token: 'kat_1', random: () => 0, receiptIntervalMs: 5 })
      rig.keep(client)
      return { client, ...listen(client) }
    }

    async function desk(entries: ReturnType<typeof inboxEntry>[]): Promise<Peer> {
      const peer = await rig.server.accept()
      const hello = await peer.expect('hello')
      peer.send('welcome', agentWelcome('0:9'), hello.correlation)
      peer.send('inbox', { entries, more: false })
      return peer
    }

    async function answer(peer: Peer, after: number, head: number): Promise<void> {
      const pull = await peer.until('history')
      assert.equal(pull.body.after, after)
      const records = Array.from({ length: head - after }, (_, at) => contactMessage(after + 1 + at))
      peer.send('page', { conversation: conversationId(1), after, head, records }, pull.correlation)
    }

    it('may have lost records: the conversation is told anew', async () => {
      const { codes, numbers } = createDesk()
      const first = await desk([inboxEntry(1, 5)])
      await answer(first, 0, 5)
      await eventually(() => numbers.length === 5, 'the records')
      first.terminate()
      const second = await desk([inboxEntry(1, 3)])
      await answer(second, 0, 3)
      await eventually(() => numbers.length === 8, 'what there is')
      second.send('deliver', { conversation: conversationId(1), contact: 'v_1', cursor: '0:10', ...contactMessage(4) })
      await eventually(() => numbers.length === 9, 'the next record')
      assert.deepEqual(numbers, [1, 2, 3, 4, 5, 1, 2, 3, 4])
      assert.deepEqual(codes(), ['KEFU_STORE_CONFLICT'])
    })

    it('does not hear of what a conversation brought that is not the agent’s any more', async () => {
      const { client, numbers } = createDesk()
      const peer = await desk([inboxEntry(1, 1), inboxEntry(2, 1, { at: 1 })])
      for (let count = 0; count < 2; count++) {
        const { body, correlation } = await peer.until('history')
        const conversation = body.conversation as `c_${string}`
        peer.send('page', { conversation, after: 0, head: 1, records: [contactMessage(1)] }, correlation)
      }
      for (let count = 0; count < 2; count++) await peer.until('ack')
      const gone = { type: 'assigned', by: { role: 'system' as const }, agent: 'a_2', name: 'x', reasons: [] }
      const at = { conversation: conversationId(1), contact: 'v_1', at: 6 }
      peer.send('deliver', { ...at, cursor: '0:11', n: 2, record: gone })
      peer.send('deliver', { ...at, conversation: conversationId(2), cursor: '0:12', ...contactMessage(2) })
      await eventually(() => numbers.length === 4, 'both records')
      assert.deepEqual((await peer.until('ack')).body, { conversation: conversationId(2), n: 2 })
      client.typing(conversationId(2), true)
      await peer.until('typing')
      assert.equal(
        peer.waiting.some(({ kind }) => kind === 'ack'),
        false,
      )
    })
  })
})

describe('bounds', () => {
  it('an alarm sleeps in steps that timers can count', () => {
    const delays: number[] = []
    const clock = createManualClock()
    const rung: number[] = []
    const watched: ClientClock = {
      ...clock,
      after(ms, ring) {
        delays.push(ms)
        return clock.after(ms, ring)
      },
    }
    const alarm = new Alarm(watched, 1, () => rung.push(clock.monotonicMs()))
    const dueAt = clock.monotonicMs() + 2 ** 32
    alarm.set(0, dueAt)
    clock.advance(2 ** 32 - 1)
    assert.deepEqual(rung, [])
    clock.advance(1)
    assert.deepEqual(rung, [dueAt])
    assert.ok(delays.every(ms => ms < 2 ** 31))
  })

  it('only so much waits behind a body that is being inflated', async () => {
    const errors: KefuError[] = []
    const inbound = new Inbound(() => new Promise(() => {}), {
      frame: () => assert.fail('a frame got ahead'),
      violated: error => errors.push(error),
      inflateFailed() {},
    })
    inbound.take(encodeRawFrame(7, 'page', 0, new Uint8Array(9), 1))
    const large = encodeFrame(7, 'typing', 0, { text: 'x'.repeat(1_000_000) })
    for (let count = 0; count < 8; count++) inbound.take(large)
    assert.deepEqual(errors, [])
    inbound.take(large)
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['KEFU_QUEUE_FULL'],
    )
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WebSocket } from 'ws'
import {
  createAgent,
  createVisitor,
  KefuError,
  type StateChange,
  type Visitor,
  type VisitorOptions,
  type WebSocketConstructor,
} from '../../src/client/index.js'
import { encodeFrame } from '../../src/codec/frame.js'
import { agentMessage, CONVERSATION, eventually, type Peer, stub, visitorWelcome } from './fake-server.js'
import { createManualClock } from './manual-clock.js'
import { useClients } from './rigs.js'

describe('session', () => {
  const rig = useClients()

  function create(options: Partial<VisitorOptions> = {}): { visitor: Visitor; states: StateChange[] } {
    const visitor = createVisitor({ url: rig.server.url, channel: 'site', random: () => 0, ...options })
    rig.keep(visitor)
    const states: StateChange[] = []
    visitor.on('state', change => states.push(change))
    return { visitor, states }
  }

  async function welcome(): Promise<Peer> {
    const peer = await rig.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', visitorWelcome(0), hello.correlation)
    return peer
  }

  const code = (expected: string) => (error: unknown) => error instanceof KefuError && error.code === expected

  it('waits longer after each failed attempt, with the jitter of its random source', async () => {
    const clock = createManualClock()
    const { states } = create({ clock, random: () => 0.5 })
    const delays = [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]
    for (const [at, delay] of delays.entries()) {
      const peer = await rig.server.accept()
      peer.terminate()
      await eventually(() => states.length === at + 2, 'the loss')
      assert.equal(states.at(-1)!.state, 'connecting')
      assert.equal(states.at(-1)!.retryInMs, delay)
      clock.advance(delay - 1)
      assert.equal(rig.server.accepted, at + 1)
      clock.advance(1)
    }
    await rig.server.accept()
  })

  it('starts from the shortest delay again once a connection has lasted', async () => {
    const clock = createManualClock()
    const { states, visitor } = create({ clock, random: () => 0.5 })
    const retries = (): (number | undefined)[] => states.map(({ retryInMs }) => retryInMs).filter(Boolean)
    for (const lastsMs of [100, 100, 10_000, 100]) {
      const peer = await welcome()
      await visitor.ready()
      clock.advance(lastsMs)
      const before = retries().length
      peer.terminate()
      await eventually(() => retries().length > before, 'the loss')
      clock.advance(retries().at(-1)!)
    }
    assert.deepEqual(retries(), [1_000, 2_000, 1_000, 2_000])
  })

  it('stops sending at goAway, takes the answers, and comes back after the time it was told', async () => {
    const clock = createManualClock()
    const { visitor, states } = create({ clock })
    const peer = await welcome()
    const before = visitor.send('before')
    const message = await peer.expect('message')
    peer.send('goAway', { reason: 'restart', reconnectAfterMs: 700 })
    peer.send('deliver', { conversation: CONVERSATION, ...stub(1) })
    await eventually(() => visitor.known === 1, 'the delivery')
    const after = visitor.send('after')
    peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n: 2 }, message.correlation)
    assert.equal((await before).n, 2)
    peer.close(1012, 'restart')
    await eventually(() => states.at(-1)!.state === 'reconnecting', 'the loss')
    assert.equal(states.at(-1)!.retryInMs, 700)
    assert.deepEqual(peer.waiting, [])
    clock.advance(700)
    const second = await rig.server.accept()
    const hello = await second.expect('hello')
    second.send('welcome', visitorWelcome(2), hello.correlation)
    const resent = await second.expect('message')
    assert.deepEqual(resent.body.parts, [{ type: 'text', text: 'after' }])
    second.send('ack', { id: resent.body.id, conversation: CONVERSATION, n: 3 }, resent.correlation)
    assert.equal((await after).n, 3)
  })

  it('comes back and resumes when it was cut off for reading too slowly', async () => {
    const { visitor, states } = create()
    const peer = await welcome()
    await visitor.ready()
    peer.close(1013, 'slow')
    await welcome()
    await eventually(() => states.at(-1)!.state === 'ready', 'ready again')
    assert.equal(states.at(-2)!.error!.code, 'KEFU_SLOW_CONSUMER')
  })

  it('leaves a server that said goAway and does not close', async () => {
    const clock = createManualClock()
    const { visitor, states } = create({ clock })
    const peer = await welcome()
    peer.send('goAway', { reason: 'restart', reconnectAfterMs: 100 })
    await eventually(() => states.at(-1)!.state === 'ready', 'ready')
    // The frame behind it shows that goAway has been read.
    peer.send('deliver', { conversation: CONVERSATION, ...stub(1) })
    await eventually(() => visitor.known === 1, 'the delivery')
    clock.advance(10_000)
    assert.equal(states.at(-1)!.state, 'reconnecting')
    await peer.closed
  })

  for (const [name, options, end] of [
    ['the token is refused', {}, (peer: Peer, correlation: number) => peer.fail('KEFU_UNAUTHORISED', correlation)],
    ['the socket is closed with 4401', {}, (peer: Peer) => peer.close(4401, 'KEFU_UNAUTHORISED')],
  ] as const) {
    it(`ends with KEFU_UNAUTHORISED when ${name}`, async () => {
      const { visitor, states } = create(options)
      const errors: KefuError[] = []
      visitor.on('error', error => errors.push(error))
      const waiting = visitor.send('never')
      const ready = visitor.ready()
      const peer = await rig.server.accept()
      const hello = await peer.expect('hello')
      end(peer, hello.correlation)
      await assert.rejects(ready, code('KEFU_UNAUTHORISED'))
      await assert.rejects(waiting, code('KEFU_UNAUTHORISED'))
      await assert.rejects(visitor.send('later'), code('KEFU_UNAUTHORISED'))
      await peer.closed
      assert.equal(visitor.state, 'closed')
      assert.deepEqual([errors.length, states.at(-1)!.error!.code], [1, 'KEFU_UNAUTHORISED'])
    })
  }

  it('ends when the origin or the channel is refused, and when the token is for another role', async () => {
    const first = create()
    ;(await rig.server.accept()).close(4403, 'KEFU_ORIGIN_REFUSED')
    await assert.rejects(first.visitor.ready(), code('KEFU_ORIGIN_REFUSED'))
    const second = create()
    const peer = await rig.server.accept()
    peer.fail('KEFU_CHANNEL_NOT_FOUND', (await peer.expect('hello')).correlation)
    await assert.rejects(second.visitor.ready(), code('KEFU_CHANNEL_NOT_FOUND'))
    const agent = createAgent({ url: rig.server.url, token: 'kvt_visitor' })
    rig.keep(agent)
    await welcome()
    await assert.rejects(agent.ready(), code('KEFU_UNAUTHORISED'))
  })

  it('says hello again when its session is ended with 4401, and ends when that is refused', async () => {
    const { visitor, states } = create()
    const first = await welcome()
    await visitor.ready()
    first.close(4401, 'KEFU_UNAUTHORISED')
    const second = await welcome()
    await eventually(() => states.at(-1)!.state === 'ready', 'ready again')
    second.close(4401, 'KEFU_UNAUTHORISED')
    const third = await rig.server.accept()
    third.fail('KEFU_UNAUTHORISED', (await third.expect('hello')).correlation)
    await eventually(() => visitor.state === 'closed', 'the end')
  })

  it('tries again when the hello is refused for now, not before the time it was told', async () => {
    const clock = createManualClock()
    const { states } = create({ clock })
    const peer = await rig.server.accept()
    const hello = await peer.expect('hello')
    peer.fail('KEFU_DRAINING', hello.correlation, { retryAfterMs: 3_000 })
    await eventually(() => states.length === 2, 'the refusal')
    assert.deepEqual([states[1]!.error!.code, states[1]!.retryInMs], ['KEFU_DRAINING', 3_000])
    clock.advance(3_000)
    await welcome()
    await eventually(() => states.at(-1)!.state === 'ready', 'ready')
  })

  it('cuts a server that does not welcome, and one that does not answer a request', async () => {
    const clock = createManualClock()
    const { visitor, states } = create({ clock, requestTimeoutMs: 4_000 })
    const first = await rig.server.accept()
    await first.expect('hello')
    clock.advance(4_000)
    assert.equal(states.at(-1)!.error!.code, 'KEFU_TIMEOUT')
    clock.advance(1)
    const second = await welcome()
    await visitor.ready()
    const history = visitor.history({ after: 0 })
    await second.expect('history')
    clock.advance(5_000)
    await assert.rejects(history, code('KEFU_TIMEOUT'))
    assert.equal(states.at(-1)!.state, 'reconnecting')
    await second.closed
  })

  it('cuts a server that does not acknowledge, and sends the message again', async () => {
    const clock = createManualClock()
    const { visitor } = create({ clock, requestTimeoutMs: 4_000 })
    const first = await welcome()
    const sent = visitor.send('hello?')
    const { body } = await first.expect('message')
    clock.advance(9_000)
    await first.closed
    clock.advance(1)
    const second = await welcome()
    const again = await second.expect('message')
    assert.equal(again.body.id, body.id)
    second.send('ack', { id: body.id, conversation: CONVERSATION, n: 2 }, again.correlation)
    assert.equal((await sent).n, 2)
  })

  it('asks a silent server for a sign of life, stays when it answers, leaves when it does not', async () => {
    const clock = createManualClock()
    const { visitor, states } = create({ clock })
    const peer = await welcome()
    await visitor.ready()
    clock.advance(118_000)
    const probe = await peer.expect('history')
    assert.deepEqual(probe.body, { after: 0, limit: 1 })
    peer.send('page', { conversation: CONVERSATION, after: 0, head: 0, records: [] }, probe.correlation)
    peer.send('deliver', { conversation: CONVERSATION, ...stub(1) })
    await eventually(() => visitor.known === 1, 'the answer')
    clock.advance(12_000)
    assert.equal(states.at(-1)!.state, 'ready')
    clock.advance(106_000)
    await peer.until('history')
    clock.advance(12_000)
    assert.equal(states.at(-1)!.state, 'reconnecting')
    await peer.closed
  })

  it('takes a ping for a sign of life', async () => {
    const clock = createManualClock()
    const { visitor, states } = create({ clock })
    const peer = await welcome()
    await visitor.ready()
    clock.advance(110_000)
    peer.ping()
    // What follows the ping shows that it has arrived; it does not count as the sign, as the clock stands.
    peer.send('deliver', { conversation: CONVERSATION, ...stub(1) })
    await eventually(() => visitor.known === 1, 'the delivery')
    clock.advance(117_000)
    assert.equal(
      peer.waiting.some(({ kind }) => kind === 'history'),
      false,
    )
    assert.equal(states.at(-1)!.state, 'ready')
  })

  for (const [name, data] of [
    ['a text message', '{"kind":"welcome"}'],
    ['too few bytes', new Uint8Array([0, 7, 6])],
    ['an unknown kind', new Uint8Array([0, 7, 99, 0, 0, 0, 0, 0, 0x80])],
    ['an unknown flag', new Uint8Array([0, 7, 6, 8, 0, 0, 0, 0, 0x80])],
    ['damaged msgpack', new Uint8Array([0, 7, 6, 0, 0, 0, 0, 0, 0xdf, 0xff, 0xff, 0xff, 0xff])],
    ['a frame that only clients send', encodeFrame(0, 'hello', 0, { token: 'x' })],
    ['a delivery without a record', encodeFrame(7, 'deliver', 0, { conversation: CONVERSATION, n: 1, at: 1 })],
    ['a number that is none', encodeFrame(7, 'deliver', 0, { conversation: CONVERSATION, ...stub(1), n: 1.5 })],
    [
      'a page with a hole',
      encodeFrame(7, 'page', 0, { conversation: CONVERSATION, after: 0, head: 9, records: [stub(1), stub(3)] }),
    ],
  ] as const) {
    it(`survives ${name}: closes with 4400 and connects again`, async () => {
      const { visitor, states } = create()
      const peer = await welcome()
      await visitor.ready()
      peer.sendRaw(data)
      assert.equal(await peer.closed, 4400)
      const second = await welcome()
      second.send('deliver', { conversation: CONVERSATION, ...agentMessage(1) })
      await eventually(() => visitor.known === 1, 'the delivery')
      assert.deepEqual(
        states.map(({ state }) => state),
        ['connecting', 'ready', 'reconnecting', 'ready'],
      )
    })
  }

  it('gives up after five connections that the server ended for a broken protocol', async () => {
    const { visitor } = create()
    const waiting = visitor.send('poison')
    for (let count = 0; count < 5; count++) {
      const peer = await welcome()
      await peer.expect('message')
      peer.close(4400, 'KEFU_FRAME_INVALID')
    }
    await assert.rejects(waiting, code('KEFU_FRAME_INVALID'))
    assert.equal(visitor.state, 'closed')
  })

  it('does not try a server that is not there without delay, and closes meanwhile', async () => {
    const clock = createManualClock()
    const { visitor, states } = create({ clock, url: 'http://127.0.0.1:1', random: () => 0.5 })
    await eventually(() => states.length === 2, 'the failure')
    assert.deepEqual([states[1]!.error!.code, states[1]!.retryInMs], ['KEFU_DISCONNECTED', 1_000])
    const waiting = visitor.send('x')
    await visitor.close()
    await assert.rejects(waiting, code('KEFU_DISCONNECTED'))
    assert.equal(clock.timers, 0)
  })

  it('closes within two seconds of a server that does not close, and close can be called again', async () => {
    const clock = createManualClock()
    const held: (() => void)[] = []
    // A platform socket whose closing handshake never ends.
    class Deaf extends WebSocket {
      override close(): void {
        held.push(() => super.terminate())
      }
    }
    const { visitor } = create({ clock, webSocket: Deaf as unknown as WebSocketConstructor })
    await welcome()
    await visitor.ready()
    const closed = visitor.close()
    assert.equal(visitor.state, 'closed')
    assert.equal(visitor.close(), closed)
    clock.advance(2_000)
    await closed
    for (const release of held) release()
  })

  it('works with a platform WebSocket', async () => {
    const { visitor } = create({ webSocket: WebSocket as unknown as WebSocketConstructor })
    const peer = await welcome()
    await visitor.ready()
    const sent = visitor.send('hi')
    const message = await peer.expect('message')
    peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n: 2 }, message.correlation)
    assert.equal((await sent).n, 2)
    peer.send('deliver', { conversation: CONVERSATION, ...stub(1) })
    await eventually(() => visitor.known === 2, 'both records')
  })

  it('can be told to stop waiting for a connection', async () => {
    const { visitor } = create({ url: 'http://127.0.0.1:1' })
    await assert.rejects(visitor.ready(AbortSignal.timeout(20)), code('KEFU_ABORTED'))
    await assert.rejects(visitor.ready(AbortSignal.abort()), code('KEFU_ABORTED'))
  })

  it('refuses addresses and options that cannot work', () => {
    for (const url of ['', 'ftp://x', 'http://user:secret@x', 'http://x/?token=1'])
      assert.throws(() => createVisitor({ url, channel: 'site' }), code('KEFU_USAGE'))
    assert.throws(() => createVisitor({ url: rig.server.url }), code('KEFU_USAGE'))
  })
})

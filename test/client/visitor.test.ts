import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createVisitor,
  KefuError,
  type RecordEvent,
  type StateChange,
  type VisitorOptions,
} from '../../src/client/index.js'
import { encodeRawFrame } from '../../src/codec/frame.js'
import { pack } from '../../src/codec/msgpack.js'
import { compress } from '../../src/codec/zstd.js'
import {
  agentMessage,
  CONVERSATION,
  contactMessage,
  eventually,
  type Peer,
  stub,
  visitorWelcome,
} from './fake-server.js'
import { useClients } from './rigs.js'

const code = (expected: string) => (error: unknown) => error instanceof KefuError && error.code === expected

describe('visitor', () => {
  const rig = useClients()

  /** A client that reconnects without delay, and what it told. */
  function create(options: Partial<VisitorOptions> = {}) {
    const visitor = createVisitor({
      url: rig.server.url,
      channel: 'site',
      random: () => 0,
      receiptIntervalMs: 5,
      ...options,
    })
    rig.keep(visitor)
    const records: RecordEvent[] = []
    const states: StateChange[] = []
    const errors: KefuError[] = []
    visitor.on('record', record => records.push(record))
    visitor.on('state', change => states.push(change))
    visitor.on('error', error => errors.push(error))
    return { visitor, records, states, errors, numbers: () => records.map(({ n }) => n) }
  }

  async function welcome(n: number, extra = {}): Promise<Peer> {
    const peer = await rig.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', visitorWelcome(n, extra), hello.correlation)
    return peer
  }

  for (const subprotocol of ['binary', 'json'] as const) {
    it(`says hello, keeps its token, sends and receives (${subprotocol})`, async () => {
      const saved: string[] = []
      const { visitor, records, states } = create({
        subprotocol,
        name: '李雷',
        client: 'test 1',
        tokens: { load: () => undefined, save: token => void saved.push(token) },
      })
      const peer = await rig.server.accept()
      const hello = await peer.expect('hello')
      assert.equal(peer.subprotocol, subprotocol === 'json' ? 'kefu.v1.json' : 'kefu.v1')
      assert.ok(hello.correlation > 0)
      const zstd = subprotocol === 'binary' ? { zstd: true } : {}
      assert.deepEqual(hello.body, { channel: 'site', name: '李雷', ...zstd, client: 'test 1' })
      peer.send('welcome', visitorWelcome(0, { token: 'kvt_secret' }), hello.correlation)
      await visitor.ready()
      assert.deepEqual(saved, ['kvt_secret'])
      assert.equal(visitor.conversation, CONVERSATION)

      const sent = visitor.send('你好')
      const message = await peer.expect('message')
      assert.equal(message.channel, 7)
      assert.deepEqual(message.body, { id: message.body.id, parts: [{ type: 'text', text: '你好' }] })
      // The acknowledgement overtakes the record that opened the conversation.
      peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n: 2 }, message.correlation)
      assert.equal((await sent).n, 2)
      assert.equal(records.length, 0)
      peer.send('deliver', { conversation: CONVERSATION, ...stub(1) })
      peer.send('deliver', { conversation: CONVERSATION, ...agentMessage(3, 'hi') })
      await eventually(() => records.length === 3, 'three records')
      assert.deepEqual(
        records.map(({ n, own, record }) => [n, own, record.type]),
        [
          [1, false, 'internal'],
          [2, true, 'message'],
          [3, false, 'message'],
        ],
      )
      assert.equal(records[1]!.record.id, message.body.id)
      assert.deepEqual(records[1]!.record.parts, [{ type: 'text', text: '你好' }])
      assert.deepEqual((await peer.expect('ack')).body, { conversation: CONVERSATION, n: 3 })
      visitor.read(3)
      visitor.read(2)
      assert.deepEqual((await peer.expect('read')).body, { conversation: CONVERSATION, n: 3 })
      visitor.typing(true)
      assert.deepEqual((await peer.expect('typing')).body, { on: true })
      await visitor.close()
      assert.equal(await peer.closed, 1000)
      assert.deepEqual(
        states.map(({ state }) => state),
        ['connecting', 'ready', 'closed'],
      )
    })
  }

  it('resumes after the last number in order and sends again, with the same id, what it does not find stored', async () => {
    const { visitor, records, numbers } = create({ tokens: { load: () => 'kvt_1', save() {} } })
    const first = await rig.server.accept()
    const hello = await first.expect('hello')
    assert.deepEqual(hello.body, { token: 'kvt_1', resume: { n: 0 }, zstd: true })
    first.send('welcome', visitorWelcome(3), hello.correlation)
    first.send('page', {
      conversation: CONVERSATION,
      after: 0,
      head: 3,
      records: [stub(1), contactMessage(2, 'old', 'x1')],
    })
    first.send('page', { conversation: CONVERSATION, after: 2, head: 3, records: [agentMessage(3)] })
    await eventually(() => records.length === 3, 'the pages')
    const sent = ['a', 'b', 'c'].map(text => visitor.send(text, { id: text }))
    const message = await first.expect('message')
    await first.expect('message')
    await first.expect('message')
    first.send('ack', { id: 'a', conversation: CONVERSATION, n: 4 }, message.correlation)
    await sent[0]
    // "b" was stored, its acknowledgement is lost with the connection, "c" never arrived.
    first.terminate()

    const second = await rig.server.accept()
    const again = await second.expect('hello')
    assert.deepEqual(again.body.resume, { n: 4 })
    second.send('welcome', visitorWelcome(6), again.correlation)
    const missed = {
      conversation: CONVERSATION,
      after: 4,
      head: 6,
      records: [contactMessage(5, 'b', 'b'), agentMessage(6)],
    }
    const review = await second.expect('history')
    assert.deepEqual(review.body, {})
    second.send('page', missed)
    second.send(
      'page',
      { ...missed, after: 3, records: [contactMessage(4, 'a', 'a'), ...missed.records] },
      review.correlation,
    )
    const resent = await second.until('message')
    assert.equal(resent.body.id, 'c')
    second.send('ack', { id: 'c', conversation: CONVERSATION, n: 7 }, resent.correlation)
    assert.deepEqual(
      (await Promise.all(sent)).map(({ n }) => n),
      [4, 5, 7],
    )
    await eventually(() => records.length === 7, 'all records')
    assert.deepEqual(numbers(), [1, 2, 3, 4, 5, 6, 7])
    assert.deepEqual(
      records.filter(({ own }) => own).map(({ record }) => record.id),
      ['x1', 'a', 'b', 'c'],
    )
    assert.equal(visitor.unacknowledged, 0)
  })

  it('asks for what a delivery shows to be missing, and only then', async () => {
    const { numbers } = create()
    const peer = await welcome(0)
    peer.send('deliver', { conversation: CONVERSATION, ...stub(1) })
    peer.send('deliver', { conversation: CONVERSATION, ...agentMessage(4) })
    const history = await peer.until('history')
    assert.deepEqual(history.body, { conversation: CONVERSATION, after: 1 })
    assert.ok(history.correlation > 0)
    peer.send('deliver', { conversation: CONVERSATION, ...agentMessage(5) })
    peer.send(
      'page',
      { conversation: CONVERSATION, after: 1, head: 5, records: [agentMessage(2), agentMessage(3)] },
      history.correlation,
    )
    await eventually(() => numbers().length === 5, 'five records')
    assert.deepEqual(numbers(), [1, 2, 3, 4, 5])
    assert.equal(
      peer.waiting.some(({ kind }) => kind === 'history'),
      false,
    )
  })

  it('gives an acknowledgement on its way a moment before it asks for its number', async () => {
    const { visitor, numbers } = create()
    const peer = await welcome(1, { token: 't' })
    peer.send('page', { conversation: CONVERSATION, after: 0, head: 1, records: [stub(1)] })
    const sent = visitor.send('mine')
    const message = await peer.until('message')
    peer.send('deliver', { conversation: CONVERSATION, ...agentMessage(3) })
    visitor.typing(true)
    // Frames keep their order: had the client asked, the request would be here before the typing.
    await eventually(() => visitor.head === 3, 'the delivery')
    visitor.typing(false)
    await peer.until('typing')
    await peer.until('typing')
    peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n: 2 }, message.correlation)
    await sent
    await eventually(() => numbers().length === 3, 'three records')
    assert.deepEqual(numbers(), [1, 2, 3])
  })

  it('reads compressed pages and keeps the order of what comes behind them', async () => {
    const { numbers } = create()
    const peer = await welcome(0)
    const records = Array.from({ length: 40 }, (_, at) => agentMessage(at + 1, '服务'.repeat(100)))
    const body = await compress(pack({ conversation: CONVERSATION, after: 0, head: 41, records }))
    peer.sendRaw(encodeRawFrame(7, 'page', 0, body, 1))
    peer.send('deliver', { conversation: CONVERSATION, ...agentMessage(41) })
    await eventually(() => numbers().length === 41, 'all records')
    assert.deepEqual(
      numbers(),
      Array.from({ length: 41 }, (_, at) => at + 1),
    )
    assert.equal(
      peer.waiting.some(({ kind }) => kind === 'history'),
      false,
    )
  })

  it('reconnects without compression when a compressed page is damaged', async () => {
    const { states } = create()
    const peer = await welcome(0)
    peer.sendRaw(encodeRawFrame(7, 'page', 0, new Uint8Array([1, 2, 3]), 1))
    const second = await rig.server.accept()
    const hello = await second.expect('hello')
    assert.equal(hello.body.zstd, undefined)
    assert.equal(await peer.closed, 4400)
    assert.equal(states.at(-1)!.error!.code, 'KEFU_CODEC_INVALID')
  })

  it('has at most 64 messages unacknowledged and refuses what its queue does not hold', async () => {
    const { visitor } = create({ outboxLimit: 100 })
    const peer = await welcome(0)
    await visitor.ready()
    const sent = Array.from({ length: 100 }, (_, at) => visitor.send(`m${at}`))
    await assert.rejects(visitor.send('one too many'), code('KEFU_QUEUE_FULL'))
    visitor.typing(true)
    const inFlight = []
    for (let at = 0; at < 64; at++) inFlight.push(await peer.expect('message'))
    await peer.expect('typing')
    let n = 1
    peer.send('deliver', { conversation: CONVERSATION, ...stub(1) })
    for (let at = 0; at < 100; at++) {
      const { body, correlation } = inFlight[at] ?? (await peer.until('message'))
      peer.send('ack', { id: body.id, conversation: CONVERSATION, n: ++n }, correlation)
    }
    assert.deepEqual(
      (await Promise.all(sent)).map(result => result.n),
      Array.from({ length: 100 }, (_, at) => at + 2),
    )
  })

  it('rejects what the server refuses for good and resends what it may take later', async () => {
    const { visitor } = create()
    const peer = await welcome(0)
    const large = visitor.send('first')
    const limited = visitor.send('second')
    const [one, two] = [await peer.until('message'), await peer.until('message')]
    peer.fail('KEFU_MESSAGE_TOO_LARGE', one.correlation, { id: one.body.id, message: 'the message has 1 bytes' })
    peer.fail('KEFU_RATE_LIMITED', two.correlation, { id: two.body.id, retryAfterMs: 20 })
    await assert.rejects(large, error => code('KEFU_MESSAGE_TOO_LARGE')(error) && /1 bytes/.test(String(error)))
    const again = await peer.until('message')
    assert.equal(again.body.id, two.body.id)
    peer.send('ack', { id: again.body.id, conversation: CONVERSATION, n: 2 }, again.correlation)
    assert.equal((await limited).n, 2)
  })

  it('checks a message before it takes it', async () => {
    const { visitor } = create()
    await assert.rejects(visitor.send(''), code('KEFU_USAGE'))
    await assert.rejects(visitor.send([]), code('KEFU_USAGE'))
    await assert.rejects(visitor.send('a\ud800'), code('KEFU_USAGE'))
    await assert.rejects(visitor.send('a', { id: 'with space' }), code('KEFU_USAGE'))
    await assert.rejects(visitor.send('客'.repeat(4_200)), code('KEFU_MESSAGE_TOO_LARGE'))
    assert.equal(visitor.unacknowledged, 0)
  })

  it('answers requests: history and media links', async () => {
    const { visitor } = create()
    const peer = await welcome(0)
    await visitor.ready()
    const history = visitor.history({ before: 9, limit: 2 })
    const asked = await peer.until('history')
    assert.deepEqual(asked.body, { before: 9, limit: 2 })
    peer.send(
      'page',
      { conversation: CONVERSATION, after: 6, head: 20, records: [agentMessage(7), agentMessage(8)] },
      asked.correlation,
    )
    assert.deepEqual(
      (await history).records.map(({ n }) => n),
      [7, 8],
    )
    const link = visitor.media('md_01')
    const media = await peer.until('media')
    peer.send('media', { media: 'md_01', url: '/v1/media/md_01?s=1', expiresAt: 5 }, media.correlation)
    assert.deepEqual(await link, { url: `${rig.server.url}/v1/media/md_01?s=1`, expiresAt: 5 })
    const lost = visitor.history({ after: 1 })
    await peer.until('history')
    peer.terminate()
    await assert.rejects(lost, code('KEFU_DISCONNECTED'))
  })

  it('passes on typing, read, presence, the place in line and errors that answer nothing', async () => {
    const { visitor, errors } = create()
    const peer = await welcome(0)
    const heard: unknown[] = []
    visitor.on('typing', ({ on }) => heard.push(['typing', on]))
    visitor.on('read', ({ n }) => heard.push(['read', n]))
    visitor.on('presence', ({ state }) => heard.push(['presence', state]))
    visitor.on('queue', ({ ahead }) => heard.push(['queue', ahead]))
    peer.send('typing', { conversation: CONVERSATION, by: { role: 'agent', id: 'a_1' }, on: true })
    peer.send('read', { conversation: CONVERSATION, by: { role: 'agent', id: 'a_1' }, n: 3 })
    peer.send('presence', { conversation: CONVERSATION, agent: 'a_1', state: 'away' })
    peer.send('queue', { conversation: CONVERSATION, ahead: 2, estimatedWaitMs: 60_000 })
    peer.fail('KEFU_STORE_CORRUPT', 0)
    await eventually(() => errors.length === 1, 'the error')
    assert.deepEqual(heard, [
      ['typing', true],
      ['read', 3],
      ['presence', 'away'],
      ['queue', 2],
    ])
    assert.equal(errors[0]!.code, 'KEFU_STORE_CORRUPT')
  })

  it('asserts an identity instead of a kept token, and goes on with the token it gets', async () => {
    const unused = {
      load: (): undefined => assert.fail('the store is of somebody else'),
      save: () => assert.fail('the store is of somebody else'),
    }
    const identity = { id: 'user-42', expiresAt: 1_800_000_000_000, signature: 'a'.repeat(64) }
    const { numbers } = create({ tokens: unused, identity: async () => identity, decompress: false })
    const first = await rig.server.accept()
    const hello = await first.expect('hello')
    assert.deepEqual(hello.body, { channel: 'site', identity })
    first.send('welcome', visitorWelcome(1, { token: 'kvt_known' }), hello.correlation)
    first.send('page', { conversation: CONVERSATION, after: 0, head: 1, records: [stub(1)] })
    await eventually(() => numbers().length === 1, 'the page')
    first.terminate()
    const second = await rig.server.accept()
    assert.deepEqual((await second.expect('hello')).body, { token: 'kvt_known', resume: { n: 1 } })
  })

  it('starts anew, and says so, when the server has lost records', async () => {
    const { errors, numbers } = create({ tokens: { load: () => 't', save() {} } })
    const first = await welcome(2)
    first.send('page', { conversation: CONVERSATION, after: 0, head: 2, records: [stub(1), agentMessage(2)] })
    await eventually(() => numbers().length === 2, 'the page')
    first.terminate()
    const second = await welcome(1)
    second.send('page', { conversation: CONVERSATION, after: 0, head: 1, records: [stub(1)] })
    await eventually(() => numbers().length === 3, 'the record')
    assert.deepEqual(
      errors.map(error => error.code),
      ['KEFU_STORE_CONFLICT'],
    )
  })
})

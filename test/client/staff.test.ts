import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SendOptions } from '../../src/client/app.js'
import {
  type AgentOptions,
  type AppOptions,
  createAgent,
  createApp,
  KefuError,
  type RecordEvent,
} from '../../src/client/index.js'
import type { InboxBody, WireEntry } from '../../src/codec/wire.js'
import {
  agentMessage,
  agentWelcome,
  appWelcome,
  contactMessage,
  conversationId,
  eventually,
  inboxEntry,
  type Peer,
  stub,
} from './fake-server.js'
import { createManualClock } from './manual-clock.js'
import { useClients } from './rigs.js'

describe('agent and app', () => {
  const rig = useClients()

  function agent(options: Partial<AgentOptions> = {}) {
    const client = createAgent({
      url: rig.server.url,
      token: 'kat_1',
      random: () => 0,
      receiptIntervalMs: 5,
      ...options,
    })
    rig.keep(client)
    return { client, ...listen(client) }
  }

  function app(options: Partial<AppOptions> = {}) {
    const client = createApp({ url: rig.server.url, token: 'kpt_1', random: () => 0, receiptIntervalMs: 5, ...options })
    rig.keep(client)
    return { client, ...listen(client) }
  }

  function listen(client: { on(name: 'record', listener: (record: RecordEvent) => void): () => void }) {
    const records: RecordEvent[] = []
    client.on('record', record => records.push(record))
    const numbers = (number: number): number[] =>
      records.filter(({ conversation }) => conversation === conversationId(number)).map(({ n }) => n)
    return { records, numbers }
  }

  async function agentPeer(cursor: string, inbox: InboxBody = { entries: [], more: false }): Promise<Peer> {
    const peer = await rig.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', agentWelcome(cursor), hello.correlation)
    peer.send('inbox', inbox)
    await peer.expect('presence')
    return peer
  }

  /** Answers the next history request from records 1 to `head`, at most `size` of them. */
  async function answerHistory(peer: Peer, head: number, size = 100, make: (n: number) => WireEntry = contactMessage) {
    const { body, correlation } = await peer.until('history')
    const after = body.after!
    const count = Math.max(0, Math.min(size, head - after))
    const records = Array.from({ length: count }, (_, at) => make(after + 1 + at))
    peer.send('page', { conversation: body.conversation as `c_${string}`, after, head, records }, correlation)
    return { conversation: body.conversation, after }
  }

  it('says hello with its token, keeps its heartbeat and its state', async () => {
    const clock = createManualClock()
    const { client } = agent({ clock, token: () => 'kat_fresh', decompress: false })
    const peer = await rig.server.accept()
    const hello = await peer.expect('hello')
    assert.deepEqual(hello.body, { token: 'kat_fresh' })
    peer.send('welcome', agentWelcome('0:5'), hello.correlation)
    assert.deepEqual((await peer.expect('presence')).body, { state: 'online' })
    await client.ready()
    assert.deepEqual(client.agent, { id: 'a_1', name: '小王' })
    clock.advance(5_000)
    assert.deepEqual((await peer.expect('presence')).body, { state: 'online' })
    client.setPresence('away')
    assert.deepEqual((await peer.expect('presence')).body, { state: 'away' })
    clock.advance(4_999)
    clock.advance(1)
    assert.deepEqual((await peer.expect('presence')).body, { state: 'away' })
    assert.deepEqual(peer.waiting, [])
  })

  it('pages through its inbox and pulls each conversation, as far back as its backlog', async () => {
    const { client, numbers } = agent({ backlog: 3 })
    const assigned: string[] = []
    client.on('assigned', ({ conversation, n }) => assigned.push(`${conversation} ${n}`))
    const peer = await agentPeer('0:900', { entries: [inboxEntry(1, 10)], more: true })
    assert.deepEqual(await answerHistory(peer, 10, 2), { conversation: conversationId(1), after: 7 })
    assert.deepEqual(await answerHistory(peer, 10, 2), { conversation: conversationId(1), after: 9 })
    await eventually(() => numbers(1).length === 3, 'the backlog')
    assert.deepEqual(numbers(1), [8, 9, 10])
    const next = await peer.until('inbox')
    assert.equal(next.body.before, '0:101')
    const other = inboxEntry(2, 2, { agent: 'a_2' })
    peer.send('inbox', { entries: [inboxEntry(3, 1), other], more: false }, next.correlation)
    assert.deepEqual(await answerHistory(peer, 1), { conversation: conversationId(3), after: 0 })
    await eventually(() => numbers(3).length === 1, 'the second conversation')
    assert.deepEqual(assigned, [`${conversationId(1)} 10`, `${conversationId(3)} 1`])
    assert.equal(client.cursor, '0:900')
    assert.deepEqual(
      client.conversations().map(({ conversation, isMine, n, known }) => [conversation, isMine, n, known]),
      [
        [conversationId(1), true, 10, 10],
        [conversationId(3), true, 1, 1],
        [conversationId(2), false, 2, 0],
      ],
    )
  })

  it('gets a conversation live, answers it, acknowledges in one receipt, and loses it', async () => {
    const { client, records, numbers } = agent()
    const changes: unknown[] = []
    client.on('assigned', ({ conversation, contact }) => changes.push(['assigned', conversation, contact]))
    client.on('unassigned', ({ conversation, agent: to }) => changes.push(['unassigned', conversation, to]))
    const peer = await agentPeer('0:5')
    const conversation = conversationId(1)
    peer.send('inbox', { entries: [inboxEntry(1, 3)], more: false })
    await answerHistory(peer, 3)
    peer.send('deliver', { conversation, contact: 'v_1', cursor: '0:9', ...contactMessage(4, '在吗') })
    await eventually(() => numbers(1).length === 4, 'the delivery')
    assert.deepEqual(numbers(1), [1, 2, 3, 4])
    assert.equal(records.at(-1)!.contact, 'v_1')
    assert.deepEqual((await peer.until('ack')).body, { conversation, n: 4 })
    assert.equal(client.cursor, '0:9')

    const sent = client.send(conversation, '在的')
    const message = await peer.until('message')
    assert.deepEqual([message.channel, message.body.conversation], [7, conversation])
    peer.send('ack', { id: message.body.id, conversation, n: 5 }, message.correlation)
    assert.equal((await sent).n, 5)
    assert.deepEqual(records.at(-1)!.record, {
      type: 'message',
      by: { role: 'agent', id: 'a_1', name: '小王' },
      id: message.body.id,
      parts: [{ type: 'text', text: '在的' }],
    })
    assert.equal(records.at(-1)!.own, true)

    const handedOver = { type: 'assigned', by: { role: 'system' as const }, agent: 'a_2', name: 'x', reasons: [] }
    peer.send('deliver', { conversation, contact: 'v_1', cursor: '0:12', n: 6, at: 6, record: handedOver })
    await eventually(() => changes.length === 2, 'the loss')
    assert.deepEqual(changes, [
      ['assigned', conversation, 'v_1'],
      ['unassigned', conversation, 'a_2'],
    ])
    // Back again: what was written meanwhile is pulled, nothing is told twice.
    peer.send('inbox', { entries: [inboxEntry(1, 9)], more: false })
    assert.equal((await answerHistory(peer, 9)).after, 6)
    await eventually(() => numbers(1).length === 9, 'the rest')
    assert.deepEqual(numbers(1), [1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('resumes from a cursor that is safe and pulls only what it lacks', async () => {
    const { client, numbers } = agent()
    const first = await agentPeer('0:10', { entries: [inboxEntry(1, 2)], more: false })
    await answerHistory(first, 2)
    first.send('deliver', { conversation: conversationId(1), contact: 'v_1', cursor: '0:14', ...contactMessage(3) })
    await eventually(() => numbers(1).length === 3, 'the delivery')
    first.terminate()

    // The second connection breaks before the inbox is complete: its newer positions do not count.
    const second = await rig.server.accept()
    const hello = await second.expect('hello')
    assert.deepEqual(hello.body.resume, { cursor: '0:14' })
    second.send('welcome', agentWelcome('0:30'), hello.correlation)
    second.send('inbox', { entries: [inboxEntry(2, 1)], more: true })
    await second.until('inbox')
    second.send('deliver', { conversation: conversationId(1), contact: 'v_1', cursor: '0:31', ...contactMessage(6) })
    await eventually(() => client.conversations().some(({ n }) => n === 6), 'the delivery')
    second.terminate()

    const third = await rig.server.accept()
    const again = await third.expect('hello')
    assert.deepEqual(again.body.resume, { cursor: '0:14' })
    third.send('welcome', agentWelcome('0:40'), again.correlation)
    third.send('inbox', { entries: [inboxEntry(1, 6), inboxEntry(2, 1)], more: false })
    const pulls = [await answerHistory(third, 6, 2), await answerHistory(third, 1)]
    assert.deepEqual(pulls, [
      { conversation: conversationId(1), after: 3 },
      { conversation: conversationId(2), after: 0 },
    ])
    await eventually(() => numbers(1).length === 6 && numbers(2).length === 1, 'what was missed')
    assert.deepEqual(numbers(1), [1, 2, 3, 4, 5, 6])
    assert.equal(client.cursor, '0:40')
  })

  it('does not move its cursor while a server that could not send for a while catches up', async () => {
    const { client } = agent({ backlog: 0 })
    const peer = await agentPeer('0:10')
    const delivered = (cursor: string, n: number): void =>
      peer.send('deliver', { conversation: conversationId(1), contact: 'v_1', cursor, ...contactMessage(n) })
    delivered('0:11', 1)
    peer.send('inbox', { entries: [inboxEntry(5, 1), inboxEntry(4, 1)], more: true })
    const rest = await peer.until('inbox')
    delivered('0:50', 2)
    await eventually(() => client.conversations().some(({ known }) => known === 2), 'the delivery')
    assert.equal(client.cursor, '0:11')
    peer.send('inbox', { entries: [inboxEntry(3, 1)], more: false }, rest.correlation)
    await eventually(() => client.cursor === '0:50', 'the end of the pages')
  })

  it('reads history and knows when a conversation is not its own any more', async () => {
    const { client } = agent()
    const lost: string[] = []
    client.on('unassigned', ({ conversation }) => lost.push(conversation))
    const peer = await agentPeer('0:1', { entries: [inboxEntry(1, 5)], more: false })
    const pull = await peer.until('history')
    peer.fail('KEFU_CONVERSATION_NOT_FOUND', pull.correlation)
    await eventually(() => lost.length === 1, 'the loss')
    const page = client.history(conversationId(1), { before: 5, limit: 1 })
    const asked = await peer.until('history')
    assert.deepEqual(asked.body, { conversation: conversationId(1), before: 5, limit: 1 })
    peer.fail('KEFU_CONVERSATION_NOT_FOUND', asked.correlation)
    await assert.rejects(page, error => error instanceof KefuError && error.code === 'KEFU_CONVERSATION_NOT_FOUND')
  })

  it('says that a conversation is damaged, once, and goes on with the others', async () => {
    const { client, numbers } = agent()
    const errors: KefuError[] = []
    client.on('error', error => errors.push(error))
    const peer = await agentPeer('0:1', { entries: [inboxEntry(1, 5)], more: false })
    const pull = await peer.until('history')
    peer.fail('KEFU_STORE_CORRUPT', pull.correlation)
    await eventually(() => errors.length === 1, 'the error')
    peer.send('deliver', { conversation: conversationId(1), contact: 'v_1', cursor: '0:2', ...contactMessage(6) })
    peer.send('inbox', { entries: [inboxEntry(2, 1)], more: false })
    assert.equal((await answerHistory(peer, 1)).conversation, conversationId(2))
    await eventually(() => numbers(2).length === 1, 'the other conversation')
    assert.equal(errors.length, 1)
    assert.deepEqual(numbers(1), [])
  })

  it('cuts a server whose page lacks the records that its head promises', async () => {
    agent()
    const peer = await agentPeer('0:1', { entries: [inboxEntry(1, 5)], more: false })
    const { correlation } = await peer.until('history')
    peer.send('page', { conversation: conversationId(1), after: 0, head: 5, records: [] }, correlation)
    await peer.closed
    await agentPeer('0:1')
  })

  it('writes as many contacts over one connection, in order for each', async () => {
    const { client, records, numbers } = app()
    const peer = await rig.server.accept()
    const hello = await peer.expect('hello')
    assert.deepEqual(hello.body, { token: 'kpt_1', zstd: true })
    peer.send('welcome', appWelcome('0:1'), hello.correlation)
    peer.send('inbox', { entries: [], more: false })
    await client.ready()
    assert.equal(client.channel!.name, 'shop')
    // Two contacts may use the same message id.
    const untyped = { id: 'x', name: undefined, language: undefined, more: 1 } as unknown as SendOptions
    const sent = [client.send('user-1', 'a', { id: 'x', name: '韩梅梅' }), client.send('user-2', 'b', untyped)]
    const [one, two] = [await peer.expect('message'), await peer.expect('message')]
    assert.deepEqual(one.body, {
      id: 'x',
      contact: 'user-1',
      name: '韩梅梅',
      parts: [{ type: 'text', text: 'a' }],
    })
    assert.equal(one.channel, 9)
    assert.deepEqual(two.body, { id: 'x', contact: 'user-2', parts: [{ type: 'text', text: 'b' }] })
    for (const [number, frame] of [
      [2, two],
      [1, one],
    ] as const) {
      const conversation = conversationId(number)
      peer.send('deliver', { conversation, contact: `user-${number}`, cursor: `0:${9 - number}`, ...stub(1) }, 0, 9)
      peer.send('ack', { id: 'x', conversation, n: 2 }, frame.correlation, 9)
      peer.send(
        'deliver',
        { conversation, contact: `user-${number}`, cursor: `0:${19 - number}`, ...agentMessage(3) },
        0,
        9,
      )
    }
    assert.deepEqual(
      (await Promise.all(sent)).map(({ n, conversation }) => [n, conversation]),
      [
        [2, conversationId(1)],
        [2, conversationId(2)],
      ],
    )
    await eventually(() => records.length === 6, 'all records')
    assert.deepEqual(
      [numbers(1), numbers(2)],
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
    )
    assert.deepEqual(
      records.filter(({ own }) => own).map(({ contact }) => contact),
      ['user-2', 'user-1'],
    )
    client.typing('user-2', true)
    assert.deepEqual((await peer.until('typing')).body, { contact: 'user-2', on: true })
    assert.equal(
      peer.waiting.some(({ kind }) => kind === 'history'),
      false,
    )
  })

  it('finds an own message in a page when its acknowledgement was lost', async () => {
    const { client, numbers } = app()
    const first = await rig.server.accept()
    const hello = await first.expect('hello')
    first.send('welcome', appWelcome('0:1'), hello.correlation)
    first.send('inbox', { entries: [], more: false })
    const sent = client.send('user-1', 'a', { id: 'x' })
    await first.expect('message')
    first.terminate()
    const second = await rig.server.accept()
    const again = await second.expect('hello')
    assert.deepEqual(again.body.resume, { cursor: '0:1' })
    second.send('welcome', appWelcome('0:3'), again.correlation)
    second.send('inbox', { entries: [inboxEntry(1, 2, { channel: 9, contact: 'user-1' })], more: false }, 0, 0)
    const review = await second.expect('history')
    assert.deepEqual(review.body, { contact: 'user-1' })
    const records = [stub(1), contactMessage(2, 'a', 'x')]
    await answerHistory(second, 2, 10, n => records[n - 1]!)
    second.send('page', { conversation: conversationId(1), after: 0, head: 2, records }, review.correlation, 9)
    assert.deepEqual(await sent, { id: 'x', conversation: conversationId(1), n: 2, duplicate: true })
    await eventually(() => numbers(1).length === 2, 'both records')
    assert.equal(
      second.waiting.some(({ kind }) => kind === 'message'),
      false,
    )
  })
})

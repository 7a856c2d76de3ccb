import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Command, createAgent, createApp, createVisitor, KefuError } from '../../src/client/index.js'
import {
  agentWelcome,
  appWelcome,
  CONVERSATION,
  contactMessage,
  conversationId,
  eventually,
  inboxEntry,
  type Peer,
  visitorWelcome,
} from './fake-server.js'
import { createManualClock } from './manual-clock.js'
import { useClients } from './rigs.js'

const code = (expected: string) => (error: unknown) => error instanceof KefuError && error.code === expected

describe('commands', () => {
  const rig = useClients()
  const { keep } = rig

  const base = () => ({ url: rig.server.url, random: () => 0, receiptIntervalMs: 5 })

  async function agentPeer(): Promise<Peer> {
    const peer = await rig.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', agentWelcome('0:1'), hello.correlation)
    peer.send('inbox', { entries: [], more: false })
    await peer.expect('presence')
    return peer
  }

  it('an agent has things done, several at once, and each promise gets its own answer', async () => {
    const client = keep(createAgent({ ...base(), token: 'kat_1', backlog: 0 }))
    const peer = await agentPeer()
    peer.send('inbox', { entries: [inboxEntry(1, 3)], more: false })
    await eventually(() => client.conversations().length === 1, 'the conversation')
    const given: Command[] = [
      { do: 'note', text: '请尽快' },
      { do: 'update', set: { addTags: ['vip'], attributes: { city: '上海' } } },
      { do: 'transfer', agent: '小李', note: 'VIP' },
    ]
    const done = given.map(command => client.command(CONVERSATION, command))
    const frames = [await peer.until('command'), await peer.until('command'), await peer.until('command')]
    assert.deepEqual(
      frames.map(({ body }) => body),
      given.map(command => ({ conversation: CONVERSATION, command })),
    )
    assert.deepEqual(
      frames.map(({ channel }) => channel),
      [7, 7, 7],
    )
    for (const [at, { correlation }] of [...frames.entries()].reverse()) {
      if (at === 2) peer.fail('KEFU_AGENT_UNAVAILABLE', correlation)
      else peer.send('done', { conversation: CONVERSATION, n: 4 + at, changed: at === 0 }, correlation)
    }
    await assert.rejects(done[2]!, code('KEFU_AGENT_UNAVAILABLE'))
    assert.deepEqual(await done[1], { conversation: CONVERSATION, n: 5, changed: false })
    assert.deepEqual(await done[0], { conversation: CONVERSATION, n: 4, changed: true })
  })

  it('fails at once without a connection, and when one is lost before the answer; nothing is asked again', async () => {
    const client = keep(createAgent({ ...base(), token: 'kat_1' }))
    await assert.rejects(client.command(CONVERSATION, { do: 'close' }), code('KEFU_DISCONNECTED'))
    const peer = await agentPeer()
    const done = client.command(CONVERSATION, { do: 'close' })
    await peer.until('command')
    peer.terminate()
    await assert.rejects(done, code('KEFU_DISCONNECTED'))
    const next = await agentPeer()
    const accepted = client.command(conversationId(2), { do: 'accept' })
    assert.deepEqual((await next.until('command')).body, {
      conversation: conversationId(2),
      command: { do: 'accept' },
    })
    assert.equal(
      next.waiting.some(({ kind }) => kind === 'command'),
      false,
    )
    const ended = assert.rejects(accepted, code('KEFU_DISCONNECTED'))
    await client.close()
    await ended
    await assert.rejects(client.command(CONVERSATION, { do: 'close' }), code('KEFU_DISCONNECTED'))
  })

  it('does not wait for ever: an answer that does not come ends the connection', async () => {
    const clock = createManualClock()
    const client = keep(createAgent({ ...base(), token: 'kat_1', clock, requestTimeoutMs: 2_000 }))
    const peer = await agentPeer()
    const done = client.command(CONVERSATION, { do: 'requeue' })
    await peer.until('command')
    const failed = assert.rejects(done, code('KEFU_TIMEOUT'))
    for (let second = 0; second < 4; second++) clock.advance(1_000)
    await failed
    await peer.closed
  })

  it('refuses at once what would end the connection or fits into no record', async () => {
    const client = keep(createAgent({ ...base(), token: 'kat_1' }))
    const peer = await agentPeer()
    const attributes = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`a${at}`, '客'.repeat(500)]))
    await assert.rejects(client.command(CONVERSATION, { do: 'note', text: 'a\ud800' }), code('KEFU_USAGE'))
    await assert.rejects(
      client.command(CONVERSATION, { do: 'update', set: { attributes } }),
      code('KEFU_MESSAGE_TOO_LARGE'),
    )
    assert.deepEqual(peer.waiting, [])
  })

  it('an answer of another kind is an error', async () => {
    const client = keep(createAgent({ ...base(), token: 'kat_1' }))
    const peer = await agentPeer()
    const done = client.command(CONVERSATION, { do: 'close' })
    const { correlation } = await peer.until('command')
    peer.send('media', { media: 'md_1', url: '/x', expiresAt: 1 }, correlation)
    await assert.rejects(done, code('KEFU_FRAME_INVALID'))
  })

  it('a visitor ends its conversation and rates it', async () => {
    const visitor = keep(createVisitor({ ...base(), channel: 'site', decompress: false }))
    const peer = await rig.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', visitorWelcome(0), hello.correlation)
    await visitor.ready()
    const closed = visitor.closeConversation()
    const close = await peer.until('command')
    assert.deepEqual([close.channel, close.body], [7, { command: { do: 'close' } }])
    peer.send('done', { conversation: CONVERSATION, n: 4, changed: true }, close.correlation)
    assert.deepEqual(await closed, { conversation: CONVERSATION, n: 4, changed: true })
    const rated = [visitor.rate(5), visitor.rate(1, '太慢')]
    const rates = [await peer.until('command'), await peer.until('command')]
    assert.deepEqual(
      rates.map(({ body }) => body.command),
      [
        { do: 'rate', score: 5 },
        { do: 'rate', score: 1, comment: '太慢' },
      ],
    )
    peer.send('done', { conversation: CONVERSATION, n: 5, changed: true }, rates[0]!.correlation)
    peer.fail('KEFU_RATE_LIMITED', rates[1]!.correlation, { retryAfterMs: 500 })
    assert.equal((await rated[0]!).n, 5)
    await assert.rejects(
      rated[1]!,
      error => code('KEFU_RATE_LIMITED')(error) && (error as KefuError).detail.retryAfterMs === 500,
    )
  })

  it('an app does it for a contact, or for a conversation', async () => {
    const client = keep(createApp({ ...base(), token: 'kpt_1' }))
    const peer = await rig.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', appWelcome('0:1'), hello.correlation)
    peer.send('inbox', { entries: [], more: false })
    await client.ready()
    const done = [
      client.closeConversation({ contact: 'user-1' }),
      client.closeConversation({ conversation: conversationId(2) }),
      client.rate({ contact: 'user-1' }, 4),
      client.rate({ conversation: conversationId(2) }, 2, 'hm'),
    ]
    const frames = [await peer.until('command'), await peer.until('command')]
    frames.push(await peer.until('command'), await peer.until('command'))
    assert.deepEqual(
      frames.map(({ channel, body }) => [channel, body]),
      [
        [9, { contact: 'user-1', command: { do: 'close' } }],
        [9, { conversation: conversationId(2), command: { do: 'close' } }],
        [9, { contact: 'user-1', command: { do: 'rate', score: 4 } }],
        [9, { conversation: conversationId(2), command: { do: 'rate', score: 2, comment: 'hm' } }],
      ],
    )
    for (const { correlation } of frames)
      peer.send('done', { conversation: CONVERSATION, n: 4, changed: true }, correlation, 9)
    assert.equal((await Promise.all(done)).length, 4)
  })

  it('a conversation put aside is still the agent’s, and lost with the message that wakes it', async () => {
    const client = keep(createAgent({ ...base(), token: 'kat_1', backlog: 0 }))
    const changes: string[] = []
    client.on('assigned', ({ state }) => changes.push(`assigned ${state}`))
    client.on('unassigned', ({ state }) => changes.push(`unassigned ${state}`))
    const peer = await agentPeer()
    peer.send('inbox', { entries: [inboxEntry(1, 3)], more: false })
    const by = { role: 'agent' as const, id: 'a_1' }
    const deliver = (n: number, record: object) =>
      peer.send('deliver', { conversation: CONVERSATION, n, at: n, record: record as never, cursor: `0:${n}` })
    deliver(4, { type: 'snoozed', by, until: 9 })
    await eventually(() => client.conversations()[0]?.state === 'snoozed', 'the snooze')
    assert.equal(client.conversations()[0]?.isMine, true)
    deliver(5, contactMessage(5).record)
    await eventually(() => changes.length === 2, 'the loss')
    peer.send('inbox', { entries: [inboxEntry(1, 6)], more: false })
    await eventually(() => changes.length === 3, 'it comes back')
    const pull = await peer.until('history')
    const record = {
      type: 'assigned',
      by: { role: 'system' as const },
      agent: 'a_1',
      name: '小王',
      reasons: ['sticky'],
    }
    const records = [{ n: 6, at: 6, record }]
    peer.send('page', { conversation: CONVERSATION, after: 5, head: 6, records }, pull.correlation)
    deliver(7, { type: 'closed', by, reason: 'agent', from: 'a_1' })
    await eventually(() => changes.length === 4, 'the end')
    assert.deepEqual(changes, ['assigned active', 'unassigned waiting', 'assigned active', 'unassigned closed'])
  })
})

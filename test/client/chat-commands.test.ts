import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
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
import { useChats } from './rigs.js'

const BY = { role: 'agent' as const, id: 'a_1', name: '小王' }

/** Commands in chats that lines are piped into, against a server that does what the test says. */
describe('kefu chat with commands', () => {
  const chats = useChats()
  const { start } = chats

  async function agentPeer(): Promise<Peer> {
    const peer = await chats.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', agentWelcome('0:1'), hello.correlation)
    peer.send('inbox', { entries: [], more: false })
    return peer
  }

  /** Assigns a conversation with one message to the agent. */
  async function assign(peer: Peer, number: number, n = 2): Promise<void> {
    peer.send('inbox', { entries: [inboxEntry(number, n, { name: `c${number}` })], more: false })
    const { correlation, body } = await peer.until('history')
    const after = body.after ?? 0
    const records = Array.from({ length: n - after }, (_, at) => contactMessage(after + at + 1))
    peer.send('page', { conversation: conversationId(number), after, head: n, records }, correlation)
  }

  function deliver(peer: Peer, n: number, record: object, conversation = CONVERSATION): void {
    peer.send('deliver', { conversation, contact: 'v', cursor: `0:${n}`, n, at: n, record: record as never })
  }

  it('an agent’s lines take effect in their order: answer, close, and what follows goes to the next conversation', async () => {
    const chat = start('agent', '--url', chats.server.url, '--stdin')
    chat.child.stdin.end('kat_1\nbye\n/close\nhello next\n')
    const peer = await agentPeer()
    await assign(peer, 1)
    const message = await peer.until('message')
    // The command waits for the message to be stored.
    await assign(peer, 2)
    assert.equal(
      peer.waiting.some(({ kind }) => kind === 'command'),
      false,
    )
    peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n: 3 }, message.correlation)
    const { body, correlation } = await peer.until('command')
    assert.deepEqual(body, { conversation: CONVERSATION, command: { do: 'close' } })
    peer.send('done', { conversation: CONVERSATION, n: 4, changed: true }, correlation)
    deliver(peer, 4, { type: 'closed', by: BY, reason: 'agent', asksRating: true, from: 'a_1' })
    const next = await peer.until('message')
    assert.equal(next.body.conversation, conversationId(2))
    peer.send('ack', { id: next.body.id, conversation: conversationId(2), n: 3 }, next.correlation)
    assert.equal(await chat.ended, 0, chat.stderr)
    assert.match(chat.stdout, /the conversation is closed/)
  })

  it('an agent sees in the list what is unread, and is told once that a message was read', async () => {
    const chat = start('agent', '--url', chats.server.url, '--stdin')
    chat.child.stdin.write('kat_1\n')
    const peer = await agentPeer()
    await assign(peer, 1)
    const second = { name: 'c2', unread: 100, marks: { delivered: 1, read: 0 } }
    peer.send('inbox', { entries: [inboxEntry(2, 120, second)], more: false })
    const { correlation, body } = await peer.until('history')
    const { after = 0 } = body
    const records = Array.from({ length: 120 - after }, (_, at) => contactMessage(after + at + 1))
    peer.send('page', { conversation: conversationId(2), after, head: 120, records }, correlation)
    while ((await peer.until('ack')).body.conversation !== conversationId(2));
    chat.child.stdin.write('/list\n/1\nan answer\n')
    await eventually(() => chat.stderr.includes(`2  c2  99+ new  ${conversationId(2)}`), 'the list')
    const message = await peer.until('message')
    peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n: 3 }, message.correlation)
    const by = { role: 'contact' as const }
    for (const n of [2, 3, 3]) peer.send('read', { conversation: CONVERSATION, by, n })
    peer.send('delivered', { conversation: CONVERSATION, by, n: 3 })
    await eventually(() => chat.stderr.includes('read by c1'), 'the line')
    chat.child.stdin.end()
    assert.equal(await chat.ended, 0, chat.stderr)
    assert.deepEqual(chat.stderr.match(/^.*(read by|delivered).*$/gm), ['read by c1'])
  })

  it('a visitor’s marks are events with --json', async () => {
    const chat = start('visitor', '--url', chats.server.url, '--channel', 'site', '--json', '--for', '5s')
    chat.child.stdin.end('hello\n')
    const peer = await chats.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', visitorWelcome(0, { token: 'kvt_1' }), hello.correlation)
    const message = await peer.until('message')
    peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n: 2 }, message.correlation)
    peer.send('delivered', { conversation: CONVERSATION, by: BY, n: 2 })
    peer.send('read', { conversation: CONVERSATION, by: BY, n: 2 })
    await eventually(() => chat.stdout.includes('"type":"read"'), 'the event')
    chat.child.kill('SIGINT')
    await chat.ended
    const events = chat.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.deepEqual(
      events.filter(({ type }) => type === 'delivered' || type === 'read'),
      ['delivered', 'read'].map(type => ({ type, conversation: CONVERSATION, by: BY, n: 2 })),
    )
  })

  it('an agent takes a conversation that waits, by its id, and writes there', async () => {
    const chat = start('agent', '--url', chats.server.url, '--stdin', '--json')
    chat.child.stdin.end(`kat_1\n/accept ${conversationId(2)}\nhello\n`)
    const peer = await agentPeer()
    await assign(peer, 1)
    const { body, correlation } = await peer.until('command')
    assert.deepEqual(body, { conversation: conversationId(2), command: { do: 'accept' } })
    peer.send('done', { conversation: conversationId(2), n: 3, changed: true }, correlation)
    await assign(peer, 2, 3)
    const message = await peer.until('message')
    assert.equal(message.body.conversation, conversationId(2))
    peer.send('ack', { id: message.body.id, conversation: conversationId(2), n: 4 }, message.correlation)
    assert.equal(await chat.ended, 0, chat.stderr)
    const events = chat.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.deepEqual(
      events.find(({ type }) => type === 'done'),
      { type: 'done', do: 'accept', conversation: conversationId(2), n: 3, changed: true },
    )
  })

  it('says with code and hint what was not done, goes on, and ends with the code of the first refusal', async () => {
    const chat = start('agent', '--url', chats.server.url, '--stdin')
    chat.child.stdin.write('kat_1\n')
    const peer = await agentPeer()
    await assign(peer, 1)
    chat.child.stdin.end('/tranfser x\n/transfer nobody\n/snooze soon\n/note 退款\n//close\n')
    const transfer = await peer.until('command')
    peer.fail('KEFU_AGENT_NOT_FOUND', transfer.correlation)
    const note = await peer.until('command')
    assert.deepEqual(note.body.command, { do: 'note', text: '退款' })
    peer.send('done', { conversation: CONVERSATION, n: 2, changed: false }, note.correlation)
    const message = await peer.until('message')
    assert.deepEqual(message.body.parts, [{ type: 'text', text: '/close' }])
    peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n: 3 }, message.correlation)
    assert.equal(await chat.ended, 13, chat.stderr)
    assert.match(chat.stderr, /There is no command \/tranfser, did you mean "\/transfer"\?/)
    assert.match(chat.stderr, /not done: \/transfer nobody: .*\(KEFU_AGENT_NOT_FOUND\)\. Check the name of the agent\./)
    assert.match(
      chat.stderr,
      /not done: \/snooze soon: it is \/snooze 10m \(KEFU_USAGE\)\. \/help lists the commands\./,
    )
    assert.match(chat.stderr, /It was so before\./)
  })

  it('an agent sees who the contact is, reads another conversation of the same person, and links one', async () => {
    const chat = start('agent', '--url', chats.server.url, '--stdin')
    const other = conversationId(2)
    chat.child.stdin.end(`kat_1\n/contact\n/history ${other}\n/link ${other}\n/unlink\n/link\n`)
    const peer = await agentPeer()
    await assign(peer, 1)
    const entry = { channel: 7, contact: 'v', state: 'active', episode: 2, openedAt: 5, n: 2, at: 9 } as const
    const contact = await peer.until('contact')
    assert.deepEqual(contact.body, { conversation: CONVERSATION })
    peer.send(
      'contact',
      {
        conversation: CONVERSATION,
        channel: 7,
        contact: 'v',
        name: '李雷\u001b[2J',
        attributes: { tier: 'gold' },
        person: 'p_1',
        conversations: [
          { ...entry, conversation: CONVERSATION },
          { ...entry, conversation: other, agentName: '小李', rating: 4 },
        ],
        more: true,
      },
      contact.correlation,
    )
    const history = await peer.until('history')
    assert.deepEqual(history.body, { conversation: other, limit: 50 })
    peer.send('page', { conversation: other, after: 1, head: 2, records: [contactMessage(2)] }, history.correlation)
    for (const command of [{ do: 'link', with: other }, { do: 'unlink' }]) {
      const { body, correlation } = await peer.until('command')
      assert.deepEqual(body, { conversation: CONVERSATION, command })
      peer.send('done', { conversation: CONVERSATION, n: 2, changed: true }, correlation)
    }
    assert.equal(await chat.ended, 2, chat.stderr)
    assert.match(chat.stderr, /李雷.* · v · tier=gold\n2 conversations and more of the same person/)
    assert.match(chat.stderr, new RegExp(`${other}  .*  active  v  2 episodes  with 小李  rated 4 of 5`))
    assert.ok(!chat.stderr.includes('\u001b[2J'))
    assert.match(chat.stderr, /not done: \/link: it is \/link 1\|ID/)
    assert.match(chat.stdout, new RegExp(`^${other}\t.*\t2\t`, 'm'))
  })

  it('an agent looks canned replies up, and sends one by its shortcut', async () => {
    const chat = start('agent', '--url', chats.server.url, '--stdin')
    chat.child.stdin.end('kat_1\n/canned refund\n/r hi\n/r hy\n/r\n')
    const peer = await agentPeer()
    await assign(peer, 1)
    const list = await peer.until('canned')
    assert.deepEqual(list.body, { conversation: CONVERSATION, query: 'refund' })
    peer.send(
      'canned',
      { replies: [{ shortcut: 'refund', text: 'Your money\ncomes back' }], next: 1 },
      list.correlation,
    )
    const one = await peer.until('canned')
    assert.deepEqual(one.body, { conversation: CONVERSATION, query: 'hi' })
    const replies = [
      { shortcut: 'hi', text: '您好 李雷', language: 'zh' },
      { shortcut: 'hi-all', text: 'Hi' },
    ]
    peer.send('canned', { replies }, one.correlation)
    const message = await peer.until('message')
    assert.deepEqual(message.body.parts, [{ type: 'text', text: '您好 李雷' }])
    peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n: 3 }, message.correlation)
    const none = await peer.until('canned')
    peer.send('canned', { replies: [] }, none.correlation)
    assert.equal(await chat.ended, 13, chat.stderr)
    assert.match(chat.stderr, /refund {2}Your money comes back\n… and more/)
    assert.match(chat.stderr, /not done: \/r hy: there is no canned reply "hy" \(KEFU_CANNED_NOT_FOUND\)/)
    assert.match(chat.stderr, /not done: \/r: it is \/r SHORTCUT/)
    assert.match(chat.stdout, /您好 李雷/)
  })

  it('an agent searches what it may read', async () => {
    const chat = start('agent', '--url', chats.server.url, '--stdin')
    chat.child.stdin.end('kat_1\n/search 退款 -"not yet"\n/search nothing\n/search\n/quit\n')
    const peer = await agentPeer()
    const asked = await peer.until('search')
    assert.deepEqual(asked.body, { query: '退款 -"not yet"' })
    const place = { conversation: CONVERSATION, at: 9, channel: 1, contact: 'v', kinds: ['text' as const] }
    const hits = [
      {
        ...{ ...place, n: 4, by: BY, direction: 'out' as const },
        text: '退款\n\u001b[31m已到账',
        marks: [[0, 2] as const],
      },
      {
        ...{ ...place, n: 2, by: { role: 'contact' as const }, direction: 'in' as const, name: '李雷' },
        text: '要退款',
        marks: [[1, 3] as const],
      },
    ]
    peer.send('search', { hits, next: '0:7' }, asked.correlation)
    const none = await peer.until('search')
    peer.send('search', { hits: [] }, none.correlation)
    assert.notEqual(await chat.ended, 0)
    assert.match(
      chat.stderr,
      new RegExp(`${CONVERSATION} .*小王 to v: 退款 \\S*已到账\n${CONVERSATION} .*李雷: 要退款\n… and perhaps`),
    )
    assert.ok(!chat.stderr.includes('\u001b'))
    assert.match(chat.stderr, /Nothing that you may read has this\./)
    assert.match(chat.stderr, /not done: \/search: it is \/search WORDS/)
  })

  it('an unknown command alone is told of, and is no failure', async () => {
    const chat = start('agent', '--url', chats.server.url, '--stdin')
    chat.child.stdin.end('kat_1\n/dance\n/help\n/quit\nnever\n')
    await agentPeer()
    assert.equal(await chat.ended, 0, chat.stderr)
    assert.match(chat.stderr, /There is no command \/dance\./)
    assert.match(chat.stderr, /\/transfer NAME\|team:NAME/)
  })

  it('a visitor ends the conversation and rates it', async () => {
    const chat = start('visitor', '--url', chats.server.url, '--channel', 'site', '--json')
    chat.child.stdin.end('谢谢\n/end\n/rate 9\n/rate 5 很好\n')
    const peer = await chats.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', visitorWelcome(1), hello.correlation)
    const message = await peer.until('message')
    peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n: 2 }, message.correlation)
    const end = await peer.until('command')
    assert.deepEqual(end.body, { command: { do: 'close' } })
    peer.send('deliver', {
      conversation: CONVERSATION,
      n: 3,
      at: 3,
      record: { type: 'closed', by: { role: 'contact' } },
    })
    peer.send('done', { conversation: CONVERSATION, n: 3, changed: true }, end.correlation)
    const rate = await peer.until('command')
    assert.deepEqual(rate.body, { command: { do: 'rate', score: 5, comment: '很好' } })
    peer.send('done', { conversation: CONVERSATION, n: 4, changed: true }, rate.correlation)
    assert.equal(await chat.ended, 2, chat.stderr)
    const events = chat.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.deepEqual(
      events.filter(({ type }) => type === 'done' || type === 'closed').map(({ type, n }) => [type, n]),
      [
        ['closed', 3],
        ['done', 3],
        ['done', 4],
      ],
    )
    assert.match(chat.stderr, /"code":"KEFU_USAGE","message":"it is \/rate 5 \[text\]"/)
  })

  it('does not wait for ever for an answer', async () => {
    const chat = start('visitor', '--url', chats.server.url, '--channel', 'site', '--timeout', '2s')
    chat.child.stdin.end('/end\n')
    const peer = await chats.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', visitorWelcome(1), hello.correlation)
    peer.send('deliver', { conversation: CONVERSATION, ...stub(2) })
    await peer.until('command')
    assert.equal(await chat.ended, 18)
    await eventually(() => chat.stderr.includes('KEFU_TIMEOUT'), 'the reason')
  })
})

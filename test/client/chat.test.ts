import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
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
import { useChats } from './rigs.js'

/** The chat commands as programs, against a server that does what the test says. */
describe('kefu chat', () => {
  const chats = useChats()
  const { start } = chats

  const visitor = (...args: string[]) => start('visitor', '--url', chats.server.url, '--channel', 'site', ...args)

  async function welcome(n: number, token?: string): Promise<{ peer: Peer; hello: object }> {
    const peer = await chats.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', visitorWelcome(n, token === undefined ? {} : { token }), hello.correlation)
    return { peer, hello: hello.body }
  }

  async function acknowledge(peer: Peer, n: number): Promise<string> {
    const message = await peer.until('message')
    peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n }, message.correlation)
    const [part] = message.body.parts
    return part?.type === 'text' ? part.text : ''
  }

  it('sends piped lines, waits for their acknowledgements, and goes on as the same visitor the next time', async () => {
    const first = visitor('--name', '李雷')
    first.child.stdin.end('你好\n\n//slash\n')
    const { peer, hello } = await welcome(0, 'kvt_kept')
    assert.equal((hello as { name: string }).name, '李雷')
    assert.equal(await acknowledge(peer, 2), '你好')
    assert.equal(first.child.exitCode, null)
    peer.send('deliver', { conversation: CONVERSATION, ...stub(1) })
    assert.equal(await acknowledge(peer, 3), '/slash')
    assert.equal(await first.ended, 0, first.stderr)
    assert.deepEqual(
      first.stdout.split('\n').map(line => line.split('\t').slice(1)),
      [['2', 'you', '你好'], ['3', 'you', '/slash'], []],
    )
    const folder = join(chats.home, 'chat')
    const [file] = readdirSync(folder)
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    assert.equal(statSync(join(folder, file!)).mode & 0o777, 0o600)
    assert.equal(readFileSync(join(folder, file!), 'utf8'), 'kvt_kept\n')
    assert.ok(!`${first.stdout}${first.stderr}`.includes('kvt_'))

    const second = visitor()
    second.child.stdin.end()
    const again = await welcome(3)
    assert.equal((again.hello as { token: string }).token, 'kvt_kept')
    assert.equal(await second.ended, 0, second.stderr)
    assert.equal(second.stdout, '')

    const third = visitor('--new')
    third.child.stdin.end()
    const fresh = await welcome(0, 'kvt_fresh')
    assert.equal((fresh.hello as { token?: string }).token, undefined)
    assert.equal(await third.ended, 0, third.stderr)
    assert.equal(readFileSync(join(folder, file!), 'utf8'), 'kvt_fresh\n')
  })

  it('shows what comes in as rows in which nothing steers the terminal, until enough has come', async () => {
    const chat = visitor('--wait', '2', '--for', '10s')
    chat.child.stdin.end()
    const { peer } = await welcome(5)
    peer.send('deliver', {
      conversation: CONVERSATION,
      ...agentMessage(6, '\u001b[31mred\u001b]0;title\u0007\tand\nmore\u202e'),
    })
    peer.send('deliver', {
      conversation: CONVERSATION,
      n: 7,
      at: 1,
      record: { type: 'assigned', by: { role: 'system' }, name: '小\u0007王', agent: 'a_1' },
    })
    await eventually(() => chat.stdout.split('\n').length === 3, 'two rows')
    assert.equal(chat.child.exitCode, null)
    peer.send('deliver', { conversation: CONVERSATION, ...agentMessage(8, '👩‍👧 好的') })
    assert.equal(await chat.ended, 0, chat.stderr)
    assert.deepEqual(
      chat.stdout
        .trimEnd()
        .split('\n')
        .map(line => line.split('\t').slice(1)),
      [
        ['6', '小王', '\ufffd[31mred\ufffd]0;title\ufffd and more\ufffd'],
        ['7', '', '小\ufffd王 has the conversation'],
        ['8', '小王', '👩‍👧 好的'],
      ],
    )
  })

  it('writes one JSON object per line with --json', async () => {
    const chat = visitor('--json', '--wait', '1')
    chat.child.stdin.end('hi\n')
    const { peer } = await welcome(1)
    await acknowledge(peer, 2)
    await eventually(() => chat.stdout.includes('"sent"'), 'the acknowledgement')
    peer.send('typing', { conversation: CONVERSATION, by: { role: 'agent', id: 'a_1' }, on: true })
    peer.send('deliver', { conversation: CONVERSATION, ...agentMessage(3, 'a\u001bb') })
    assert.equal(await chat.ended, 0, chat.stderr)
    const events = chat.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      events.map(({ type, state, n, own }) => [type, state ?? n ?? own]),
      [
        ['state', 'connecting'],
        ['state', 'ready'],
        ['message', 2],
        ['sent', 2],
        ['typing', undefined],
        ['message', 3],
      ],
    )
    assert.deepEqual(events[5]!.parts, [{ type: 'text', text: 'a\u001bb' }])
    assert.equal(chat.stderr, '')
  })

  it('ends with 18 when what it waits for does not come', async () => {
    const waits = visitor('--wait', '1', '--for', '50ms', '--json')
    waits.child.stdin.end()
    await welcome(0)
    assert.equal(await waits.ended, 18)
    assert.match(waits.stderr, /"code":"KEFU_TIMEOUT".*receiving 1 message took/)
    const sends = visitor('--timeout', '700ms')
    sends.child.stdin.end('never acknowledged\n')
    await welcome(0)
    assert.equal(await sends.ended, 18)
    assert.match(sends.stderr, /an acknowledgement took longer/)
  })

  it('reports a message that was refused after the others were sent, with its code', async () => {
    const chat = visitor()
    chat.child.stdin.end(`${'客'.repeat(5_000)}\nfine\n`)
    const { peer } = await welcome(1)
    assert.equal(await acknowledge(peer, 2), 'fine')
    assert.equal(await chat.ended, 1)
    assert.match(chat.stderr, /Code: {2}KEFU_MESSAGE_TOO_LARGE/)
  })

  it('says why it could not connect, and how to start anew when the visitor is not known any more', async () => {
    const refused = visitor()
    refused.child.stdin.end()
    const peer = await chats.server.accept()
    peer.fail('KEFU_UNAUTHORISED', (await peer.expect('hello')).correlation)
    assert.equal(await refused.ended, 12)
    assert.match(refused.stderr, /add --new/)
    const unreachable = start('visitor', '--url', 'http://127.0.0.1:1', '--channel', 'site', '--timeout', '3s')
    assert.equal(await unreachable.ended, 1)
    assert.match(unreachable.stderr, /KEFU_DISCONNECTED/)
    const channelless = start('visitor', '--url', chats.server.url)
    assert.equal(await channelless.ended, 2)
    assert.match(channelless.stderr, /--channel/)
  })

  it('ends with 0 on Ctrl-C', async () => {
    const chat = visitor()
    const { peer } = await welcome(0)
    await eventually(() => chat.stderr.includes('connected'), 'the connection')
    chat.child.kill('SIGINT')
    assert.equal(await chat.ended, 0, chat.stderr)
    assert.equal(await peer.closed, 1000)
  })

  it('answers as an agent: the token from standard input, then lines to the first conversation', async () => {
    const chat = start('agent', '--url', chats.server.url, '--stdin', '--wait', '1')
    chat.child.stdin.write('kat_secret\n在的\n')
    const peer = await chats.server.accept()
    const hello = await peer.expect('hello')
    assert.equal(hello.body.token, 'kat_secret')
    peer.send('welcome', agentWelcome('0:1'), hello.correlation)
    peer.send('inbox', { entries: [], more: false })
    peer.send('inbox', { entries: [inboxEntry(1, 2, { name: '李雷' })], more: false })
    const history = await peer.until('history')
    peer.send(
      'page',
      { conversation: CONVERSATION, after: 0, head: 2, records: [stub(1), contactMessage(2, '在吗')] },
      history.correlation,
    )
    const message = await peer.until('message')
    assert.deepEqual(message.body, {
      id: message.body.id,
      conversation: CONVERSATION,
      parts: [{ type: 'text', text: '在的' }],
    })
    peer.send('ack', { id: message.body.id, conversation: CONVERSATION, n: 3 }, message.correlation)
    // A second conversation: its row names it, and a command goes there.
    peer.send('inbox', { entries: [inboxEntry(2, 1)], more: false })
    const other = await peer.until('history')
    peer.send(
      'page',
      { conversation: conversationId(2), after: 0, head: 1, records: [contactMessage(1, 'old')] },
      other.correlation,
    )
    // Its receipt shows that the record has come.
    while ((await peer.until('ack')).body.conversation !== conversationId(2));
    chat.child.stdin.end('/2\nto the second\n')
    const second = await peer.until('message')
    assert.equal(second.body.conversation, conversationId(2))
    peer.send('ack', { id: second.body.id, conversation: conversationId(2), n: 2 }, second.correlation)
    peer.send('deliver', { conversation: CONVERSATION, contact: 'v_1', cursor: '0:9', ...contactMessage(4, '谢谢') })
    assert.equal(await chat.ended, 0, chat.stderr)
    assert.deepEqual(
      chat.stdout
        .trimEnd()
        .split('\n')
        .map(line => line.split('\t'))
        .map(([id, , ...rest]) => [id === CONVERSATION ? 1 : 2, ...rest]),
      [
        [1, '2', '李雷', '在吗'],
        [1, '3', 'you', '在的'],
        [2, '2', 'you', 'to the second'],
        [1, '4', '李雷', '谢谢'],
      ],
    )
    assert.ok(!`${chat.stdout}${chat.stderr}`.includes('kat_'))
  })

  it('needs a token from somewhere', async () => {
    const chat = start('agent', '--url', chats.server.url)
    chat.child.stdin.end()
    assert.equal(await chat.ended, 2)
    assert.match(chat.stderr, /--token-file FILE/)
  })

  it('gives up on a line when no conversation comes', async () => {
    const chat = start('agent', '--url', chats.server.url, '--stdin', '--timeout', '2s')
    chat.child.stdin.end('kat_1\nhello?\n')
    const peer = await chats.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', agentWelcome('0:1'), hello.correlation)
    peer.send('inbox', { entries: [], more: false })
    assert.equal(await chat.ended, 18)
    assert.match(chat.stderr, /getting a conversation took longer|an acknowledgement took longer/)
  })
})

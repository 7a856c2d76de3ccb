import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Inbox } from '../../src/client/inbox.js'
import { type AgentClient, type AgentOptions, createAgent, type KefuError } from '../../src/client/index.js'
import type { Answer } from '../../src/client/session-role.js'
import type { InboxBody } from '../../src/codec/wire.js'
import { agentWelcome, contactMessage, conversationId, eventually, inboxEntry, type Peer } from './fake-server.js'
import { createManualClock } from './manual-clock.js'
import { useClients } from './rigs.js'

describe('inbox of an agent', () => {
  const rig = useClients()

  /** An agent that pulls no records, with a clock that stands. */
  function create(options: Partial<AgentOptions> = {}) {
    const clock = createManualClock()
    const client = createAgent({
      url: rig.server.url,
      token: 'kat_1',
      random: () => 0.5,
      backlog: 0,
      clock,
      ...options,
    })
    rig.keep(client)
    const errors: KefuError[] = []
    client.on('error', error => errors.push(error))
    return { client, clock, errors, sees: (n: number) => seen(client, n) }
  }

  const seen = (client: AgentClient, number: number): boolean =>
    client.conversations().some(({ conversation }) => conversation === conversationId(number))

  async function welcome(cursor: string): Promise<{ readonly peer: Peer; readonly resume: string | undefined }> {
    const peer = await rig.server.accept()
    const hello = await peer.expect('hello')
    peer.send('welcome', agentWelcome(cursor), hello.correlation)
    await peer.expect('presence')
    return { peer, resume: hello.body.resume?.cursor }
  }

  it('asks again for a page that could not be had, and moves its cursor only when it has come', async () => {
    const { client, clock, errors, sees } = create({ cursor: '0:1' })
    const { peer } = await welcome('0:9')
    peer.send('inbox', { entries: [inboxEntry(9, 1)], more: true })
    const refused = await peer.until('inbox')
    peer.fail('KEFU_STORE_UNAVAILABLE', refused.correlation)
    // What is announced meanwhile is no end of the pages.
    peer.send('inbox', { entries: [inboxEntry(20, 1)], more: false })
    peer.send('deliver', { conversation: conversationId(20), contact: 'v_20', cursor: '0:30', ...contactMessage(2) })
    await eventually(() => sees(20) && client.conversations().some(({ n }) => n === 2), 'the announcement')
    assert.equal(client.cursor, '0:1')
    clock.advance(999)
    assert.equal(
      peer.waiting.some(({ kind }) => kind === 'inbox'),
      false,
    )
    clock.advance(2)
    const again = await peer.until('inbox')
    assert.equal(again.body.before, refused.body.before)
    peer.send('inbox', { entries: [inboxEntry(8, 1)], more: false }, again.correlation)
    await eventually(() => client.cursor === '0:30', 'the last page')
    assert.ok(sees(8))
    assert.deepEqual(errors, [])
  })

  it('resumes from where it was when a page cannot be had at all', async () => {
    const { client, clock, errors, sees } = create({ cursor: '0:1' })
    const { peer } = await welcome('0:9')
    peer.send('inbox', { entries: [inboxEntry(9, 1)], more: true })
    peer.fail('KEFU_STORE_CORRUPT', (await peer.until('inbox')).correlation)
    peer.send('inbox', { entries: [inboxEntry(20, 1)], more: false })
    await eventually(() => sees(20), 'the announcement')
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['KEFU_STORE_CORRUPT'],
    )
    clock.advance(5_000)
    peer.terminate()
    await eventually(() => client.state === 'reconnecting', 'the loss')
    assert.equal(
      peer.waiting.some(({ kind }) => kind === 'inbox'),
      false,
    )
    clock.advance(2_000)
    const second = await welcome('0:40')
    assert.equal(second.resume, '0:1')
    second.peer.send('inbox', { entries: [inboxEntry(8, 1)], more: false })
    await eventually(() => client.cursor === '0:40', 'the page')
  })

  it('goes on below a page that is pushed while it asks for another', async () => {
    const { client, sees } = create({ cursor: '0:1' })
    const { peer } = await welcome('0:9')
    // An announcement ahead of the first page, which comes while what lies below the announcement is asked for.
    peer.send('inbox', { entries: [inboxEntry(20, 1)], more: true })
    const first = await peer.until('inbox')
    peer.send('inbox', { entries: [inboxEntry(19, 1), inboxEntry(18, 1)], more: true })
    peer.send('inbox', { entries: [inboxEntry(17, 1)], more: false }, first.correlation)
    const below = await peer.until('inbox')
    assert.deepEqual([first.body.before, below.body.before], ['0:120', '0:118'])
    assert.equal(client.cursor, '0:1')
    peer.send('inbox', { entries: [inboxEntry(17, 1), inboxEntry(16, 1)], more: false }, below.correlation)
    await eventually(() => client.cursor === '0:9', 'the last page')
    assert.deepEqual([16, 17, 18, 19, 20].filter(sees), [16, 17, 18, 19, 20])
  })

  it('does not report a page that a lost connection kept back', async () => {
    const { client, errors } = create()
    const { peer } = await welcome('0:9')
    peer.send('inbox', { entries: [inboxEntry(9, 1)], more: true })
    await peer.until('inbox')
    peer.terminate()
    await eventually(() => client.state === 'reconnecting', 'the loss')
    assert.deepEqual(errors, [])
  })

  for (const [name, lie] of [
    ['has no entry and says that there is more', { entries: [], more: true }],
    ['ends where it began and says that there is more', { entries: [inboxEntry(9, 1)], more: true }],
  ] as const) {
    it(`cuts a server whose page ${name}`, async () => {
      const { client } = create({ cursor: '0:1' })
      const { peer } = await welcome('0:9')
      peer.send('inbox', { entries: [inboxEntry(9, 1)], more: true })
      peer.send('inbox', lie, (await peer.until('inbox')).correlation)
      await peer.closed
      assert.deepEqual([client.state, client.cursor], ['reconnecting', '0:1'])
    })
  }
})

describe('inbox without end', () => {
  /** An inbox whose server always has one more page, each answered when `answer` is called. */
  function create(resume: string | undefined) {
    const asked: string[] = []
    let pending: Answer | undefined
    let page = 1_000
    const body = (): InboxBody => ({ entries: [inboxEntry(1, 1, { cursor: `0:${--page}` })], more: true })
    const inbox = new Inbox(
      {
        fetch(before, answer) {
          asked.push(before)
          pending = answer
        },
        apply() {},
        failed: error => assert.fail(error),
        violated: error => assert.fail(error),
        monotonicMs: () => 0,
        random: () => 0,
        sweepSoon: () => assert.fail('nothing waits'),
      },
      resume,
      { limit: 3, resumeLimit: 10 },
    )
    inbox.connected('0:2000')
    inbox.pushed(body())
    const answer = (): boolean => {
      const present = pending
      pending = undefined
      present?.({ channel: 0, kind: 'inbox', correlation: 1, body: body() }, undefined)
      return present !== undefined
    }
    return { inbox, asked, answer }
  }

  for (const [name, resume, pages] of [
    ['a first connection', undefined, 3],
    ['one that resumes', '0:7', 10],
  ] as const) {
    it(`is followed to a limit by ${name}`, () => {
      const { inbox, asked, answer } = create(resume)
      while (answer()) assert.ok(asked.length <= 20)
      assert.equal(asked.length, pages - 1)
      assert.equal(inbox.cursor, '0:2000')
    })
  }
})

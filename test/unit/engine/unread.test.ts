import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import { encodeFrame } from '../../../src/codec/frame.js'
import { type InboxBody, type InboxEntry, WIRE_LIMITS } from '../../../src/codec/wire.js'
import type { LogPort } from '../../../src/daemon/core/ports.js'
import { KefuError } from '../../../src/errors.js'
import { type Peer, Rig } from './rig.js'

/** What an agent's inbox says that nobody has read or answered. */
describe('unread', () => {
  let rig: Awaited<ReturnType<typeof Rig.create>>
  let agent: Awaited<ReturnType<Rig['agent']>>
  let visitor: Awaited<ReturnType<Rig['visitor']>>
  let conversation: ConversationId

  beforeEach(async () => {
    rig = await Rig.create()
    agent = await rig.agent('li')
    visitor = await rig.visitor()
    conversation = visitor.conversation
    await rig.say(visitor.peer, 'm1')
    await rig.settle()
  })
  afterEach(async () => {
    await rig.stop()
  })

  async function say(...ids: string[]): Promise<void> {
    for (const id of ids) await rig.say(visitor.peer, id)
  }

  async function command(body: Parameters<typeof rig.send<'command'>>[2]['command'], peer = agent.peer) {
    rig.send(peer, 'command', { conversation, command: body })
    await rig.receive(peer, 'done')
    await rig.settle()
  }

  /** The first page of a new connection. */
  async function page(token = agent.token, cursor?: string): Promise<{ peer: Peer; entries: readonly InboxEntry[] }> {
    const { peer } = await rig.greet({ token, ...(cursor !== undefined && { resume: { cursor } }) })
    const frame = await rig.receive(peer, 'inbox')
    return { peer, entries: (frame.body as unknown as InboxBody).entries }
  }

  const unread = async (token = agent.token) =>
    (await page(token)).entries.find(entry => entry.conversation === conversation)?.unread

  /** The largest frame that a peer gets from here on. */
  function largestFrame(peer: Peer): () => number {
    const { frames } = peer
    const push = frames.push.bind(frames)
    let largest = 0
    frames.push = (...some) => {
      for (const { channel, kind, correlation, body } of some)
        largest = Math.max(largest, encodeFrame(channel, kind, correlation, body).length)
      return push(...some)
    }
    return () => largest
  }

  /** Counts the records that are read from the log from here on. */
  function countReads(): () => number {
    const { log } = rig.store
    const read = log.read.bind(log)
    let records = 0
    const counting: LogPort['read'] = async (...it) => {
      const found = await read(...it)
      records += found.length
      return found
    }
    Object.assign(log, { read: counting })
    return () => records
  }

  it('counts from the last that an agent has read or said', async () => {
    assert.equal(await unread(), 1, 'without any mark: all of it')
    await say('m2', 'm3')
    assert.equal(await unread(), 3)
    rig.send(agent.peer, 'read', { conversation, n: 4 })
    assert.equal(await unread(), 1, 'what waits to be written counts')
    rig.send(agent.peer, 'ack', { conversation, n: 5 })
    assert.equal(await unread(), 1, 'received is not read')
    await rig.say(agent.peer, 'x1', { conversation })
    const records = countReads()
    assert.equal(await unread(), 0)
    assert.equal(records(), 0, 'nothing is read when an answer came last')
    await say('m4')
    assert.equal(await unread(), 1)
    await command({ do: 'note', text: 'a note is no answer' })
    assert.equal(await unread(), 1)
    rig.send(agent.peer, 'read', { conversation, n: 8 })
    const before = records()
    assert.equal(await unread(), 0)
    assert.equal(records(), before, 'nothing is read when the mark is at the end')
  })

  it('is of a conversation that was transferred what nobody has read before', async () => {
    await say('m2', 'm3')
    rig.send(agent.peer, 'read', { conversation, n: 4 })
    const other = await rig.agent('mo')
    await command({ do: 'transfer', agent: other.id })
    assert.equal(await unread(other.token), 1)
    const { entries } = await page()
    assert.deepEqual(
      entries.map(entry => [entry.agent, entry.unread, entry.marks]),
      [[other.id, undefined, undefined]],
      'who has lost it is told neither',
    )
  })

  it('is for people what a bot has taken care of so far', async () => {
    const helper = await rig.agent('helper')
    await rig.agents.set('helper', { role: 'bot' })
    await rig.channels.set('site', { bot: helper.id })
    const { peer, conversation: theirs } = await rig.visitor()
    for (const id of ['b1', 'b2']) await rig.say(peer, id)
    await rig.settle()
    rig.send(helper.peer, 'read', { conversation: theirs, n: 4 })
    const unreadThere = async (token: string) =>
      (await page(token)).entries.find(entry => entry.conversation === theirs)?.unread
    assert.equal(await unreadThere(helper.token), 2)
    await rig.say(helper.peer, 'x1', { conversation: theirs })
    await rig.say(peer, 'b3')
    assert.equal(await unreadThere(helper.token), 1, 'what it has answered is not unread for the bot')
    rig.clock.advance(200)
    await rig.receive(peer, 'delivered', ({ body }) => body.n === 4)
    assert.equal(
      peer.frames.some(({ kind }) => kind === 'read'),
      false,
    )
    rig.send(helper.peer, 'command', { conversation: theirs, command: { do: 'requeue' } })
    await rig.receive(helper.peer, 'done')
    await rig.settle()
    assert.equal(await unreadThere(agent.token), 3)
    await rig.channels.set('site', { bot: null })
    await rig.agents.remove('helper')
    assert.equal(await unreadThere(agent.token), 3, 'though the bot is gone')
  })

  it('is answered by a person who is gone since', async () => {
    await say('m2')
    await rig.say(agent.peer, 'x1', { conversation })
    await say('m3')
    await rig.settle()
    const other = await rig.agent('mo')
    await command({ do: 'transfer', agent: other.id })
    await rig.agents.remove('li')
    await rig.settle()
    assert.equal(await unread(other.token), 1)
  })

  it('ends with the episode', async () => {
    await say('m2')
    await command({ do: 'close' })
    await say('m3')
    await rig.settle()
    assert.equal(await unread(), 1)
    await command({ do: 'close' })
    await command({ do: 'reopen' })
    assert.equal(await unread(), 0)
  })

  it('is counted up to 100, in the last 100 records', async () => {
    for (let i = 0; i < 150; i++) {
      rig.clock.advance(1_000)
      await say(`n${i}`)
    }
    const records = countReads()
    assert.equal(await unread(), 100)
    assert.equal(records(), 100)
  })

  it('is not counted further than 64 KiB of records', async () => {
    const text = 'x'.repeat(12_000)
    for (let i = 0; i < 40; i++) {
      rig.clock.advance(1_000)
      rig.send(visitor.peer, 'message', { id: `n${i}`, parts: [{ type: 'text', text }] })
      await rig.receive(visitor.peer, 'ack')
    }
    const records = countReads()
    assert.equal(await unread(), 8)
    assert.equal(records(), 8)
  })

  it('bounds what a page reads: a page ends early, and the next one goes on', async () => {
    const text = 'x'.repeat(12_000)
    for (let v = 0; v < 19; v++) {
      const { peer } = await rig.visitor()
      for (let i = 0; i < 8; i++) rig.send(peer, 'message', { id: `n${i}`, parts: [{ type: 'text', text }] })
      for (let i = 0; i < 8; i++) await rig.receive(peer, 'ack')
    }
    await rig.settle()
    const { peer } = await rig.greet({ token: agent.token })
    const first = (await rig.receive(peer, 'inbox')).body as unknown as InboxBody
    assert.deepEqual([first.entries.length, first.more], [8, true])
    rig.send(peer, 'inbox', { before: first.entries.at(-1)!.cursor })
    const second = (await rig.receive(peer, 'inbox')).body as unknown as InboxBody
    assert.deepEqual([second.entries.length, second.more], [8, true])
    assert.ok([...first.entries, ...second.entries].every(({ unread = 0 }) => unread >= 7))
  })

  it('is missing where its records are damaged, and the inbox comes', async () => {
    const { log } = rig.store
    Object.assign(log, { read: () => Promise.reject(new KefuError('KEFU_STORE_CORRUPT', { where: 'test' })) })
    const { entries } = await page()
    assert.deepEqual(
      entries.map(entry => [entry.conversation, 'unread' in entry]),
      [[conversation, false]],
    )
  })

  it('follows the announcement of a conversation, unless it has gone meanwhile', async () => {
    const told = (peer: Peer) =>
      peer.frames.flatMap(({ kind, body }) => (kind === 'inbox' ? (body as unknown as InboxBody).entries : []))
    const [announced] = told(agent.peer)
    assert.equal(announced?.conversation, conversation)
    assert.deepEqual([announced?.unread, announced?.marks], [undefined, undefined])
    agent.peer.frames.length = 0
    rig.send(visitor.peer, 'ack', { n: 2 })
    rig.clock.advance(200)
    await rig.settle()
    const [complete] = told(agent.peer)
    assert.deepEqual([complete?.unread, complete?.marks, complete?.n], [1, { delivered: 2, read: 0 }, 3])
    const other = await rig.agent('mo')
    await command({ do: 'transfer', agent: other.id })
    await command({ do: 'transfer', agent: agent.id }, other.peer)
    agent.peer.frames.length = 0
    other.peer.frames.length = 0
    rig.clock.advance(200)
    await rig.settle()
    assert.deepEqual([told(agent.peer).length, told(other.peer).length], [1, 0])
  })

  it('waits with a repetition for an agent who reads too slowly', async () => {
    const other = await rig.agent('mo')
    await command({ do: 'transfer', agent: other.id })
    const inboxes = () => other.peer.frames.filter(({ kind }) => kind === 'inbox').length
    assert.equal(inboxes(), 2, 'the page and the announcement')
    other.peer.isSlow = true
    await say('m2')
    await rig.settle()
    rig.clock.advance(200)
    await rig.settle()
    assert.equal(inboxes(), 2)
    other.peer.frames.length = 0
    rig.drain(other.peer)
    await rig.settle()
    rig.clock.advance(200)
    const entry = () =>
      rig.receive(other.peer, 'inbox', ({ body }) => (body as unknown as InboxBody).entries.length > 0)
    assert.equal(((await entry()).body as unknown as InboxBody).entries[0]?.unread, 2)
  })

  it('is not counted again each time that an agent lags', async () => {
    rig.clock.advance(1_000)
    await rig.settle()
    const { view } = rig.store
    const active = view.active.bind(view)
    let asked = 0
    Object.assign(view, {
      active: (...it: Parameters<typeof active>) => {
        asked++
        return active(...it)
      },
    })
    const records = countReads()
    for (let lag = 0; lag < 5; lag++) {
      agent.peer.isSlow = true
      await say(`n${lag}`)
      await rig.settle()
      rig.drain(agent.peer)
      await rig.settle()
      rig.clock.advance(300)
      await rig.settle()
    }
    assert.equal(asked, 1)
    assert.ok(records() <= 8, `${records()} records`)
    agent.peer.frames.length = 0
    for (const ms of [5_000, 200]) {
      rig.clock.advance(ms)
      await rig.settle()
    }
    assert.equal(asked, 2)
    const { body } = await rig.receive(agent.peer, 'inbox')
    assert.equal((body as unknown as InboxBody).entries[0]?.unread, 6)
  })

  it('comes with the page alone when an agent does not resume', async () => {
    const { peer } = await page()
    peer.frames.length = 0
    rig.clock.advance(1_000)
    await rig.settle()
    assert.deepEqual(peer.frames, [])
  })

  it('comes once more for all conversations when an agent resumes, behind the page', async () => {
    await say('m2')
    rig.clock.advance(1_000)
    await rig.settle()
    const cursor = rig.store.log.cursor()
    rig.send(agent.peer, 'read', { conversation, n: 4 })
    const { peer, entries } = await page(agent.token, cursor)
    assert.deepEqual(entries, [], 'nothing was stored since')
    rig.clock.advance(200)
    const { body } = await rig.receive(peer, 'inbox')
    const [again] = (body as unknown as InboxBody).entries
    assert.deepEqual([again?.conversation, again?.unread], [conversation, 0])
    assert.equal(body.more, false)
  })

  it('comes for each of many conversations, in frames of the usual size', async () => {
    for (let v = 0; v < 70; v++) {
      const { peer } = await rig.greet({ channel: 'site', name: '名'.repeat(100) })
      await rig.say(peer, 'm1')
    }
    await rig.settle()
    rig.clock.advance(1_000)
    await rig.settle()
    const { peer } = await page(agent.token, rig.store.log.cursor())
    const largest = largestFrame(peer)
    rig.clock.advance(200)
    await rig.settle()
    const bodies = peer.frames.filter(({ kind }) => kind === 'inbox').map(({ body }) => body as unknown as InboxBody)
    const entries = bodies.flatMap(body => body.entries)
    assert.equal(new Set(entries.map(entry => entry.conversation)).size, 71)
    assert.equal(entries.length, 71)
    assert.ok(entries.every(({ unread, marks }) => unread === 1 && marks?.read === 0))
    assert.ok(bodies.length > 1 && largest() <= WIRE_LIMITS.serverFrameBytes, `${largest()} bytes`)
  })

  it('comes again for an agent who could not be sent to for a while', async () => {
    rig.clock.advance(1_000)
    await rig.settle()
    agent.peer.isSlow = true
    await say('m2')
    await rig.settle()
    rig.send(agent.peer, 'read', { conversation, n: 4 })
    rig.send(visitor.peer, 'ack', { n: 3 })
    rig.clock.advance(1_000)
    await rig.settle()
    agent.peer.frames.length = 0
    rig.drain(agent.peer)
    await rig.settle()
    rig.clock.advance(200)
    await rig.settle()
    const entries = agent.peer.frames.flatMap(({ body }) => (body as unknown as InboxBody).entries ?? [])
    assert.ok(entries.length > 0)
    assert.deepEqual([entries.at(-1)?.unread, entries.at(-1)?.marks], [0, { delivered: 3, read: 0 }])
  })

  it('read on one device is told to the others of the agent, and to the contact', async () => {
    const { peer: phone } = await page()
    phone.frames.length = 0
    agent.peer.frames.length = 0
    rig.send(phone, 'read', { conversation, n: 2 })
    rig.clock.advance(200)
    const by = { role: 'agent', id: agent.id, name: 'li' }
    assert.deepEqual((await rig.receive(agent.peer, 'read')).body, { conversation, by, n: 2 })
    assert.deepEqual((await rig.receive(visitor.peer, 'read')).body, { conversation, by, n: 2 })
  })
})

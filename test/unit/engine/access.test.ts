import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { CLOSE } from '../../../src/codec/close-codes.js'
import type { ClientBodies, ClientKind } from '../../../src/codec/wire.js'
import { KefuError } from '../../../src/errors.js'
import { Rig } from './rig.js'

test('hello comes first, once, within 10 seconds', async () => {
  const rig = await Rig.create()
  const hasty = rig.open()
  rig.send(hasty, 'message', { id: 'm', parts: [{ type: 'text', text: 'x' }] })
  assert.equal((await rig.receive(hasty, 'error')).body.code, 'KEFU_FRAME_UNEXPECTED')
  assert.equal(hasty.closedWith?.code, CLOSE.protocolError)

  const silent = rig.open()
  rig.clock.advance(12_000)
  assert.equal((await rig.receive(silent, 'error')).body.code, 'KEFU_HELLO_TIMEOUT')
  assert.equal(silent.closedWith?.code, CLOSE.helloTimeout)

  const { peer } = await rig.visitor()
  rig.send(peer, 'hello', { channel: 'site' })
  assert.equal((await rig.receive(peer, 'error')).body.code, 'KEFU_FRAME_UNEXPECTED')
  assert.equal(peer.closedWith, undefined, 'a known session survives a second hello')
  await rig.stop()
})

test('a hello that tells nobody, and one for no web channel, end with what to correct', async () => {
  const rig = await Rig.create()
  for (const [hello, code, close] of [
    [{}, 'KEFU_FRAME_INVALID', CLOSE.protocolError],
    [{ name: '李雷', zstd: true }, 'KEFU_FRAME_INVALID', CLOSE.protocolError],
    [{ channel: 'nowhere' }, 'KEFU_CHANNEL_NOT_FOUND', CLOSE.channelNotFound],
  ] as const) {
    const peer = rig.open()
    rig.send(peer, 'hello', hello)
    const { body } = await rig.receive(peer, 'error')
    assert.deepEqual([body.code, peer.closedWith], [code, { code: close, reason: code }])
    assert.doesNotMatch(`${body.message} ${body.hint}`, /""|kefu/)
  }
  await rig.stop()
})

test('a visitor may name its own conversation and no other, in every kind of frame', async () => {
  const rig = await Rig.create()
  const { peer, conversation } = await rig.visitor()
  const other = await rig.visitor()
  await rig.say(other.peer, 'o')
  assert.equal(await rig.say(peer, 'own', { conversation, contact: 'nobody' }), 2)
  const unknown = conversation.replace(/.$/, last => (last === '0' ? '4' : '0'))
  for (const named of [other.conversation, unknown]) {
    for (const [kind, body] of [
      ['message', { id: `x ${named}`, parts: [{ type: 'text', text: 'x' }] }],
      ['ack', { n: 1 }],
      ['read', { n: 1 }],
      ['typing', { on: true }],
      ['history', {}],
      ['media', { media: 'md_1' }],
    ] as const) {
      rig.send(peer, kind as ClientKind, { ...body, conversation: named } as ClientBodies[ClientKind])
      const { body: answer } = await rig.receive(peer, 'error')
      assert.equal(answer.code, 'KEFU_CONVERSATION_NOT_FOUND', kind)
    }
  }
  rig.send(peer, 'history', { conversation })
  assert.equal((await rig.receive(peer, 'page')).body.conversation, conversation)
  await rig.stop()
})

test('sockets that say nothing keep nobody else of their address out', async () => {
  const rig = await Rig.create()
  // A hello that takes long is none of them, though it came first.
  const { token } = await rig.visitor()
  const { log } = rig.store
  const { head } = log
  let answer = (): void => undefined
  const wait = new Promise<void>(resolve => {
    answer = resolve
  })
  Object.assign(log, { head: async (id: never) => wait.then(() => head.call(log, id)) })
  const slow = rig.open()
  rig.send(slow, 'hello', { token })
  const silent = Array.from({ length: 4 }, () => rig.open())
  rig.clock.advance(999)
  const early = rig.open()
  assert.equal((await rig.receive(early, 'error')).body.code, 'KEFU_RATE_LIMITED')
  assert.equal(early.closedWith?.code, CLOSE.tooMany, 'nobody has been silent for long enough')
  rig.clock.advance(1)
  const { peer } = await rig.greet({ channel: 'site' })
  assert.equal(peer.closedWith, undefined)
  assert.equal((await rig.receive(silent[0]!, 'error')).body.code, 'KEFU_RATE_LIMITED')
  const isClosed = (): boolean[] => [slow, ...silent].map(({ closedWith }) => closedWith?.code === CLOSE.tooMany)
  assert.deepEqual(isClosed(), [false, true, false, false, false], 'the oldest goes, once, and what it leaves is free')
  const next = [rig.open(), rig.open()]
  assert.deepEqual(isClosed(), [false, true, true, false, false])
  rig.send(silent[2]!, 'hello', { channel: 'site' })
  await rig.receive(silent[2]!, 'welcome')
  answer()
  await rig.receive(slow, 'welcome')
  assert.deepEqual(
    next.map(({ closedWith }) => closedWith),
    [undefined, undefined],
  )
  const elsewhere = rig.open(undefined, '203.0.113.8')
  assert.equal(elsewhere.closedWith, undefined)
  await rig.stop()
})

test('the hellos of a known visitor are limited before anything is read for them, and nobody else with them', async () => {
  const rig = await Rig.create()
  const { token } = await rig.visitor()
  const other = await rig.visitor()
  const { log } = rig.store
  const { head } = log
  let reads = 0
  Object.assign(log, {
    head: (id: never) => {
      reads++
      return head.call(log, id)
    },
  })
  const hello = async (): Promise<number | undefined> => {
    const peer = rig.open()
    rig.send(peer, 'hello', { token })
    await rig.settle()
    const { closedWith } = peer
    rig.disconnect(peer)
    if (closedWith === undefined) return undefined
    assert.equal((await rig.receive(peer, 'error')).body.code, 'KEFU_RATE_LIMITED')
    return closedWith.code
  }
  for (let i = 0; i < 50; i++) assert.equal(await hello(), undefined, `hello ${i}`)
  const before = reads
  assert.equal(await hello(), CLOSE.tooMany)
  assert.equal(reads, before)
  await rig.greet({ token: other.token })
  rig.clock.advance(1_000)
  assert.equal(await hello(), undefined)
  await rig.stop()
})

test('wrong tokens are refused alike, and too many from one address are slowed down', async () => {
  const rig = await Rig.create()
  const codes: unknown[] = []
  for (const token of ['kat_wrong', 'kpt_wrong', 'kvt_wrong.signature', 'nonsense']) {
    const peer = rig.open()
    rig.send(peer, 'hello', { token })
    codes.push((await rig.receive(peer, 'error')).body.code)
    await rig.settle()
    assert.notEqual(peer.closedWith, undefined)
  }
  assert.deepEqual(codes, ['KEFU_UNAUTHORISED', 'KEFU_UNAUTHORISED', 'KEFU_UNAUTHORISED', 'KEFU_RATE_LIMITED'])
  await rig.visitor()
  await rig.stop()
})

test('a page of another origin is refused; no origin is not a browser', async () => {
  const rig = await Rig.create()
  assert.deepEqual([...rig.origins], ['https://shop.example'])
  const foreign = rig.open('https://evil.example')
  rig.send(foreign, 'hello', { channel: 'site' })
  assert.equal((await rig.receive(foreign, 'error')).body.code, 'KEFU_ORIGIN_REFUSED')
  await rig.greet({ channel: 'site' }, 'https://shop.example')
  await rig.greet({ channel: 'site' })
  await rig.stop()
})

test('a user whom the site vouches for keeps the conversation on every device; a wrong or old signature is refused', async () => {
  const rig = await Rig.create()
  const { identitySecret = '' } = await rig.channels.add({ kind: 'web', name: 'members', origins: [] })
  const expiresAt = rig.clock.now() + 60_000
  const sign = (id: string, at: number): string =>
    createHmac('sha256', identitySecret).update(`${id}|${at}`).digest('hex')
  const hello = { channel: 'members', identity: { id: 'user-1', expiresAt, signature: sign('user-1', expiresAt) } }
  const phone = await rig.greet(hello)
  const desk = await rig.greet(hello)
  assert.equal(phone.welcome.conversation, desk.welcome.conversation)
  for (const identity of [
    { ...hello.identity, id: 'user-2' },
    { ...hello.identity, expiresAt: expiresAt + 1 },
    { id: 'user-1', expiresAt: 1, signature: sign('user-1', 1) },
  ]) {
    const peer = rig.open()
    rig.send(peer, 'hello', { channel: 'members', identity })
    assert.equal((await rig.receive(peer, 'error')).body.code, 'KEFU_UNAUTHORISED')
  }
  await rig.stop()
})

test('a file can be named only in the conversation it was uploaded to', async () => {
  const rig = await Rig.create()
  const { peer, conversation } = await rig.visitor()
  const media = `md_${'0'.repeat(26)}`
  const parts = [{ type: 'image' as const, media }]
  rig.send(peer, 'message', { id: 'm1', parts })
  assert.equal((await rig.receive(peer, 'error')).body.code, 'KEFU_MEDIA_NOT_FOUND')
  rig.media.add(`${conversation}/${media}`)
  rig.send(peer, 'message', { id: 'm1', parts })
  rig.send(peer, 'message', { id: 'm2', parts: [{ type: 'text', text: 'after the picture' }] })
  assert.equal((await rig.receive(peer, 'ack')).body.id, 'm1', 'what waits for a file keeps its place')
  assert.equal((await rig.receive(peer, 'ack')).body.id, 'm2')
  await rig.stop()
})

test('a contact is held to its message rate, however many sockets it has, and told when to come again', async () => {
  const rig = await Rig.create()
  const one = await rig.visitor()
  const two = await rig.greet({ token: one.token })
  let refused = 0
  for (let i = 0; i < 60; i++) {
    for (const { peer } of [one, two])
      rig.send(peer, 'message', { id: `m${i}-${peer.id}`, parts: [{ type: 'text', text: 'x' }] })
    await rig.settle()
  }
  for (const { peer } of [one, two]) {
    for (const frame of peer.frames) {
      if (frame.kind !== 'error') continue
      refused++
      assert.equal(frame.body.code, 'KEFU_RATE_LIMITED')
      assert.ok((frame.body.retryAfterMs as number) > 0)
    }
  }
  assert.equal(refused, 20)
  await rig.stop()
})

test('a contact is held to its rate of other frames, too, however many sockets it has; who goes on and on is closed', async () => {
  const rig = await Rig.create()
  const one = await rig.visitor()
  const two = await rig.greet({ token: one.token })
  const codes = () => [one.peer, two.peer].flatMap(({ frames }) => frames.map(({ body }) => body.code))
  for (let i = 0; i < 40; i++) for (const { peer } of [one, two]) rig.send(peer, 'typing', { on: true })
  await rig.settle()
  // The hello of a visitor who is known is one of them.
  assert.deepEqual(codes(), new Array(31).fill('KEFU_RATE_LIMITED'))
  assert.deepEqual([one.peer.closedWith, two.peer.closedWith], [undefined, undefined])
  for (let i = 0; i < 100; i++) rig.send(one.peer, 'hello', { channel: 'site' })
  await rig.settle()
  assert.equal(one.peer.closedWith?.code, CLOSE.tooMany)
  assert.equal(codes().length, 51)
  assert.equal(two.peer.closedWith, undefined)
  await rig.stop()
})

test('what is too much is refused when it comes, not when those before it are through', async () => {
  const rig = await Rig.create()
  const { peer } = await rig.visitor()
  await rig.say(peer, 'first')
  const { log } = rig.store
  const read = log.read.bind(log)
  let release = (): void => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  log.read = async (...args) => {
    await released
    return read(...args)
  }
  rig.send(peer, 'history', {})
  for (let i = 0; i < 120; i++) rig.send(peer, 'message', { id: `m${i}`, parts: [{ type: 'text', text: 'x' }] })
  await rig.settle()
  assert.equal(peer.frames.filter(({ kind }) => kind === 'error').length, 21)
  release()
  await rig.settle()
  // Of the 99 that waited, no more than 64 can be on their way to the disk at once.
  assert.equal(peer.frames.filter(({ kind }) => kind === 'ack').length, 64)
  await rig.stop()
})

test('messages that follow the first before it is on disk do not count as conversations of their own', async () => {
  const rig = await Rig.create({ openings: 3 })
  const [one, two, three, four] = [
    await rig.visitor(),
    await rig.visitor(),
    await rig.visitor(),
    await rig.visitor(),
  ] as const
  for (const { peer } of [one, two, three, four])
    for (let i = 0; i < 5; i++) rig.send(peer, 'message', { id: `m${i}`, parts: [{ type: 'text', text: 'x' }] })
  await rig.settle()
  const acks = [one, two, three, four].map(({ peer }) => peer.frames.filter(({ kind }) => kind === 'ack').length)
  assert.deepEqual(acks, [5, 5, 5, 0])
  await rig.stop()
})

test('a conversation that could not be opened does not count as a new one', async () => {
  const rig = await Rig.create({ openings: 2 })
  const { log } = rig.store
  const append = log.append.bind(log)
  const { peer } = await rig.visitor()
  const text = [{ type: 'text', text: 'x' }] as const
  log.append = async () => {
    throw new KefuError('KEFU_STORE_FULL')
  }
  for (let i = 0; i < 5; i++) {
    rig.send(peer, 'message', { id: 'm1', parts: text })
    await rig.settle()
  }
  log.append = append
  for (let i = 0; i < 5; i++)
    rig.send(peer, 'message', { id: 'm2', parts: [{ type: 'image', media: `md_${'0'.repeat(26)}` }] })
  await rig.settle()
  const codes = peer.frames.filter(({ kind }) => kind === 'error').map(({ body }) => body.code)
  assert.deepEqual(codes, [...new Array(5).fill('KEFU_STORE_FULL'), ...new Array(5).fill('KEFU_MEDIA_NOT_FOUND')])
  const others = [await rig.visitor(), await rig.visitor(), await rig.visitor()]
  for (const other of others) rig.send(other.peer, 'message', { id: 'm', parts: text })
  await rig.settle()
  const acks = others.map(other => other.peer.frames.filter(({ kind }) => kind === 'ack').length)
  assert.deepEqual(acks, [1, 1, 0])
  await rig.stop()
})

test('sockets without a hello are counted by network, as one host has a whole one in IPv6', async () => {
  const rig = await Rig.create()
  const peers = Array.from({ length: 7 }, (_, i) => rig.open(undefined, `2001:db8:1:2::${i}`))
  const other = rig.open(undefined, '2001:db8:1:3::1')
  await rig.settle()
  assert.equal(peers.filter(({ closedWith }) => closedWith?.code === CLOSE.tooMany).length, 2)
  assert.equal(other.closedWith, undefined)
  await rig.stop()
})

test('what went wrong inside is for the log, not for whoever is connected', async () => {
  const rig = await Rig.create()
  const { peer } = await rig.visitor()
  const { log } = rig.store
  const append = log.append.bind(log)
  for (const [id, error] of [
    ['m1', new TypeError('cannot read /srv/kefu/secret')],
    ['m2', new KefuError('KEFU_STORE_CORRUPT', { where: '/srv/kefu/store/000007.ldb' })],
    ['m3', new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'IO error: /srv/kefu/store/000008.log' })],
  ] as const) {
    log.append = async () => {
      throw error
    }
    rig.send(peer, 'message', { id, parts: [{ type: 'text', text: 'x' }] })
    assert.doesNotMatch(String((await rig.receive(peer, 'error')).body.message), /srv/)
  }
  log.append = append
  assert.deepEqual(
    rig.reported.map(error => (error as Error).name),
    ['TypeError', 'KefuError'],
    'defects and damage',
  )
  await rig.stop()
})

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { CLOSE } from '../../../src/codec/close-codes.js'
import type { ClientBodies, ClientKind } from '../../../src/codec/wire.js'
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

test('no role touches a foreign conversation, and foreign looks like unknown', async () => {
  const rig = await Rig.create()
  const owner = await rig.agent('owner')
  const victim = await rig.visitor()
  await rig.say(victim.peer, 'm1')
  await rig.settle()
  await rig.agents.add('idle')
  const other = await rig.greet({ token: (await rig.agents.issueToken('idle')).token })
  const app = await rig.greet({ token: rig.appToken })
  const intruder = await rig.visitor()
  const unknown = rig.tokens.conversationId(1, 'v_nobody')
  const attempts: { readonly [K in ClientKind]?: Partial<ClientBodies[K]> } = {
    message: { id: 'x', parts: [{ type: 'text', text: 'x' }] },
    history: { after: 0 },
    read: { n: 1 },
    ack: { n: 1 },
    typing: { on: true },
    media: { media: `md_${'0'.repeat(26)}` },
  }
  for (const peer of [other.peer, app.peer, intruder.peer]) {
    for (const [kind, body] of Object.entries(attempts)) {
      const answers: unknown[] = []
      for (const conversation of [victim.conversation, unknown]) {
        rig.send(peer, kind as ClientKind, { ...body, conversation } as never)
        answers.push((await rig.receive(peer, 'error')).body)
      }
      assert.equal((answers[0] as { code: string }).code, 'KEFU_CONVERSATION_NOT_FOUND')
      assert.deepEqual(answers[0], answers[1], `${kind} tells a foreign conversation from an unknown one`)
    }
  }
  await rig.settle()
  assert.equal((await rig.store.log.head(victim.conversation))?.n, 3)
  assert.deepEqual(
    owner.peer.frames.filter(frame => frame.kind === 'typing' || frame.kind === 'read'),
    [],
  )
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

test('sessions end when their agent is removed, loses a token, or their channel is removed', async () => {
  const rig = await Rig.create()
  const removed = await rig.agent('removed')
  const rotated = await rig.agent('rotated')
  const visitor = await rig.visitor()
  await rig.agents.issueToken('rotated')
  await rig.settle()
  assert.equal(rotated.peer.closedWith, undefined, 'another token changes nothing')
  await rig.agents.issueToken('rotated', { replace: true })
  await rig.agents.remove('removed')
  await rig.channels.remove('site')
  await rig.settle()
  for (const { peer } of [removed, rotated, visitor]) assert.equal(peer.closedWith?.code, CLOSE.unauthorised)
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

test('draining: clients are told, what is on its way is acknowledged, new messages are refused', async () => {
  const rig = await Rig.create()
  const { peer } = await rig.visitor()
  rig.send(peer, 'message', { id: 'm1', parts: [{ type: 'text', text: 'x' }] })
  const drained = rig.engine.drain(1_000)
  rig.send(peer, 'message', { id: 'm2', parts: [{ type: 'text', text: 'x' }] })
  assert.equal((await rig.receive(peer, 'goAway')).body.reconnectAfterMs, 1_000)
  const refusal = await rig.receive(peer, 'error')
  assert.deepEqual([refusal.body.code, refusal.body.id, refusal.body.retryable], ['KEFU_DRAINING', 'm2', true])
  assert.equal((await rig.receive(peer, 'ack')).body.id, 'm1')
  await drained
  assert.equal(peer.closedWith?.code, CLOSE.restarting)
  await rig.stop()
})

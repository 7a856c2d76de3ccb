import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplyOccasion } from '../../../src/codec/wire.js'
import { firstDetails } from '../../../src/daemon/core/conversation.js'
import type { Channel, Head } from '../../../src/daemon/core/model.js'
import { replyOn } from '../../../src/daemon/core/replies.js'
import { Rig } from './rig.js'

const REPLIES: NonNullable<Channel['replies']> = {
  zh: { welcome: '您好！', waiting: '请稍候', idleWarning: '还在吗？', idleClose: '再见' },
  en: { welcome: 'Hello!', waiting: 'Please wait' },
}

async function withReplies(changes: Partial<Channel> = {}) {
  const rig = await Rig.create()
  const site = rig.channels.byName('site')!
  const entry = (await rig.store.directory.get('channel/site'))!
  await rig.store.directory.update('channel/site', { ...site, replies: REPLIES, ...changes }, entry.revision)
  await rig.stop()
  await rig.start()
  return rig
}

async function said(rig: Rig, conversation: Parameters<Rig['store']['log']['read']>[0]): Promise<string[]> {
  await rig.settle()
  return (await rig.store.log.read(conversation, 0, 100)).flatMap(({ body }) => {
    if (body.type !== 'message') return body.type === 'closed' ? [`closed: ${body.reason}`] : []
    const [part] = body.parts
    return [`${body.by.role}: ${part?.type === 'text' ? part.text : ''}`]
  })
}

test('a contact is welcomed once in an episode, and told once in a wait that it takes a while', async () => {
  const rig = await withReplies({ language: 'zh' })
  const { peer, conversation } = await rig.visitor()
  await rig.say(peer, 'm1')
  await rig.say(peer, 'm2')
  const first = ['contact: text of m1', 'contact: text of m2', 'system: 您好！', 'system: 请稍候']
  assert.deepEqual((await said(rig, conversation)).sort(), first.sort())
  await rig.engine.commands.run(conversation, { role: 'operator' }, { do: 'update', set: { language: 'en-GB' } })
  await rig.engine.commands.run(conversation, { role: 'operator' }, { do: 'close' })
  await rig.agent('li')
  rig.clock.advance(1_000)
  await rig.say(peer, 'm3')
  assert.deepEqual((await said(rig, conversation)).slice(4), [
    'closed: operator',
    'contact: text of m3',
    'system: Hello!',
  ])
  await rig.stop()
})

test('a contact is answered in the language that it came with, and a new episode in that it has by then', async () => {
  const rig = await withReplies({ language: 'zh' })
  const { peer, welcome } = await rig.greet({ channel: 'site', language: 'en-GB' })
  await rig.say(peer, 'm1')
  const own = welcome.conversation!
  assert.deepEqual((await said(rig, own)).slice(1).sort(), ['system: Hello!', 'system: Please wait'])
  assert.equal((await rig.store.log.head(own))?.details.language, 'en-GB')
  const app = await rig.greet({ token: rig.appToken })
  const body = { contact: 'u1', language: 'pt-BR', parts: [{ type: 'text', text: 'olá' }] } as const
  rig.send(app.peer, 'message', { id: 'm1', ...body })
  const { body: ack } = await rig.receive(app.peer, 'ack')
  assert.equal((await rig.store.log.head(ack.conversation as typeof own))?.details.language, 'pt-BR')
  await rig.stop()
})

test('when a contact falls silent it is warned, then the conversation is closed; not while the contact waits for an answer', async () => {
  const rig = await withReplies({ language: 'zh', idle: { warnAfterMs: 60_000, closeAfterMs: 120_000 } })
  const li = await rig.agent('li')
  const { peer, conversation } = await rig.visitor()
  const stay = (ms: number) => {
    for (let left = ms; left > 0; left -= 5_000) {
      rig.clock.advance(Math.min(left, 5_000))
      rig.send(li.peer, 'presence', { state: 'online' })
    }
  }
  await rig.say(peer, 'm1')
  await rig.settle()
  stay(300_000)
  assert.deepEqual(await said(rig, conversation), ['contact: text of m1', 'system: 您好！'])
  await rig.say(li.peer, 'a1', { conversation })
  await rig.settle()
  stay(62_000)
  assert.deepEqual((await said(rig, conversation)).slice(2), ['agent: text of a1', 'system: 还在吗？'])
  await rig.say(peer, 'm2')
  await rig.say(li.peer, 'a2', { conversation })
  await rig.settle()
  stay(62_000)
  await rig.settle()
  stay(62_000)
  assert.deepEqual((await said(rig, conversation)).slice(4), [
    'contact: text of m2',
    'agent: text of a2',
    'system: 还在吗？',
    'system: 再见',
    'closed: idle',
  ])
  await rig.stop()
})

test('the text of the closest language is taken', () => {
  const head = (language: string | undefined) => ({ details: { ...firstDetails(0), language } }) as Head
  const text = (occasion: ReplyOccasion, language: string | undefined, usual?: string) => {
    const channel = { replies: REPLIES, ...(usual === undefined ? {} : { language: usual }) }
    const part = replyOn(occasion, channel, head(language))?.parts[0]
    return part?.type === 'text' ? part.text : undefined
  }
  assert.equal(text('welcome', 'zh-Hans-CN', 'en'), '您好！')
  assert.equal(text('welcome', 'ja', 'en'), 'Hello!')
  assert.equal(text('idleClose', 'en', 'en'), '再见')
  assert.equal(text('welcome', undefined), '您好！')
  assert.equal(text('offHours', 'zh'), undefined)
})

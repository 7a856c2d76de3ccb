import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeFrame } from '../../../src/codec/frame.js'
import { WIRE_LIMITS } from '../../../src/codec/wire.js'
import type { CannedBody } from '../../../src/codec/wire-canned.js'
import { CANNED_LIMITS } from '../../../src/daemon/core/canned.js'
import { isKefuError } from '../../../src/errors.js'
import { type Peer, Rig } from './rig.js'

const NOT_FOUND = 'KEFU_CONVERSATION_NOT_FOUND'

const text = (value: string, language = '') => ({ texts: [{ language, text: value }] })

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'done'
  } catch (error) {
    assert.ok(isKefuError(error), String(error))
    return error.code
  }
}

describe('the registry', () => {
  test('adds, changes and removes, once each, and keeps it over a restart', async () => {
    const rig = await Rig.create()
    const added = await rig.canned.add('hi', text('Hello {contact}'))
    assert.deepEqual([added.changed, added.reply.texts], [true, { '': 'Hello {contact}' }])
    assert.deepEqual(await rig.canned.add('hi', text('Hello {contact}')), { reply: added.reply, changed: false })
    assert.equal(await codeOf(rig.canned.add('hi', text('other'))), 'KEFU_CANNED_EXISTS')
    const set = await rig.canned.set('hi', { ...text('您好', 'ZH-hans'), team: 't_1' })
    assert.deepEqual(set.reply, {
      ...added.reply,
      texts: { '': 'Hello {contact}', 'zh-Hans': '您好' },
      team: 't_1',
    })
    assert.equal((await rig.canned.set('hi', text('您好', 'zh-Hans'))).changed, false)
    await rig.stop()
    await rig.start()
    assert.deepEqual(rig.canned.list(), [set.reply])
    const less = await rig.canned.set('hi', { texts: [{ language: '', text: null }], team: null })
    assert.deepEqual([less.reply.texts, less.reply.team], [{ 'zh-Hans': '您好' }, undefined])
    assert.equal(await codeOf(rig.canned.set('hi', { texts: [{ language: 'zh-Hans', text: null }] })), 'KEFU_USAGE')
    assert.equal((await rig.canned.remove('hi')).name, 'hi')
    for (const gone of [rig.canned.remove('hi'), rig.canned.set('hi', {})])
      assert.equal(await codeOf(gone), 'KEFU_CANNED_NOT_FOUND')
    await rig.stop()
  })

  test('refuses what is no word, no text, no language, and too much', async () => {
    const rig = await Rig.create()
    for (const name of ['', 'two words', '/x', 'x'.repeat(65)])
      assert.equal(await codeOf(rig.canned.add(name, text('x'))), 'KEFU_USAGE', name)
    assert.equal(await codeOf(rig.canned.add('a', {})), 'KEFU_USAGE')
    assert.equal(await codeOf(rig.canned.add('a', text('Hi {nobody}'))), 'KEFU_USAGE')
    assert.equal(await codeOf(rig.canned.add('a', text('x', 'not a language'))), 'KEFU_USAGE')
    const many = (count: number, value: string) => ({
      texts: Array.from({ length: count }, (_, at) => ({ language: `e${String.fromCharCode(97 + at)}`, text: value })),
    })
    assert.equal(await codeOf(rig.canned.add('a', many(CANNED_LIMITS.languages + 1, 'x'))), 'KEFU_USAGE')
    assert.equal(await codeOf(rig.canned.add('a', many(13, 'x'.repeat(4_000)))), 'KEFU_USAGE')
    for (let i = 0; i < CANNED_LIMITS.replies; i++) await rig.canned.add(`r${i}`, text('x'))
    assert.equal(await codeOf(rig.canned.add('surplus', text('x'))), 'KEFU_CANNED_USED')
    assert.equal((await rig.canned.add('r1', text('x'))).changed, false)
    await rig.stop()
  })
})

/** What an agent is offered, or the code of the error. */
async function offered(rig: Rig, peer: Peer, body: object): Promise<CannedBody | string> {
  const before = peer.frames.length
  rig.send(peer, 'canned', body as never, 77)
  await rig.settle()
  const answer = peer.frames.slice(before).find(({ correlation }) => correlation === 77) ?? assert.fail('answered')
  if (answer.kind === 'error') return String(answer.body.code)
  assert.equal(answer.kind, 'canned')
  const frame = encodeFrame(answer.channel, 'canned', 77, answer.body as unknown as CannedBody)
  assert.ok(frame.length <= WIRE_LIMITS.serverFrameBytes, String(frame.length))
  return answer.body as unknown as CannedBody
}

async function served() {
  const rig = await Rig.create()
  const li = await rig.agent('li')
  const visitor = await rig.visitor()
  await rig.say(visitor.peer, 'm1')
  await rig.settle()
  const { conversation } = visitor
  const shortcuts = async (query?: string) => {
    const body = await offered(rig, li.peer, { conversation, ...(query !== undefined && { query }) })
    return typeof body === 'string' ? body : body.replies.map(({ shortcut }) => shortcut)
  }
  return { rig, li, visitor, conversation, shortcuts }
}

describe('offers', () => {
  test('are in the language that fits, with the names filled in', async () => {
    const { rig, li, conversation } = await served()
    await rig.canned.add('hi', {
      texts: [
        { language: '', text: 'Hi {contact}, {agent} here' },
        { language: 'zh', text: '您好 {contact}' },
        { language: 'fr', text: 'Bonjour' },
      ],
    })
    const operator = { role: 'operator' } as const
    const update = (set: object) => rig.engine.commands.run(conversation, operator, { do: 'update', set })
    assert.deepEqual(await offered(rig, li.peer, { conversation }), {
      replies: [{ shortcut: 'hi', text: 'Hi , li here' }],
    })
    await update({ name: '李雷', language: 'zh-Hans' })
    assert.deepEqual(await offered(rig, li.peer, { conversation }), {
      replies: [{ shortcut: 'hi', text: '您好 李雷', language: 'zh' }],
    })
    await rig.channels.set('site', { language: 'fr' })
    await update({ language: 'ja' })
    assert.deepEqual(await offered(rig, li.peer, { conversation }), {
      replies: [{ shortcut: 'hi', text: 'Bonjour', language: 'fr' }],
    })
    await rig.stop()
  })

  test('are found by shortcut first, then by text, in every language', async () => {
    const { rig, shortcuts } = await served()
    await rig.canned.add('refund', text('Your money comes back'))
    await rig.canned.add('refund-late', text('退款需要三天', 'zh'))
    await rig.canned.add('bye', text('Write again for a REFUND'))
    assert.deepEqual(await shortcuts(), ['bye', 'refund', 'refund-late'])
    assert.deepEqual(await shortcuts('Refund'), ['refund', 'refund-late', 'bye'])
    assert.deepEqual(await shortcuts('退款'), ['refund-late'])
    assert.deepEqual(await shortcuts('nothing'), [])
    await rig.canned.remove('refund')
    assert.deepEqual(await shortcuts('refund'), ['refund-late', 'bye'], 'a change counts at once')
    await rig.stop()
  })

  test('of a team are for its members, also when they change, and of a removed team for nobody', async () => {
    const { rig, shortcuts } = await served()
    const { team } = await rig.teams.add('refunds', {})
    await rig.canned.add('all', text('x'))
    await rig.canned.add('team', { ...text('x'), team: team.id })
    assert.deepEqual(await shortcuts(), ['all'])
    await rig.teams.set('refunds', { addMembers: ['li'] })
    assert.deepEqual(await shortcuts(), ['all', 'team'])
    await rig.teams.set('refunds', { removeMembers: ['li'] })
    assert.deepEqual(await shortcuts(), ['all'])
    await rig.teams.set('refunds', { addMembers: ['li'] })
    await rig.teams.remove('refunds')
    assert.deepEqual(await shortcuts(), ['all'])
    assert.deepEqual(
      rig.canned.list().map(({ name }) => name),
      ['all', 'team'],
    )
    await rig.stop()
  })

  test('come in pages that fit a frame, every one once', async () => {
    const { rig, li, conversation } = await served()
    const names = Array.from({ length: 40 }, (_, at) => `r${String(at).padStart(2, '0')}`)
    for (const name of names) await rig.canned.add(name, text(`${name} ${'x'.repeat(3_990)}`))
    await rig.canned.add('aaa', text('{contact}'.repeat(400)))
    await rig.engine.commands.run(conversation, { role: 'operator' }, { do: 'update', set: { name: '李'.repeat(100) } })
    const found: string[] = []
    let pages = 0
    for (let from: number | undefined = 0; from !== undefined; pages++) {
      const body = (await offered(rig, li.peer, { conversation, from })) as CannedBody
      found.push(...body.replies.map(({ shortcut }) => shortcut))
      from = body.next
    }
    assert.deepEqual(found, names, 'and the one that would not fit into a message is left out')
    assert.ok(pages >= 14, String(pages))
    assert.deepEqual(await offered(rig, li.peer, { conversation, from: 1_000_000 }), { replies: [] })
    await rig.stop()
  })

  test('are for agents who may see the conversation, and for nobody else', async () => {
    const { rig, visitor, conversation } = await served()
    await rig.canned.add('hi', text('x'))
    const wang = await rig.agent('wang')
    const unknown = await offered(rig, wang.peer, { conversation: 'c_00000000000000000000000000' })
    assert.deepEqual([await offered(rig, wang.peer, { conversation }), unknown], [NOT_FOUND, NOT_FOUND])
    assert.equal(await offered(rig, visitor.peer, { conversation }), 'KEFU_FRAME_UNEXPECTED')
    const app = await rig.greet({ token: rig.appToken })
    assert.equal(await offered(rig, app.peer, { conversation }), 'KEFU_FRAME_UNEXPECTED')
    await rig.stop()
  })
})

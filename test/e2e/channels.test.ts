import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { runKefu } from '../helpers/cli.js'
import { until } from '../helpers/until.js'
import { PlatformHouse } from './platform-house.js'
import type { PlatformSide } from './platform-side.js'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** A picture unlike every other one. */
function picture(): Buffer<ArrayBuffer> {
  return Buffer.concat([Buffer.from(PNG, 'base64'), randomBytes(5_000)])
}

/** Both sides talk: texts, pictures, choices; nobody has to answer a sign. */
async function talk(t: TestContext, side: PlatformSide): Promise<void> {
  const { row, emulator, agent } = side
  const [theirs, ours] = [picture(), picture()]
  await side.say('li', row.sign)
  await until('the sign', async () => (await side.lane()).counts.received === 1)
  assert.equal((await queued(side)).length, 0)
  await side.say('li', '你好 👋 <xml>&amp;')
  await side.say('li', { type: 'image', bytes: theirs.toString('base64') })
  const heard = ['contact 你好 👋 <xml>&amp;', 'contact image']
  await side.knows('li', heard)
  assert.deepEqual(side.talk('li'), heard)
  const types = side.records('li').map(({ record }) => record.type)
  assert.deepEqual(
    [types.slice(0, 3), types.filter(type => type === 'event').length],
    [['opened', 'event', 'message'], 1],
  )
  assert.equal(side.records('li')[1]!.record.name, row.signName)

  const conversation = side.conversation('li')
  const image = side
    .records('li')
    .flatMap(({ record: { parts = [] } }) => parts)
    .find(({ type }) => type === 'image')
  assert.ok(image !== undefined && 'media' in image)
  let bytes = Buffer.alloc(0)
  await until('the picture', async () => {
    const link = await agent.media(conversation, image.media).catch(() => undefined)
    const response = link && (await fetch(link.url))
    if (response?.status !== 200) return false
    bytes = Buffer.from(await response.arrayBuffer())
    return true
  })
  assert.ok(bytes.equals(theirs))

  const uploaded = await agent.upload(conversation, ours, 'image/png')
  await side.answer('li', 'first')
  await side.answer('li', [{ type: 'image', media: uploaded.media, name: 'a.png' }])
  const choices = [
    { id: 'y', label: 'yes' },
    { id: 'n', label: 'no' },
  ]
  const last = row.hasChoices
    ? await side.answer('li', [{ type: 'choices', text: 'Good?', choices }])
    : await side.answer('li', 'last')
  await side.got('li', 3)
  const [first, second, third] = emulator.core.sent.list({ user: 'li' })
  assert.deepEqual([first!.text, second!.type, side.sent('li').length], ['first', 'image', 3])
  assert.ok(Buffer.from(row.pictureOf(second!, emulator.core)).equals(ours))
  assert.equal(third!.text, row.hasChoices ? 'Good?\n(y) yes\n(n) no' : 'last')
  const marks = () => agent.conversations().find(each => each.conversation === conversation)!.marks
  await until('delivered', () => marks().delivered >= last)
  t.diagnostic(`${row.kind}: talked`)
}

/** The order of many at once, both ways. */
async function order(side: PlatformSide): Promise<void> {
  const numbers = Array.from({ length: 20 }, (_, i) => i)
  await Promise.all(numbers.map(i => side.say('wu', `in ${i}`)))
  const heard = numbers.map(i => `contact in ${i}`)
  await side.knows('wu', heard)
  assert.deepEqual(side.talk('wu'), heard)
  const answers = numbers.slice(0, 5).map(i => `out ${i}`)
  await Promise.all(answers.map(text => side.answer('wu', text)))
  await side.got('wu', 5)
  assert.deepEqual(side.sent('wu'), answers)
}

/** What is under way when the daemon dies: the number of a reply that is cut off, and callbacks. */
type UnderWay = { readonly cut: number; readonly callbacks: Promise<void>[] }

/** A reply is at the platform, and others wait. */
async function reply(side: PlatformSide): Promise<UnderWay> {
  await side.say('zhang', 'in 1')
  await side.knows('zhang', ['in 1'])
  side.fault({ fault: 'hang', path: side.row.sendPath })
  const cut = await side.answer('zhang', 'out 1')
  await side.got('zhang', 1)
  for (const text of ['out 2', 'out 3', 'out 4']) await side.answer('zhang', text)
  return { cut, callbacks: [] }
}

/** A callback is stored and not answered, or, where it only signals, answered and nothing fetched. */
async function interrupt(side: PlatformSide, { callbacks }: UnderWay): Promise<void> {
  const { row, gate, calls } = side
  if (row.pullPath === undefined) {
    gate.isHolding = true
    callbacks.push(side.say('wang', 'under way'))
    await until('an answer', () => gate.held > 0)
    return
  }
  side.fault({ fault: 'hang', path: row.pullPath })
  const asked = calls.length
  await side.say('wang', 'under way')
  await until('a call', () => calls.slice(asked).includes(row.pullPath!))
  assert.deepEqual(side.talk('wang'), [])
}

/** A callback has come and nobody reads it. */
async function overlook(side: PlatformSide, { callbacks }: UnderWay): Promise<void> {
  const before = side.gate.forwarded
  callbacks.push(side.say('zhao', 'come, not read'))
  await until('a request', () => side.gate.forwarded > before)
}

/** Of the reply that was cut off nobody knows, and what follows it waits; where the platform recognises it, it goes again. */
async function doubted(side: PlatformSide, { cut }: UnderWay): Promise<void> {
  if (side.row.recognisesRepeats) return
  await until('what became of it', () => side.fates('zhang').length > 0)
  assert.deepEqual([side.fates('zhang'), side.sent('zhang')], [[`${cut} unknown`], ['out 1']])
}

/** While the platform tries again, what waits goes out. Everything is there once. */
async function recovered(side: PlatformSide, { callbacks }: UnderWay): Promise<void> {
  const { pullPath } = side.row
  await side.got('zhang', 4)
  await Promise.all(callbacks)
  await side.knows('wang', ['1'])
  await side.knows('zhao', ['1'])
  const { counts } = await side.lane()
  // What was not answered came again; what was only signalled had not been stored.
  assert.deepEqual([counts.received, counts.duplicates], pullPath === undefined ? [1, 1] : [2, 0])
  assert.deepEqual([side.talk('wang'), side.talk('zhao')], [['contact under way'], ['contact come, not read']])
}

/** What `kefu outbox list` shows of them. An operator sees that they have arrived: what follows them does not wait longer. */
async function settled(house: PlatformHouse, underWay: ReadonlyMap<PlatformSide, UnderWay>): Promise<void> {
  const { code, stdout } = await runKefu(['outbox', 'list', '--plain', '--fields', 'state,id', '--state', 'unknown'], {
    home: house.home,
  })
  house.canaries.look('kefu outbox list', stdout)
  const lines = house.sides.flatMap(side =>
    side.row.recognisesRepeats ? [] : [`unknown\t${side.conversation('zhang')}:${underWay.get(side)!.cut}`],
  )
  assert.deepEqual([code, stdout.split('\n').filter(Boolean).sort()], [0, lines.sort()])
  const dropped = await runKefu(['outbox', 'drop', '--all', '--state', 'unknown', '--yes'], { home: house.home })
  assert.equal(dropped.code, 0, dropped.stderr)
}

/** It goes on, and nothing is told or sent again at the next start. */
async function goesOn(side: PlatformSide, { cut }: UnderWay): Promise<void> {
  const before = ['contact in 1', ...[1, 2, 3, 4].map(n => `agent out ${n}`), 'contact in 2']
  await side.knows('zhang', before)
  await side.answer('zhang', 'out 5')
  await side.got('zhang', 5)
  assert.deepEqual(side.sent('zhang'), ['out 1', 'out 2', 'out 3', 'out 4', 'out 5'])
  const said = [...before, 'agent out 5']
  await side.knows('zhang', said)
  const fates = side.row.recognisesRepeats ? [] : [`${cut} unknown`]
  assert.deepEqual([side.talk('zhang'), side.fates('zhang')], [said, fates])
  await until('an empty outbox', async () => (await side.outbox()).length === 0)
  const total = ['li', 'wu', 'wang', 'zhao', 'zhang'].reduce((sum, user) => sum + side.sent(user).length, 0)
  assert.deepEqual([side.emulator.core.sent.total, total], [13, 13])
}

test('every platform, one daemon, an agent, and back: kill -9 loses, doubles and disorders nothing', {
  timeout: 120_000,
}, async t => {
  const house = await PlatformHouse.open(t)
  await house.each(side => talk(t, side))
  await house.each(order)
  const underWay = new Map<PlatformSide, UnderWay>()
  await house.each(async side => underWay.set(side, await reply(side)))
  await house.killAndStart(async () => {
    await house.each(side => interrupt(side, underWay.get(side)!))
    process.kill(house.daemon.pid, 'SIGSTOP')
    await house.each(side => overlook(side, underWay.get(side)!))
  })
  await house.each(side => doubted(side, underWay.get(side)!))
  await settled(house, underWay)
  await house.each(side => recovered(side, underWay.get(side)!))
  await house.each(side => side.say('zhang', 'in 2'))
  await house.killAndStart()
  await house.agent.ready()
  await house.each(side => goesOn(side, underWay.get(side)!))
  assert.deepEqual(await house.stop(), [])
})

/** The conversations of a side that are in the queue. */
async function queued(side: PlatformSide) {
  const { conversations } = await side.control('queue.list')
  return conversations.filter(({ channel }) => channel === side.channel)
}

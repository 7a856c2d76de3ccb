import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import { runKefu } from '../helpers/cli.js'
import { until } from '../helpers/until.js'
import { PlatformHouse } from './platform-house.js'
import { PLATFORM_ROWS } from './platform-rows.js'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** A picture unlike every other one. */
function picture(): Buffer<ArrayBuffer> {
  return Buffer.concat([Buffer.from(PNG, 'base64'), randomBytes(5_000)])
}

/** Both sides talk: texts, pictures, choices; nobody has to answer a sign. */
async function talk(t: TestContext, house: PlatformHouse): Promise<void> {
  const { row, emulator, agent } = house
  const [theirs, ours] = [picture(), picture()]
  await house.say('li', row.sign)
  assert.equal((await house.control('queue.list')).conversations.length, 0)
  await house.say('li', '你好 👋 <xml>&amp;')
  await house.say('li', { type: 'image', bytes: theirs.toString('base64') })
  const heard = ['contact 你好 👋 <xml>&amp;', 'contact image']
  await house.knows('li', heard)
  assert.deepEqual(house.talk('li'), heard)
  const types = house.records('li').map(({ record }) => record.type)
  assert.deepEqual(
    [types.slice(0, 3), types.filter(type => type === 'event').length],
    [['opened', 'event', 'message'], 1],
  )
  assert.equal(house.records('li')[1]!.record.name, row.signName)

  const conversation = house.conversation('li')
  const image = house
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
  await house.answer('li', 'first')
  await house.answer('li', [{ type: 'image', media: uploaded.media, name: 'a.png' }])
  const choices = [
    { id: 'y', label: 'yes' },
    { id: 'n', label: 'no' },
  ]
  const last = row.hasChoices
    ? await house.answer('li', [{ type: 'choices', text: 'Good?', choices }])
    : await house.answer('li', 'last')
  await house.got('li', 3)
  const [first, second, third] = emulator.core.sent.list({ user: 'li' })
  assert.deepEqual([first!.text, second!.type, house.sent('li').length], ['first', 'image', 3])
  assert.ok(Buffer.from(row.pictureOf(second!, emulator.core)).equals(ours))
  assert.equal(third!.text, row.hasChoices ? 'Good?\n(y) yes\n(n) no' : 'last')
  const marks = () => agent.conversations().find(each => each.conversation === conversation)!.marks
  await until('delivered', () => marks().delivered >= last)
  t.diagnostic('talked')
}

/** The order of many at once, both ways. */
async function order(house: PlatformHouse): Promise<void> {
  const numbers = Array.from({ length: 20 }, (_, i) => i)
  await Promise.all(numbers.map(i => house.say('wu', `in ${i}`)))
  const heard = numbers.map(i => `contact in ${i}`)
  await house.knows('wu', heard)
  assert.deepEqual(house.talk('wu'), heard)
  const answers = numbers.slice(0, 5).map(i => `out ${i}`)
  await Promise.all(answers.map(text => house.answer('wu', text)))
  await house.got('wu', 5)
  assert.deepEqual(house.sent('wu'), answers)
}

/** kill -9: a callback is stored and not answered, another one has come and is not read, a reply is at the platform, others wait. */
async function kill(house: PlatformHouse): Promise<void> {
  const { row, gate, daemon } = house
  await house.say('zhang', 'in 1')
  await house.knows('zhang', ['in 1'])
  house.fault({ fault: 'hang', path: row.sendPath })
  const cut = await house.answer('zhang', 'out 1')
  await house.got('zhang', 1)
  for (const text of ['out 2', 'out 3', 'out 4']) await house.answer('zhang', text)

  gate.isHolding = true
  const stored = house.say('wang', 'stored, not answered')
  await until('an answer', () => gate.held > 0)
  process.kill(daemon.pid, 'SIGSTOP')
  const before = gate.forwarded
  const unread = house.say('zhao', 'come, not read')
  await until('a request', () => gate.forwarded > before)
  await house.killAndStart()

  // While the platform tries again, what waits goes out.
  await house.got('zhang', 4)
  const { recognisesRepeats } = row
  const fates = recognisesRepeats ? [] : [`${cut} unknown`]
  await until('what became of it', () => house.fates('zhang').length === fates.length)
  await Promise.all([stored, unread])
  const { counts } = await house.lane()
  assert.deepEqual([counts.received, counts.duplicates], [1, 1])
  await house.knows('wang', ['1'])
  await house.knows('zhao', ['1'])
  assert.deepEqual(
    [house.talk('wang'), house.talk('zhao')],
    [['contact stored, not answered'], ['contact come, not read']],
  )

  const { code, stdout } = await runKefu(['outbox', 'list', '--plain', '--fields', 'state,id'], {
    home: house.home,
  })
  house.canaries.look('kefu outbox list', stdout)
  const id = `${house.conversation('zhang')}:${cut}`
  assert.deepEqual([code, stdout], [0, recognisesRepeats ? '' : `unknown\t${id}\n`])

  // It goes on, and nothing is told or sent again at the next start.
  await house.say('zhang', 'in 2')
  await house.killAndStart()
  await house.agent.ready()
  await house.answer('zhang', 'out 5')
  await house.got('zhang', 5)
  assert.deepEqual(house.sent('zhang'), ['out 1', 'out 2', 'out 3', 'out 4', 'out 5'])
  const said = ['contact in 1', ...[1, 2, 3, 4].map(n => `agent out ${n}`), 'contact in 2', 'agent out 5']
  await house.knows('zhang', said)
  assert.deepEqual([house.talk('zhang'), house.fates('zhang')], [said, fates])
  await until('an outbox without more', async () => (await house.outbox()).length === fates.length)
}

describe('a platform, the daemon, an agent, and back', { concurrency: true }, () => {
  for (const row of PLATFORM_ROWS)
    test(`${row.kind}: talks, and loses, doubles and disorders nothing when the daemon is killed`, {
      timeout: 90_000,
    }, async t => {
      const house = await PlatformHouse.open(t, row)
      await talk(t, house)
      await order(house)
      await kill(house)
      const total = ['li', 'wu', 'wang', 'zhao', 'zhang'].reduce((sum, user) => sum + house.sent(user).length, 0)
      assert.deepEqual([house.emulator.core.sent.total, total], [13, 13])
      await house.daemon.stop()
      assert.deepEqual(house.leaks(), [])
    })
})

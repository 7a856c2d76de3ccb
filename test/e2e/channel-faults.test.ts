import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../helpers/until.js'
import { PlatformHouse } from './platform-house.js'
import { PLATFORM_ROWS } from './platform-rows.js'

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

/** Somebody the agent may answer. */
async function meet(house: PlatformHouse, user: string): Promise<void> {
  await house.say(user, 'hello')
  await house.knows(user, ['hello'])
}

/** Where the first message to a user stands in the outbox, as soon as that is on disk. */
function stands(house: PlatformHouse, user: string, state: string): Promise<void> {
  const first = async () => (await house.outbox()).find(({ contact }) => contact === user)
  return until(`what is for ${user} to be ${state}`, async () => (await first())?.state === state)
}

/** Pushes that come twice, late, or after the next one. */
async function pushes(house: PlatformHouse): Promise<void> {
  const texts = numbers(5).map(n => `twice ${n}`)
  house.fault({ fault: 'duplicate', count: 5 })
  for (const text of texts) await house.say('li', text)
  await until('the copies', async () => (await house.lane()).counts.duplicates === 5)
  house.fault({ fault: 'reorder' })
  const overtaken = house.say('li', 'overtaken')
  await house.say('li', 'overtakes')
  await overtaken
  house.fault({ fault: 'delay', ms: 150 })
  const late = house.say('li', 'late')
  await house.say('li', 'in time')
  await late
  const heard = [...texts, 'overtakes', 'overtaken', 'in time', 'late'].map(text => `contact ${text}`)
  await house.knows('li', heard)
  assert.deepEqual(house.talk('li'), heard)
  const { counts } = await house.lane()
  assert.deepEqual([counts.received, counts.duplicates, counts.refused], [9, 5, 0])
}

/** The platform is busy and says so: it is tried again, in order, and others are not kept waiting. */
async function busy(house: PlatformHouse): Promise<void> {
  await meet(house, 'busy')
  house.fault(house.row.busy)
  for (const n of numbers(3)) await house.answer('busy', `busy ${n}`)
  await meet(house, 'idle')
  await house.answer('idle', 'at once')
  await house.got('busy', 3)
  await house.got('idle', 1)
  assert.deepEqual([house.sent('busy'), house.fates('busy')], [['busy 1', 'busy 2', 'busy 3'], []])
  assert.equal((await house.lane()).counts.retried, 1)
}

/** A proxy answers with a page in the platform's place, or with nothing but a status: nobody knows whether the message was taken. */
async function lies(house: PlatformHouse): Promise<void> {
  const { sendPath, tokenPath, recognisesRepeats } = house.row
  if (recognisesRepeats) return
  for (const fault of [{ fault: 'html' }, { fault: 'status', status: 502 }] as const) {
    await meet(house, fault.fault)
    house.fault({ ...fault, path: sendPath })
    const n = await house.answer(fault.fault, 'taken?')
    await until('what became of it', () => house.fates(fault.fault).length > 0)
    assert.deepEqual([house.fates(fault.fault), house.sent(fault.fault)], [[`${n} unknown`], []])
  }
  await stands(house, 'html', 'unknown')
  await stands(house, 'status', 'unknown')
  // Of a token nobody has to be afraid.
  if (tokenPath === undefined) return
  await meet(house, 'token')
  house.emulator.core.tokens.stable!.end('expired')
  house.fault({ fault: 'html', path: tokenPath })
  await house.answer('token', 'after all')
  await house.got('token', 1)
  assert.deepEqual([house.sent('token'), house.fates('token')], [['after all'], []])
}

/** The token is called back while many are sent: one new one is asked for, and every message goes once. */
async function revoked(house: PlatformHouse): Promise<void> {
  const { tokenPath } = house.row
  if (tokenPath === undefined) return
  const users = numbers(10).map(n => `revoked-${n}`)
  for (const user of users) await meet(house, user)
  const before = house.calls.filter(path => path === tokenPath).length
  house.emulator.core.tokens.stable!.end('unknown')
  await Promise.all(users.map(user => house.answer(user, 'fresh')))
  for (const user of users) await house.got(user, 1)
  assert.deepEqual(
    users.map(user => [house.sent(user), house.fates(user)]),
    users.map(() => [['fresh'], []]),
  )
  assert.equal(house.calls.filter(path => path === tokenPath).length - before, 1)
}

/** No more may be sent: agents are told, and it goes in order when the contact writes again. */
async function usedUp(house: PlatformHouse): Promise<void> {
  const { quota = 1, sendPath } = house.row
  await meet(house, 'many')
  const answers = numbers(quota + 3).map(n => `answer ${n}`)
  const [first, ...others] = answers
  await house.answer('many', first!)
  await house.got('many', 1)
  if (house.row.quota === undefined)
    house.fault({ fault: 'error', code: 400, message: 'window closed', path: sendPath })
  for (const text of others) await house.answer('many', text)
  await until('told', () => house.fates('many').length === 1)
  const [held] = house.fates('many')
  assert.match(held!, /^\d+ held$/)
  assert.deepEqual(house.sent('many'), answers.slice(0, quota))
  await stands(house, 'many', 'parked')
  await house.say('many', 'go on')
  await house.got('many', answers.length)
  assert.deepEqual(house.sent('many'), answers)
  await until('told', () => house.fates('many').length === 2)
  assert.deepEqual(house.fates('many'), [held, held!.replace('held', 'sent')])
}

/** The platform does not trust this server: the lane says so, nothing is tried meanwhile, and it goes on when that has been mended. */
async function untrusted(house: PlatformHouse): Promise<void> {
  const { row, calls, emulator } = house
  for (const user of ['early', 'later']) await meet(house, user)
  house.fault({ ...row.untrusted, count: 100, ...(row.quota !== undefined && { path: row.sendPath }) })
  await house.answer('early', 'one')
  await until('the lane says it', async () => (await house.lane()).obstruction !== undefined)
  const { obstruction } = await house.lane()
  assert.match(obstruction!.reason, row.untrustedWords)
  const asked = calls.length
  await house.answer('early', 'two')
  await house.answer('later', 'one')
  emulator.core.faults.clear()
  assert.deepEqual([house.sent('early'), house.sent('later'), calls.length], [[], [], asked])
  // An operator who has mended it says so.
  await house.lane({ isOutPaused: true })
  await house.lane({ isOutPaused: false })
  await house.got('early', 2)
  await house.got('later', 1)
  assert.ok(Date.now() < obstruction!.until)
  assert.deepEqual([house.sent('early'), house.fates('early'), house.sent('later')], [['one', 'two'], [], ['one']])
  assert.equal((await house.lane()).obstruction, undefined)
}

describe('faults of a platform', { concurrency: true }, () => {
  for (const row of PLATFORM_ROWS)
    test(`${row.kind}: the lane shows them, order is kept, nothing is sent twice`, { timeout: 90_000 }, async t => {
      const house = await PlatformHouse.open(t, row)
      await pushes(house)
      await busy(house)
      await lies(house)
      await revoked(house)
      await usedUp(house)
      await untrusted(house)
      const { counts } = await house.lane()
      assert.equal(counts.failed, 0)
      await house.daemon.stop()
      assert.deepEqual(house.leaks(), [])
    })
})

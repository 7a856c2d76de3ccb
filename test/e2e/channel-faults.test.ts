import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../helpers/until.js'
import { PlatformHouse } from './platform-house.js'
import type { PlatformSide } from './platform-side.js'

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

/** Somebody the agent may answer. */
async function meet(side: PlatformSide, user: string): Promise<void> {
  await side.say(user, 'hello')
  await side.knows(user, ['hello'])
}

/** Where the first message to a user stands in the outbox, as soon as that is on disk. */
function stands(side: PlatformSide, user: string, state: string): Promise<void> {
  const first = async () => (await side.outbox()).find(({ contact }) => contact === side.contact(user))
  return until(`what is for ${user} to be ${state}`, async () => (await first())?.state === state)
}

/** Pushes that come twice, late, or after the next one. */
async function pushes(side: PlatformSide): Promise<void> {
  const texts = numbers(5).map(n => `twice ${n}`)
  side.fault({ fault: 'duplicate', count: 5 })
  for (const text of texts) await side.say('li', text)
  // A signal is no message: what it is about is fetched once.
  const { pullPath } = side.row
  const copies = pullPath === undefined ? 5 : 0
  const { pusher } = side.emulator.core
  await until('the copies', async () => pusher.waiting === 0 && (await side.lane()).counts.duplicates === copies)
  side.fault({ fault: 'reorder' })
  const overtaken = side.say('li', 'overtaken')
  await side.say('li', 'overtakes')
  await overtaken
  side.fault({ fault: 'delay', ms: 150 })
  const late = side.say('li', 'late')
  await side.say('li', 'in time')
  await late
  const said =
    pullPath === undefined
      ? ['overtakes', 'overtaken', 'in time', 'late']
      : ['overtaken', 'overtakes', 'late', 'in time']
  const heard = [...texts, ...said].map(text => `contact ${text}`)
  await side.knows('li', heard)
  assert.deepEqual(side.talk('li'), heard)
  const { counts } = await side.lane()
  assert.deepEqual([counts.received, counts.duplicates, counts.refused], [9, copies, 0])
}

function endTokens({ emulator }: PlatformSide, as: 'expired' | 'unknown'): void {
  for (const tokens of Object.values(emulator.core.tokens)) tokens.end(as)
}

/** The platform is busy and says so: it is tried again, in order, and others are not kept waiting. */
async function busy(side: PlatformSide): Promise<void> {
  await meet(side, 'busy')
  side.fault(side.row.busy)
  for (const n of numbers(3)) await side.answer('busy', `busy ${n}`)
  await meet(side, 'idle')
  await side.answer('idle', 'at once')
  await side.got('busy', 3)
  await side.got('idle', 1)
  assert.deepEqual([side.sent('busy'), side.fates('busy')], [['busy 1', 'busy 2', 'busy 3'], []])
  assert.equal((await side.lane()).counts.retried, 1)
}

/** The platform refuses one message: it is given up at once, and those of everybody else go on. */
async function refused(side: PlatformSide): Promise<void> {
  for (const user of ['gone', 'there']) await meet(side, user)
  side.fault(side.row.refused)
  const n = await side.answer('gone', 'to nobody')
  await until('what became of it', () => side.fates('gone').length > 0)
  assert.deepEqual([side.fates('gone'), side.sent('gone')], [[`${n} failed`], []])
  await side.answer('there', 'as ever')
  await side.got('there', 1)
  const { obstruction, counts } = await side.lane()
  assert.deepEqual([obstruction, counts.failed], [undefined, 1])
}

/** A proxy answers with a page in the platform's place, or with nothing but a status: nobody knows whether the message was taken. */
async function lies(side: PlatformSide): Promise<void> {
  const { sendPath, tokenPath, recognisesRepeats } = side.row
  if (recognisesRepeats) return
  for (const fault of [{ fault: 'html' }, { fault: 'status', status: 502 }] as const) {
    await meet(side, fault.fault)
    side.fault({ ...fault, path: sendPath })
    const n = await side.answer(fault.fault, 'taken?')
    await until('what became of it', () => side.fates(fault.fault).length > 0)
    assert.deepEqual([side.fates(fault.fault), side.sent(fault.fault)], [[`${n} unknown`], []])
  }
  await stands(side, 'html', 'unknown')
  await stands(side, 'status', 'unknown')
  // Of a token nobody has to be afraid.
  if (tokenPath === undefined) return
  await meet(side, 'token')
  endTokens(side, 'expired')
  side.fault({ fault: 'html', path: tokenPath })
  await side.answer('token', 'after all')
  await side.got('token', 1)
  assert.deepEqual([side.sent('token'), side.fates('token')], [['after all'], []])
}

/** The token is called back while many are sent: one new one is asked for, and every message goes once. */
async function revoked(side: PlatformSide): Promise<void> {
  const { tokenPath } = side.row
  if (tokenPath === undefined) return
  const users = numbers(10).map(n => `revoked-${n}`)
  for (const user of users) await meet(side, user)
  const before = side.calls.filter(path => path === tokenPath).length
  endTokens(side, 'unknown')
  await Promise.all(users.map(user => side.answer(user, 'fresh')))
  for (const user of users) await side.got(user, 1)
  assert.deepEqual(
    users.map(user => [side.sent(user), side.fates(user)]),
    users.map(() => [['fresh'], []]),
  )
  assert.equal(side.calls.filter(path => path === tokenPath).length - before, 1)
}

/** No more may be sent: agents are told, and it goes in order when the contact writes again. */
async function usedUp(side: PlatformSide): Promise<void> {
  const { quota = 1, sendPath } = side.row
  await meet(side, 'many')
  const answers = numbers(quota + 3).map(n => `answer ${n}`)
  const [first, ...others] = answers
  await side.answer('many', first!)
  await side.got('many', 1)
  if (side.row.quota === undefined) side.fault({ fault: 'error', code: 400, message: 'window closed', path: sendPath })
  for (const text of others) await side.answer('many', text)
  await until('told', () => side.fates('many').length === 1)
  const [held] = side.fates('many')
  assert.match(held!, /^\d+ held$/)
  assert.deepEqual(side.sent('many'), answers.slice(0, quota))
  await stands(side, 'many', 'parked')
  await side.say('many', 'go on')
  await side.got('many', answers.length)
  assert.deepEqual(side.sent('many'), answers)
  // Where there are windows, what one let go that was written before it is told, too.
  const late = side.row.quota === undefined ? 1 : answers.length - quota
  await until('told', () => side.fates('many').length === 1 + late)
  const [, again, ...followers] = side.fates('many')
  assert.equal(again, held!.replace('held', 'sent'))
  for (const fate of followers) assert.match(fate, /^\d+ sent$/)
}

/** The platform does not trust this server: the lane says so, nothing is tried meanwhile, and it goes on when that has been mended. */
async function untrusted(side: PlatformSide): Promise<void> {
  const { row, calls, emulator } = side
  for (const user of ['early', 'later']) await meet(side, user)
  side.fault({ ...row.untrusted, count: 100, ...(row.quota !== undefined && { path: row.sendPath }) })
  await side.answer('early', 'one')
  await until('the lane says it', async () => (await side.lane()).obstruction !== undefined)
  const { obstruction } = await side.lane()
  assert.match(obstruction!.reason, row.untrustedWords)
  const asked = calls.length
  await side.answer('early', 'two')
  await side.answer('later', 'one')
  emulator.core.faults.clear()
  assert.deepEqual([side.sent('early'), side.sent('later'), calls.length], [[], [], asked])
  // An operator who has mended it says so.
  await side.lane({ isOutPaused: true })
  await side.lane({ isOutPaused: false })
  await side.got('early', 2)
  await side.got('later', 1)
  assert.ok(Date.now() < obstruction!.until)
  assert.deepEqual([side.sent('early'), side.fates('early'), side.sent('later')], [['one', 'two'], [], ['one']])
  assert.equal((await side.lane()).obstruction, undefined)
}

test('faults of a platform: the lane shows them, order is kept, nothing is sent twice', {
  concurrency: true,
}, async t => {
  const house = await PlatformHouse.open(t)
  await house.tests(t, async side => {
    await pushes(side)
    await busy(side)
    await refused(side)
    await lies(side)
    await revoked(side)
    await usedUp(side)
    await untrusted(side)
    const { counts } = await side.lane()
    assert.equal(counts.failed, 1)
  })
  assert.deepEqual(await house.stop(), [])
})

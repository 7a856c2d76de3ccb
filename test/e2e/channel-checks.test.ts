import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AnswerOf } from '../../src/daemon/control/operations.js'
import { runKefu } from '../helpers/cli.js'
import { until } from '../helpers/until.js'
import { CHANNEL, PlatformHouse } from './platform-house.js'
import { PLATFORM_ROWS, type PlatformRow } from './platform-rows.js'

const KEEP_MS = 60_000

type Checked = AnswerOf<'channel.test'>

function check(house: PlatformHouse): Promise<Checked> {
  return house.control('channel.test', { name: CHANNEL })
}

/** One step fails, and says what to change. */
async function fails(house: PlatformHouse, step: string, words: RegExp): Promise<void> {
  const { ok, steps } = await check(house)
  const failed = steps.filter(({ result }) => result === 'failed')
  assert.deepEqual([ok, failed.map(each => each.step)], [false, [step]], JSON.stringify(steps))
  assert.match(`${failed[0]!.reason} -> ${failed[0]!.nextStep}`, words)
}

/** The command says the same, and ends with an error. */
async function says(house: PlatformHouse, exit: number, words: RegExp): Promise<void> {
  const { code, stdout, stderr } = await runKefu(['channel', 'test', CHANNEL], { home: house.home })
  house.canaries.look('kefu channel test', stdout + stderr)
  assert.equal(code, exit, stdout + stderr)
  assert.match(stdout + stderr, words)
}

function set(house: PlatformHouse, name: string, value: string): Promise<unknown> {
  house.watch(value)
  return house.control('credential.set', { owner: `channel/${CHANNEL}`, name, value })
}

function rotate(house: PlatformHouse, name: string, value: string, keepMs: number): Promise<unknown> {
  house.watch(value)
  return house.control('credential.rotate', { owner: `channel/${CHANNEL}`, name, value, keepMs })
}

/** A message of the user and its answer go through. */
async function works(house: PlatformHouse, user: string): Promise<void> {
  await house.say(user, 'hello')
  await house.knows(user, ['hello'])
  await house.answer(user, 'good day')
  await house.got(user, 1)
}

async function failures(house: PlatformHouse): Promise<void> {
  const { outbound, wrongSecret, untrusted, untrustedWords, untrustedStep, clockStep } = house.row.check
  const { credentials } = house.emulator.account
  assert.equal((await check(house)).ok, true)
  await says(house, 0, /ok/)
  await set(house, outbound, house.row.otherSecret(outbound))
  await fails(house, ...wrongSecret)
  await says(house, 3, wrongSecret[1])
  await set(house, outbound, credentials[outbound]!)

  house.answerHeaders = { date: new Date(Date.now() - 600_000).toUTCString() }
  await fails(house, clockStep, /6\d\d s.*NTP/s)
  house.answerHeaders = {}

  house.fault({ ...untrusted })
  await fails(house, untrustedStep, untrustedWords)
  assert.equal((await check(house)).ok, true)
}

async function rotations(house: PlatformHouse, row: PlatformRow): Promise<void> {
  const { outbound, inbound } = row.check
  await works(house, 'li')
  await assert.rejects(rotate(house, outbound, row.otherSecret(outbound), KEEP_MS), row.check.rotationRefused)
  assert.equal((await check(house)).ok, true)
  await works(house, 'wang')
  // The platform still signs with the former one: that is good for a while, and no longer.
  await rotate(house, inbound, row.otherSecret(inbound), KEEP_MS)
  await works(house, 'zhang')
  await rotate(house, inbound, row.otherSecret(inbound), 0)
  const { counts } = await house.lane()
  const refused = house.say('zhao', 'signed with what is no longer good')
  refused.catch(() => undefined)
  await until('it is refused', async () => (await house.lane()).counts.refused > counts.refused)
  assert.match((await house.lane()).lastRefusal!.reason, /sign/)
}

describe('the check of a channel', { concurrency: true }, () => {
  for (const row of PLATFORM_ROWS)
    test(`${row.kind}: says what to change, and keeps wrong secrets out`, { timeout: 90_000 }, async t => {
      const house = await PlatformHouse.open(t, row)
      await failures(house)
      await rotations(house, row)
      await house.daemon.stop()
      assert.deepEqual(house.leaks(), [])
    })
})

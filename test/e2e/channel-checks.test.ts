import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnswerOf } from '../../src/daemon/control/operations.js'
import { runKefu } from '../helpers/cli.js'
import { until } from '../helpers/until.js'
import { PlatformHouse } from './platform-house.js'
import type { PlatformSide } from './platform-side.js'

const KEEP_MS = 60_000

type Checked = AnswerOf<'channel.test'>

function check(side: PlatformSide): Promise<Checked> {
  return side.control('channel.test', { name: side.channel })
}

/** One step fails, and says what to change. */
async function fails(side: PlatformSide, step: string, words: RegExp): Promise<void> {
  const { ok, steps } = await check(side)
  const failed = steps.filter(({ result }) => result === 'failed')
  assert.deepEqual([ok, failed.map(each => each.step)], [false, [step]], JSON.stringify(steps))
  assert.match(`${failed[0]!.reason} -> ${failed[0]!.nextStep}`, words)
}

/** The command says the same, and ends with an error. */
async function says(side: PlatformSide, exit: number, words: RegExp): Promise<void> {
  const { house, channel } = side
  const { code, stdout, stderr } = await runKefu(['channel', 'test', channel], { home: house.home })
  house.canaries.look('kefu channel test', stdout + stderr)
  assert.equal(code, exit, stdout + stderr)
  assert.match(stdout + stderr, words)
}

function set(side: PlatformSide, name: string, value: string): Promise<unknown> {
  side.house.watch(value)
  return side.control('credential.set', { owner: `channel/${side.channel}`, name, value })
}

function rotate(side: PlatformSide, name: string, value: string, keepMs: number): Promise<unknown> {
  side.house.watch(value)
  return side.control('credential.rotate', { owner: `channel/${side.channel}`, name, value, keepMs })
}

/** A message of the user and its answer go through. */
async function works(side: PlatformSide, user: string): Promise<void> {
  await side.say(user, 'hello')
  await side.knows(user, ['hello'])
  await side.answer(user, 'good day')
  await side.got(user, 1)
}

async function failures(side: PlatformSide): Promise<void> {
  const { outbound, wrongSecret, untrusted, untrustedWords, untrustedStep, clockStep } = side.row.check
  const { credentials } = side.emulator.account
  assert.equal((await check(side)).ok, true)
  await says(side, 0, /ok/)
  await set(side, outbound, side.row.otherSecret(outbound))
  await fails(side, ...wrongSecret)
  await says(side, 3, wrongSecret[1])
  await set(side, outbound, credentials[outbound]!)

  side.answerHeaders = { date: new Date(Date.now() - 600_000).toUTCString() }
  await fails(side, clockStep, /6\d\d s.*NTP/s)
  side.answerHeaders = {}

  side.fault({ ...untrusted })
  await fails(side, untrustedStep, untrustedWords)
  assert.equal((await check(side)).ok, true)
}

async function rotations(side: PlatformSide): Promise<void> {
  const { row } = side
  const { outbound, inbound } = row.check
  await works(side, 'li')
  await assert.rejects(rotate(side, outbound, row.otherSecret(outbound), KEEP_MS), row.check.rotationRefused)
  assert.equal((await check(side)).ok, true)
  await works(side, 'wang')
  // The platform still signs with the former one: that is good for a while, and no longer.
  await rotate(side, inbound, row.otherSecret(inbound), KEEP_MS)
  await works(side, 'zhang')
  await rotate(side, inbound, row.otherSecret(inbound), 0)
  const { counts } = await side.lane()
  const refused = side.say('zhao', 'signed with what is no longer good')
  refused.catch(() => undefined)
  await until('it is refused', async () => (await side.lane()).counts.refused > counts.refused)
  assert.match((await side.lane()).lastRefusal!.reason, /sign/)
}

test('the check of a channel: says what to change, and keeps wrong secrets out', { concurrency: true }, async t => {
  const house = await PlatformHouse.open(t)
  await house.tests(t, async side => {
    await failures(side)
    await rotations(side)
  })
  assert.deepEqual(await house.stop(), [])
})

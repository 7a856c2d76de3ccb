import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runKefu } from '../helpers/cli.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { recordBusiness } from '../helpers/recorded-store.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'

type Measures = {
  readonly conversations: number
  readonly served: number
  readonly meanWaitMs: number
  readonly promised: number
  readonly kept: number
}
type Answer = {
  readonly recorded: Measures
  readonly replay: Measures
  readonly policy?: Measures
  readonly teams: readonly ({ readonly name: string } & { readonly [scenario: string]: Measures })[]
  readonly agents: readonly { readonly name: string; readonly policy?: { readonly served: number } }[]
}

const CONVERSATIONS = 120

describe('kefu queue simulate', () => {
  let folder = ''
  let home = ''
  let daemon: DaemonProcess | undefined

  before(async () => {
    folder = makeTmpDir()
    home = join(folder, 'home')
    // Two agents for what keeps two and a half busy: the line grows all the time.
    await recordBusiness(home, { conversations: CONVERSATIONS, arrivalMs: 60_000, serviceMs: 150_000 })
    daemon = await DaemonProcess.start({ home, config: 'http:\n  port: 0\n' })
  })

  after(async () => {
    await daemon?.kill()
    removeDir(folder)
  })

  const simulate = async (policy: object | undefined, ...words: string[]): Promise<Answer> => {
    const file = join(home, 'policy.json')
    writeFileSync(file, JSON.stringify(policy ?? {}))
    const flags = policy === undefined ? [] : ['--policy', file]
    const { code, stdout, stderr } = await runKefu(['queue', 'simulate', ...flags, ...words, '--json'], { home })
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout) as Answer
  }

  test('the replay under the present settings is what was recorded', async () => {
    const { recorded, replay, policy, teams } = await simulate(undefined)
    assert.equal(policy, undefined)
    assert.deepEqual([recorded.conversations, recorded.served], [CONVERSATIONS, CONVERSATIONS])
    assert.deepEqual([replay.conversations, replay.served], [CONVERSATIONS, CONVERSATIONS])
    assert.ok(recorded.meanWaitMs > 10 * 60_000, String(recorded.meanWaitMs))
    assert.ok(Math.abs(replay.meanWaitMs / recorded.meanWaitMs - 1) < 0.02, JSON.stringify([recorded, replay]))
    assert.deepEqual(
      teams.map(({ name }) => name),
      ['billing'],
    )
  })

  test('another agent, real or made up, shortens the waits', async () => {
    const added = await simulate({ teams: { billing: { addMembers: ['zhou'], firstResponse: '1m' } } })
    assert.deepEqual([added.policy!.promised, added.policy!.kept], [CONVERSATIONS, CONVERSATIONS])
    assert.equal(added.replay.promised, 0)
    assert.ok(added.policy!.meanWaitMs < added.replay.meanWaitMs / 10, JSON.stringify(added.policy))
    assert.ok(added.agents.find(({ name }) => name === 'zhou')!.policy!.served > 10)
    const madeUp = await simulate({ agents: { newcomer: { like: 'li' } } })
    assert.equal(madeUp.policy!.meanWaitMs, added.policy!.meanWaitMs)
    const roomier = await simulate({ agents: { li: { capacity: 2 } } })
    assert.equal(roomier.policy!.meanWaitMs, added.policy!.meanWaitMs)
  })

  test('rows are for scripts', async () => {
    const { code, stdout } = await runKefu(['queue', 'simulate', '--since', '3d'], { home })
    assert.equal(code, 0)
    const row = stdout.split('\n').find(line => line.startsWith('billing\tmean wait\t'))
    assert.match(row ?? stdout, /^billing\tmean wait\t\d+\t\d+\t\S/)
  })

  test('what is wrong has a code and an exit code', async () => {
    const file = join(home, 'wrong.json')
    const run = async (text: string | undefined, ...words: string[]): Promise<[number | null, string]> => {
      if (text !== undefined) writeFileSync(file, text)
      const flags = text === undefined ? [] : ['--policy', file]
      const { code, stderr } = await runKefu(['queue', 'simulate', ...flags, ...words, '--json'], { home })
      return [code, (JSON.parse(stderr) as { readonly error: { readonly code: string } }).error.code]
    }
    assert.deepEqual(await run('{'), [2, 'KEFU_POLICY_INVALID'])
    assert.deepEqual(await run(undefined, '--policy', join(home, 'none.json')), [2, 'KEFU_POLICY_INVALID'])
    assert.deepEqual(await run(' '.repeat(300_000)), [2, 'KEFU_POLICY_INVALID'])
    assert.deepEqual(await run('{"teams":{"biling":{}}}'), [13, 'KEFU_TEAM_NOT_FOUND'])
    assert.deepEqual(await run(undefined, '--since', 'someday'), [2, 'KEFU_USAGE'])
    assert.deepEqual(await run(undefined, '--since', '1h', '--until', '2h'), [2, 'KEFU_USAGE'])
    assert.deepEqual(await run(undefined, '--since', '2h', '--until', '2026-01-01'), [2, 'KEFU_USAGE'])
    assert.deepEqual(await run(undefined, '--since', '365d', '--until', '364d'), [13, 'KEFU_SIMULATION_NO_DATA'])
  })

  test('a daemon that was killed remembers who was there', async () => {
    await daemon!.kill()
    daemon = await DaemonProcess.start({ home })
    const { recorded, replay } = await simulate(undefined)
    assert.equal(recorded.conversations, CONVERSATIONS)
    assert.ok(Math.abs(replay.meanWaitMs / recorded.meanWaitMs - 1) < 0.02, JSON.stringify([recorded, replay]))
  })
})

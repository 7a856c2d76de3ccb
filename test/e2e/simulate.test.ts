import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runKefu } from '../helpers/cli.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { recordBusiness } from '../helpers/recorded-store.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'

type Measures = { readonly conversations: number; readonly served: number; readonly meanWaitMs: number }
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
    const added = await simulate({ teams: { billing: { addMembers: ['zhou'] } } })
    assert.ok(added.policy!.meanWaitMs < added.replay.meanWaitMs / 10, JSON.stringify(added.policy))
    assert.ok(added.agents.find(({ name }) => name === 'zhou')!.policy!.served > 10)
    const madeUp = await simulate({ agents: { newcomer: { like: 'li' } } })
    assert.equal(madeUp.policy!.meanWaitMs, added.policy!.meanWaitMs)
    const roomier = await simulate({ agents: { li: { capacity: 2 } } })
    assert.equal(roomier.policy!.meanWaitMs, added.policy!.meanWaitMs)
  })
})

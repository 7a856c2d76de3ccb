import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Measures, ScenarioMeasures } from '../../src/daemon/core/simulation.js'
import { Business } from '../../src/daemon/simulation/business.js'
import { readTrace } from '../../src/daemon/simulation/history.js'
import { Meter } from '../../src/daemon/simulation/meter.js'
import { measureRecord } from '../../src/daemon/simulation/record.js'
import type { Roster } from '../../src/daemon/simulation/roster.js'
import type { Episode, Window, Wish } from '../../src/daemon/simulation/trace.js'
import { mediansOf } from '../../src/daemon/simulation/work.js'
import { GRACE_MS } from './router-host.js'
import { type Recording, simulate } from './simulation.js'
import type { Staff } from './staff.js'

/** A tenth of the conversations is a small sample: it comes less near than the mean. */
const seed = Number(process.env.KEFU_TEST_SEED ?? 1)

test(`what the router did comes out again when it is replayed (seed ${seed})`, async t => {
  let recorded: ScenarioMeasures | undefined
  let replayed: ScenarioMeasures | undefined
  await simulate({
    seed,
    conversations: 1_000,
    agents: 60,
    teams: 6,
    crashes: 3,
    isAlwaysOpen: true,
    recorded: async recording => {
      const parts = await partsOf(recording)
      const meter = new Meter(parts.roster, parts.window)
      measureRecord({ ...parts, meter })
      recorded = meter.report()
      replayed = run(parts)
      assert.deepEqual(run(parts), replayed, 'it is deterministic')
    },
  })
  t.diagnostic(JSON.stringify({ recorded: recorded?.all, replayed: replayed?.all }))
  const [was, is] = [recorded!.all, replayed!.all]
  assert.ok(was.conversations > 1_000)
  assert.equal(is.conversations, was.conversations)
  // Who left within the milliseconds that a decision takes to be written is served in a replay, where it takes none.
  near(was, is, 'served', 0.05 * was.conversations)
  near(was, is, 'abandoned', 0.05 * was.conversations)
  near(was, is, 'meanWaitMs', Math.max(0.15 * was.meanWaitMs, 2_000))
  // Where most wait for moments and some for minutes, what is in the middle says less than the mean.
  for (const field of ['p50WaitMs', 'p90WaitMs'] as const)
    near(was, is, field, Math.max(0.35 * was[field], 0.1 * was.meanWaitMs, 3_000))
  const loads = Object.entries(recorded!.agents).map(([agent, { meanLoad }]) =>
    Math.abs(meanLoad - replayed!.agents[agent]!.meanLoad),
  )
  assert.ok(mean(loads) < 0.2, `agents' loads differ by ${mean(loads)} in the mean`)
})

type Parts = Awaited<ReturnType<typeof partsOf>>

function run(parts: Parts): ScenarioMeasures {
  const meter = new Meter(parts.roster, parts.window)
  new Business({ ...parts, present: parts.roster, meter }).run()
  return meter.report()
}

async function partsOf({ store, staff, presence, since, until }: Recording) {
  const window: Window = { since, until }
  const wishes: Wish[] = []
  const episodes: Episode[] = []
  const history = { log: store.log, openHeads: () => [], defaultTeam: () => undefined }
  for await (const batch of readTrace(history, window, new AbortController().signal)) {
    wishes.push(...batch.wishes)
    episodes.push(...batch.episodes)
  }
  episodes.sort((a, b) => a.at - b.at)
  return { roster: rosterOf(staff), window, wishes, episodes, presence, medians: mediansOf(episodes, wishes) }
}

function rosterOf({ agents, teams }: Staff): Roster {
  const { strategy, stickyMs } = teams.get(undefined)!
  return {
    everybody: { strategy, stickyMs },
    teams: [...teams].flatMap(([id, team]) =>
      id === undefined
        ? []
        : [
            {
              id,
              name: id,
              strategy: team.strategy,
              stickyMs: team.stickyMs,
              members: team.members ?? [],
              createdAt: 0,
            },
          ],
    ),
    agents: [...agents.values()].map(agent => ({ ...agent, skills: Object.fromEntries(agent.skills) })),
    requeueAfterMs: GRACE_MS,
  }
}

function near(was: Measures, is: Measures, field: keyof Measures, allowed: number): void {
  assert.ok(Math.abs(is[field] - was[field]) <= allowed, `${field}: recorded ${was[field]}, replayed ${is[field]}`)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

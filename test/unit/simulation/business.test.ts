import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { PresenceChange } from '../../../src/daemon/core/presence-log.js'
import type { ScenarioMeasures } from '../../../src/daemon/core/simulation.js'
import type { Team } from '../../../src/daemon/core/team.js'
import { Business } from '../../../src/daemon/simulation/business.js'
import { Meter } from '../../../src/daemon/simulation/meter.js'
import type { Roster, RosterAgent } from '../../../src/daemon/simulation/roster.js'
import type { Episode, Leg, Wish } from '../../../src/daemon/simulation/trace.js'
import { type Home, mediansOf } from '../../../src/daemon/simulation/work.js'

const S = 1_000
const M = 60 * S
/** A Monday. */
const SINCE = Date.UTC(2026, 10, 23, 8)
const UNTIL = SINCE + 4 * 60 * M

type World = {
  readonly agents?: Readonly<Record<string, number>>
  readonly teams?: readonly Partial<Team>[]
  /** Of all teams, by the settings as they are. */
  readonly membersBefore?: readonly string[]
  readonly presence?: readonly PresenceChange[]
  readonly wishes?: readonly Partial<Wish>[]
  readonly episodes: readonly Episode[]
}

/** What a meter is told of waits, in order. */
class Watcher extends Meter {
  readonly waits: number[] = []
  readonly served_: string[] = []

  override served(home: Home, waitMs: number, answerMs: number | undefined): void {
    this.waits.push(waitMs)
    super.served(home, waitMs, answerMs)
  }

  override load(agent: string, change: 1 | -1, at: number, isNew: boolean): void {
    if (change > 0) this.served_.push(`${(at - SINCE) / S} ${agent}`)
    super.load(agent, change, at, isNew)
  }
}

function run(
  world: World,
): ScenarioMeasures & { readonly waits: readonly number[]; readonly served: readonly string[] } {
  const { agents = { li: 1 }, teams = [], wishes = [{}], episodes } = world
  const online = Object.keys(agents).map((agent): PresenceChange => ({ at: SINCE - S, agent, state: 'online' }))
  const presence = [...online, ...(world.presence ?? [])]
  const roster: Roster = {
    everybody: { strategy: 'least-active', stickyMs: 0 },
    teams: teams.map(team => ({
      id: 'billing',
      name: 'billing',
      strategy: 'least-active',
      stickyMs: 0,
      members: Object.keys(agents),
      createdAt: 0,
      ...team,
    })),
    agents: Object.entries(agents).map(
      ([id, total]): RosterAgent => ({ id, name: id, skills: {}, languages: [], capacity: { total, perKind: {} } }),
    ),
    requeueAfterMs: 30 * S,
  }
  const members = world.membersBefore
  const present =
    members === undefined ? roster : { ...roster, teams: roster.teams.map(team => ({ ...team, members })) }
  const all = wishes.map(
    (wish): Wish => ({
      kind: 'web',
      team: undefined,
      requires: {},
      prefers: [],
      language: undefined,
      rank: 1,
      ...wish,
    }),
  )
  const window = { since: SINCE, until: UNTIL }
  const meter = new Watcher(roster, window)
  new Business({
    roster,
    present,
    window,
    wishes: all,
    episodes,
    presence,
    medians: mediansOf(episodes, all),
    meter,
  }).run()
  return { ...meter.report(), waits: meter.waits, served: meter.served_ }
}

function episode(atMs: number, ...legs: Partial<Leg>[]): Episode {
  const at = SINCE + atMs
  return {
    at,
    since: at,
    teamSince: at,
    lineSince: at,
    lastAgent: undefined,
    declinedBy: [],
    answerMs: S,
    legs: legs.map(leg => ({
      gapMs: 0,
      wish: 0,
      isTeamGiven: true,
      changes: [],
      waitMs: 0,
      agent: 'li',
      isByHand: false,
      overflows: 0,
      serviceMs: M,
      end: 'closed',
      ...leg,
    })),
  }
}

describe('a simulated business', () => {
  test('serves in order, as long as it took', () => {
    const { waits, served, all } = run({ episodes: [episode(0, {}), episode(S, {}), episode(2 * S, {})] })
    assert.deepEqual(waits, [0, 59 * S, 118 * S])
    assert.deepEqual(served, ['0 li', '60 li', '120 li'])
    assert.deepEqual([all.conversations, all.served, all.maxWaitMs, all.p50WaitMs], [3, 3, 118 * S, 59 * S])
  })

  test('loses those who would not wait, and serves them when there is nothing to wait for', () => {
    const left = episode(S, { agent: undefined, waitMs: 10 * S, serviceMs: 0 })
    const [crowded, roomy] = [1, 2].map(capacity => run({ agents: { li: capacity }, episodes: [episode(0, {}), left] }))
    assert.deepEqual([crowded!.all.served, crowded!.all.abandoned], [1, 1])
    assert.deepEqual([roomy!.all.served, roomy!.all.abandoned], [2, 0])
    // As long as the median of what was served.
    assert.equal(Math.round(roomy!.agents.li!.meanLoad * 240), 2)
  })

  test('lets what waits for too long overflow, at its place', () => {
    const world: World = {
      agents: { li: 1, wang: 1 },
      teams: [
        { members: ['li'], overflow: { team: 'night', afterMs: 20 * S } },
        { id: 'night', name: 'night', members: ['wang'] },
      ],
      wishes: [{ team: 'billing' }, { team: 'night' }],
      episodes: [episode(0, {}), episode(S, {}), episode(2 * S, { wish: 1 }), episode(3 * S, { wish: 1 })],
    }
    const { served, all, teams } = run(world)
    // The one that came from the other team has waited for longer than the one that was there.
    assert.deepEqual(served, ['0 li', '2 wang', '62 wang', '122 wang'])
    assert.equal(all.overflowed, 1)
    assert.equal(teams.billing!.overflowed, 1)
    assert.equal(teams.billing!.served, 2)
  })

  test('keeps hours', () => {
    const hours = { timeZone: 'UTC', weekly: [{ days: ['mon'], from: '09:00', to: '10:00' }], holidays: [] } as const
    const { served, all } = run({
      teams: [{ hours }],
      wishes: [{ team: 'billing' }],
      episodes: [episode(0, {}), episode(130 * M, {})],
    })
    assert.deepEqual(served, ['3600 li'])
    assert.equal(all.waiting, 1)
  })

  test('gives up on agents who are gone, and finishes what they began', () => {
    const gone = [
      { at: SINCE + 10 * S, agent: 'li', state: 'offline' },
      { at: SINCE + 200 * S, agent: 'li', state: 'online' },
    ] as const
    const { served, all } = run({ presence: gone, episodes: [episode(0, {})] })
    assert.deepEqual(served, ['0 li', '200 li'])
    assert.deepEqual([all.served, all.requeued, all.meanRequeuedWaitMs], [1, 1, 160 * S])
    const back = [gone[0], { ...gone[1], at: SINCE + 39 * S }]
    assert.deepEqual(run({ presence: back, episodes: [episode(0, {})] }).served, ['0 li'])
  })

  test('treats what was lost with an agent and finished by another as one work', () => {
    const lost = episode(0, { serviceMs: 40 * S, end: 'gone' }, { waitMs: 5 * S, serviceMs: 20 * S })
    const { served, agents } = run({ episodes: [lost, episode(S, {})] })
    assert.deepEqual(served, ['0 li', '60 li'])
    assert.equal(agents.li!.timesFull, 2)
  })

  test('goes on after a restart of the engine as agents come back', () => {
    const restart: PresenceChange[] = [
      { at: SINCE + 10 * S, engine: 'stopped' },
      { at: SINCE + 100 * S, engine: 'started' },
      { at: SINCE + 110 * S, agent: 'li', state: 'online' },
    ]
    const { served, all } = run({
      presence: restart,
      episodes: [episode(0, { serviceMs: 300 * S }), episode(5 * S, {})],
    })
    assert.deepEqual(served, ['0 li', '300 li'])
    assert.equal(all.requeued, 0)
  })

  test('repeats what people did by hand, when the agent can', () => {
    const picked = episode(0, { agent: 'wang', isByHand: true, waitMs: 7 * S })
    const manual = { teams: [{ strategy: 'manual' }] as const, wishes: [{ team: 'billing' }] }
    assert.deepEqual(run({ ...manual, agents: { li: 1, wang: 1 }, episodes: [picked] }).served, ['7 wang'])
    // Who is not there is replaced by somebody of the team.
    assert.deepEqual(run({ ...manual, episodes: [picked] }).served, ['7 li'])
    const given = episode(0, { end: 'given' }, { agent: 'wang', isByHand: true })
    assert.deepEqual(run({ agents: { li: 1, wang: 1 }, episodes: [given] }).served, ['0 li', '60 wang'])
    const toFull = [episode(0, { end: 'given' }, { agent: 'wang', isByHand: true }), episode(S, { serviceMs: 90 * S })]
    assert.deepEqual(run({ agents: { li: 1, wang: 1 }, episodes: toFull }).served, ['0 li', '1 wang', '60 li'])
  })

  test('lets those who have room pick up in the order of turns', () => {
    const manual = {
      teams: [{ strategy: 'manual' }] as const,
      wishes: [{ team: 'billing' }, { team: 'billing', rank: 3 }],
    }
    const picked = { isByHand: true, waitMs: 2 * S }
    const later = [1, 2, 3, 4].map(second => episode(second * S, picked))
    const urgent = episode(30 * S, { ...picked, wish: 1 })
    const { waits } = run({ ...manual, episodes: [episode(0, picked), ...later, urgent] })
    assert.deepEqual(waits, [2 * S, 32 * S, 121 * S, 180 * S, 239 * S, 298 * S])
  })

  test('lets nobody pick up for a team that the policy takes them out of', () => {
    const manual = { teams: [{ strategy: 'manual', members: ['wang'] }] as const, wishes: [{ team: 'billing' }] }
    const world = { ...manual, agents: { li: 1, wang: 1 }, episodes: [episode(0, { isByHand: true })] }
    assert.deepEqual(run({ ...world, membersBefore: ['li', 'wang'] }).served, ['0 wang'])
    // Who never was of the team was given it by somebody, who would do so again.
    assert.deepEqual(run({ ...world, membersBefore: ['wang'] }).served, ['0 li'])
  })

  test('does not look again and again at what waits to be picked up', () => {
    const manual = { teams: [{ strategy: 'manual' }] as const, wishes: [{ team: 'billing' }] }
    const picked = { isByHand: true, waitMs: S, serviceMs: 10 * M }
    const episodes = Array.from({ length: 2_000 }, (_, second) => episode(second * S, picked))
    const start = performance.now()
    assert.equal(run({ ...manual, episodes }).all.served, 24)
    assert.ok(performance.now() - start < 5_000)
  })

  test('asks those again who declined, after a while', () => {
    const declined = episode(0, { serviceMs: 10 * S, end: 'declined' }, { serviceMs: 20 * S })
    assert.deepEqual(run({ agents: { li: 1, wang: 1 }, episodes: [declined] }).served, ['0 li', '10 wang'])
    assert.deepEqual(run({ episodes: [declined] }).served, ['0 li', '310 li'])
  })

  test('begins with what was there', () => {
    const held: Episode = { ...episode(0, { serviceMs: 30 * S }), since: undefined }
    const waiting: Episode = { ...episode(0, {}), since: SINCE - 100 * S }
    const { waits, served, all } = run({ episodes: [held, waiting] })
    assert.deepEqual(served, ['0 li', '30 li'])
    assert.deepEqual(waits, [130 * S])
    assert.equal(all.conversations, 1)
  })

  test('counts answers within the promised time', () => {
    const { all } = run({
      teams: [{ sla: { firstResponseMs: 30 * S, perPriority: { urgent: { firstResponseMs: 10 * S } } } }],
      wishes: [{ team: 'billing' }, { team: 'billing', rank: 3 }],
      episodes: [episode(0, { serviceMs: 20 * S }), episode(S, { serviceMs: S }), episode(2 * S, { wish: 1 })],
    })
    // The urgent one goes first, but not within its 10 s.
    assert.deepEqual([all.promised, all.kept], [3, 1])
  })

  test('has nobody over capacity, nothing lost, the same order within a line, and the same result again', () => {
    const arbitrary = fc.record({
      capacities: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
      arrivals: fc.array(
        fc.record({ at: fc.nat(3_600), service: fc.integer({ min: 1, max: 900 }), leaves: fc.option(fc.nat(300)) }),
        { minLength: 1, maxLength: 60 },
      ),
      moves: fc.array(
        fc.record({ at: fc.nat(3_600), agent: fc.nat(3), state: fc.constantFrom('online', 'away', 'offline') }),
        {
          maxLength: 20,
        },
      ),
    })
    fc.assert(
      fc.property(arbitrary, ({ capacities, arrivals, moves }) => {
        const agents = Object.fromEntries(capacities.map((capacity, index) => [`a${index}`, capacity]))
        const episodes = arrivals
          .toSorted((a, b) => a.at - b.at)
          .map(({ at, service, leaves }) =>
            leaves === null
              ? episode(at * S, { serviceMs: service * S })
              : episode(at * S, { agent: undefined, waitMs: leaves * S, serviceMs: 0 }),
          )
        const presence = moves
          .toSorted((a, b) => a.at - b.at)
          .map(
            ({ at, agent, state }) => ({ at: SINCE + at * S, agent: `a${agent % capacities.length}`, state }) as const,
          )
        const world: World = { agents, episodes, presence }
        const result = run(world)
        for (const [agent, { peakLoad }] of Object.entries(result.agents)) assert.ok(peakLoad <= agents[agent]!)
        const { conversations, served, abandoned, waiting } = result.all
        assert.equal(conversations, episodes.length)
        assert.equal(served + abandoned + waiting, conversations)
        assert.deepEqual(run(world), result)
      }),
      { numRuns: 60 },
    )
  })

  test('serves a line in its order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 50 }), services => {
        const { waits } = run({
          agents: { a: 2 },
          episodes: services.map((ms, i) => episode(i * S, { serviceMs: ms * S })),
        })
        const servedAt = waits.map((wait, i) => i * S + wait)
        assert.deepEqual(
          servedAt,
          servedAt.toSorted((a, b) => a - b),
        )
      }),
      { numRuns: 50 },
    )
  })
})

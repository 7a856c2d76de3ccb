import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Agent } from '../../../src/daemon/core/model.js'
import type { Team } from '../../../src/daemon/core/team.js'
import { policyRoster, presentRoster, type Settings } from '../../../src/daemon/simulation/policy.js'
import { type ErrorCode, isKefuError } from '../../../src/errors.js'

const agent = (id: string, name: string, more: Partial<Agent> = {}): Agent => ({
  id,
  name,
  role: 'agent',
  tokens: [],
  skills: {},
  languages: [],
  createdAt: 0,
  ...more,
})

const team = (id: string, name: string, members: readonly string[], more: Partial<Team> = {}): Team => ({
  id,
  name,
  strategy: 'least-active',
  stickyMs: 1_000,
  members,
  createdAt: 0,
  ...more,
})

const SETTINGS: Settings = {
  agents: [
    agent('a1', 'li', { capacity: { total: 3, perKind: { app: 1 } }, skills: { refund: 3 } }),
    agent('a2', 'wang'),
  ],
  teams: [
    team('t1', 'billing', ['a1'], { overflow: { team: 't2', afterMs: 60_000 }, sla: { firstResponseMs: 60_000 } }),
    team('t2', 'night', ['a1', 'a2']),
    team('t3', 'desk', [], { strategy: 'manual' }),
  ],
  strategy: 'least-active',
  stickyMs: 86_400_000,
  capacity: 20,
  requeueAfterMs: 30_000,
}

const rosterWith = (policy: unknown) => policyRoster(SETTINGS, policy)
const teamOf = (policy: unknown, name: string) => rosterWith(policy).teams.find(one => one.name === name)!
const agentOf = (policy: unknown, name: string) => rosterWith(policy).agents.find(one => one.name === name)!

describe('a policy', () => {
  test('that is empty changes nothing', () => {
    assert.deepEqual(rosterWith({}), presentRoster(SETTINGS))
    assert.deepEqual(presentRoster(SETTINGS).agents[1]!.capacity, { total: 20, perKind: {} })
  })

  test('changes what it names, in the words of the commands, and nothing else', () => {
    const { everybody, agents, requeueAfterMs } = rosterWith({
      routing: { strategy: 'round-robin', stickyWindow: '0s', capacity: 4 },
      presence: { requeueAfter: '2m' },
    })
    assert.deepEqual(everybody, { strategy: 'round-robin', stickyMs: 0 })
    assert.deepEqual(
      agents.map(({ capacity }) => capacity.total),
      [3, 4],
    )
    assert.equal(requeueAfterMs, 120_000)
    const billing = teamOf(
      { teams: { billing: { strategy: 'longest-idle', sticky: '1h', addMembers: ['wang'], overflowAfter: '5m' } } },
      'billing',
    )
    assert.deepEqual(
      [billing.strategy, billing.stickyMs, billing.members, billing.overflow, billing.sla],
      ['longest-idle', 3_600_000, ['a1', 'a2'], { team: 't2', afterMs: 300_000 }, { firstResponseMs: 60_000 }],
    )
    assert.equal(teamOf({ teams: { billing: { overflowTo: null } } }, 'billing').overflow, undefined)
    const night = teamOf({ teams: { night: { hours: 'Mon-Fri 20:00-06:00', timeZone: 'Asia/Shanghai' } } }, 'night')
    assert.equal(night.hours?.weekly.length, 1)
    assert.equal(teamOf({ teams: { night: { hours: null } } }, 'night').hours, undefined)
    const li = agentOf({ agents: { li: { capacity: 5, skills: { vip: 2 }, languages: ['zh', 'en'] } } }, 'li')
    assert.deepEqual(
      [li.capacity, li.skills, li.languages],
      [{ total: 5, perKind: { app: 1 } }, { refund: 3, vip: 2 }, ['en', 'zh']],
    )
  })

  test('makes up agents who are like others: presence, skills, languages, capacity and teams', () => {
    const policy = { agents: { temp: { like: 'li' }, temp2: { like: 'temp', capacity: 9 } } }
    const roster = rosterWith(policy)
    const [temp, temp2] = roster.agents.slice(-2)
    assert.deepEqual([temp!.name, temp!.like, temp!.skills, temp!.capacity.total], ['temp', 'a1', { refund: 3 }, 3])
    assert.deepEqual([temp2!.name, temp2!.like, temp2!.capacity.total], ['temp2', 'a1', 9])
    assert.deepEqual(teamOf(policy, 'billing').members, ['a1', temp!.id, temp2!.id])
    const elsewhere = { agents: { temp: { like: 'li' } }, teams: { billing: { removeMembers: ['temp'] } } }
    assert.deepEqual(teamOf(elsewhere, 'billing').members, ['a1'])
  })

  const refused: readonly (readonly [unknown, ErrorCode, RegExp])[] = [
    [null, 'KEFU_POLICY_INVALID', /object/],
    [[], 'KEFU_POLICY_INVALID', /object/],
    [{ team: {} }, 'KEFU_POLICY_INVALID', /there is no "team", did you mean "teams"\?/],
    [
      { routing: { strategie: 'manual' } },
      'KEFU_POLICY_INVALID',
      /routing: there is no "strategie", did you mean "strategy"/,
    ],
    [{ teams: { billing: { overflowto: 'x' } } }, 'KEFU_POLICY_INVALID', /teams\.billing: .*did you mean "overflowTo"/],
    [{ agents: { li: { speed: 1 } } }, 'KEFU_POLICY_INVALID', /agents\.li: there is no "speed"; there are .*capacity/],
    [{ routing: { strategy: 'fastest' } }, 'KEFU_POLICY_INVALID', /routing\.strategy/],
    [{ routing: { stickyWindow: 5 } }, 'KEFU_POLICY_INVALID', /routing\.stickyWindow/],
    [{ routing: { stickyWindow: '5' } }, 'KEFU_POLICY_INVALID', /a unit, such as/],
    [{ routing: { capacity: 0 } }, 'KEFU_POLICY_INVALID', /routing\.capacity/],
    [{ routing: { strategy: 'manual' } }, 'KEFU_POLICY_INVALID', /by hand/],
    [{ teams: { billing: { strategy: 'manual' } } }, 'KEFU_POLICY_INVALID', /teams\.billing\.strategy/],
    [{ agents: { li: { like: 'wang' } } }, 'KEFU_POLICY_INVALID', /agents\.li\.like/],
    [{ agents: { temp: { like: 'wong' } } }, 'KEFU_AGENT_NOT_FOUND', /did you mean "wang"/],
    [{ agents: { wong: {} } }, 'KEFU_AGENT_NOT_FOUND', /did you mean "wang"/],
    [{ teams: { biling: {} } }, 'KEFU_TEAM_NOT_FOUND', /did you mean "billing"/],
    [{ teams: { billing: { members: ['nobody'] } } }, 'KEFU_AGENT_NOT_FOUND', /nobody/],
    [{ teams: { billing: { overflowTo: 'knight' } } }, 'KEFU_TEAM_NOT_FOUND', /did you mean "night"/],
    [{ teams: { night: { overflowTo: 'billing', overflowAfter: '0s' } } }, 'KEFU_TEAM_CYCLE', /./],
    [{ teams: { night: { overflowTo: 'night', overflowAfter: '1s' } } }, 'KEFU_TEAM_CYCLE', /./],
    [{ teams: { night: { overflowAfter: '1s' } } }, 'KEFU_USAGE', /needs a team/],
    [{ teams: { night: { hours: 'Funday' } } }, 'KEFU_USAGE', /Funday/],
    [{ agents: { li: { skills: { refund: 9 } } } }, 'KEFU_USAGE', /level/],
    [{ agents: { 'two words': { like: 'wang' } } }, 'KEFU_USAGE', /"two words" is not a name/],
    [{ agents: { li: { languages: ['not a language'] } } }, 'KEFU_USAGE', /language tag/],
  ]
  for (const [policy, code, words] of refused)
    test(`is refused: ${JSON.stringify(policy)}`, () => {
      assert.throws(
        () => rosterWith(policy),
        error => isKefuError(error, code) && words.test(error.message),
      )
    })
})

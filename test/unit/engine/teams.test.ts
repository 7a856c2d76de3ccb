import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { createAgents } from '../../../src/daemon/engine/registry/agents.js'
import { createChannels } from '../../../src/daemon/engine/registry/channels.js'
import { createTeams } from '../../../src/daemon/engine/registry/teams.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { type ErrorCode, isKefuError } from '../../../src/errors.js'
import { createManualClock } from '../../helpers/manual-clock.js'

async function setUp() {
  const clock = createManualClock()
  const { directory } = createMemoryStore({ clock })
  let count = 0
  const random = (length: number) => createHash('shake256', { outputLength: length }).update(String(count++)).digest()
  const ports = { directory, clock, random }
  const agents = await createAgents(ports)
  const channels = await createChannels(ports)
  for (const name of ['li', 'xiaowang', 'zhou']) await agents.add(name)
  const reported: unknown[] = []
  const load = async () =>
    createTeams({ ...ports, agents: await createAgents(ports), channels, report: error => reported.push(error) })
  const teams = await createTeams({ ...ports, agents, channels, report: error => reported.push(error) })
  const idOf = (name: string) => agents.show(name).id
  return { clock, directory, agents, channels, teams, reported, load, idOf }
}

async function refused(promise: Promise<unknown>, code: ErrorCode, message = /./): Promise<void> {
  await assert.rejects(promise, error => {
    assert.ok(isKefuError(error, code), String(error))
    assert.match(error.message, message)
    return true
  })
}

const DAYS = [{ days: ['mon', 'tue'] as const, from: '09:00', to: '18:00' }]

test('a new team has its settings; the same again is unchanged, another of the name a conflict', async () => {
  const { teams, idOf, clock } = await setUp()
  const added = await teams.add('refunds', { members: ['xiaowang', 'li', 'li'] })
  assert.equal(added.changed, true)
  const { id, ...rest } = added.team
  assert.match(id, /^t_[0-9A-Z]{26}$/)
  const members = [idOf('li'), idOf('xiaowang')].sort()
  assert.deepEqual(rest, {
    name: 'refunds',
    strategy: 'least-active',
    stickyMs: 86_400_000,
    members,
    createdAt: clock.now(),
  })
  clock.advance(1_000)
  assert.deepEqual(await teams.add('refunds', { members: ['li', 'xiaowang'] }), { team: added.team, changed: false })
  await refused(teams.add('refunds', { members: ['li'] }), 'KEFU_TEAM_EXISTS')
  assert.deepEqual(teams.list(), [added.team])
  assert.deepEqual([teams.byId(id), teams.byName('refunds')], [added.team, added.team])
})

test('everything is there again after a restart, and the same still counts as the same', async () => {
  const { teams, load } = await setUp()
  await teams.add('second')
  const settings = {
    strategy: 'manual',
    stickyMs: 0,
    members: ['li', 'zhou'],
    hours: { timeZone: 'Asia/Shanghai', weekly: DAYS, holidays: [{ from: '2026-10-01', to: '2026-10-07' }] },
    overflow: { team: 'second', afterMs: 60_000 },
    sla: { firstResponseMs: 60_000, perPriority: { urgent: { nextResponseMs: 5_000 } } },
  } as const
  await teams.add('first', settings)
  const later = await load()
  assert.deepEqual(later.list(), teams.list())
  assert.equal(later.byId(teams.show('first').id)?.name, 'first')
  assert.equal((await later.add('first', settings)).changed, false)
})

test('what is not named stays; what is set twice is unchanged', async () => {
  const { teams, idOf } = await setUp()
  await teams.add('other')
  await teams.add('refunds', { members: ['li'], sla: { firstResponseMs: 60_000, nextResponseMs: 90_000 } })
  const set = await teams.set('refunds', {
    strategy: 'round-robin',
    addMembers: ['zhou', 'xiaowang'],
    removeMembers: ['li', 'xiaowang'],
    hours: { timeZone: 'UTC', weekly: DAYS },
    overflow: { team: 'other', afterMs: 1_000 },
    sla: { firstResponseMs: 0, perPriority: { high: { firstResponseMs: 5_000 } } },
  })
  assert.equal(set.changed, true)
  assert.deepEqual(set.team.members, [idOf('zhou')])
  assert.deepEqual(set.team.sla, { nextResponseMs: 90_000, perPriority: { high: { firstResponseMs: 5_000 } } })
  const next = await teams.set('refunds', {
    overflow: { afterMs: 2_000 },
    hours: { timeZone: 'Asia/Shanghai' },
    sla: { perPriority: { high: { firstResponseMs: 0 } } },
  })
  assert.deepEqual(next.team, {
    ...set.team,
    overflow: { ...set.team.overflow, afterMs: 2_000 },
    hours: { ...set.team.hours, timeZone: 'Asia/Shanghai' },
    sla: { nextResponseMs: 90_000 },
  })
  const same = { strategy: 'round-robin', addMembers: ['zhou'], removeMembers: ['li'] } as const
  assert.deepEqual(await teams.set('refunds', same), { team: next.team, changed: false })
  const bare = await teams.set('refunds', { members: [], hours: null, overflow: null, sla: null })
  const { hours, overflow, sla, ...kept } = next.team
  assert.ok(hours !== undefined && overflow !== undefined && sla !== undefined)
  assert.deepEqual(bare.team, { ...kept, members: [] })
})

test('holidays are kept by their days: added, changed, taken away', async () => {
  const { teams } = await setUp()
  const hours = { timeZone: 'Asia/Shanghai', weekly: DAYS, holidays: [{ from: '2026-10-01', to: '2026-10-07' }] }
  await teams.add('refunds', { hours })
  const open = [{ from: '10:00', to: '12:00' }]
  const { team } = await teams.set('refunds', {
    hours: {
      holidays: [{ from: '2026-10-01', open }, { from: '2026-02-17' }, { from: '2026-10-01', to: '2026-10-08' }],
    },
  })
  // A day within other holidays is the exception from them, so it comes behind them: the last that covers a day decides.
  assert.deepEqual(team.hours?.holidays, [
    { from: '2026-02-17' },
    { from: '2026-10-01', to: '2026-10-08' },
    { from: '2026-10-01', to: '2026-10-07' },
    { from: '2026-10-01', open },
  ])
  const { team: less } = await teams.set('refunds', { hours: { removeHolidays: ['2026-10-01'] } })
  assert.deepEqual(less.hours?.holidays, [{ from: '2026-02-17' }])
})

test('unknown agents and teams are refused with the nearest name, and nothing is stored', async () => {
  const { teams, directory } = await setUp()
  await teams.add('refunds')
  const before = await directory.list('')
  await refused(teams.add('a', { members: ['xiaowagn'] }), 'KEFU_AGENT_NOT_FOUND', /did you mean "xiaowang"/)
  await refused(teams.set('refunds', { addMembers: ['l'] }), 'KEFU_AGENT_NOT_FOUND')
  await refused(teams.set('refunds', { removeMembers: ['nobody'] }), 'KEFU_AGENT_NOT_FOUND')
  const overflow = { team: 'refund', afterMs: 1_000 }
  await refused(teams.add('a', { overflow }), 'KEFU_TEAM_NOT_FOUND', /did you mean "refunds"/)
  await refused(teams.set('refund', {}), 'KEFU_TEAM_NOT_FOUND', /did you mean "refunds"/)
  await refused(teams.remove('x'), 'KEFU_TEAM_NOT_FOUND')
  await refused(
    teams.keep('x', () => assert.fail()),
    'KEFU_TEAM_NOT_FOUND',
  )
  await refused(teams.add('not a name'), 'KEFU_USAGE')
  assert.deepEqual(await directory.list(''), before)
})

test('overflows never come back to where they began', async () => {
  const { teams } = await setUp()
  const to = (team: string) => ({ overflow: { team, afterMs: 1_000 } })
  await teams.add('c')
  await teams.add('b', to('c'))
  await teams.add('a', to('b'))
  await refused(teams.set('c', to('a')), 'KEFU_TEAM_CYCLE', /from the team "c" to "a"/)
  await refused(teams.set('b', to('b')), 'KEFU_TEAM_CYCLE')
  await refused(teams.add('d', to('d')), 'KEFU_TEAM_NOT_FOUND')
  assert.equal(teams.show('c').overflow, undefined)
  await teams.add('e', to('a'))
  await teams.set('a', { overflow: null })
  assert.equal((await teams.set('c', to('e'))).changed, true)
  // Both at the same time would make a circle: the second one finds the first.
  await teams.add('x')
  await teams.add('y')
  const results = await Promise.allSettled([teams.set('x', to('y')), teams.set('y', to('x'))])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
})

test('a team that something is sent to is not removed', async () => {
  const { teams, channels } = await setUp()
  const { team } = await teams.add('vip')
  await teams.add('refunds', { overflow: { team: 'vip', afterMs: 0 } })
  await channels.add({ kind: 'web', name: 'shop', team: team.id })
  await refused(teams.remove('vip'), 'KEFU_TEAM_IN_USE', /the team "refunds"/)
  await teams.remove('refunds')
  await refused(teams.remove('vip'), 'KEFU_TEAM_IN_USE', /the channel "shop"/)
  await channels.set('shop', { team: null })
  await teams.remove('vip')
  assert.deepEqual([teams.list(), teams.byId(team.id)], [[], undefined])
  assert.notEqual((await teams.add('vip')).team.id, team.id)
})

test('a team is kept for as long as a step needs it', async () => {
  const { teams, channels } = await setUp()
  await teams.add('vip')
  const kept = teams.keep('vip', ({ id }) => channels.add({ kind: 'web', name: 'shop', team: id }))
  await Promise.all([kept, refused(teams.remove('vip'), 'KEFU_TEAM_IN_USE')])
})

test('a removed agent leaves its teams, also when the process ended in between', async () => {
  const { teams, agents, directory, load, idOf, reported } = await setUp()
  await teams.add('a', { members: ['li', 'zhou'] })
  await teams.add('b', { members: ['xiaowang', 'li'] })
  assert.deepEqual(
    teams.ofAgent(idOf('li')).map(({ name }) => name),
    ['a', 'b'],
  )
  await agents.remove('li')
  // Behind the step that takes the agent out.
  await teams.set('a', {})
  assert.deepEqual([teams.show('a').members, teams.show('b').members], [[idOf('zhou')], [idOf('xiaowang')]])
  const entry = await directory.get('team/a')
  assert.ok(entry !== null)
  await directory.update('team/a', { ...(entry.value as object), members: ['a_gone', idOf('zhou')] }, entry.revision)
  const later = await load()
  await later.set('a', {})
  assert.deepEqual(later.show('a').members, [idOf('zhou')])
  assert.deepEqual(reported, [])
})

test('what is out of bounds or lacks something is refused', async () => {
  const { teams } = await setUp()
  await teams.add('other')
  await teams.add('refunds')
  const hours = { timeZone: 'Asia/Shanghai', weekly: DAYS }
  for (const [change, message] of [
    [{ stickyMs: -1 }, /at most 90 days/],
    [{ stickyMs: 91 * 86_400_000 }, /at most 90 days/],
    [{ overflow: { team: 'other' } }, /needs a time/],
    [{ overflow: { afterMs: 1 } }, /needs a team/],
    [{ hours: { timeZone: 'UTC' } }, /no hours yet/],
    [{ hours: { weekly: DAYS } }, /need a time zone/],
    [{ hours: { ...hours, timeZone: 'CST' } }, /not a time zone/],
    [{ hours: { ...hours, holidays: [{ from: '2026-02-30' }] } }, /not a date/],
    [{ sla: { firstResponseMs: 91 * 86_400_000 } }, /at most 90 days/],
    [{ members: Array.from({ length: 2_001 }, () => 'li') }, undefined],
  ] as const) {
    if (message === undefined) assert.equal((await teams.set('refunds', change)).team.members.length, 1)
    else await refused(teams.set('refunds', change), 'KEFU_USAGE', message)
  }
})

test('there are at most 200 teams', async () => {
  const { teams } = await setUp()
  for (let count = 0; count < 200; count++) await teams.add(`t${count}`)
  await refused(teams.add('surplus'), 'KEFU_TEAMS_USED', /200 teams/)
  assert.equal((await teams.add('t7')).changed, false)
})

test('a team of 2,000 members fits into the directory, and no more are taken', async () => {
  const { teams, agents } = await setUp()
  const names = Array.from({ length: 2_001 }, (_, index) => `agent-${index}`)
  for (const name of names) await agents.add(name)
  const { team } = await teams.add('all', { members: names.slice(0, 2_000) })
  assert.equal(team.members.length, 2_000)
  await refused(teams.set('all', { addMembers: names }), 'KEFU_USAGE', /at most 2000 members/)
  const holidays = Array.from({ length: 300 }, (_, day) => ({ from: `20${10 + day}-01-01` })).slice(0, 80)
  const hours = { timeZone: 'UTC', weekly: DAYS, holidays: holidays.map(each => ({ ...each, name: 'x'.repeat(100) })) }
  await refused(teams.set('all', { hours }), 'KEFU_USAGE', /more members, hours and holidays than one team can hold/)
})

test('changes are told in order, after they are durable', async () => {
  const { teams } = await setUp()
  const seen: string[] = []
  const end = teams.onChange(change => {
    const { id, name } = change.type === 'removed' ? change.before : change.value
    seen.push(`${change.type} ${name} ${teams.byId(id)?.strategy ?? 'gone'}`)
  })
  await Promise.all([teams.add('a'), teams.set('a', { strategy: 'manual' }), teams.remove('a')])
  end()
  await teams.add('a')
  assert.deepEqual(seen, ['added a least-active', 'changed a manual', 'removed a gone'])
})

test('a stored entry that is no team is named, not guessed', async () => {
  const { directory, load } = await setUp()
  await directory.create('team/a', { name: 'a', members: [] })
  await refused(load(), 'KEFU_STORE_CORRUPT', /team\/a/)
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  candidatesOf,
  type Need,
  type RoutingAgent,
  type RoutingPolicy,
  route,
} from '../../../src/daemon/core/routing.js'

type Changes = Partial<Omit<RoutingAgent, 'skills'>> & { readonly skills?: Readonly<Record<string, number>> }

const agent = (id: string, { skills = {}, ...changes }: Changes = {}): RoutingAgent => ({
  id,
  name: id,
  skills: new Map(Object.entries(skills)),
  languages: [],
  capacity: { total: 5, perKind: {} },
  isBot: false,
  presence: 'online',
  load: 0,
  loadOf: {},
  lastAssignedAt: 0,
  idleSince: 0,
  ...changes,
})
const need = (changes: Partial<Need> = {}): Need => ({
  kind: 'web',
  team: undefined,
  bot: undefined,
  requires: {},
  prefers: [],
  language: undefined,
  declinedBy: [],
  lastAgent: undefined,
  wokenFor: undefined,
  ...changes,
})
const policy: RoutingPolicy = { strategy: 'least-active', stickyMs: 1_000, isOpen: true }
const NOW = 10_000

function chosen(members: readonly RoutingAgent[], asks: Partial<Need> = {}, changes: Partial<RoutingPolicy> = {}) {
  const { assign, reasons } = route(need(asks), candidatesOf(members, need(asks)), { ...policy, ...changes }, NOW)
  return [assign?.id, ...reasons]
}

describe('strategies', () => {
  const busy = agent('busy', { load: 3, lastAssignedAt: 1, idleSince: 9 })
  const recent = agent('recent', { load: 1, lastAssignedAt: 8, idleSince: 8 })
  const rested = agent('rested', { load: 1, lastAssignedAt: 5, idleSince: 5 })
  const everybody = [busy, recent, rested]

  test('least-active: the fewest conversations, then the longest without a new one, then the id', () => {
    assert.deepEqual(chosen(everybody), ['rested', 'least-active', 'active=1', 'free=3'])
    assert.deepEqual(chosen([agent('b'), agent('a')])[0], 'a')
  })

  test('round-robin: whose turn is longest ago, however busy', () => {
    assert.deepEqual(chosen(everybody, {}, { strategy: 'round-robin' })[0], 'busy')
  })

  test('longest-idle: nothing new or finished for the longest time', () => {
    assert.deepEqual(chosen(everybody, {}, { strategy: 'longest-idle' })[0], 'rested')
  })

  test('manual: nobody', () => {
    assert.deepEqual(chosen(everybody, {}, { strategy: 'manual' }), [undefined, 'manual'])
  })
})

test('a skill that is named like something every object has is a skill like others', () => {
  const skilled = agent('skilled', { skills: { constructor: 3 }, load: 4 })
  const asks = { requires: { constructor: 2 }, prefers: ['valueOf'] }
  assert.deepEqual(chosen([agent('other')], asks), [undefined, 'unskilled=1'])
  assert.deepEqual(chosen([agent('other'), skilled], asks).slice(0, 3), [
    'skilled',
    'least-active',
    'skill=constructor',
  ])
})

test('capacity counts in all and for the kind of channel', () => {
  const full = agent('full', { load: 5 })
  const apps = agent('apps', { load: 2, loadOf: { app: 2 }, capacity: { total: 5, perKind: { app: 2 } } })
  assert.equal(chosen([full, apps], { kind: 'web' })[0], 'apps')
  assert.deepEqual(chosen([full, apps], { kind: 'app' }), [undefined, 'full=2'])
})

test('required skills keep away, welcome ones and the language come before the strategy', () => {
  const expert = agent('expert', { skills: { refund: 4 }, load: 4 })
  const novice = agent('novice', { skills: { refund: 1 }, load: 2, languages: ['ja'] })
  const other = agent('other')
  const all = [expert, novice, other]
  assert.deepEqual(chosen(all, { requires: { refund: 2 } }), [
    'expert',
    'least-active',
    'skill=refund',
    'active=4',
    'free=1',
  ])
  assert.deepEqual(chosen(all, { requires: { refund: 5 } }), [undefined, 'unskilled=3'])
  assert.equal(chosen(all, { prefers: ['refund'] })[0], 'novice')
  assert.deepEqual(chosen(all, { language: 'ja' }), ['novice', 'least-active', 'language=ja', 'active=2', 'free=3'])
  assert.equal(chosen(all, { language: 'ko' })[0], 'other')
  for (const [language, spoken, isSpoken] of [
    ['zh', 'zh-CN', true],
    ['zh-Hans-CN', 'zh-Hans', true],
    ['zh-CN', 'zh-TW', false],
    ['en', 'enm', false],
  ] as const) {
    const speaker = agent('speaker', { languages: [spoken], load: 4 })
    assert.equal(
      chosen([agent('mute'), speaker], { language })[0],
      isSpoken ? 'speaker' : 'mute',
      `${language} ${spoken}`,
    )
  }
  assert.equal(
    chosen([expert, agent('ja', { languages: ['ja'] })], { prefers: ['refund'], language: 'ja' })[0],
    'expert',
  )
})

test('a contact goes back to the agent of the last time, within the window and if that one can', () => {
  const last = agent('last', { load: 4 })
  const all = [agent('free'), last]
  const lately = { id: 'last', at: NOW - 999 }
  assert.deepEqual(chosen(all, { lastAgent: lately }), ['last', 'sticky', 'active=4', 'free=2'])
  assert.equal(chosen(all, { lastAgent: { id: 'last', at: NOW - 1_000 } })[0], 'free')
  assert.equal(chosen(all, { lastAgent: lately }, { stickyMs: 0 })[0], 'free')
  assert.equal(chosen([agent('free'), agent('last', { presence: 'away' })], { lastAgent: lately })[0], 'free')
  assert.equal(chosen(all, { lastAgent: lately, declinedBy: ['last'] })[0], 'free')
})

test('who cannot be given it is counted by what keeps them away', () => {
  const skills = { refund: 3 }
  const members = [
    agent('off', { presence: 'offline', skills }),
    agent('off2', { presence: 'offline', load: 9, skills }),
    agent('away', { presence: 'away', skills }),
    agent('no', { skills }),
    agent('new', { presence: 'offline' }),
    agent('full', { skills, load: 5 }),
  ]
  assert.deepEqual(chosen(members, { requires: { refund: 1 }, declinedBy: ['no'] }), [
    undefined,
    'unskilled=1',
    'offline=2',
    'away=1',
    'declined=1',
    'full=1',
  ])
  assert.deepEqual(chosen([]), [undefined, 'no-members'])
  assert.deepEqual(chosen(members, {}, { isOpen: false }), [undefined, 'off-hours'])
})

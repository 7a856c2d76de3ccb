import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Command } from '../../../src/codec/wire-commands.js'
import {
  type Actor,
  COMMANDS,
  type CommandContext,
  type CommandName,
  planCommand,
} from '../../../src/daemon/core/commands.js'
import { firstDetails, reduce } from '../../../src/daemon/core/conversation.js'
import type { Head } from '../../../src/daemon/core/model.js'
import type { RecordBody } from '../../../src/daemon/core/records.js'
import { isKefuError } from '../../../src/errors.js'

const LI = { role: 'agent', id: 'a_li', name: 'li', isSupervisor: false } as const
const WANG = { role: 'agent', id: 'a_wang', name: 'wang', isSupervisor: false } as const
const BOSS = { role: 'agent', id: 'a_boss', name: 'boss', isSupervisor: true } as const
const CONTACT = { role: 'contact' } as const
const OPERATOR = { role: 'operator' } as const
const NOW = 1_000

const COMMAND_SAMPLES: { readonly [N in CommandName]: Extract<Command, { do: N }> } = {
  accept: { do: 'accept' },
  decline: { do: 'decline' },
  takeOver: { do: 'takeOver' },
  assign: { do: 'assign', agent: 'a_wang' },
  transfer: { do: 'transfer', agent: 'a_wang', note: 'please' },
  requeue: { do: 'requeue' },
  snooze: { do: 'snooze', until: 2_000 },
  wake: { do: 'wake' },
  close: { do: 'close' },
  reopen: { do: 'reopen' },
  note: { do: 'note', text: 'be kind' },
  rate: { do: 'rate', score: 5 },
  update: { do: 'update', set: { priority: 'high' } },
  link: { do: 'link', with: 'c_4XMA1TJDW9KHBYM6TGDPS39T44' },
  unlink: { do: 'unlink' },
}

const head = (state: Head['state'], changes: Partial<Head['details']> = {}): Head => ({
  conversation: 'c_00000000000000000000000001',
  n: 7,
  seq: 70,
  at: 500,
  channel: 1,
  kind: 'web',
  egress: 'socket',
  contact: 'v',
  name: undefined,
  state,
  agent: state === 'active' || state === 'snoozed' ? LI.id : undefined,
  waitingSince: state === 'new' || state === 'waiting' ? 100 : undefined,
  unansweredSince: undefined,
  saidAt: undefined,
  details: { ...firstDetails(50), lineSince: 60, ...changes },
})

const context = (changes: Partial<CommandContext> = {}): CommandContext => ({
  nowMs: NOW,
  agent: id =>
    [LI, WANG, BOSS].map(agent => ({ ...agent, isBot: false, obstacle: undefined })).find(agent => agent.id === id),
  hasTeam: id => id === 't_billing',
  isWanted: () => false,
  person: 'p_1',
  ...changes,
})

function outcome(command: Command, actor: Actor, stands: Head, changes: Partial<CommandContext> = {}): string {
  try {
    const bodies = planCommand(command, actor, stands, context(changes))
    return bodies.map(({ type }) => type).join(' + ') || 'unchanged'
  } catch (error) {
    assert.ok(isKefuError(error), String(error))
    return error.code
  }
}

function after(command: Command, actor: Actor, stands: Head): Head {
  return planCommand(command, actor, stands, context()).reduce<Head>((before, body: RecordBody) => {
    const stamp = { flags: 0, seq: before.seq + 1, n: before.n + 1, prev: before.seq, at: NOW }
    return reduce(before.conversation, before, stamp, body)
  }, stands)
}

describe('permission', () => {
  const names = Object.keys(COMMANDS) as CommandName[]

  test('to an agent whom it does not concern, every command answers of every conversation that there is none', () => {
    for (const state of ['new', 'waiting', 'active', 'snoozed', 'closed'] as const)
      for (const name of names)
        assert.equal(outcome(COMMAND_SAMPLES[name], WANG, head(state)), 'KEFU_CONVERSATION_NOT_FOUND')
  })

  test('a contact closes and rates, and nothing else', () => {
    const allowed = names.filter(
      name => outcome(COMMAND_SAMPLES[name], CONTACT, head('active')) !== 'KEFU_COMMAND_REFUSED',
    )
    assert.deepEqual(allowed, ['close', 'rate'])
  })

  test('an agent who has it does not give work to others but by transfer', () => {
    const refused = names.filter(name => outcome(COMMAND_SAMPLES[name], LI, head('active')) === 'KEFU_COMMAND_REFUSED')
    assert.deepEqual(refused, ['takeOver', 'assign', 'requeue', 'rate'])
  })

  test('an agent who is wanted sees a waiting conversation and may take it, no more', () => {
    const wanted = { isWanted: (agent: string) => agent === WANG.id }
    const allowed = names.filter(
      name => !outcome(COMMAND_SAMPLES[name], WANG, head('waiting'), wanted).startsWith('KEFU_'),
    )
    assert.deepEqual(allowed, ['accept'])
    assert.equal(outcome({ do: 'close' }, WANG, head('waiting'), wanted), 'KEFU_COMMAND_REFUSED')
  })

  test('supervisors and operators reach every conversation', () => {
    const states = ['waiting', 'active', 'snoozed', 'closed'] as const
    for (const actor of [BOSS, OPERATOR])
      for (const state of states)
        for (const name of names)
          assert.notEqual(outcome(COMMAND_SAMPLES[name], actor, head(state)), 'KEFU_CONVERSATION_NOT_FOUND')
    assert.deepEqual(
      names.filter(name => outcome(COMMAND_SAMPLES[name], OPERATOR, head('active')) === 'KEFU_COMMAND_REFUSED'),
      ['accept', 'takeOver', 'rate'],
    )
  })

  test('who served a closed conversation last may open it again', () => {
    const closed = head('closed', { lastAgent: { id: WANG.id, at: 900 } })
    assert.equal(outcome({ do: 'reopen' }, WANG, closed), 'reopened + assigned')
    assert.equal(outcome({ do: 'reopen' }, LI, closed), 'KEFU_CONVERSATION_NOT_FOUND')
  })
})

describe('effects', () => {
  test('accept, decline, requeue: it goes back to its old place, and not to who declined', () => {
    const taken = after({ do: 'accept' }, BOSS, head('waiting'))
    assert.deepEqual([taken.state, taken.agent, taken.details.lineSince], ['active', BOSS.id, 100])
    const declined = after({ do: 'decline' }, BOSS, taken)
    assert.deepEqual([declined.state, declined.waitingSince, declined.details.declinedBy], ['waiting', 100, [BOSS.id]])
    const requeued = after({ do: 'requeue' }, OPERATOR, head('active'))
    assert.deepEqual([requeued.state, requeued.waitingSince, requeued.agent], ['waiting', 60, undefined])
  })

  test('transfer: to an agent at once, to a team into its line at the old place', () => {
    const toAgent = after({ do: 'transfer', agent: WANG.id }, LI, head('active'))
    assert.deepEqual([toAgent.state, toAgent.agent], ['active', WANG.id])
    const toTeam = after({ do: 'transfer', team: 't_billing' }, LI, head('active'))
    assert.deepEqual([toTeam.state, toTeam.details.team, toTeam.waitingSince], ['waiting', 't_billing', 60])
  })

  test('snooze, wake, close, reopen', () => {
    const snoozed = after({ do: 'snooze', until: 2_000 }, LI, head('active'))
    assert.deepEqual([snoozed.state, snoozed.agent, snoozed.details.snoozedUntil], ['snoozed', LI.id, 2_000])
    const woken = after({ do: 'wake' }, LI, snoozed)
    assert.deepEqual(
      [woken.state, woken.waitingSince, woken.details.lastAgent?.id, woken.details.snoozedUntil],
      ['waiting', NOW, LI.id, undefined],
    )
    const closed = after({ do: 'close' }, LI, head('active', { priority: 'urgent', tags: ['vip'], language: 'ja' }))
    assert.deepEqual([closed.state, closed.agent, closed.details.lastAgent?.id], ['closed', undefined, LI.id])
    const reopened = after({ do: 'reopen' }, LI, closed)
    const { episode, priority, tags, language } = reopened.details
    assert.deepEqual([reopened.agent, episode, priority, tags, language], [LI.id, 2, 'normal', [], 'ja'])
  })

  test('a command that was carried out already changes nothing', () => {
    const repeated: readonly [Command, Actor, Head][] = [
      [{ do: 'close' }, LI, head('closed', { lastAgent: { id: LI.id, at: 900 } })],
      [{ do: 'accept' }, LI, head('active')],
      [{ do: 'assign', agent: LI.id }, OPERATOR, head('active')],
      [{ do: 'requeue' }, OPERATOR, head('waiting')],
      [{ do: 'snooze', until: 2_000 }, LI, head('snoozed', { snoozedUntil: 2_000 })],
      [{ do: 'link', with: 'c_4XMA1TJDW9KHBYM6TGDPS39T44' }, LI, head('active', { person: 'p_1' })],
      [{ do: 'unlink' }, LI, head('active')],
      [{ do: 'transfer', team: 't_billing' }, BOSS, head('waiting', { team: 't_billing' })],
    ]
    for (const [command, actor, stands] of repeated)
      assert.equal(outcome(command, actor, stands), 'unchanged', command.do)
  })
})

describe('refusals', () => {
  const full = { agent: (id: string) => ({ id, name: id, isBot: false, obstacle: 'full' as const }) }

  test('nobody is given more than they can take, but a supervisor may take over all the same', () => {
    assert.equal(outcome({ do: 'assign', agent: WANG.id }, OPERATOR, head('waiting'), full), 'KEFU_AGENT_UNAVAILABLE')
    assert.equal(outcome({ do: 'transfer', agent: WANG.id }, LI, head('active'), full), 'KEFU_AGENT_UNAVAILABLE')
    assert.equal(outcome({ do: 'accept' }, BOSS, head('waiting'), full), 'KEFU_AGENT_UNAVAILABLE')
    assert.equal(outcome({ do: 'takeOver' }, BOSS, head('active'), full), 'assigned')
  })

  test("a contact's attributes have a bound in all, not only those that one command names", () => {
    const many = (from: number) =>
      Object.fromEntries(Array.from({ length: 15 }, (_, at) => [`a${from + at}`, 'x'.repeat(500)]))
    const full = after({ do: 'update', set: { attributes: many(0) } }, OPERATOR, head('active'))
    assert.equal(Object.keys(full.details.attributes).length, 15)
    assert.equal(outcome({ do: 'update', set: { attributes: many(15) } }, OPERATOR, full), 'KEFU_USAGE')
    const exchanged = { ...Object.fromEntries(Object.keys(many(0)).map(name => [name, ''])), ...many(15) }
    assert.equal(outcome({ do: 'update', set: { attributes: exchanged } }, OPERATOR, full), 'updated')
  })

  test('what does not fit the state, and what does not exist', () => {
    assert.equal(outcome({ do: 'accept' }, BOSS, head('active')), 'KEFU_CONVERSATION_STATE')
    assert.equal(outcome({ do: 'wake' }, LI, head('active')), 'KEFU_CONVERSATION_STATE')
    assert.equal(outcome({ do: 'snooze', until: NOW }, LI, head('active')), 'KEFU_USAGE')
    assert.equal(outcome({ do: 'assign', agent: 'a_who' }, OPERATOR, head('waiting')), 'KEFU_AGENT_NOT_FOUND')
    assert.equal(outcome({ do: 'transfer', team: 't_who' }, LI, head('active')), 'KEFU_TEAM_NOT_FOUND')
    assert.equal(outcome({ do: 'update', set: { team: 't_who' } }, LI, head('active')), 'KEFU_TEAM_NOT_FOUND')
    assert.equal(outcome({ do: 'transfer' }, LI, head('active')), 'KEFU_USAGE')
  })
})

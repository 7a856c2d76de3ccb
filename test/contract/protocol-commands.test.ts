import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type ts from 'typescript-ast'
import { commandSchema } from '../../src/codec/command-schema.js'
import type { Command } from '../../src/codec/wire-commands.js'
import {
  type Actor,
  COMMANDS,
  type CommandContext,
  type CommandName,
  planCommand,
} from '../../src/daemon/core/commands.js'
import { firstDetails, reduce } from '../../src/daemon/core/conversation.js'
import type { Head } from '../../src/daemon/core/model.js'
import { isKefuError } from '../../src/errors.js'
import {
  code_,
  fieldsOfNode,
  lines,
  marked,
  spans,
  tableAfter,
  tableFrom,
  wireTypes,
  yes,
} from '../helpers/protocol-doc.js'

describe('the table of commands in docs/protocol.md', () => {
  const table = tableAfter('## Commands').map(([name, fields, contacts, agents, supervisors, states, again]) => ({
    name: code_(name) as CommandName,
    fields: spans(fields),
    rights: [contacts, agents, supervisors],
    states: spans(states),
    again,
  }))

  test('has every command with its fields', () => {
    const types = wireTypes()
    const real = (types.get('Command') as ts.UnionTypeNode).types.map(member => {
      const fields = fieldsOfNode(types, member, '')
      fields.delete('do')
      return [/do: '(\w+)'/.exec(member.getText())![1], marked(fields)]
    })
    assert.deepEqual(
      table.map(({ name, fields }) => [name, fields]),
      real,
    )
    const start = lines.indexOf('## Commands')
    const explained = tableFrom(lines.indexOf('What these fields hold:', start)).map(([field]) => code_(field))
    const named = new Set(table.flatMap(({ fields }) => fields.map(field => field.replace('?', ''))))
    assert.deepEqual(explained.toSorted(), [...named].toSorted())
  })

  test('says who may do what, and in which states, as the daemon does', () => {
    const words = { no: 'no', bot: 'a bot that has it', holder: 'who has it', anyone: 'who may see it' }
    for (const { name, rights, states } of table) {
      const rule: (typeof COMMANDS)[CommandName] = COMMANDS[name]
      const isRefused = (actor: Actor): boolean => outcome(name, actor, headIn('active')) === 'KEFU_COMMAND_REFUSED'
      assert.deepEqual(rights, [yes(rule.contact), words[rule.agent], yes(!isRefused(SUPERVISOR))], name)
      assert.equal(isRefused({ role: 'contact' }), !rule.contact, name)
      assert.deepEqual(states, rule.states, name)
    }
    assert.equal(table.length, Object.keys(COMMANDS).length)
  })

  test('says what comes of asking again, as the daemon does', () => {
    for (const { name, again, states } of table) {
      const actor: Actor = name === 'rate' ? { role: 'contact' } : SUPERVISOR
      const [state] = ['active', ...states].filter(state => states.includes(state) && state !== 'new')
      const before = headIn(state as Head['state'])
      const first = planCommand(SAMPLES[name], actor, before, CONTEXT)
      assert.ok(first.length > 0, name)
      const after = first.reduce(
        (head: Head, body) =>
          reduce(head.conversation, head, { flags: 0, seq: head.seq + 1, n: head.n + 1, prev: 0, at: 2_000 }, body),
        before,
      )
      const second = outcome(name, actor, after)
      const words = {
        unchanged: '',
        refused: 'KEFU_CONVERSATION_STATE',
        'once more': first.map(({ type }) => type).join(),
      }
      assert.equal(second, words[again as keyof typeof words], name)
    }
  })

  test('names the fields that the schema takes, and no others', () => {
    for (const { name, fields } of table) {
      const sample = SAMPLES[name]
      assert.ok(commandSchema.safeParse(sample).success, name)
      assert.equal(commandSchema.safeParse({ ...sample, undocumented: 1 }).success, false, name)
      for (const field of fields.filter(field => !field.endsWith('?'))) {
        const { [field]: _, ...rest } = sample as Readonly<Record<string, unknown>>
        assert.equal(commandSchema.safeParse(rest).success, false, `${name} without ${field}`)
      }
    }
  })
})

/** Each command as it may be sent. */
const SAMPLES: { readonly [N in CommandName]: Extract<Command, { do: N }> } = {
  accept: { do: 'accept' },
  decline: { do: 'decline' },
  takeOver: { do: 'takeOver' },
  assign: { do: 'assign', agent: 'a_2' },
  transfer: { do: 'transfer', agent: 'a_2' },
  requeue: { do: 'requeue' },
  snooze: { do: 'snooze', until: 9_000 },
  wake: { do: 'wake' },
  close: { do: 'close' },
  reopen: { do: 'reopen' },
  note: { do: 'note', text: 'x' },
  rate: { do: 'rate', score: 5 },
  update: { do: 'update', set: { priority: 'high' } },
  link: { do: 'link', with: 'c_4XMA1TJDW9KHBYM6TGDPS39T44' },
  unlink: { do: 'unlink' },
}

const SUPERVISOR: Actor = { role: 'agent', id: 'a_9', name: 'boss', isSupervisor: true }

const CONTEXT: CommandContext = {
  nowMs: 2_000,
  agent: id => ({ id, name: id, isBot: false, obstacle: undefined }),
  hasTeam: () => true,
  isWanted: () => true,
  person: 'p_1',
}

function headIn(state: Head['state']): Head {
  const isHeld = state === 'active' || state === 'snoozed'
  return {
    conversation: 'c_00000000000000000000000001',
    n: 5,
    seq: 5,
    at: 1_000,
    channel: 1,
    kind: 'web',
    egress: 'socket',
    contact: 'v_1',
    name: undefined,
    state,
    agent: isHeld ? 'a_1' : undefined,
    waitingSince: state === 'new' || state === 'waiting' ? 1_000 : undefined,
    unansweredSince: undefined,
    saidAt: undefined,
    details: { ...firstDetails(500), person: 'p_0' },
  }
}

/** Types of the records that a command makes, or the code of its error. */
function outcome(name: CommandName, actor: Actor, head: Head): string {
  try {
    return planCommand(SAMPLES[name], actor, head, CONTEXT)
      .map(({ type }) => type)
      .join()
  } catch (error) {
    assert.ok(isKefuError(error), String(error))
    return error.code
  }
}

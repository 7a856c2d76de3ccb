import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import type { Command } from '../../../src/codec/wire-commands.js'
import { createQueueHandlers } from '../../../src/daemon/control/queue-handlers.js'
import { type ErrorCode, isKefuError } from '../../../src/errors.js'
import { type Peer, Rig } from './rig.js'

type Told = { readonly code: unknown; readonly message: unknown; readonly hint: unknown }

/** Commands that are refused, of which conversation, and how. */
const REFUSALS: readonly (readonly [of: 'open' | 'closed' | 'unknown', command: Command, code: ErrorCode])[] = [
  ['unknown', { do: 'close' }, 'KEFU_CONVERSATION_NOT_FOUND'],
  ['open', { do: 'assign', agent: 'nobody' }, 'KEFU_AGENT_NOT_FOUND'],
  ['open', { do: 'transfer', agent: 'nobody' }, 'KEFU_AGENT_NOT_FOUND'],
  ['open', { do: 'transfer', team: 'nowhere' }, 'KEFU_TEAM_NOT_FOUND'],
  ['open', { do: 'update', set: { team: 'nowhere' } }, 'KEFU_TEAM_NOT_FOUND'],
  ['open', { do: 'assign', agent: 'full' }, 'KEFU_AGENT_UNAVAILABLE'],
  ['open', { do: 'transfer', agent: 'absent' }, 'KEFU_AGENT_UNAVAILABLE'],
  ['closed', { do: 'assign', agent: 'li' }, 'KEFU_CONVERSATION_STATE'],
  ['closed', { do: 'requeue' }, 'KEFU_CONVERSATION_STATE'],
  ['open', { do: 'rate', score: 5 }, 'KEFU_COMMAND_REFUSED'],
]

test('what cannot be done is refused with the same code and the same words at a socket and at the control socket', async () => {
  const rig = await Rig.create()
  await rig.agents.add('absent')
  const open = await converse(rig)
  const closed = await converse(rig)
  await rig.agent('li')
  await rig.agent('full')
  await rig.agents.set('full', { capacity: { total: 1, perKind: { web: 0 } } })
  const boss = await rig.agent('boss')
  await rig.agents.set('boss', { role: 'supervisor' })
  await rig.settle()
  await rig.engine.commands.run(closed, { role: 'operator' }, { do: 'close' })
  const conversations = { open, closed, unknown: rig.tokens.conversationId(1, 'v_nobody') }
  const { agents, channels, teams, clock } = rig
  const { queue, commands } = rig.engine
  const handlers = createQueueHandlers({
    agents,
    channels,
    teams,
    clock,
    queue,
    commands,
    simulator: { run: () => assert.fail() },
  })
  for (const [of, command, code] of REFUSALS) {
    const conversation = conversations[of]
    const atSocket = await askSocket(rig, boss.peer, conversation, command)
    assert.equal(atSocket.code, code, JSON.stringify(command))
    assert.ok(String(atSocket.message).length > 10 && String(atSocket.hint).length > 10)
    await assert.rejects(
      async () => handlers['queue.command']({ conversation, command }),
      error => {
        assert.ok(isKefuError(error))
        assert.deepEqual([error.code, error.message], [atSocket.code, atSocket.message])
        return true
      },
    )
  }
  await rig.stop()
})

test('choices are for contacts to pick from, not to send', async () => {
  const rig = await Rig.create()
  const { peer, conversation } = await rig.visitor()
  const li = await rig.agent('li')
  await rig.say(peer, 'm1')
  await rig.settle()
  const parts = [{ type: 'choices', text: 'Which?', choices: [{ id: 'a', label: 'This' }] }] as const
  rig.send(peer, 'message', { id: 'c1', parts })
  const { body } = await rig.receive(peer, 'error')
  assert.deepEqual([body.code, body.id], ['KEFU_FRAME_INVALID', 'c1'])
  rig.send(li.peer, 'message', { id: 'c2', conversation, parts })
  await rig.receive(li.peer, 'ack')
  const told = await rig.receive(peer, 'deliver', deliver => 'id' in (deliver.body.record as object))
  assert.deepEqual((told.body.record as { parts: unknown }).parts, parts)
  await rig.stop()
})

async function converse(rig: Rig): Promise<ConversationId> {
  const { peer, conversation } = await rig.visitor()
  await rig.say(peer, 'm1')
  return conversation
}

async function askSocket(rig: Rig, peer: Peer, conversation: ConversationId, command: Command): Promise<Told> {
  rig.send(peer, 'command', { conversation, command })
  const { code, message, hint } = (await rig.receive(peer, 'error')).body
  return { code, message, hint }
}

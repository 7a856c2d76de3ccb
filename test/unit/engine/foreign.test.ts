import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import type { ClientBodies, ClientKind } from '../../../src/codec/wire.js'
import type { Command } from '../../../src/codec/wire-commands.js'
import type { Actor } from '../../../src/daemon/core/commands.js'
import { type Peer, Rig } from './rig.js'

/**
 * Every frame that names a conversation, as whoever has it might send it. A new kind, or a new command, belongs here. Of searches, which name it in their filter,
 * `searches.test.ts` shows it.
 */
const FRAMES: {
  readonly [K in Exclude<ClientKind, 'hello' | 'presence' | 'inbox' | 'command' | 'search'>]: ClientBodies[K]
} = {
  message: { id: 'x', parts: [{ type: 'text', text: 'x' }] },
  ack: { n: 1 },
  read: { n: 1 },
  typing: { on: true },
  history: { after: 0 },
  media: { media: `md_${'0'.repeat(26)}` },
  listen: { conversation: '', on: true },
  contact: { conversation: '' },
  canned: { conversation: '' },
}

const COMMANDS: { readonly [N in Command['do']]: Extract<Command, { readonly do: N }> } = {
  accept: { do: 'accept' },
  decline: { do: 'decline' },
  takeOver: { do: 'takeOver' },
  assign: { do: 'assign', agent: 'owner' },
  transfer: { do: 'transfer', team: 'vip' },
  requeue: { do: 'requeue' },
  snooze: { do: 'snooze', until: 9_000_000_000_000 },
  wake: { do: 'wake' },
  close: { do: 'close' },
  reopen: { do: 'reopen' },
  note: { do: 'note', text: 'x' },
  rate: { do: 'rate', score: 1 },
  update: { do: 'update', set: { priority: 'urgent' } },
  link: { do: 'link', with: 'c_4XMA1TJDW9KHBYM6TGDPS39T44' },
  unlink: { do: 'unlink' },
}

const ATTEMPTS: readonly (readonly [ClientKind, object])[] = [
  ...(Object.entries(FRAMES) as [ClientKind, object][]),
  ...Object.values(COMMANDS).map(command => ['command', { command }] as const),
]

/** What its owner has done to the conversation. */
const STATES: { readonly [state: string]: (rig: Rig, conversation: ConversationId, owner: Actor) => Promise<unknown> } =
  {
    active: async () => undefined,
    async waiting(rig, conversation) {
      await rig.agents.set('owner', { capacity: { total: 1, perKind: { web: 0 } } })
      await rig.engine.commands.run(conversation, { role: 'operator' }, { do: 'requeue' })
    },
    snoozed: (rig, conversation, owner) => rig.engine.commands.run(conversation, owner, COMMANDS.snooze),
    closed: (rig, conversation, owner) => rig.engine.commands.run(conversation, owner, COMMANDS.close),
    bot: async () => undefined,
  }

/** A conversation of the agent `owner`, the only member of the team `vip`, in a state; and everybody whose it is not. */
async function setUp(state: string) {
  const rig = await Rig.create()
  const past = await rig.agent('past')
  const owner = await rig.agent('owner')
  await rig.teams.add('vip', { members: ['owner'] })
  const victim = await rig.visitor()
  if (state === 'bot') {
    const helper = await rig.agent('helper')
    await rig.agents.set('helper', { role: 'bot' })
    await rig.channels.set('site', { bot: helper.id })
    await rig.agents.set('past', { capacity: { total: 1, perKind: { web: 0 } } })
  } else await rig.agents.set('owner', { capacity: { total: 1, perKind: { web: 0 } } })
  await rig.say(victim.peer, 'm1')
  await rig.settle()
  await rig.agents.set('owner', { capacity: null })
  const { conversation } = victim
  if (state !== 'bot') {
    const by: Actor = { role: 'agent', id: past.id, name: 'past', isSupervisor: false }
    await rig.engine.commands.run(conversation, by, { do: 'transfer', team: 'vip' })
    await rig.settle()
    await STATES[state]!(rig, conversation, { role: 'agent', id: owner.id, name: 'owner', isSupervisor: false })
    await rig.settle()
  }
  const other = await rig.agent('other')
  const robot = await rig.agent('robot')
  await rig.agents.set('robot', { role: 'bot' })
  const { peer: app } = await rig.greet({ token: rig.appToken })
  const { peer: visitor } = await rig.visitor()
  await rig.settle()
  const intruders: Record<string, Peer> = { visitor, app, agent: other.peer, past: past.peer, bot: robot.peer }
  return { rig, victim, owner, conversation, intruders }
}

describe('of a foreign conversation every frame and every command is answered as of one that does not exist', () => {
  for (const state of Object.keys(STATES))
    test(`in the state ${state}, to visitors, apps, agents, its agent before, bots`, async () => {
      const { rig, victim, owner, conversation, intruders } = await setUp(state)
      const before = await rig.store.log.head(conversation)
      assert.equal(before?.state, state)
      const heard = () => [victim.peer, owner.peer].map(({ frames }) => frames.length)
      const heardBefore = heard()
      const unknown = rig.tokens.conversationId(1, 'v_nobody')
      for (const [role, peer] of Object.entries(intruders)) {
        peer.frames.length = 0
        for (const [kind, body] of ATTEMPTS) {
          const what = `${role}: ${kind} ${JSON.stringify(body)}`
          const answers: object[] = []
          for (const named of [conversation, unknown]) {
            rig.send(peer, kind, { ...body, conversation: named } as never)
            const { body: error } = await rig.receive(peer, 'error')
            answers.push(error)
          }
          assert.deepEqual(answers[0], answers[1], what)
          const { code } = answers[0] as { readonly code: string }
          const isOfAgents = kind === 'listen' || kind === 'contact' || kind === 'canned'
          const expected = isOfAgents && (role === 'visitor' || role === 'app') ? 'UNEXPECTED' : 'NOT_FOUND'
          assert.ok(code.endsWith(expected), `${what}: ${code}`)
        }
        await rig.settle()
        assert.deepEqual(peer.frames, [], `${role} hears nothing else`)
        assert.equal(peer.closedWith, undefined)
      }
      assert.deepEqual(await rig.store.log.head(conversation), before, 'nothing was appended')
      assert.deepEqual(heard(), heardBefore, 'whose it is hears nothing of it')
      assert.deepEqual(rig.reported, [])
      await rig.stop()
    })
})

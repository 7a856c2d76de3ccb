import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConversationId, formatConversationId } from '../../src/codec/conversation-id.js'
import type { RecordBody } from '../../src/daemon/core/records.js'
import { createAgents } from '../../src/daemon/engine/registry/agents.js'
import { createChannels } from '../../src/daemon/engine/registry/channels.js'
import { createTeams } from '../../src/daemon/engine/registry/teams.js'
import { PresenceLog } from '../../src/daemon/engine/routing/presence-log.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { createManualClock } from './manual-clock.js'

/** From being given a conversation to the first answer. */
const ANSWER_MS = 8_000

/** How a business was that is recorded. */
export type RecordedBusiness = {
  readonly conversations: number
  /** Another one arrives after this time; each takes an agent this long. */
  readonly arrivalMs: number
  readonly serviceMs: number
}

/**
 * Makes a home whose store holds some hours of a team `billing`: li and wang, one conversation at a time each, first come, first served. It ends at the present. The
 * third agent, zhou, was there as well, in no team.
 */
export async function recordBusiness(home: string, business: RecordedBusiness): Promise<void> {
  const { conversations, arrivalMs, serviceMs } = business
  const spanMs = (conversations + 2) * Math.max(arrivalMs, serviceMs / 2) + 60_000
  const clock = createManualClock(Date.now() - spanMs)
  mkdirSync(home, { recursive: true, mode: 0o700 })
  writeFileSync(join(home, 'server.secret'), randomBytes(32), { mode: 0o600 })
  const store = await openLevelStore({ path: join(home, 'store'), clock })
  const { directory, log } = store
  const random = (length: number): Uint8Array => randomBytes(length)
  const fail = (error: unknown): never => {
    throw error
  }
  const agents = await createAgents({ directory, clock, random })
  const channels = await createChannels({ directory, clock, random })
  const teams = await createTeams({ directory, clock, random, agents, channels, report: fail })
  for (const name of ['li', 'wang', 'zhou']) {
    await agents.add(name)
    await agents.set(name, { capacity: { total: 1 } })
  }
  const { team } = await teams.add('billing', { members: ['li', 'wang'] })
  const { channel } = await channels.add({ name: 'site', kind: 'web', origins: [], team: team.id })
  const presence = new PresenceLog({ directory, clock, report: fail })
  await presence.start()
  for (const { id } of agents.list()) presence.changed(id, 'online')
  clock.advance(10_000)

  const startMs = clock.monotonicMs()
  const moves: { readonly atMs: number; readonly conversation: ConversationId; readonly bodies: RecordBody[] }[] = []
  const free = ['li', 'wang'].map(name => ({ ...agents.show(name), atMs: 0 }))
  for (let i = 0; i < conversations; i++) {
    const conversation = formatConversationId(randomBytes(16))
    const askedMs = i * arrivalMs
    const agent = free.reduce((first, other) => (other.atMs < first.atMs ? other : first))
    const servedMs = Math.max(askedMs, agent.atMs) + 5
    agent.atMs = servedMs + serviceMs
    const contact = { role: 'contact' } as const
    const { id, name } = agent
    moves.push(
      {
        atMs: askedMs,
        conversation,
        bodies: [{ type: 'message', by: contact, id: 'm1', parts: [{ type: 'text', text: 'hi' }] }],
      },
      {
        atMs: servedMs,
        conversation,
        bodies: [{ type: 'assigned', by: { role: 'system' }, agent: id, name, reasons: ['least-active'] }],
      },
      {
        atMs: servedMs + ANSWER_MS,
        conversation,
        bodies: [
          { type: 'message', by: { role: 'agent', id, name }, id: 'm2', parts: [{ type: 'text', text: 'yes' }] },
        ],
      },
      {
        atMs: agent.atMs,
        conversation,
        bodies: [{ type: 'closed', by: { role: 'agent', id }, reason: 'agent', from: id }],
      },
    )
  }
  moves.sort((a, b) => a.atMs - b.atMs)
  for (const { atMs, conversation, bodies } of moves) {
    clock.advance(Math.max(0, startMs + atMs - clock.monotonicMs()))
    const { number, kind } = channel
    const opening = {
      type: 'opened',
      channel: number,
      kind,
      egress: 'socket',
      contact: conversation,
      team: team.id,
    } as const
    await log.append(conversation, bodies, { opening })
  }
  clock.advance(5_000)
  await presence.close()
  await store.close()
}

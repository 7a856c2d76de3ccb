import type { TestContext } from 'node:test'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { LogPort } from '../../src/daemon/core/ports.js'
import type { OpenedBody, RecordBody } from '../../src/daemon/core/records.js'
import { createMemoryStore } from '../../src/daemon/store/memory/store.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { openRig } from './harness.js'

/** A control socket over a log with a clock of its own, and the channels `shop` (number 1) and `app` (number 2). */
export async function openHistory(t: TestContext) {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  const log = store.log
  let tails = 0
  const records: LogPort = {
    append: (...call) => log.append(...call),
    head: id => log.head(id),
    cachedHead: id => log.cachedHead(id),
    read: (...call) => log.read(...call),
    readAt: seqs => log.readAt(seqs),
    cursor: () => log.cursor(),
    committedAtMs: () => log.committedAtMs(),
    tail: (...call) => {
      tails++
      return log.tail(...call)
    },
  }
  const rig = await openRig(t, { records, store, outbox: store.outbox, view: store.view, clock })
  await rig.client.call('channel.add', { kind: 'web', name: 'shop' })
  await rig.client.call('channel.add', { kind: 'app', name: 'app' })
  const idOf = (channel: number, contact: string): ConversationId => rig.ports.tokens.conversationId(channel, contact)
  const append = (channel: number, contact: string, ...bodies: RecordBody[]) => {
    const opening: OpenedBody = {
      type: 'opened',
      channel,
      kind: channel === 1 ? 'web' : 'app',
      egress: 'socket',
      contact,
    }
    return store.log.append(idOf(channel, contact), bodies, { opening })
  }
  /** How often the log has been followed. */
  return { ...rig, clock, store, idOf, append, tails: () => tails }
}

/** A message of a contact. */
export function says(text: string): RecordBody {
  return { type: 'message', by: { role: 'contact' }, parts: [{ type: 'text', text }] }
}

/** A message of an agent. */
export function answers(agent: string, text: string): RecordBody {
  return { type: 'message', by: { role: 'agent', id: agent, name: agent }, parts: [{ type: 'text', text }] }
}

/** Everything that a stream tells. */
export async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const event of events) found.push(event)
  return found
}

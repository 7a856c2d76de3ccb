import type { ConversationId } from '../../codec/conversation-id.js'
import type { RecordStamp } from '../../codec/record.js'
import { KefuError } from '../../errors.js'
import type { Head, RecordBody } from './model.js'

/** The conversation reducer: pure, so that any replay of the log gives the same heads. */

/**
 * The head after one more record. Throws `KEFU_CONVERSATION_NOT_FOUND` when the first record is not `opened`, and
 * `KEFU_STORE_CONFLICT` when `opened` comes again.
 */
export function reduce(conversation: ConversationId, head: Head | null, stamp: RecordStamp, body: RecordBody): Head {
  if (head === null) {
    if (body.type !== 'opened') throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
    return {
      conversation,
      n: stamp.n,
      seq: stamp.seq,
      at: stamp.at,
      channel: body.channel,
      kind: body.kind,
      egress: body.egress,
      contact: body.contact,
      name: body.name,
      state: 'new',
      agent: undefined,
      waitingSince: stamp.at,
    }
  }
  let { state, agent, waitingSince } = head
  switch (body.type) {
    case 'opened':
      throw new KefuError('KEFU_STORE_CONFLICT', { expected: 0, actual: head.n })
    case 'message':
      break
    case 'queued':
      state = 'waiting'
      agent = undefined
      waitingSince = body.since
      break
    case 'assigned':
      state = 'active'
      agent = body.agent
      waitingSince = undefined
      break
    default:
      body satisfies never
  }
  return {
    conversation,
    n: stamp.n,
    seq: stamp.seq,
    at: stamp.at,
    channel: head.channel,
    kind: head.kind,
    egress: head.egress,
    contact: head.contact,
    name: head.name,
    state,
    agent,
    waitingSince,
  }
}

/** Owner name of an agent's inbox. */
export function agentOwner(agent: string): string {
  return `a:${agent}`
}

/** Owner name of an app channel's inbox. */
export function channelOwner(channel: number): string {
  return `ch:${channel}`
}

/** The inboxes that a conversation belongs to in this state. */
export function owners(head: Head): readonly string[] {
  const channel = head.kind === 'app' ? [channelOwner(head.channel)] : []
  return head.agent === undefined ? channel : [...channel, agentOwner(head.agent)]
}

/** The outbox lane that a record must go out through, if any: what agents (and the system) write to contacts of a platform. */
export function outboxLane(head: Head, body: RecordBody): string | undefined {
  if (body.type !== 'message' || body.by.role === 'contact') return undefined
  return head.egress === 'outbox' ? channelOwner(head.channel) : undefined
}

/** Whose ids a record's id is compared with: a contact's resends never compete with an agent's. */
export function dedupeSide(body: RecordBody): 'contact' | 'staff' {
  return body.type === 'message' && body.by.role !== 'contact' ? 'staff' : 'contact'
}

import { z } from 'zod'
import { commandSchema } from '../../codec/command-schema.js'
import { isConversationId } from '../../codec/conversation-id.js'
import { PRIORITIES } from '../../codec/wire-commands.js'
import { QUEUE_SORTS, QUEUE_STATES } from './queue-vocabulary.js'
import { pageRequest } from './schemas.js'

/** What the control socket takes and tells of the queue. Agents, teams and channels are named; instants are epoch ms. */

const instant = z.int()
const count = z.int().min(0)
const text = z.string().min(1).max(200)
const conversation = z.string().refine(isConversationId, 'must be a conversation id')

const author = z
  .object({ role: z.string(), id: z.string().exactOptional(), name: z.string().exactOptional() })
  .readonly()

const lastMessage = z.object({ by: author, at: instant, text: z.string() }).readonly()

const row = {
  conversation: z.string(),
  state: z.string(),
  channel: z.string(),
  contact: z.string(),
  name: z.string().exactOptional(),
  team: z.string().exactOptional(),
  priority: z.enum(PRIORITIES),
  agent: z.string().exactOptional(),
  /** While it waits. */
  waitingSince: instant.exactOptional(),
  unansweredSince: instant.exactOptional(),
  lastMessage: lastMessage.exactOptional(),
  n: count,
  at: instant,
}

/** A conversation in the queue. */
export const queueRow = z.object(row).readonly()

/** Everything about one conversation. */
export const queueEntry = z
  .object({
    ...row,
    /** How many of its team have their turn before it. */
    ahead: count.exactOptional(),
    episode: count,
    openedAt: instant,
    answeredAt: instant.exactOptional(),
    snoozedUntil: instant.exactOptional(),
    /** What its platform takes since the contact did something last. */
    window: z.object({ until: instant, messages: count }).readonly().exactOptional(),
    subject: z.string().exactOptional(),
    language: z.string().exactOptional(),
    tags: z.array(z.string()).readonly(),
    requires: z.record(z.string(), z.int()).readonly(),
    prefers: z.array(z.string()).readonly(),
    declinedBy: z.array(z.string()).readonly(),
    lastAgent: z.string().exactOptional(),
    rating: z.int().exactOptional(),
    attributes: z.record(z.string(), z.string()).readonly(),
  })
  .readonly()

/** Of all that are not closed. */
export const queueTotals = z
  .object({
    waiting: count,
    bot: count,
    active: count,
    snoozed: count,
    agentsOnline: count,
    oldestSince: instant.exactOptional(),
  })
  .readonly()

const decision = z
  .object({
    n: count,
    at: instant,
    type: z.enum(['queued', 'assigned']),
    by: author,
    agent: z.string().exactOptional(),
    reasons: z.array(z.string()).readonly(),
  })
  .readonly()

/** Why a conversation is where it is. */
export const queueExplanation = z
  .object({
    conversation: z.string(),
    state: z.string(),
    agent: z.string().exactOptional(),
    team: z.string().exactOptional(),
    decisions: z.array(decision).readonly(),
    now: z
      .object({
        ahead: count,
        reasons: z.array(z.string()).readonly(),
        agents: z.array(z.object({ name: z.string(), obstacle: z.string().exactOptional() }).readonly()).readonly(),
      })
      .readonly()
      .exactOptional(),
  })
  .readonly()

/** A page of the queue. `maxAgeMs`: how old the answer may be; views that are drawn again and again share one. */
export const queueListRequest = pageRequest(QUEUE_SORTS).extend({
  states: z.array(z.enum(QUEUE_STATES)).min(1).max(QUEUE_STATES.length).default(['waiting']),
  channel: text.exactOptional(),
  team: text.exactOptional(),
  agent: text.exactOptional(),
  priority: z.enum(PRIORITIES).exactOptional(),
  maxAgeMs: z.int().min(0).max(10_000).default(0),
})

/** A request about one conversation. */
export const ofConversation = z.strictObject({ conversation })

/** A command of an operator. */
export const queueCommand = z.strictObject({ conversation, command: commandSchema })

/** What became of it. */
export const queueDone = z.object({ conversation: z.string(), n: count, changed: z.boolean() }).readonly()

/** A conversation in the queue. */
export type QueueRowView = z.infer<typeof queueRow>
/** Everything about one conversation. */
export type QueueEntryView = z.infer<typeof queueEntry>
/** Of all that are not closed. */
export type QueueTotalsView = z.infer<typeof queueTotals>
/** Why a conversation is where it is. */
export type QueueExplanationView = z.infer<typeof queueExplanation>

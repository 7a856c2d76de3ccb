import { z } from 'zod'
import { parseMessageId } from '../../codec/message-id.js'
import { OUTBOX_MESSAGES_LIMIT, OUTBOX_STANDINGS } from './outbox-vocabulary.js'

/** What the control socket takes and tells of the outbox. Channels are named; instants are epoch ms. */

const instant = z.int()
const count = z.int().min(0)

/** How many messages stand where. */
export const outboxTotals = z
  .object({ due: count, retrying: count, sending: count, parked: count, unknown: count, dead: count })
  .readonly()

/** A message in the outbox. */
export const outboxRow = z
  .object({
    /** What `retry` and `drop` take. */
    id: z.string(),
    conversation: z.string(),
    n: count,
    /** The number of one that was removed. */
    channel: z.string(),
    contact: z.string(),
    name: z.string().exactOptional(),
    state: z.enum(OUTBOX_STANDINGS),
    attempts: count,
    /** While it is retrying. */
    retryAt: instant.exactOptional(),
    /** Why the last attempt that ended did not succeed. */
    reason: z.string().exactOptional(),
    /** When it was written. */
    at: instant,
    text: z.string(),
  })
  .readonly()

/** A page of the outbox, in the order in which messages were written. */
export const outboxListRequest = z.strictObject({
  limit: z.int().min(1).max(1000).default(100),
  cursor: z.string().max(1000).optional(),
  /** A name, or the number of a channel that was removed. */
  channel: z.string().min(1).max(200).exactOptional(),
  states: z.array(z.enum(OUTBOX_STANDINGS)).min(1).max(OUTBOX_STANDINGS.length).exactOptional(),
})

const messages = z
  .array(z.string().refine(id => parseMessageId(id) !== undefined, 'must be ids of messages, CONVERSATION:NUMBER'))
  .min(1)
  .max(OUTBOX_MESSAGES_LIMIT)

/** Messages to be given up. */
export const outboxDrop = z.strictObject({ messages })

/** Messages to be tried again. `mayRepeat`: also those that may have been sent. */
export const outboxRetry = z.strictObject({ messages, mayRepeat: z.boolean().default(false) })

/** What became of each, in the order of the request. */
export const outboxDone = z
  .object({
    messages: z.array(
      z
        .object({
          id: z.string(),
          changed: z.boolean(),
          error: z.object({ code: z.string(), message: z.string(), hint: z.string() }).readonly().exactOptional(),
        })
        .readonly(),
    ),
  })
  .readonly()

/** A message in the outbox. */
export type OutboxRowView = z.infer<typeof outboxRow>
/** How many messages stand where. */
export type OutboxTotalsView = z.infer<typeof outboxTotals>

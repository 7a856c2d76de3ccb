import { z } from 'zod'
import { HISTORY_TYPES, IMPORT_LINES_LIMIT, STATS_GROUPS, TRACE_STEPS } from './history-vocabulary.js'

/** What the control socket takes and tells of the history. Channels are named; instants are epoch ms. */

const number = z.int().min(0)
const ref = z.string().min(1).max(1_000)

/** A record, and what its conversation is. `body` is as it was stored. */
export const historyRecord = z
  .object({
    type: z.literal('record'),
    conversation: z.string(),
    n: number,
    seq: number,
    at: z.int(),
    channel: z.string(),
    kind: z.string(),
    contact: z.string(),
    name: z.string().exactOptional(),
    /** Its content was removed. */
    forgotten: z.literal(true).exactOptional(),
    body: z.looseObject({ type: z.string() }),
  })
  .readonly()

/** `ref`: the id of a conversation, or CHANNEL/CONTACT. `after` and `before` are numbers of records; both are left out themselves. */
export const showRequest = z.strictObject({
  ref,
  after: number.exactOptional(),
  before: number.exactOptional(),
  limit: z.int().min(1).max(1_000_000).default(100),
  /** Also what is no message. */
  all: z.boolean().default(false),
  follow: z.boolean().default(false),
})

const text = z.string().min(1).max(200)
const instant = z.int().min(0)
const types = z.array(z.enum(HISTORY_TYPES)).min(1).max(HISTORY_TYPES.length)

/** What is meant of the log. `channel` is its name, or the number of one that was removed; `types` are those of records. */
const filter = {
  channel: text.exactOptional(),
  agent: text.exactOptional(),
  types: types.exactOptional(),
  since: instant.exactOptional(),
}

/** A request for what is appended; with `since` also for what was. */
export const tailRequest = z.strictObject(filter)

/** A request for everything, or some of it. `conversation`: as `ref`; `contact`: its id on the channel, or on any. `after`: the cursor of an earlier export. */
export const exportRequest = z.strictObject({
  ...filter,
  conversation: ref.exactOptional(),
  contact: ref.exactOptional(),
  until: instant.exactOptional(),
  after: z.string().max(40).exactOptional(),
})

/** Of positions of the log. */
const progress = z.object({ type: z.literal('progress'), done: number, total: number }).readonly()

/** `cursor`: an export after it tells what has come since. */
const end = z.object({ type: z.literal('end'), cursor: z.string(), records: number }).readonly()

/** An event of an export. */
export const exportEvent = z.discriminatedUnion('type', [historyRecord, progress, end])

/** A request for the way of a message: number `n` of a conversation, which is named as `ref`. */
export const traceRequest = z.strictObject({ ref, n: z.int().min(1) })

/** A message, and what is known of the stations on its way. */
export const traceAnswer = z
  .object({
    message: z.string(),
    conversation: z.string(),
    n: number,
    channel: z.string(),
    kind: z.string(),
    contact: z.string(),
    by: z.object({ role: z.string(), id: z.string().exactOptional(), name: z.string().exactOptional() }).readonly(),
    text: z.string(),
    steps: z
      .array(
        z
          .object({
            step: z.enum(TRACE_STEPS),
            /** `none`: there is no such station on its way; `unknown`: it was not kept. */
            state: z.enum(['done', 'open', 'failed', 'none', 'unknown']),
            at: z.int().exactOptional(),
            detail: z.string(),
            agent: z.string().exactOptional(),
            reasons: z.array(z.string()).readonly().exactOptional(),
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly()

/** What is counted, and by what. `offsetMinutes`: how far its days are from those of UTC. */
export const statsRequest = z.strictObject({
  ...filter,
  until: instant.exactOptional(),
  by: z.array(z.enum(STATS_GROUPS)).min(1).max(STATS_GROUPS.length),
  offsetMinutes: z.int().min(-1_440).max(1_440).default(0),
})

/** `bytes` are those of the stored records. `omitted`: records whose keys had no room. */
const statsResult = z
  .object({
    type: z.literal('result'),
    by: z.array(z.enum(STATS_GROUPS)).readonly(),
    rows: z
      .array(
        z.object({ key: z.array(z.string()).readonly(), records: number, messages: number, bytes: number }).readonly(),
      )
      .readonly(),
    records: number,
    omitted: number,
  })
  .readonly()

/** An event of counting. */
export const statsEvent = z.discriminatedUnion('type', [progress, statsResult])

/** Lines of an export as they stand in it. `channels`: names there, and those that are meant here. */
export const importRequest = z.strictObject({
  lines: z.array(z.unknown()).min(1).max(IMPORT_LINES_LIMIT),
  channels: z.record(text, text).default({}),
  dryRun: z.boolean().default(false),
})

/** What became of the lines. What was left out is named by the line, or by the conversation and the first of its records that could not follow. */
export const importAnswer = z
  .object({
    imported: number,
    present: number,
    problems: z
      .array(
        z.union([
          z.object({ index: number, reason: z.string() }).readonly(),
          z.object({ conversation: z.string(), n: number, records: number, reason: z.string() }).readonly(),
        ]),
      )
      .readonly(),
  })
  .readonly()

/** The way of a message. */
export type HistoryTraceView = z.infer<typeof traceAnswer>
/** A record and what its conversation is. */
export type HistoryRecordView = z.infer<typeof historyRecord>

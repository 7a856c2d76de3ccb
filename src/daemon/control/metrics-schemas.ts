import { z } from 'zod'
import { HOOK_STATES } from './hook-vocabulary.js'
import { laneCounts } from './lane-operations.js'
import { outboxTotals } from './outbox-schemas.js'
import { queueTotals } from './queue-schemas.js'
import { searchStatus } from './search-schemas.js'

/** What the control socket tells of what a daemon does. Counters grow from its start on; whoever wants rates takes two readings. */

const count = z.int().min(0)
/** Pairs of the largest value of a bucket, in microseconds, and how many it has; empty buckets are left out. */
const buckets = z.array(z.tuple([count, count]).readonly()).readonly()

const slowConsumer = z
  .object({
    role: z.enum(['visitor', 'agent', 'app']),
    /** Name of the agent, or of the channel. */
    name: z.string(),
    forMs: count,
    bufferedBytes: count,
  })
  .readonly()

const lane = z
  .object({
    /** Name of the channel; the number of one that was removed. */
    channel: z.string(),
    totals: outboxTotals,
  })
  .readonly()

/** A channel behind a platform. */
const channel = z
  .object({
    channel: z.string(),
    counts: laneCounts,
    /** Callbacks on their way to disk, and conversations that are sent to. */
    inFlight: count,
    sending: count,
    outbox: outboxTotals,
    isInPaused: z.boolean(),
    isOutPaused: z.boolean(),
    /** While nothing goes out by itself: since when, epoch ms. */
    restingSince: z.number().exactOptional(),
  })
  .readonly()

const hook = z
  .object({
    hook: z.string(),
    state: z.enum(HOOK_STATES),
    delivered: count,
    failed: count,
    dead: count,
    lag: count,
  })
  .readonly()

/** A bot that is called. */
const bot = z.object({ bot: z.string(), isUp: z.boolean(), answered: count, silent: count, failed: count }).readonly()

/** A reading. */
export const metricsReading = z
  .object({
    /** Of this process: another one after a restart, and all counters begin anew. */
    instance: z.string(),
    pid: z.int(),
    version: z.string(),
    home: z.string(),
    state: z.enum(['starting', 'running', 'draining']),
    /** On the monotonic clock: what counters are divided by. */
    uptimeMs: z.number().min(0),
    /** Messages on disk by who wrote them. */
    accepted: z.object({ contacts: count, agents: count, apps: count }).readonly(),
    /** Records sent as they were written, and from the log to those who had missed them. */
    delivered: z.object({ live: count, caughtUp: count }).readonly(),
    /** Frames refused because of a limit, and other errors told to clients. */
    refused: count,
    errors: count,
    /** From a message's frame to its acknowledgement. */
    append: buckets,
    /** From a record's commit to its frame. */
    deliver: buckets,
    eventLoop: buckets,
    cpuUs: count,
    rssBytes: count,
    sockets: z.object({ open: count, visitors: count, agents: count, apps: count, limit: count }).readonly(),
    /** Sessions that read too slowly: how many, and the ones that have for longest. */
    slow: z.object({ count, worst: z.array(slowConsumer).readonly() }).readonly(),
    queue: queueTotals,
    /** Lanes of the outbox that have messages, and how many stand where. */
    outbox: z.array(lane).readonly(),
    search: searchStatus,
    /** Channels behind platforms, the first 500 by number; all hooks; bots that are called, the first 500 by name. */
    channels: z.array(channel).readonly(),
    hooks: z.array(hook).readonly(),
    bots: z.array(bot).readonly(),
    store: z
      .object({ state: z.string(), records: count, sizeBytes: count, commits: count, committedRecords: count })
      .readonly(),
  })
  .readonly()

/** A reading. */
export type MetricsReading = z.infer<typeof metricsReading>
/** A session that reads too slowly. */
export type SlowConsumerView = z.infer<typeof slowConsumer>

import { z } from 'zod'
import { outboxTotals } from './outbox-schemas.js'

const since = '0.1.0'
const name = z.string().min(1).max(200)
const count = z.number()
const wait = z.object({ reason: z.string(), since: z.number(), until: z.number() }).readonly()

/** What a channel behind a platform has done since the start of the daemon. */
export const laneCounts = z
  .object({
    received: count,
    duplicates: count,
    refused: count,
    deferred: count,
    sent: count,
    retried: count,
    failed: count,
    unknown: count,
    filesFetched: count,
    filesLost: count,
  })
  .readonly()

/** What a channel behind a platform lacks, and the path of its callback address. */
export const platformView = z
  .object({
    callbackPath: z.string(),
    missingSettings: z.array(z.string()).readonly(),
    missingCredentials: z.array(z.string()).readonly(),
    /** What keeps it from working besides. */
    problem: z.string().exactOptional(),
  })
  .readonly()

/** What a channel behind a platform lacks, and where its callbacks go. */
export type PlatformView = z.infer<typeof platformView>

const laneSettings = z.object({
  inLimit: z.int(),
  inPerSecond: z.number(),
  outConcurrency: z.int(),
  outPerSecond: z.number(),
  isInPaused: z.boolean(),
  isOutPaused: z.boolean(),
})

/** A lane as it works now. Instants are epoch ms. */
export const laneView = z
  .object({
    settings: laneSettings.readonly(),
    inFlight: count,
    sending: count,
    counts: laneCounts,
    outbox: outboxTotals,
    problem: z.string().exactOptional(),
    obstruction: wait.exactOptional(),
    pullProblem: wait.exactOptional(),
    lastRefusal: z.object({ reason: z.string(), at: z.number() }).readonly().exactOptional(),
  })
  .readonly()

/** A lane as it works now. */
export type LaneView = z.infer<typeof laneView>

/** The operations on the lanes of channels behind platforms: part of the one table. */
export const LANE_OPERATIONS = {
  'channel.lane': {
    summary: 'what goes in and out of a channel behind a platform, and its limits; changes them when some are named',
    request: z.strictObject({ name, change: laneSettings.partial().exactOptional() }),
    answer: z.object({ channel: z.string(), lane: laneView, changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'channel.test': {
    summary: 'has a channel check itself against its platform, and sends a text when a contact is named',
    request: z.strictObject({
      name,
      sendTo: z.string().min(1).max(128).exactOptional(),
      text: z.string().min(1).max(500).exactOptional(),
    }),
    answer: z.object({
      channel: z.string(),
      ok: z.boolean(),
      steps: z
        .array(
          z.object({
            step: z.string(),
            result: z.enum(['ok', 'failed', 'skipped']),
            reason: z.string().exactOptional(),
            nextStep: z.string().exactOptional(),
          }),
        )
        .readonly(),
    }),
    mutates: true,
    stream: false,
    since,
  },
} as const

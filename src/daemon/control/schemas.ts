import { z } from 'zod'
import { CHANNEL_KINDS, type ChannelKind } from '../core/model.js'

/** What the control socket takes and tells, as schemas. Answers pass through them, so that nothing leaves which is not written here. */

const instant = z.int()
const count = z.int().min(0)
/** A text that is checked in full where it is used. */
const name = z.string().min(1).max(200)

/** A token as it may be shown: the beginning of its digest, never the token. */
const tokenView = z.object({ fingerprint: z.string(), createdAt: instant }).readonly()

/** An agent as the outside sees it. */
export const agentView = z
  .object({ id: z.string(), name: z.string(), tokens: z.array(tokenView).readonly(), createdAt: instant })
  .readonly()

const channelKinds = Object.keys(CHANNEL_KINDS) as [ChannelKind, ...ChannelKind[]]

/** A channel as the outside sees it. */
export const channelView = z
  .object({
    number: z.int(),
    name: z.string(),
    kind: z.enum(channelKinds),
    origins: z.array(z.string()).readonly(),
    tokens: z.array(tokenView).readonly(),
    createdAt: instant,
  })
  .readonly()

/** A setting that differs from the one in use, both as they would be written. */
export const settingChange = z.object({ key: z.string(), from: z.string(), to: z.string() }).readonly()

/** A request that names one thing. */
export const named = z.strictObject({ name })

/** A request without fields. */
export const nothing = z.strictObject({})

/** A channel to be made. */
export const channelSpec = z.strictObject({
  name,
  kind: z.enum(channelKinds),
  origins: z.array(z.string().max(300)).max(64).default([]),
})

/** A page of a list: how many, after which cursor, in which order (`-` in front: descending). */
export function pageRequest<const S extends readonly [string, ...string[]]>(sorts: S) {
  return z.strictObject({
    limit: z.int().min(1).max(1000).default(100),
    cursor: z.string().max(1000).optional(),
    sort: z.enum(sorts).optional(),
  })
}

const finding = z
  .object({
    kind: z.string(),
    conversation: z.string().exactOptional(),
    n: z.int().exactOptional(),
    seq: z.int().exactOptional(),
    message: z.string(),
  })
  .readonly()

/** Facts about the store. */
export const storeInfo = z
  .object({
    engine: z.string(),
    path: z.string(),
    format: z.int(),
    records: count,
    sizeBytes: count,
    state: z.enum(['ready', 'full', 'failed', 'damaged']),
    damage: z.array(finding).readonly(),
    commits: count,
    committedRecords: count,
  })
  .readonly()

/** Events of a store check: progress, then one result. */
export const storeCheckEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), done: count, total: count }),
  z.object({
    type: z.literal('result'),
    deep: z.boolean(),
    records: count,
    conversations: count,
    findings: z.array(finding).readonly(),
  }),
])

/** The daemon on one screen. */
export const daemonStatus = z
  .object({
    state: z.enum(['starting', 'running', 'draining']),
    /** Whether messages are taken; if not, the code of what stands in the way (none while it starts). */
    ready: z.boolean(),
    notReady: z.string().nullable(),
    pid: z.int(),
    version: z.string(),
    node: z.string(),
    uptimeMs: count,
    home: z.string(),
    /** Network library in use; null while there is none. */
    transport: z.string().nullable(),
    address: z.object({ http: z.string().nullable(), socket: z.string().nullable() }).readonly(),
    /** `limit`: open at most, as the open-file limit allows. */
    connections: z.object({ open: count, visitors: count, agents: count, apps: count, limit: count }).readonly(),
    channels: count,
    agents: count,
    /** Conversations that wait for an agent, and that have one. */
    waiting: count,
    active: count,
    store: storeInfo,
    eventLoopDelay: z.object({ p50Ms: z.number(), p99Ms: z.number(), maxMs: z.number() }).readonly(),
    rssBytes: count,
    warnings: z.array(z.string()).readonly(),
  })
  .readonly()

/** The daemon on one screen. `address.socket` is the WebSocket URL. */
export type DaemonStatus = z.infer<typeof daemonStatus>
/** An agent as the outside sees it. */
export type AgentView = z.infer<typeof agentView>
/** A channel as the outside sees it. */
export type ChannelView = z.infer<typeof channelView>

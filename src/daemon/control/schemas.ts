import { z } from 'zod'
import { REPLY_OCCASIONS, type ReplyOccasion } from '../../codec/wire.js'
import { PRIORITIES } from '../../codec/wire-commands.js'
import { HOURS_LIMITS } from '../core/hours-spec.js'
import { AGENT_ROLES, type AgentRole, CHANNEL_KIND_NAMES } from '../core/model.js'
import { RETENTION_KINDS, type RetentionKind } from '../core/retention-kinds.js'
import { STRATEGIES, type Strategy } from '../core/routing.js'
import { TEAM_LIMITS } from '../core/team.js'
import { outboxTotals } from './outbox-schemas.js'
import { searchStatus } from './search-schemas.js'

/** What the control socket takes and tells, as schemas. Answers pass through them, so that nothing leaves which is not written here. */

const instant = z.int()
const count = z.int().min(0)
/** A text that is checked in full where it is used. */
const name = z.string().min(1).max(200)

/** A token as it may be shown: the beginning of its digest, never the token. */
const tokenView = z.object({ fingerprint: z.string(), createdAt: instant }).readonly()

const perKind = z.partialRecord(z.enum(CHANNEL_KIND_NAMES), count)
const levels = z.record(z.string().max(200), z.int())
const role = z.enum(Object.keys(AGENT_ROLES) as [AgentRole, ...AgentRole[]])

/** An agent as the outside sees it. Without a capacity the one of the configuration counts. */
export const agentView = z
  .object({
    id: z.string(),
    name: z.string(),
    role,
    teams: z.array(z.string()).readonly(),
    skills: levels.readonly(),
    languages: z.array(z.string()).readonly(),
    capacity: z.object({ total: count, perKind: perKind.readonly() }).readonly().exactOptional(),
    /** Where a bot is called, whether that works at this moment, and what came of the questions since the start of the daemon, or of the endpoint. */
    endpoint: z.string().exactOptional(),
    isUp: z.boolean().exactOptional(),
    calls: z
      .object({
        answered: count,
        silent: count,
        failed: count,
        lastError: z.object({ at: instant, reason: z.string() }).readonly().exactOptional(),
      })
      .readonly()
      .exactOptional(),
    tokens: z.array(tokenView).readonly(),
    createdAt: instant,
  })
  .readonly()

const occasion = z.enum(Object.keys(REPLY_OCCASIONS) as [ReplyOccasion, ...ReplyOccasion[]])

const settingValue = z.union([z.string().max(1_000), z.number(), z.boolean()])

const retentionKind = z.enum(Object.keys(RETENTION_KINDS) as [RetentionKind, ...RetentionKind[]])

/** A channel as the outside sees it. */
export const channelView = z
  .object({
    number: z.int(),
    name: z.string(),
    kind: z.enum(CHANNEL_KIND_NAMES),
    origins: z.array(z.string()).readonly(),
    /** Name of the team that its conversations go to. */
    team: z.string().exactOptional(),
    /** Name of the bot that gets what is new first. */
    bot: z.string().exactOptional(),
    language: z.string().exactOptional(),
    /** What kefu says by itself, by language and occasion. */
    replies: z.record(z.string(), z.partialRecord(occasion, z.string())).readonly().exactOptional(),
    idle: z.object({ warnAfterMs: count.exactOptional(), closeAfterMs: count }).readonly().exactOptional(),
    /** Days for which it keeps what was said, by kind; the others for ever. */
    retain: z.partialRecord(retentionKind, z.int()).readonly().exactOptional(),
    /** What was set of the settings that its kind has. */
    settings: z.record(z.string(), settingValue).readonly().exactOptional(),
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
  kind: z.enum(CHANNEL_KIND_NAMES),
  origins: z.array(z.string().max(300)).max(64).default([]),
  team: name.exactOptional(),
  settings: z.record(z.string().max(64), settingValue).exactOptional(),
})

/** Changes of a channel; a team or a bot of null: none. */
export const channelChange = z.strictObject({
  name,
  origins: z.array(z.string().max(300)).max(64).exactOptional(),
  team: name.nullable().exactOptional(),
  bot: name.nullable().exactOptional(),
  language: z.string().max(60).nullable().exactOptional(),
  replies: z
    .array(z.strictObject({ occasion, language: z.string().max(60), text: z.string().max(8_000).nullable() }))
    .max(200)
    .exactOptional(),
  idle: z
    .strictObject({ warnAfterMs: count.nullable().exactOptional(), closeAfterMs: count.exactOptional() })
    .nullable()
    .exactOptional(),
  settings: z.record(z.string().max(64), settingValue.nullable()).exactOptional(),
  /** Days; null: for ever. */
  retain: z.partialRecord(retentionKind, z.int().nullable()).exactOptional(),
})

/** Changes of an agent; a capacity of null: as the configuration says; an endpoint of null: it connects by itself. */
export const agentChange = z.strictObject({
  name,
  role: role.exactOptional(),
  skills: levels.exactOptional(),
  removeSkills: z.array(name).max(1000).exactOptional(),
  languages: z.array(name).max(1000).exactOptional(),
  endpoint: z.string().min(1).max(4_000).nullable().exactOptional(),
  capacity: z
    .strictObject({
      total: z.int().exactOptional(),
      perKind: perKind.exactOptional(),
      removeKinds: z.array(z.enum(CHANNEL_KIND_NAMES)).exactOptional(),
    })
    .nullable()
    .exactOptional(),
})

const strategies = Object.keys(STRATEGIES) as [Strategy, ...Strategy[]]
const durationMs = z.int().min(0).max(TEAM_LIMITS.durationMs)
const members = z.array(name).max(TEAM_LIMITS.members)
const responseTimes = { firstResponseMs: durationMs.exactOptional(), nextResponseMs: durationMs.exactOptional() }
const sla = z.strictObject({
  ...responseTimes,
  perPriority: z.partialRecord(z.enum(PRIORITIES), z.strictObject(responseTimes)).exactOptional(),
})
const span = z.strictObject({ from: z.string().max(10), to: z.string().max(10) })
const holiday = z.strictObject({
  from: z.string().max(20),
  to: z.string().max(20).exactOptional(),
  open: z.array(span).max(HOURS_LIMITS.open).readonly().exactOptional(),
  name: z.string().max(HOURS_LIMITS.nameCharacters).exactOptional(),
})
const holidays = z.array(holiday).max(HOURS_LIMITS.holidays)
/** Such as `Mon-Fri 09:00-18:00; Sat 10:00-16:00`. */
const weekly = z.string().max(4000)

/** A team as the outside sees it: by names. */
export const teamView = z
  .object({
    id: z.string(),
    name: z.string(),
    strategy: z.enum(strategies),
    stickyMs: durationMs,
    members: members.readonly(),
    hours: z.object({ timeZone: z.string(), weekly, holidays: holidays.readonly() }).readonly().exactOptional(),
    overflow: z.object({ team: z.string(), afterMs: durationMs }).readonly().exactOptional(),
    sla: sla.readonly().exactOptional(),
    createdAt: instant,
  })
  .readonly()

const teamSettings = {
  strategy: z.enum(strategies).exactOptional(),
  stickyMs: durationMs.exactOptional(),
  members: members.exactOptional(),
  hours: z
    .strictObject({
      timeZone: z.string().max(100).exactOptional(),
      weekly: weekly.exactOptional(),
      holidays: holidays.exactOptional(),
      removeHolidays: z.array(z.string().max(20)).max(HOURS_LIMITS.holidays).exactOptional(),
    })
    .nullable()
    .exactOptional(),
  overflow: z
    .strictObject({ team: name.exactOptional(), afterMs: durationMs.exactOptional() })
    .nullable()
    .exactOptional(),
  sla: sla.nullable().exactOptional(),
}

/** A team to be made; what is not named is as it usually is. */
export const teamSpec = z.strictObject({ name, ...teamSettings })

/** Changes of a team; null takes away. */
export const teamChange = z.strictObject({
  ...teamSpec.shape,
  addMembers: members.exactOptional(),
  removeMembers: members.exactOptional(),
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
    /** Messages that have to go out through platforms. */
    outbox: outboxTotals,
    search: searchStatus,
    /** Messages accepted and records sent in the last seconds, and how long records took from their commit to their frames. */
    traffic: z
      .object({
        seconds: z.number(),
        inPerSecond: z.number(),
        outPerSecond: z.number(),
        deliverP50Ms: z.number(),
        deliverP99Ms: z.number(),
      })
      .readonly(),
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
/** A team as the outside sees it. */
export type TeamView = z.infer<typeof teamView>

import type { MetricsReading, SlowConsumerView } from './control/metrics-schemas.js'
import { sumOf } from './control/outbox-handlers.js'
import type { DaemonStatus } from './control/schemas.js'
import type { BotStatus } from './core/bot.js'
import { channelOwner } from './core/conversation.js'
import type { Histogram } from './core/histogram.js'
import type { Hook, HookStatus } from './core/hook.js'
import type { Agent, Channel } from './core/model.js'
import type { OutboxTotals, StoreInfo } from './core/ports.js'
import type { SearchStatus } from './core/search.js'
import type { Meters } from './engine/delivery/meters.js'
import type { SlowConsumer, SlowConsumers } from './engine/delivery/slow-consumers.js'
import type { EngineCounts } from './engine/engine.js'
import type { LaneReading } from './engine/platforms/platforms.js'
import type { QueueTotals } from './engine/routing/queue.js'

/** What a reading is put together from. */
export type MetricsSources = {
  readonly instance: string
  readonly version: string
  readonly home: string
  readonly state: DaemonStatus['state']
  readonly uptimeMs: number
  readonly meters: Meters
  readonly slow: SlowConsumers
  readonly counts: EngineCounts
  readonly connectionLimit: number
  readonly queue: QueueTotals
  readonly outbox: ReadonlyMap<string, OutboxTotals>
  readonly channels: readonly Channel[]
  /** Undefined for a channel that is not behind a platform. */
  laneOf(channel: number): LaneReading | undefined
  readonly hooks: readonly Hook[]
  hookStatus(hook: Hook): HookStatus
  readonly agents: readonly Agent[]
  /** Undefined for an agent that is not called. */
  botStatus(agent: string): BotStatus | undefined
  readonly store: StoreInfo
  readonly search: SearchStatus
  readonly eventLoopDelay: Histogram
}

/** Slow consumers that a reading names; channels and bots, each of which is a label of many metrics. */
const SLOW_NAMED = 20
const CHANNELS_NAMED = 500
const BOTS_NAMED = 500

/** A reading of everything that is measured. */
export function describeMetrics(sources: MetricsSources): MetricsReading {
  const { instance, version, home, state, meters, slow, counts, queue, outbox, store, search } = sources
  const { oldestSince, ...totals } = queue
  const nameOf = new Map(sources.channels.map(({ number, name }) => [channelOwner(number), name]))
  const { user, system } = process.cpuUsage()
  return {
    instance,
    pid: process.pid,
    version,
    home,
    state,
    uptimeMs: sources.uptimeMs,
    accepted: { contacts: meters.accepted.visitor, agents: meters.accepted.agent, apps: meters.accepted.app },
    delivered: { live: meters.delivered, caughtUp: meters.caughtUp },
    refused: meters.refused,
    errors: meters.errors,
    append: meters.append.buckets(),
    deliver: meters.deliver.buckets(),
    eventLoop: sources.eventLoopDelay.buckets(),
    cpuUs: user + system,
    rssBytes: process.memoryUsage.rss(),
    sockets: {
      open: counts.open,
      visitors: counts.visitors,
      agents: counts.agents,
      apps: counts.apps,
      limit: sources.connectionLimit,
    },
    slow: { count: slow.count, worst: slow.worst(SLOW_NAMED).map(view) },
    queue: oldestSince === undefined ? totals : { ...totals, oldestSince },
    outbox: [...outbox].map(([lane, totals]) => ({
      channel: nameOf.get(lane) ?? lane.replace(/^.*:/, ''),
      totals: sumOf([totals]),
    })),
    search,
    channels: channelViews(sources),
    hooks: sources.hooks.map(hook => hookView(hook, sources.hookStatus(hook))),
    bots: botViews(sources),
    store: {
      state: store.state,
      records: store.records,
      sizeBytes: store.sizeBytes,
      commits: store.commits,
      committedRecords: store.committedRecords,
    },
  }
}

function view({ session, forMs, bufferedBytes }: SlowConsumer): SlowConsumerView {
  const { role } = session
  const name = role === 'agent' ? session.agent.name : session.channel.name
  return { role, name, forMs: Math.round(forMs), bufferedBytes }
}

function channelViews({ channels, laneOf, outbox }: MetricsSources): MetricsReading['channels'] {
  const views: MetricsReading['channels'][number][] = []
  for (const { name, number } of channels.toSorted((a, b) => a.number - b.number)) {
    const lane = laneOf(number)
    if (lane === undefined) continue
    if (views.length === CHANNELS_NAMED) break
    const { settings, counts, inFlight, sending, obstruction } = lane
    const { isInPaused, isOutPaused } = settings
    const resting = obstruction === undefined ? {} : { restingSince: obstruction.since }
    const totals = sumOf([outbox.get(channelOwner(number))])
    views.push({ channel: name, counts, inFlight, sending, outbox: totals, isInPaused, isOutPaused, ...resting })
  }
  return views
}

function hookView({ name, stopped }: Hook, { state, delivered, failed, dead, lag }: HookStatus) {
  // A worker that ends is not asked any more.
  return { hook: name, state: stopped === undefined ? state : ('stopped' as const), delivered, failed, dead, lag }
}

function botViews({ agents, botStatus }: MetricsSources): MetricsReading['bots'] {
  return agents
    .flatMap(({ id, name }) => {
      const status = botStatus(id)
      if (status === undefined) return []
      const { isUp, answered, silent, failed } = status
      return [{ bot: name, isUp, answered, silent, failed }]
    })
    .slice(0, BOTS_NAMED)
}

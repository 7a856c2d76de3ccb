import type { MetricsReading, SlowConsumerView } from './control/metrics-schemas.js'
import { sumOf } from './control/outbox-handlers.js'
import type { DaemonStatus } from './control/schemas.js'
import type { Histogram } from './core/histogram.js'
import type { OutboxTotals, StoreInfo } from './core/ports.js'
import type { Meters } from './engine/delivery/meters.js'
import type { SlowConsumer, SlowConsumers } from './engine/delivery/slow-consumers.js'
import type { EngineCounts } from './engine/engine.js'
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
  /** The name of the channel that a lane is of. */
  channelOf(lane: string): string | undefined
  readonly store: StoreInfo
  readonly eventLoopDelay: Histogram
}

/** Slow consumers that a reading names. */
const SLOW_NAMED = 20

/** A reading of everything that is measured. */
export function describeMetrics(sources: MetricsSources): MetricsReading {
  const { instance, version, home, state, meters, slow, counts, queue, outbox, store } = sources
  const { oldestSince, ...totals } = queue
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
      channel: sources.channelOf(lane) ?? lane.replace(/^.*:/, ''),
      totals: sumOf([totals]),
    })),
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

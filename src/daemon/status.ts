import type { IntervalHistogram } from 'node:perf_hooks'
import type { DaemonStatus } from './control/schemas.js'
import type { StoreInfo } from './core/ports.js'
import type { EngineCounts } from './engine/engine.js'

/** What a status is put together from. */
export type StatusSources = {
  readonly state: DaemonStatus['state']
  readonly version: string
  readonly home: string
  readonly uptimeMs: number
  /** Where the listener is bound, once it is. */
  readonly bound: { readonly host: string; readonly port: number } | undefined
  readonly transport: string
  readonly counts: EngineCounts
  readonly channels: number
  readonly agents: number
  readonly store: StoreInfo
  readonly eventLoopDelay: Pick<IntervalHistogram, 'percentile' | 'max'>
  readonly socketPath: string
}

/** The daemon on one screen, with a warning for everything that an operator should look at. */
export function describeStatus(sources: StatusSources): DaemonStatus {
  const { bound, counts, store } = sources
  const authority =
    bound === undefined ? undefined : `${bound.host.includes(':') ? `[${bound.host}]` : bound.host}:${bound.port}`
  return {
    state: sources.state,
    pid: process.pid,
    version: sources.version,
    node: process.version,
    uptimeMs: Math.round(sources.uptimeMs),
    home: sources.home,
    transport: bound === undefined ? null : sources.transport,
    address: {
      http: authority === undefined ? null : `http://${authority}`,
      socket: authority === undefined ? null : `ws://${authority}${sources.socketPath}`,
    },
    connections: { open: counts.open, visitors: counts.visitors, agents: counts.agents, apps: counts.apps },
    channels: sources.channels,
    agents: sources.agents,
    waiting: counts.waiting,
    active: counts.active,
    store,
    eventLoopDelay: {
      p50Ms: toMs(sources.eventLoopDelay.percentile(50)),
      p99Ms: toMs(sources.eventLoopDelay.percentile(99)),
      maxMs: toMs(sources.eventLoopDelay.max),
    },
    rssBytes: process.memoryUsage.rss(),
    warnings: warningsOf(store),
  }
}

function warningsOf(store: StoreInfo): string[] {
  switch (store.state) {
    case 'ready':
      return []
    case 'full':
      return ['the disk is full: new messages are refused until there is room again']
    case 'failed':
      return ['the store does not take writes: it is being opened again, reads go on']
    case 'damaged':
      return store.damage.map(({ message }) => `stored data is damaged: ${message}; kefu store check --deep`)
  }
}

function toMs(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.round(nanoseconds / 10_000) / 100 : 0
}

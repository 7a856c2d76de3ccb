import type { ErrorCode } from '../errors.js'
import { FEW_CONNECTIONS } from './config/file-limit.js'
import type { OutboxTotalsView } from './control/outbox-schemas.js'
import type { DaemonStatus } from './control/schemas.js'
import { distributionOf, type Histogram } from './core/histogram.js'
import type { StoreInfo } from './core/ports.js'
import type { SearchStatus } from './core/search.js'
import type { Traffic } from './engine/delivery/recent-traffic.js'
import type { EngineCounts } from './engine/engine.js'

/** What a status is put together from. */
export type StatusSources = {
  readonly state: DaemonStatus['state']
  /** The code of what keeps the daemon from taking messages. */
  readonly notReady: ErrorCode | undefined
  readonly version: string
  readonly home: string
  readonly uptimeMs: number
  /** Where the listener is bound, once it is. */
  readonly bound: { readonly host: string; readonly port: number } | undefined
  readonly transport: string
  readonly counts: EngineCounts
  /** Open sockets at most, and as many as the configuration asks for. */
  readonly connectionLimit: number
  readonly connectionsWanted: number
  /** What is to be said about the configuration. */
  readonly configWarnings: readonly string[]
  readonly channels: number
  readonly agents: number
  readonly store: StoreInfo
  readonly outbox: OutboxTotalsView
  readonly search: SearchStatus
  readonly traffic: Traffic
  /** In microseconds. */
  readonly eventLoopDelay: Histogram
  readonly socketPath: string
}

/** The daemon on one screen, with a warning for everything that an operator should look at. */
export function describeStatus(sources: StatusSources): DaemonStatus {
  const { bound, counts, store, traffic } = sources
  const delay = distributionOf(sources.eventLoopDelay.buckets())
  const authority =
    bound === undefined ? undefined : `${bound.host.includes(':') ? `[${bound.host}]` : bound.host}:${bound.port}`
  return {
    state: sources.state,
    ready: sources.state === 'running' && sources.notReady === undefined,
    notReady: sources.notReady ?? null,
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
    connections: {
      open: counts.open,
      visitors: counts.visitors,
      agents: counts.agents,
      apps: counts.apps,
      limit: sources.connectionLimit,
    },
    channels: sources.channels,
    agents: sources.agents,
    waiting: counts.waiting,
    active: counts.active,
    store,
    outbox: sources.outbox,
    search: sources.search,
    traffic: {
      seconds: toHundredths(traffic.seconds),
      inPerSecond: toHundredths(traffic.inPerSecond),
      outPerSecond: toHundredths(traffic.outPerSecond),
      deliverP50Ms: toMs(traffic.deliver.p50),
      deliverP99Ms: toMs(traffic.deliver.p99),
    },
    eventLoopDelay: {
      p50Ms: toMs(delay.p50),
      p99Ms: toMs(delay.p99),
      maxMs: toMs(delay.max),
    },
    rssBytes: process.memoryUsage.rss(),
    warnings: [
      ...warningsOfStore(store),
      ...warningsOfOutbox(sources),
      ...warningsOfSearch(sources),
      ...warningsOfLimit(sources),
      ...sources.configWarnings,
    ],
  }
}

/** A default that shrank to a number which serves most is a fact, not a warning. */
function warningsOfLimit({ connectionLimit, connectionsWanted }: StatusSources): string[] {
  if (connectionLimit >= Math.min(connectionsWanted, FEW_CONNECTIONS)) return []
  return [
    `the open-file limit leaves room for ${connectionLimit} sockets only: raise it (ulimit -n, LimitNOFILE=), and restart`,
  ]
}

function warningsOfOutbox({ outbox }: StatusSources): string[] {
  if (outbox.dead === 0) return []
  const messages = outbox.dead === 1 ? 'message was' : 'messages were'
  return [`${outbox.dead} ${messages} given up by the outbox and never sent: kefu outbox list --state dead`]
}

/** One that is being built is a fact, not a warning: everything is found meanwhile. */
function warningsOfSearch({ search }: StatusSources): string[] {
  return search.state === 'failed' ? [`the index of the history cannot be built: ${search.reason}`] : []
}

function warningsOfStore(store: StoreInfo): string[] {
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

function toMs(microseconds: number): number {
  return toHundredths(microseconds / 1_000)
}

function toHundredths(value: number): number {
  return Math.round(value * 100) / 100
}

import { type Buckets, bucketsBetween, type Distribution, distributionOf } from '../core/histogram.js'
import type { MetricsReading } from './metrics-schemas.js'

export type { Distribution } from '../core/histogram.js'

/** What happened between two readings of one daemon: amounts a second, and times in milliseconds. */
export type MetricsInterval = {
  readonly seconds: number
  /** The later reading is no continuation of the earlier one: the interval begins with the daemon's start. */
  readonly isFromStart: boolean
  readonly perSecond: {
    /** Messages accepted, of everybody and of each kind of writer. */
    readonly in: number
    readonly contacts: number
    readonly agents: number
    readonly apps: number
    /** Records sent, and how many of them to somebody who catches up. */
    readonly out: number
    readonly caughtUp: number
    readonly refused: number
    readonly errors: number
    readonly commits: number
    readonly records: number
  }
  readonly recordsPerCommit: number
  readonly append: Distribution
  readonly deliver: Distribution
  readonly eventLoop: Distribution
  /** Of one core; may be more than 1. */
  readonly cpu: number
}

type Counters = { readonly [C in Exclude<keyof MetricsInterval['perSecond'], 'in' | 'out'> | 'live' | 'cpuUs']: number }
type Histograms = { readonly [H in 'append' | 'deliver' | 'eventLoop']: Buckets }

/**
 * From two readings, rates and distributions. No rate is negative: when anything went backwards, or the process is another one, or there is no earlier reading, the
 * interval is the later daemon's whole life.
 */
export function intervalBetween(before: MetricsReading | undefined, after: MetricsReading): MetricsInterval {
  const part = before?.instance === after.instance ? partBetween(before, after) : undefined
  const { seconds, counted, timed } = part ?? {
    seconds: after.uptimeMs / 1_000,
    counted: countersOf(after),
    timed: histogramsOf(after),
  }
  const rate = (count: number): number => (seconds > 0 ? count / seconds : 0)
  const { contacts, agents, apps, live, caughtUp, refused, errors, commits, records, cpuUs } = counted
  return {
    seconds,
    isFromStart: part === undefined,
    perSecond: {
      in: rate(contacts + agents + apps),
      contacts: rate(contacts),
      agents: rate(agents),
      apps: rate(apps),
      out: rate(live + caughtUp),
      caughtUp: rate(caughtUp),
      refused: rate(refused),
      errors: rate(errors),
      commits: rate(commits),
      records: rate(records),
    },
    recordsPerCommit: commits > 0 ? records / commits : 0,
    append: inMilliseconds(timed.append),
    deliver: inMilliseconds(timed.deliver),
    eventLoop: inMilliseconds(timed.eventLoop),
    cpu: rate(cpuUs / 1e6),
  }
}

type Part = { readonly seconds: number; readonly counted: Counters; readonly timed: Histograms }

/** Undefined when something went backwards. */
function partBetween(before: MetricsReading, after: MetricsReading): Part | undefined {
  const seconds = (after.uptimeMs - before.uptimeMs) / 1_000
  const [earlier, later] = [countersOf(before), countersOf(after)]
  const names = Object.keys(later) as (keyof Counters)[]
  if (seconds < 0 || names.some(name => later[name] < earlier[name])) return undefined
  const append = bucketsBetween(before.append, after.append)
  const deliver = bucketsBetween(before.deliver, after.deliver)
  const eventLoop = bucketsBetween(before.eventLoop, after.eventLoop)
  if (append === undefined || deliver === undefined || eventLoop === undefined) return undefined
  const counted = Object.fromEntries(names.map(name => [name, later[name] - earlier[name]]))
  return { seconds, counted: counted as Counters, timed: { append, deliver, eventLoop } }
}

function countersOf({ accepted, delivered, refused, errors, store, cpuUs }: MetricsReading): Counters {
  const { commits, committedRecords: records } = store
  return { ...accepted, ...delivered, refused, errors, commits, records, cpuUs }
}

function histogramsOf({ append, deliver, eventLoop }: MetricsReading): Histograms {
  return { append, deliver, eventLoop }
}

function inMilliseconds(buckets: Buckets): Distribution {
  const { count, p50, p99, max } = distributionOf(buckets)
  return { count, p50: p50 / 1_000, p99: p99 / 1_000, max: max / 1_000 }
}

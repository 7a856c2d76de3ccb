import type { MetricsReading } from '../../daemon/control/client.js'
import { intervalBetween, type MetricsInterval } from '../../daemon/control/metrics-interval.js'

/** What `kefu top` shows at once: what happened in an interval, and how things stand at its end. */
export type Moment = {
  /** Epoch ms. */
  readonly atMs: number
  readonly interval: MetricsInterval
  readonly reading: MetricsReading
}

/** What happened since an earlier reading, or since the daemon's start. */
export function momentOf(before: MetricsReading | undefined, reading: MetricsReading, atMs: number): Moment {
  return { atMs, interval: intervalBetween(before, reading), reading }
}

/** How long the oldest conversation has been waiting. */
export function oldestMs({ atMs, reading }: Moment): number | undefined {
  const { oldestSince } = reading.queue
  return oldestSince === undefined ? undefined : Math.max(0, atMs - oldestSince)
}

/** A moment as an event of `--json`. */
export function momentEvent(moment: Moment): object {
  const { atMs, interval, reading } = moment
  const { append, deliver, eventLoop } = interval
  const { oldestSince, ...queue } = reading.queue
  const oldest = oldestMs(moment)
  return {
    type: 'interval',
    at: new Date(atMs).toISOString(),
    seconds: rounded(interval.seconds),
    isFromStart: interval.isFromStart,
    perSecond: Object.fromEntries(Object.entries(interval.perSecond).map(([name, rate]) => [name, rounded(rate)])),
    recordsPerCommit: rounded(interval.recordsPerCommit),
    cpu: rounded(interval.cpu),
    latencyMs: { append, deliver, eventLoop },
    rssBytes: reading.rssBytes,
    sockets: reading.sockets,
    slow: reading.slow,
    queue: oldest === undefined ? queue : { ...queue, oldestMs: oldest },
    outbox: reading.outbox,
    store: { state: reading.store.state, records: reading.store.records, sizeBytes: reading.store.sizeBytes },
    daemon: {
      state: reading.state,
      pid: reading.pid,
      version: reading.version,
      uptimeMs: Math.round(reading.uptimeMs),
    },
  }
}

function rounded(value: number): number {
  return Number(value.toFixed(3))
}

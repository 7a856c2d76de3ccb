import { build, type Histogram } from 'hdr-histogram-js'

/** Milliseconds, to the microsecond. */
export type LatencySummary = {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** Latencies from a microsecond to a minute, with three significant digits. */
export type Latencies = {
  record(ms: number): void
  summary(): LatencySummary
}

const HIGHEST_US = 60_000_000

/** An empty collection. */
export function createLatencies(): Latencies {
  const histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_US,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
  })
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000
  return {
    record(ms) {
      histogram.recordValue(Math.min(HIGHEST_US, Math.max(1, Math.round(ms * 1000))))
    },
    summary() {
      const count = histogram.totalCount
      if (count === 0) return { count, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 }
      return {
        count,
        mean: Math.round(histogram.mean) / 1000,
        p50: at(50),
        p90: at(90),
        p99: at(99),
        p999: at(99.9),
        max: histogram.maxValue / 1000,
      }
    },
  }
}

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** A number with at most so many digits after the point. */
export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}

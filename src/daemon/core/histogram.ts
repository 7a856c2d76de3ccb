/** Counts by value: pairs of the largest value that a bucket takes and how many it has, in the order of the values, empty ones left out. */
export type Buckets = readonly (readonly [upTo: number, count: number])[]

/** A distribution in four numbers, in the unit of its buckets; each is at most 3 % too high. All are 0 when nothing was counted. */
export type Distribution = { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number }

/** Buckets of each power of two: a value is known to 1/32. */
const STEP_BITS = 5
const STEPS = 1 << STEP_BITS
const LARGEST = 2 ** 26 - 1

/** Counts values from 0 to 67 million (microseconds: 67 s) in a fixed amount of memory; larger ones count as the largest. Nothing is allocated when one is counted. */
export class Histogram {
  readonly #counts = new Float64Array(bucketOf(LARGEST) + 1)

  /** Counts a value; fractions are cut off. `times`: how many it stands for. */
  record(value: number, times = 1): void {
    this.#counts[bucketOf(value >= LARGEST ? LARGEST : value > 0 ? Math.floor(value) : 0)]! += times
  }

  /** Everything that was counted so far. */
  buckets(): Buckets {
    const buckets: [number, number][] = []
    this.#counts.forEach((count, bucket) => {
      if (count > 0) buckets.push([largestOf(bucket), count])
    })
    return buckets
  }
}

/** What was counted between two readings of one histogram; undefined when the later one is not a continuation of the earlier. */
export function bucketsBetween(before: Buckets, after: Buckets): Buckets | undefined {
  const counts = new Map(after)
  for (const [upTo, count] of before) {
    const left = (counts.get(upTo) ?? 0) - count
    if (left < 0) return undefined
    if (left === 0) counts.delete(upTo)
    else counts.set(upTo, left)
  }
  return [...counts].sort(([a], [b]) => a - b)
}

/** What buckets say, in short. */
export function distributionOf(buckets: Buckets): Distribution {
  const count = buckets.reduce((sum, [, each]) => sum + each, 0)
  const at = (share: number): number => {
    let left = Math.ceil(count * share)
    for (const [upTo, each] of buckets) {
      left -= each
      if (left <= 0) return upTo
    }
    return 0
  }
  return { count, p50: at(0.5), p99: at(0.99), max: buckets.at(-1)?.[0] ?? 0 }
}

function bucketOf(value: number): number {
  if (value < STEPS) return value
  const shift = 31 - Math.clz32(value) - STEP_BITS
  return (shift << STEP_BITS) + (value >>> shift)
}

function largestOf(bucket: number): number {
  if (bucket < STEPS) return bucket
  const shift = (bucket >> STEP_BITS) - 1
  return (((bucket & (STEPS - 1)) + STEPS + 1) << shift) - 1
}

import type { IndexQuery } from '../core/search.js'

/** Records that are looked at in one piece where the index does not have them yet: more would take longer than a search may hold the thread. */
export const CHUNK_RECORDS = 128

/** What is walked: the log up to `last`, behind `after`, in an order. */
export type WalkRange = {
  readonly order: IndexQuery['order']
  readonly after: number | undefined
  readonly last: number
}

/** What is done on the way. */
export type WalkSteps = {
  /** The last record that the index has been handed: what is behind it has to be read from the log. */
  handed(): number
  /** Whether to stop here. */
  isOver(): boolean
  /**
   * Looks into the index behind a position. `next`: where to go on; `indexedSeq`: what it had. When it did not have `needed`, what it answered has to be
   * thrown away.
   */
  index(after: number, needed: number): Promise<{ readonly next?: number; readonly indexedSeq: number }>
  /** Looks at these records themselves, in this order. The position to stop at, when there is enough. */
  scan(seqs: readonly number[]): Promise<number | undefined>
}

/**
 * Looks at each record of a range once, in the index or, where that has not got so far, in the log. Resolves with where to go on (what `after` has to be then);
 * undefined when everything was looked at. The index may fall back meanwhile, when its thread ends: what it has lost is then read from the log.
 */
export function walk(range: WalkRange, steps: WalkSteps): Promise<number | undefined> {
  return range.order === 'newest' ? walkBack(range, steps) : walkOn(range, steps)
}

async function walkBack({ after, last }: WalkRange, steps: WalkSteps): Promise<number | undefined> {
  let before = Math.min(after ?? last + 1, last + 1)
  while (before > 1) {
    if (steps.isOver()) return before
    const first = Math.max(steps.handed() + 1, before - CHUNK_RECORDS)
    if (first < before) {
      const stop = await steps.scan(Array.from({ length: before - first }, (_, i) => before - 1 - i))
      if (stop !== undefined) return stop
      before = first
      continue
    }
    const { next, indexedSeq } = await steps.index(before, before - 1)
    if (indexedSeq < before - 1) continue
    if (next === undefined) return undefined
    before = next
  }
  return undefined
}

async function walkOn({ after = 0, last }: WalkRange, steps: WalkSteps): Promise<number | undefined> {
  let done = after
  while (done < last) {
    if (steps.isOver()) return done
    if (done < steps.handed()) {
      const { next, indexedSeq } = await steps.index(done, 0)
      done = next ?? Math.max(done, indexedSeq)
      continue
    }
    const end = Math.min(last, done + CHUNK_RECORDS)
    const from = done + 1
    const stop = await steps.scan(Array.from({ length: end - done }, (_, i) => from + i))
    if (stop !== undefined) return stop
    done = end
  }
  return undefined
}

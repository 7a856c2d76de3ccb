import type { AuditEntry, AuditFinding } from '../core/audit.js'
import { NO_HASH, readLine } from './line.js'
import { linesForward, openForReading, type Segment } from './segments.js'

/** Where the log stands: the number and the hash of its last entry, and what has begun and is not over. */
export type AuditHead = { readonly n: number; readonly hash: string; readonly open: readonly AuditEntry[] }

/** A log without entries. */
export const EMPTY: AuditHead = { n: 0, hash: NO_HASH, open: [] }

/** How far a walk has come. `hash` is undefined where the last line could not be believed. */
export type Walk = {
  n: number
  hash: string | undefined
  /** The offset behind the last complete line of the file that is read. */
  end: number
}

/** What a walk tells of. */
export type WalkObserver = {
  /** An entry that can be believed, with its own hash and the offset behind its line. */
  entry(entry: AuditEntry, hash: string, end: number): void
  found(finding: AuditFinding): void
}

/** The start of a log. */
export function beginningOfLog(): Walk {
  return { n: 0, hash: NO_HASH, end: 0 }
}

/** The start of one file, whatever comes before it. */
export function beginningOf(segment: Segment): Walk {
  return { n: segment.first - 1, hash: undefined, end: 0 }
}

/**
 * Reads a file (up to `endAt`) from where a walk stands, and moves it on. Every line has to be what its hash says, to have the next number, and to name the hash
 * of the line before: what was changed, removed, added, or put elsewhere is found. Rejects with what reading throws.
 */
export async function walkSegment(
  walk: Walk,
  segment: Segment,
  observer: WalkObserver,
  endAt?: number,
  signal?: AbortSignal,
): Promise<void> {
  if (segment.first > walk.n + 1) {
    observer.found(missing(walk.n + 1, segment.first - 1))
    walk.n = segment.first - 1
    walk.hash = undefined
  } else if (segment.first <= walk.n) {
    observer.found({ n: segment.first, message: `${segment.name} begins before the file in front of it ends` })
    walk.n = segment.first - 1
    walk.hash = undefined
  }
  const file = await openForReading(segment.path)
  try {
    const size = endAt ?? (await file.stat()).size
    walk.end = 0
    for await (const { bytes, end } of linesForward(file, size)) {
      signal?.throwIfAborted()
      walk.end = end
      step(walk, bytes, segment, observer)
    }
  } finally {
    await file.close()
  }
}

function step(walk: Walk, bytes: Buffer, segment: Segment, observer: WalkObserver): void {
  const expected = walk.n + 1
  const line = readLine(bytes)
  if (line === undefined) {
    observer.found({ n: expected, message: `the line of entry ${expected} in ${segment.name} was changed` })
    walk.n = expected
    walk.hash = undefined
    return
  }
  const { entry, previous, hash } = line
  if (entry.n !== expected) {
    observer.found(
      entry.n > expected
        ? missing(expected, entry.n - 1)
        : { n: entry.n, message: `entry ${entry.n} stands where entry ${expected} should be, in ${segment.name}` },
    )
  } else if (walk.hash !== undefined && previous !== walk.hash) {
    const which = expected === 1 ? 'entry 1 is not the first one' : `entry ${expected - 1} or ${expected} was replaced`
    observer.found({ n: expected, message: `${which}: they do not fit together, in ${segment.name}` })
  }
  walk.n = entry.n
  walk.hash = hash
  observer.entry(entry, hash, walk.end)
}

/** What is said of entries that are not there. */
export function missing(first: number, last: number): AuditFinding {
  const message = first === last ? `entry ${first} is missing` : `entries ${first} to ${last} are missing`
  return { n: first, message }
}

/** What is open after an entry. */
export function openAfter(open: Map<number, AuditEntry>, entry: AuditEntry): void {
  if (entry.outcome === 'begun') open.set(entry.n, entry)
  else if (entry.of !== undefined) open.delete(entry.of)
}

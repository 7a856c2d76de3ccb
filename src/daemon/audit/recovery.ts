import { stat } from 'node:fs/promises'
import type { AuditEntry, AuditFinding } from '../core/audit.js'
import { type AuditHead, beginningOf, EMPTY, missing, openAfter, walkSegment } from './chain.js'
import { listSegments, type Segment } from './segments.js'

/** Where a log goes on. */
export type Recovery = {
  readonly n: number
  readonly hash: string
  /** The file to go on with, up to so many bytes; undefined: a new one. */
  readonly segment: Segment | undefined
  readonly bytes: number
  /** What a crash left of a line behind them. */
  readonly tornBytes: number
  readonly open: Map<number, AuditEntry>
  /** What is not as it was left. */
  readonly damage: readonly string[]
}

/** Damage that is told of. */
const TOLD = 8

/**
 * Finds the end of a log, from its last file and what the store knows of it. Entries behind the head that the store has were written, and nobody was told: as far
 * as they are whole they count, the rest is what a crash left. After damage the log goes on in a file of its own, behind everything that was ever in it. Rejects
 * with what reading throws.
 */
export async function recover(folder: string, head: AuditHead | undefined): Promise<Recovery> {
  const known = head ?? EMPTY
  const found = await readEnd(await listSegments(folder), known, head !== undefined)
  const { last, newest, open, findings } = found
  if (head === undefined && last.n > 0) findings.push({ n: last.n, message: 'the store does not know this log' })
  if (known.n > last.n) findings.push(missing(last.n + 1, known.n))
  else if (found.hashAtHead !== undefined && found.hashAtHead !== known.hash)
    findings.push({ n: known.n, message: `entry ${known.n} is not the one that the store knows` })
  const damage = findings.slice(0, TOLD).map(({ message }) => message)
  const n = Math.max(last.n, known.n)
  const hash = last.n < known.n || last.hash === undefined ? known.hash : last.hash
  if (newest === undefined || damage.length > 0 || newest.segment.first > n + 1)
    return { n, hash, segment: undefined, bytes: 0, tornBytes: 0, open, damage }
  return { n, hash, segment: newest.segment, bytes: newest.end, tornBytes: newest.size - newest.end, open, damage }
}

type Newest = { readonly segment: Segment; readonly size: number; end: number }

async function readEnd(segments: readonly Segment[], known: AuditHead, isKnown: boolean) {
  const open = new Map(known.open.map(entry => [entry.n, entry]))
  const findings: AuditFinding[] = []
  let newest: Newest | undefined
  let last: { readonly n: number; readonly hash: string | undefined } = { n: 0, hash: undefined }
  let hashAtHead: string | undefined
  for (const segment of segments.toReversed()) {
    const { size } = await stat(segment.path)
    let end = 0
    let isTorn = false
    const walk = beginningOf(segment)
    await walkSegment(
      walk,
      segment,
      {
        entry(entry, hash, behind) {
          if (isTorn) return
          last = { n: entry.n, hash }
          end = behind
          if (entry.n === known.n) hashAtHead = hash
          if (entry.n > known.n) openAfter(open, entry)
        },
        found(finding) {
          if (isKnown && finding.n > known.n) isTorn = true
          else findings.push(finding)
        },
      },
      size,
    )
    // Of a line that cannot be believed nobody knows more than that it was one.
    if (!isTorn && walk.n > last.n && walk.end > 0) last = { n: walk.n, hash: undefined }
    newest ??= { segment, size, end }
    // A file that was begun and got no entry tells nothing of the end: the one before does.
    if (walk.end > 0 && (end > 0 || !isTorn)) break
  }
  return { last, newest, open, findings, hashAtHead }
}

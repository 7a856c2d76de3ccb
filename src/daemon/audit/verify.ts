import { stat } from 'node:fs/promises'
import type { AuditCheck, AuditCheckOptions, AuditEntry, AuditFinding } from '../core/audit.js'
import { type AuditHead, beginningOfLog, missing, walkSegment } from './chain.js'
import { listSegments } from './segments.js'

/** A log that is looked at: its folder, where the store says that it stands (undefined: it says nothing), and how far its last file counts. */
export type AuditSubject = {
  readonly folder: string
  readonly head: Pick<AuditHead, 'n' | 'hash'> | undefined
  readonly last?: { readonly first: number; readonly bytes: number }
}

const FINDINGS = 100

/**
 * Reads the whole log: every line is what it was, every entry follows from the one before, and the last one is the one that the store knows. An unfinished line at
 * the end, which a crash leaves, is no finding. Rejects with what reading throws, and when the signal aborts.
 */
export async function verifyAudit(
  { folder, head, last }: AuditSubject,
  { signal, onProgress }: AuditCheckOptions = {},
): Promise<AuditCheck> {
  const findings: AuditFinding[] = []
  let moreFindings = 0
  let entries = 0
  const found = (finding: AuditFinding): void => {
    if (findings.length < FINDINGS) findings.push(finding)
    else moreFindings++
  }
  let hashAtHead: string | undefined
  const entry = (read: AuditEntry, hash: string): void => {
    entries++
    if (read.n === head?.n) hashAtHead = hash
    if (read.action === 'audit.damage') found(noted(read))
  }
  const segments = (await listSegments(folder)).filter(({ first }) => last === undefined || first <= last.first)
  const sizes = await Promise.all(
    segments.map(async ({ path, first }) => (first === last?.first ? last.bytes : (await stat(path)).size)),
  )
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const walk = beginningOfLog()
  let done = 0
  for (const [index, segment] of segments.entries()) {
    await walkSegment(walk, segment, { entry, found }, sizes[index], signal)
    done += sizes[index]!
    onProgress?.(done, total)
  }
  if (head === undefined) {
    if (entries > 0) found({ n: walk.n, message: 'the store does not know this log' })
  } else if (head.n > walk.n) found(missing(walk.n + 1, head.n))
  else if (hashAtHead !== undefined && hashAtHead !== head.hash)
    found({ n: head.n, message: `entry ${head.n} is not the one that the store knows` })
  return { entries, findings, moreFindings }
}

/** What the daemon found and went on from stays a finding: what it found is gone. */
function noted({ n, at, fields }: AuditEntry): AuditFinding {
  const found = fields?.found
  const what = Array.isArray(found) ? found.join('; ') : 'damage'
  return { n, message: `noted at ${new Date(at).toISOString()}: ${what}` }
}

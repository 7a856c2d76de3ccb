import type { AuditEntry, AuditFilter, AuditPage, AuditRange } from '../core/audit.js'
import { readLine } from './line.js'
import { linesBackward, listSegments, openForReading } from './segments.js'
import type { AuditSubject } from './verify.js'

/** Entries that are looked at for one page. */
const LOOK_LIMIT = 50_000

/** A page of a log, as `AuditReader.list` says. Rejects with what reading throws. */
export async function listAudit(
  { folder, last, open }: AuditSubject & { readonly open: ReadonlySet<number> },
  filter: AuditFilter,
  range: AuditRange,
): Promise<AuditPage> {
  const { limit, before = Number.POSITIVE_INFINITY, after = 0 } = range
  const entries: AuditEntry[] = []
  let left = LOOK_LIMIT
  const segments = (await listSegments(folder)).filter(({ first }) => first <= (last?.first ?? 0) && first < before)
  for (const { path, first } of segments.toReversed()) {
    const file = await openForReading(path)
    try {
      const size = first === last?.first ? last.bytes : (await file.stat()).size
      for await (const bytes of linesBackward(file, size)) {
        const entry = readLine(bytes)?.entry
        if (entry === undefined || entry.n >= before) continue
        if (entry.n <= after) return { entries }
        if ((entry.outcome !== 'begun' || open.has(entry.n)) && isWanted(entry, filter)) entries.push(entry)
        if (entries.length === limit || --left === 0)
          return entry.n > after + 1 ? { entries, next: entry.n } : { entries }
      }
    } finally {
      await file.close()
    }
  }
  return { entries }
}

function isWanted({ at, action, by }: AuditEntry, filter: AuditFilter): boolean {
  if (filter.since !== undefined && at < filter.since) return false
  if (filter.until !== undefined && at >= filter.until) return false
  if (filter.action !== undefined && action !== filter.action && !action.startsWith(`${filter.action}.`)) return false
  return filter.by === undefined || Object.values(by).some(fact => String(fact) === filter.by)
}

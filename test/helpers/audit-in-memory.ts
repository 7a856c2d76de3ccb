import { type Auditor, createAuditor } from '../../src/daemon/control/audited.js'
import type {
  AuditAct,
  AuditEnd,
  AuditEntry,
  AuditFilter,
  AuditPort,
  AuditRange,
  AuditReader,
} from '../../src/daemon/core/audit.js'
import { KefuError } from '../../src/errors.js'
import { createManualClock } from './manual-clock.js'

/** An audit log that forgets everything with the test. */
export class AuditInMemory implements AuditPort, AuditReader {
  /** In the order of the calls. */
  readonly entries: AuditEntry[] = []
  /** Whether it refuses to be written. */
  isBroken = false

  async record(act: AuditAct, end: AuditEnd = { outcome: 'done' }): Promise<void> {
    this.#add(act, end)
  }

  async begin(act: AuditAct): Promise<(end: AuditEnd) => Promise<void>> {
    const { n } = this.#add(act, { outcome: 'begun' })
    return async end => void this.#add(act, end, n)
  }

  /** What has ended, as `action outcome`. */
  get told(): readonly string[] {
    return this.entries.flatMap(({ action, outcome }) => (outcome === 'begun' ? [] : [`${action} ${outcome}`]))
  }

  async list(_: AuditFilter, { limit }: AuditRange) {
    return { entries: this.entries.toReversed().slice(0, limit) }
  }

  async check() {
    return { entries: this.entries.length, findings: [], moreFindings: 0 }
  }

  #add(act: AuditAct, { fields, ...end }: Omit<AuditEnd, 'outcome'> & Pick<AuditEntry, 'outcome'>, of?: number) {
    if (this.isBroken) throw new KefuError('KEFU_AUDIT_UNAVAILABLE', { reason: 'ENOSPC' })
    const all = { ...act.fields, ...fields }
    const entry: AuditEntry = { ...act, ...end, fields: all, n: this.entries.length + 1, at: 0, ...(of && { of }) }
    this.entries.push(entry)
    return entry
  }
}

/** What is put around operations in tests that do not look at it. */
export function auditorInMemory(audit: AuditPort = new AuditInMemory()): Auditor {
  const names = { credential: () => undefined }
  return createAuditor({ audit, names, log: { error: () => undefined }, clock: createManualClock() })
}

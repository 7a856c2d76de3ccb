import { KefuError } from '../../errors.js'
import type { AuditActor, AuditEnd, AuditPort, NoteEnd } from '../core/audit.js'
import type { Clock } from '../core/ports.js'
import { failedEnd, underAudit } from '../core/under-audit.js'
import { within } from '../core/within.js'
import type { Log } from '../observe/log.js'
import { AUDITED, type AuditNames, type Told } from './audit-rows.js'
import type { CredentialControlPorts } from './credential-handlers.js'
import type { Operation, StreamOperation } from './operations.js'

/** What is put around the operations. Both throw what the operation throws, and `KEFU_AUDIT_UNAVAILABLE` before it is asked to do anything. */
export type Auditor = {
  /** An operation that answers once. */
  once<T>(operation: Operation, request: unknown, by: AuditActor, run: () => T | Promise<T>): Promise<T>
  /** An operation that answers with events; what ends early has failed. */
  stream<T>(operation: StreamOperation, request: unknown, by: AuditActor, run: () => AsyncIterable<T>): AsyncIterable<T>
}

/** What auditing stands on. */
export type AuditorPorts = {
  readonly audit: AuditPort
  readonly names: AuditNames
  readonly log: Pick<Log, 'error'>
  readonly clock: Clock
}

/** How long what is never kept back waits for the log: a disk that hangs answers nobody. */
const PATIENCE_MS = 1_000

/** A row without the types of its operation: over all operations at once they cannot be told apart. */
type AnyRow = {
  before(request: unknown, names: AuditNames): Told | undefined
  after?(answer: unknown, request: unknown): Told & Partial<Pick<AuditEnd, 'outcome'>>
  readonly isAlways?: true
}

/** Notes operations in the audit log, as the rows of `AUDITED` say: before they begin, and how they end. */
export function createAuditor(ports: AuditorPorts): Auditor {
  const { audit, names } = ports
  /** Undefined where nothing has to stand in the log. */
  const planned = (operation: Operation, request: unknown, by: AuditActor) => {
    const row = AUDITED[operation] as AnyRow | undefined
    const before = row?.before(request, names)
    return row && before && { row, act: { action: operation, by, ...before } }
  }
  /** A log that cannot be written keeps some operations from nothing. */
  const portFor = ({ isAlways }: AnyRow): AuditPort => (isAlways === true ? lenient(ports) : audit)
  return {
    async once(operation, request, by, run) {
      const plan = planned(operation, request, by)
      if (plan === undefined) return run()
      return underAudit(portFor(plan.row), plan.act, run, answer => endOf(plan.row, answer, request))
    },
    async *stream(operation, request, by, run) {
      const plan = planned(operation, request, by)
      if (plan === undefined) yield* run()
      else yield* audited(plan.row, request, run(), await portFor(plan.row).begin(plan.act))
    },
  }
}

function lenient({ audit, clock, log }: AuditorPorts): AuditPort {
  const patiently = async <T>(action: string, noted: Promise<T>): Promise<T | undefined> => {
    try {
      const late = () => new KefuError('KEFU_AUDIT_UNAVAILABLE', { reason: 'its disk does not answer' })
      return await within(clock, PATIENCE_MS, noted, late)
    } catch (error) {
      log.error('audit.failed', { action, error })
      return undefined
    }
  }
  return {
    record: async (act, ...end) => void (await patiently(act.action, audit.record(act, ...end))),
    begin: async act => {
      const end = await patiently(act.action, audit.begin(act))
      return async outcome => void (end && (await patiently(act.action, end(outcome))))
    },
  }
}

async function* audited<T>(row: AnyRow, request: unknown, events: AsyncIterable<T>, end: NoteEnd): AsyncGenerator<T> {
  // Whoever goes away before the end has it ended.
  let outcome: AuditEnd = failedEnd(new KefuError('KEFU_ABORTED'))
  try {
    let last: T | undefined
    for await (const event of events) {
      last = event
      yield event
    }
    outcome = last === undefined ? { outcome: 'done' } : endOf(row, last, request)
  } catch (error) {
    outcome = failedEnd(error)
    throw error
  } finally {
    await end(outcome)
  }
}

function endOf(row: AnyRow, answer: unknown, request: unknown): AuditEnd {
  const isUnchanged = typeof answer === 'object' && answer !== null && 'changed' in answer && answer.changed === false
  return { outcome: isUnchanged ? 'unchanged' : 'done', ...row.after?.(answer, request) }
}

/** Names that are told because they are known: of owners that there are, and of credentials that they have or can have. */
export function createAuditNames({
  vault,
  owners,
  known,
}: Pick<CredentialControlPorts, 'vault' | 'owners' | 'known'>): AuditNames {
  return {
    credential(text, name) {
      try {
        const owner = owners.resolve(text)
        const names = [...(known(owner) ?? []), ...vault.list(owner), ...vault.unreadable(owner)]
        const isKnown = names.some(each => each.name === name)
        return isKnown ? `${owners.label(owner)} ${name}` : owners.label(owner)
      } catch {
        // Nobody's name.
        return undefined
      }
    },
  }
}

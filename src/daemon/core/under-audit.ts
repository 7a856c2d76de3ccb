import { toKefuError } from '../../errors.js'
import type { AuditAct, AuditEnd, AuditPort } from './audit.js'

/** Codes from which on something of it may have been done. */
const SERVER_ERROR = 500

/**
 * Does something that stands in the audit log: noted before it begins, and when it is over. Throws `KEFU_AUDIT_UNAVAILABLE` instead of beginning, and what it throws
 * itself.
 */
export async function underAudit<T>(
  audit: AuditPort,
  act: AuditAct,
  run: () => T | Promise<T>,
  endOf: (result: T) => AuditEnd = () => ({ outcome: 'done' }),
): Promise<T> {
  const end = await audit.begin(act)
  let result: T
  try {
    result = await run()
  } catch (error) {
    await end(failedEnd(error))
    throw error
  }
  await end(endOf(result))
  return result
}

/** How something ends that throws. */
export function failedEnd(error: unknown): AuditEnd {
  const { code, status } = toKefuError(error)
  return { outcome: status < SERVER_ERROR && code !== 'KEFU_ABORTED' ? 'refused' : 'failed', code }
}

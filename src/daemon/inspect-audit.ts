import { headsIn } from './audit/head.js'
import { verifyAudit } from './audit/verify.js'
import type { Dirs } from './config/dirs.js'
import type { Config } from './config/schema.js'
import type { AuditCheck, AuditCheckOptions } from './core/audit.js'
import type { Store } from './core/ports.js'
import { inspectStore } from './open-store.js'

/** Verifies the audit log of a daemon that is not running. Throws what `inspectStore` throws, and what reading does. */
export function inspectAudit(dirs: Dirs, config: Config, options: AuditCheckOptions): Promise<AuditCheck> {
  return inspectStore(dirs, config, store => checkAuditBeside(store, dirs, options))
}

/** Verifies the audit log that belongs to a store which is open. Rejects with what reading throws. */
export async function checkAuditBeside(
  { directory }: Pick<Store, 'directory'>,
  { auditDir }: Pick<Dirs, 'auditDir'>,
  options: AuditCheckOptions,
): Promise<AuditCheck> {
  return verifyAudit({ folder: auditDir, head: await headsIn(directory).load() }, options)
}

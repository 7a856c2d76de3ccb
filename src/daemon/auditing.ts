import { headsIn } from './audit/head.js'
import { AuditLog } from './audit/log.js'
import { RefusedLogins } from './audit/refused-logins.js'
import type { Dirs } from './config/dirs.js'
import { notDefault } from './config/reload.js'
import type { Config } from './config/schema.js'
import { type Auditor, createAuditNames, createAuditor } from './control/audited.js'
import type { CredentialControlPorts } from './control/credential-handlers.js'
import type { RefusedLogin } from './core/audit.js'
import type { Clock, DirectoryPort } from './core/ports.js'
import type { Log } from './observe/log.js'

/** What the audit log of a daemon stands on. */
export type AuditingSources = {
  readonly dirs: Pick<Dirs, 'auditDir'>
  readonly directory: DirectoryPort
  readonly clock: Clock
  readonly log: Log
  readonly config: Config
  readonly version: string
  readonly credentials: { readonly control: Pick<CredentialControlPorts, 'vault' | 'owners' | 'known'> }
}

/** The audit log of a daemon, and what writes to it. */
export type Auditing = {
  readonly log: AuditLog
  /** What is put around the operations. */
  readonly auditor: Auditor
  loginRefused(login: RefusedLogin): void
  close(): Promise<void>
}

/** Takes the audit log up, and notes the start in it. Never rejects: a log that cannot be used refuses what has to stand in it. */
export async function openAuditing(sources: AuditingSources): Promise<Auditing> {
  const { dirs, directory, clock, log, config, version, credentials } = sources
  const report = (error: unknown): void => log.error('audit.failed', { error })
  const audit = await AuditLog.open({ folder: dirs.auditDir, heads: headsIn(directory), clock, report })
  const fields = { version, pid: process.pid, settings: notDefault(config) }
  // It has been reported.
  await audit.record({ action: 'daemon.start', by: { kind: 'daemon' }, fields }).catch(() => undefined)
  const logins = new RefusedLogins({ audit, clock, report })
  return {
    log: audit,
    auditor: createAuditor({ audit, names: createAuditNames(credentials.control), log, clock }),
    loginRefused: login => logins.add(login),
    async close() {
      await logins.close()
      await audit.close()
    },
  }
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { headsIn } from '../../../src/daemon/audit/head.js'
import { AuditLog, type AuditLogOptions } from '../../../src/daemon/audit/log.js'
import { listSegments } from '../../../src/daemon/audit/segments.js'
import { verifyAudit } from '../../../src/daemon/audit/verify.js'
import type { AuditAct, AuditCheck } from '../../../src/daemon/core/audit.js'
import type { DirectoryPort } from '../../../src/daemon/core/ports.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js'
import { tmpDir } from '../../helpers/tmp-dir.js'

/** A log in a folder of its own, and a store that knows its head. */
export type AuditRig = {
  readonly folder: string
  readonly clock: ManualClock
  readonly directory: DirectoryPort
  readonly reported: unknown[]
  /** As a daemon does at its start; several at once are several crashes. */
  open(options?: AuditLogOptions): Promise<AuditLog>
  /** As without a daemon. */
  verify(): Promise<AuditCheck>
  /** The lines of all files, with their line feeds. */
  lines(): Promise<{ readonly path: string; readonly lines: string[] }[]>
}

export const OPERATOR = { kind: 'operator', uid: 1000, user: 'li' } as const

/** An act of an operator. */
export function act(action: string, change: Partial<AuditAct> = {}): AuditAct {
  return { action, by: OPERATOR, ...change }
}

export function openAuditRig(
  t: TestContext,
  directoryOf: (directory: DirectoryPort) => DirectoryPort = given => given,
): AuditRig {
  const folder = join(tmpDir(t), 'audit')
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  const directory = directoryOf(store.directory)
  const reported: unknown[] = []
  return {
    folder,
    clock,
    directory,
    reported,
    async open(options) {
      const log = await AuditLog.open(
        { folder, heads: headsIn(directory), clock, report: error => void reported.push(error) },
        options,
      )
      t.after(() => log.close())
      return log
    },
    verify: async () => verifyAudit({ folder, head: await headsIn(store.directory).load() }),
    async lines() {
      return (await listSegments(folder)).map(({ path }) => ({
        path,
        lines: readFileSync(path, 'utf8').split(/(?<=\n)/),
      }))
    },
  }
}

/** The methods of a directory that a log uses. */
export function bound(directory: AuditRig['directory']): AuditRig['directory'] {
  return {
    get: key => directory.get(key),
    list: prefix => directory.list(prefix),
    create: (...call) => directory.create(...call),
    update: (...call) => directory.update(...call),
    remove: (...call) => directory.remove(...call),
    watch: (...call) => directory.watch(...call),
  }
}

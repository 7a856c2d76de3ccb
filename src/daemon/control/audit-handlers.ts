import { KefuError } from '../../errors.js'
import type { AuditEntry, AuditReader } from '../core/audit.js'
import type { AgentRegistry } from '../engine/registry/agents.js'
import type { AuditEntryView } from './audit-operations.js'
import { checkAudit } from './checks.js'
import type { ParsedRequestOf } from './operations.js'

/** What the operations on the audit log act on. */
export type AuditControlPorts = { readonly audit: AuditReader; readonly agents: Pick<AgentRegistry, 'byId'> }

const CURSOR = /^a([1-9]\d{0,14})$/

/** The operations on the audit log. */
export function createAuditHandlers({ audit, agents }: AuditControlPorts) {
  const view = (entry: AuditEntry): AuditEntryView => {
    const { by } = entry
    const name = by.kind === 'agent' ? agents.byId(by.id)?.name : undefined
    return name === undefined ? entry : { ...entry, by: { ...by, name } }
  }
  return {
    'audit.list': async ({ limit, cursor, after, ...filter }: ParsedRequestOf<'audit.list'>) => {
      const before = cursor === undefined ? {} : { before: positionOf(cursor) }
      const range = { limit, ...before, ...(after === undefined ? {} : { after }) }
      const { entries, next } = await audit.list(filter, range)
      return { entries: entries.map(view), ...(next === undefined ? {} : { next: cursorAt(next) }) }
    },
    'audit.check': (_: ParsedRequestOf<'audit.check'>, signal: AbortSignal) => checkAudit(audit, signal),
  }
}

function cursorAt(n: number): string {
  return Buffer.from(`a${n}`).toString('base64url')
}

function positionOf(cursor: string): number {
  const n = CURSOR.exec(Buffer.from(cursor, 'base64url').toString())?.[1]
  if (n === undefined) throw new KefuError('KEFU_USAGE', { reason: 'the cursor is not one of this list' })
  return Number(n)
}

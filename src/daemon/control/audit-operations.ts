import { z } from 'zod'
import { AUDIT_ACTORS, AUDIT_OUTCOMES } from '../core/audit.js'
import { nothing } from './schemas.js'

const since = '0.1.0'

const instant = z.int().min(0).max(8_640_000_000_000)
const count = z.int().min(0)
const text = z.string()

const finding = z.object({ n: count, message: text }).readonly()

/** An entry as the outside sees it. */
const auditEntry = z
  .object({
    n: count,
    at: z.int(),
    action: text,
    by: z
      .object({
        kind: z.enum(AUDIT_ACTORS),
        uid: z.int().exactOptional(),
        user: text.exactOptional(),
        sudoUser: text.exactOptional(),
        id: text.exactOptional(),
        /** The name of the agent with that id, while there is one. */
        name: text.exactOptional(),
        token: text.exactOptional(),
        address: text.exactOptional(),
      })
      .readonly(),
    target: text.exactOptional(),
    fields: z
      .record(text, z.union([text, z.number(), z.boolean(), z.null(), z.array(text).readonly()]))
      .readonly()
      .exactOptional(),
    outcome: z.enum(AUDIT_OUTCOMES),
    code: text.exactOptional(),
    /** The entry with which it began. */
    of: count.exactOptional(),
  })
  .readonly()

/** The operations on the audit log: part of the one table. */
export const AUDIT_OPERATIONS = {
  'audit.list': {
    summary: 'a page of the audit log, the latest first',
    request: z.strictObject({
      limit: z.int().min(1).max(1000).default(100),
      cursor: text.max(1000).optional(),
      /** Only entries behind this one. */
      after: count.exactOptional(),
      since: instant.exactOptional(),
      until: instant.exactOptional(),
      action: text.min(1).max(100).exactOptional(),
      by: text.min(1).max(200).exactOptional(),
    }),
    answer: z.object({ entries: z.array(auditEntry), next: text.exactOptional() }),
    mutates: false,
    stream: false,
    since,
  },
  'audit.check': {
    summary: 'verifies the audit log from its first entry to its last: progress events, then one result',
    request: nothing,
    answer: z.discriminatedUnion('type', [
      z.object({ type: z.literal('progress'), done: count, total: count }),
      z.object({
        type: z.literal('result'),
        entries: count,
        findings: z.array(finding).readonly(),
        moreFindings: count,
      }),
    ]),
    mutates: false,
    stream: true,
    since,
  },
} as const

/** An entry of the audit log as the outside sees it. */
export type AuditEntryView = z.infer<typeof auditEntry>

import { z } from 'zod'
import { KefuError } from '../../../errors.js'
import {
  RETENTION_DAYS_LIMIT,
  RETENTION_KINDS,
  type RetentionDays,
  type RetentionKind,
} from '../../core/retention-kinds.js'

/** What is to be changed of how long a channel keeps things: days, or null for ever. */
export type RetentionChange = Readonly<Partial<Record<RetentionKind, number | null>>>

const KINDS = Object.keys(RETENTION_KINDS) as [RetentionKind, ...RetentionKind[]]

/** As it is stored. */
export const retentionSchema: z.ZodType<RetentionDays> = z.partialRecord(z.enum(KINDS), z.int()).readonly()

/** How long a channel keeps things after a change; undefined: all for ever. Throws `KEFU_USAGE` for what is out of bounds. */
export function changedRetention(
  before: RetentionDays | undefined,
  change: RetentionChange,
): RetentionDays | undefined {
  const days: Partial<Record<RetentionKind, number>> = {}
  for (const kind of KINDS) {
    const given = change[kind] === undefined ? before?.[kind] : change[kind]
    if (given === undefined || given === null) continue
    if (!Number.isInteger(given) || given < 1 || given > RETENTION_DAYS_LIMIT)
      throw new KefuError('KEFU_USAGE', {
        reason: `${kind} are kept from 1 to ${RETENTION_DAYS_LIMIT} days, or for ever`,
      })
    days[kind] = given
  }
  return Object.keys(days).length === 0 ? undefined : days
}

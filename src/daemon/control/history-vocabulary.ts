import { RECORD_TYPES } from '../core/records.js'

/** Types of records. */
export const HISTORY_TYPES = Object.keys(RECORD_TYPES) as [keyof typeof RECORD_TYPES, ...(keyof typeof RECORD_TYPES)[]]

/** The stations of a message, in the order in which it passes them. */
export const TRACE_STEPS = [
  'accepted',
  'stored',
  'routed',
  'pushed',
  'acknowledged',
  'sent',
  'delivered',
  'read',
] as const

/** What records are counted by. */
export const STATS_GROUPS = ['day', 'hour', 'channel', 'type', 'agent', 'role'] as const

/** Lines that one request to import may have. */
export const IMPORT_LINES_LIMIT = 500

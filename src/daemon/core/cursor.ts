import { KefuError } from '../../errors.js'
import type { Cursor } from './ports.js'

/** The embedded engine's cursor of a log position. */
export function formatCursor(seq: number): Cursor {
  return `0:${seq}`
}

/** The log position of an embedded cursor. Throws `KEFU_CODEC_INVALID` for anything that `formatCursor` does not write. */
export function parseCursor(cursor: Cursor): number {
  const match = /^0:(0|[1-9]\d{0,15})$/.exec(cursor)
  if (match === null) throw new KefuError('KEFU_CODEC_INVALID', { reason: 'not a cursor of this log' })
  return Number(match[1])
}

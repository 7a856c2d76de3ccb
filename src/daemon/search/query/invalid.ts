import { KefuError } from '../../../errors.js'

/** The error of a query that cannot be asked, at a character of it (counted from 1) where there is one. */
export function invalidQuery(reason: string, position?: number, cause?: unknown): KefuError {
  const detail = position === undefined ? { reason } : { reason: `${reason} (at character ${position})`, position }
  return new KefuError('KEFU_SEARCH_INVALID', detail, cause === undefined ? undefined : { cause })
}

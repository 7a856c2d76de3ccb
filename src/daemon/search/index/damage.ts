import { KefuError } from '../../../errors.js'

/** Says that stored bytes of the index are not those that were written: where, and how that was seen. */
export function damaged(where: string, cause: unknown): KefuError {
  const reason = cause instanceof Error ? cause.message : 'unknown'
  return new KefuError('KEFU_SEARCH_DAMAGED', { where: `${where} (${reason})` }, { cause })
}

/**
 * What `read` makes of stored bytes. Its RangeErrors and those of zlib become `KEFU_SEARCH_DAMAGED`, as bytes that were written cannot cause them; the
 * system's own errors pass.
 */
export function undamaged<T>(where: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof RangeError || isZlibError(error) ? damaged(where, error) : error
  }
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')
}

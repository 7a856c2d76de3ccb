import { KefuError } from '../../../errors.js'

/** LevelDB's and the system's errors as kefu's. */

/** Why a database did not open. */
export function openFailure(path: string, error: unknown): KefuError {
  if (error instanceof KefuError) return error
  const { code, text } = describe(error)
  if (code === 'LEVEL_LOCKED') return new KefuError('KEFU_STORE_LOCKED', { path }, { cause: error })
  if (/no space left|quota exceeded|ENOSPC|EDQUOT/i.test(text))
    return new KefuError('KEFU_STORE_FULL', {}, { cause: error })
  if (/permission denied|read-only|not a directory|operation not permitted|EACCES|EROFS|ENOTDIR|EPERM/i.test(text))
    return new KefuError('KEFU_STORE_UNWRITABLE', { path, reason: text }, { cause: error })
  if (/too many open files|EMFILE|ENFILE/i.test(text))
    return new KefuError('KEFU_STORE_UNREADABLE', { reason: text }, { cause: error })
  return new KefuError(
    'KEFU_STORE_CORRUPT',
    { where: `the database in ${path} does not open (${text})` },
    { cause: error },
  )
}

/** Why a write did not succeed: full, or indeterminate. */
export function writeFailure(error: unknown): KefuError {
  if (error instanceof KefuError) return error
  const { text } = describe(error)
  if (/no space left|quota exceeded|ENOSPC|EDQUOT/i.test(text))
    return new KefuError('KEFU_STORE_FULL', {}, { cause: error })
  return new KefuError('KEFU_STORE_UNAVAILABLE', { reason: text }, { cause: error })
}

/** A write that has not ended in time: indeterminate. */
export function tooSlow(timeoutMs: number): KefuError {
  return new KefuError('KEFU_STORE_UNAVAILABLE', { reason: `the disk took longer than ${timeoutMs} ms` })
}

/** A read that has not ended in time. */
export function noAnswer(timeoutMs: number): KefuError {
  return new KefuError('KEFU_STORE_UNREADABLE', { reason: `no answer from the disk within ${timeoutMs} ms` })
}

/** Why a read did not succeed: `where` names what was read. */
export function readFailure(error: unknown, where: string): KefuError {
  if (error instanceof KefuError) {
    return error.code === 'KEFU_CODEC_INVALID' ? damaged(`${where}: ${error.detail.reason}`, error) : error
  }
  const { code, text } = describe(error)
  if (code === 'LEVEL_CORRUPTION' || /no such file/i.test(text)) return damaged(`${where}: ${text}`, error)
  return new KefuError('KEFU_STORE_UNREADABLE', { reason: text }, { cause: error })
}

/** Damage, named. */
export function damaged(where: string, cause?: unknown): KefuError {
  return new KefuError('KEFU_STORE_CORRUPT', { where }, cause === undefined ? undefined : { cause })
}

function describe(error: unknown): { readonly code: string; readonly text: string } {
  let code = ''
  let text = ''
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const own: unknown = 'code' in at ? at.code : undefined
    // Outermost errors say only that opening failed; the innermost names the reason.
    if (typeof own === 'string') code = own
    text = at.message
  }
  return { code, text: text === '' ? String(error) : text }
}

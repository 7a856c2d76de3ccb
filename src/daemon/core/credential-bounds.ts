import { KefuError } from '../../errors.js'
import { CREDENTIAL_BYTES, CREDENTIAL_KEEP_MS, CREDENTIAL_NAME } from './vault.js'

/** Checks of what is to be kept as a credential. What was given is in none of the errors: a secret may stand at any place by mistake. */

/** Throws `KEFU_CREDENTIAL_INVALID` for a text that is no name of a credential. */
export function checkedCredentialName(text: string): string {
  if (CREDENTIAL_NAME.test(text)) return text
  throw invalid(
    'a name begins with a letter and has at most 40 lower-case letters, digits and hyphens, as in app-secret',
  )
}

/** Throws `KEFU_CREDENTIAL_INVALID` for a text that cannot be a value: 1 to 8,192 bytes of UTF-8 without control characters but line feeds. */
export function checkedCredentialValue(text: string): string {
  const bytes = utf8Bytes(text)
  if (bytes === 0) throw invalid('the value is empty')
  if (bytes > CREDENTIAL_BYTES) throw invalid(`the value has more than ${CREDENTIAL_BYTES} bytes`)
  if (!text.isWellFormed()) throw invalid('the value is not Unicode')
  if (/[^\P{Cc}\n]/u.test(text)) throw invalid('the value has control characters other than line feeds')
  return text
}

/** Throws `KEFU_CREDENTIAL_INVALID` for a time that a replaced value cannot count for. */
export function checkedKeepMs(keepMs: number): number {
  if (Number.isInteger(keepMs) && keepMs >= 0 && keepMs <= CREDENTIAL_KEEP_MS) return keepMs
  throw invalid('a replaced value can be kept for at most 30 days')
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_CREDENTIAL_INVALID', { reason })
}

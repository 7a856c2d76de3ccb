import { randomBytes } from 'node:crypto'
import { KefuError } from '../../errors.js'
import { makeSecretFile, readSecretFile, type SecretFileRule } from './secret-file.js'

/** Bytes of the server secret. */
export const SERVER_SECRET_BYTES = 32

const RULE: SecretFileRule = { bytes: { least: SERVER_SECRET_BYTES, most: SERVER_SECRET_BYTES }, unsafe }

/**
 * The server secret: 32 random bytes in a file that only its owner can read, made at the first start and the same ever after, also when several processes
 * start at once. On return it is on disk (fsync). Throws `KEFU_SECRET_UNSAFE` when the file is readable by others, owned by somebody else, no regular file,
 * not 32 bytes, or missing although something depends on it (`isInUse`); `KEFU_STORE_FULL` and `KEFU_STORE_UNWRITABLE` when it cannot be made.
 */
export async function loadServerSecret(path: string, isInUse = false): Promise<Uint8Array> {
  const present = await readSecretFile(path, RULE)
  if (present !== undefined) return present
  if (isInUse) throw unsafe(path, 'it is missing, and the conversations in the store depend on it')
  await makeSecretFile(path, randomBytes(SERVER_SECRET_BYTES))
  const made = await readSecretFile(path, RULE)
  if (made === undefined) throw unsafe(path, 'it vanished while it was being made')
  return made
}

function unsafe(path: string, reason: string, cause?: unknown): KefuError {
  return new KefuError('KEFU_SECRET_UNSAFE', { path, reason }, cause === undefined ? undefined : { cause })
}

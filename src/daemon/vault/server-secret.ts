import { randomBytes } from 'node:crypto'
import { constants, type FileHandle, link, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KefuError } from '../../errors.js'

/** Bytes of the server secret. */
export const SERVER_SECRET_BYTES = 32

/**
 * The server secret: 32 random bytes in a file that only its owner can read, made at the first start and the same ever after, also when several processes
 * start at once. On return it is on disk (fsync). Throws `KEFU_SECRET_UNSAFE` when the file is readable by others, owned by somebody else, no regular file,
 * not 32 bytes, or missing although something depends on it (`isInUse`); `KEFU_STORE_FULL` and `KEFU_STORE_UNWRITABLE` when it cannot be made.
 */
export async function loadServerSecret(path: string, isInUse = false): Promise<Uint8Array> {
  const present = await readSecret(path)
  if (present !== undefined) return present
  if (isInUse) throw unsafe(path, 'it is missing, and the conversations in the store depend on it')
  await makeSecret(path)
  const made = await readSecret(path)
  if (made === undefined) throw unsafe(path, 'it vanished while it was being made')
  return made
}

async function readSecret(path: string): Promise<Uint8Array | undefined> {
  let file: FileHandle
  try {
    // Not following links: a link planted in the folder must not choose the secret. Not blocking: it could be a pipe.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    const code = codeOf(cause)
    if (code === 'ENOENT') return undefined
    throw unsafe(path, code === 'ELOOP' ? 'it is a symbolic link' : `it cannot be read (${code})`, cause)
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw unsafe(path, 'it is not a regular file')
    if ((stat.mode & 0o077) !== 0) throw unsafe(path, 'others than its owner may open it')
    if (process.getuid !== undefined && stat.uid !== process.getuid()) throw unsafe(path, 'it belongs to another user')
    if (stat.size !== SERVER_SECRET_BYTES)
      throw unsafe(path, `it has ${stat.size} bytes instead of ${SERVER_SECRET_BYTES}`)
    const bytes = new Uint8Array(SERVER_SECRET_BYTES)
    const { bytesRead } = await file.read(bytes, 0, SERVER_SECRET_BYTES, 0)
    if (bytesRead !== SERVER_SECRET_BYTES) throw unsafe(path, 'it changed while it was being read')
    return bytes
  } finally {
    await file.close()
  }
}

/** Makes the file under another name and links it in: never half a secret, and never a second one over the first. */
async function makeSecret(path: string): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.new`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.chmod(0o600)
      await file.writeFile(randomBytes(SERVER_SECRET_BYTES))
      await file.sync()
    } finally {
      await file.close()
    }
    try {
      await link(temporary, path)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  } catch (cause) {
    await removeIfThere(temporary)
    const code = codeOf(cause)
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new KefuError('KEFU_STORE_FULL', {}, { cause })
    throw new KefuError('KEFU_STORE_UNWRITABLE', { path: dirname(path), reason: code }, { cause })
  }
  await removeIfThere(temporary)
  const folder = await open(dirname(path), constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error)
}

function unsafe(path: string, reason: string, cause?: unknown): KefuError {
  return new KefuError('KEFU_SECRET_UNSAFE', { path, reason }, cause === undefined ? undefined : { cause })
}

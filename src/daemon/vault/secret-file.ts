import { randomBytes } from 'node:crypto'
import { constants, type FileHandle, link, open, readdir, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { KefuError } from '../../errors.js'

/** Who must have made a secret file. `service`: the service manager, which gives it to the daemon's user by group or access list. */
export type SecretFileTrust = 'own' | 'service'

/** What a secret file must be, and the error for one that is not. */
export type SecretFileRule = {
  readonly bytes: { readonly least: number; readonly most: number }
  readonly trust?: SecretFileTrust
  readonly unsafe: (path: string, reason: string, cause?: unknown) => KefuError
}

const UNFINISHED = /\.[0-9a-f]{16}\.new$/
const OTHERS = { own: 0o077, service: 0o007 } as const

/** The bytes of a secret file; undefined when there is none. Throws the rule's error for one that others could have read or chosen, and for another size. */
export async function readSecretFile(path: string, rule: SecretFileRule): Promise<Uint8Array | undefined> {
  const { unsafe, trust = 'own', bytes: size } = rule
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
    if ((stat.mode & OTHERS[trust]) !== 0) throw unsafe(path, 'others than its owner may open it')
    if (!isTrusted(stat.uid, trust)) throw unsafe(path, 'it belongs to another user')
    if (stat.size < size.least || stat.size > size.most) throw unsafe(path, wordsOfSize(stat.size, size))
    const bytes = new Uint8Array(stat.size)
    const { bytesRead } = await file.read(bytes, 0, stat.size, 0)
    if (bytesRead !== stat.size) throw unsafe(path, 'it changed while it was being read')
    return bytes
  } finally {
    await file.close()
  }
}

/**
 * Makes a secret file (0600) unless there is one: never half a secret, and never a second one over the first. On disk (fsync) when it resolves. Throws
 * `KEFU_STORE_FULL`, `KEFU_STORE_UNWRITABLE`.
 */
export async function makeSecretFile(path: string, bytes: Uint8Array): Promise<void> {
  // Under another name first, then linked in.
  await written(path, bytes, async temporary => {
    try {
      await link(temporary, path)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    await removeIfThere(temporary)
  })
}

/** Makes a secret file (0600) in the place of whatever is there. On disk (fsync) when it resolves. Throws `KEFU_STORE_FULL`, `KEFU_STORE_UNWRITABLE`. */
export async function replaceSecretFile(path: string, bytes: Uint8Array): Promise<void> {
  await written(path, bytes, temporary => rename(temporary, path))
}

/** Gives a secret file another name, over the one that has it. On disk when it resolves. Throws `KEFU_STORE_UNWRITABLE`. */
export async function moveSecretFile(from: string, to: string): Promise<void> {
  await reported(to, () => rename(from, to))
  await syncFolder(dirname(to))
}

/** Removes a secret file, if there is one. On disk when it resolves. Throws `KEFU_STORE_UNWRITABLE`. */
export async function removeSecretFile(path: string): Promise<void> {
  await reported(path, () => removeIfThere(path))
  await syncFolder(dirname(path))
}

/** Removes what a process that was killed left of making this file, or one whose name begins with it. Nobody else may be making one. Throws `KEFU_STORE_UNWRITABLE`. */
export async function removeUnfinished(path: string): Promise<void> {
  const [folder, name] = [dirname(path), basename(path)]
  const isUnfinished = (found: string) => found.startsWith(`${name}.`) && UNFINISHED.test(found)
  await reported(path, async () => {
    for (const found of (await namesIn(folder)).filter(isUnfinished)) await removeIfThere(join(folder, found))
  })
}

/** Where there is no folder, or one that this user cannot look into, this user has not made anything. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return []
    throw error
  }
}

async function written(path: string, bytes: Uint8Array, place: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.new`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.chmod(0o600)
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await place(temporary)
  } catch (cause) {
    await removeIfThere(temporary)
    throw unwritable(path, cause)
  }
  await syncFolder(dirname(path))
}

async function reported(path: string, step: () => Promise<void>): Promise<void> {
  try {
    await step()
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
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

function isTrusted(uid: number, trust: SecretFileTrust): boolean {
  return process.getuid === undefined || uid === process.getuid() || (trust === 'service' && uid === 0)
}

function wordsOfSize(bytes: number, { least, most }: SecretFileRule['bytes']): string {
  const allowed = least === most ? `${most}` : `${least} to ${most}`
  return `it has ${bytes} bytes instead of ${allowed}`
}

function unwritable(path: string, cause: unknown): KefuError {
  const code = codeOf(cause)
  if (code === 'ENOSPC' || code === 'EDQUOT') return new KefuError('KEFU_STORE_FULL', {}, { cause })
  return new KefuError('KEFU_STORE_UNWRITABLE', { path: dirname(path), reason: code }, { cause })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error)
}

import { lstat, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KefuError } from '../../errors.js'

const PRIVATE = 0o700
const WRITABLE_BY_OTHERS = 0o022

/** Makes a folder (and those above it) for its owner alone; one that exists stays as it is. Throws `KEFU_STORE_UNWRITABLE`. */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await make(path)
  } catch (error) {
    throw new KefuError('KEFU_STORE_UNWRITABLE', { path, reason: reasonOf(error) }, { cause: error })
  }
}

/** Node's own `recursive` never ends where making a folder in one that exists fails with ENOENT (/proc, some network mounts). */
async function make(path: string): Promise<void> {
  if (await isFolder(path)) return
  const above = dirname(path)
  if (above !== path) await make(above)
  try {
    await mkdir(path, { mode: PRIVATE })
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!(await isFolder(path))) throw error
  }
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ?? false
}

/**
 * Makes the folder of the control socket and proves that nobody else can put a socket there: a real folder, owned by this user, not writable by
 * group or others. Whoever can write there could answer in the daemon's name. Throws `KEFU_CONTROL_DIRECTORY`, `KEFU_STORE_UNWRITABLE`.
 */
export async function ensureRuntimeFolder(path: string): Promise<void> {
  await ensureFolder(path)
  const found = await lstat(path)
  const uid = process.getuid?.()
  if (!found.isDirectory()) throw unsafe(path, 'it is not a folder')
  if (uid !== undefined && found.uid !== uid) throw unsafe(path, `it belongs to user ${found.uid}, not to ${uid}`)
  if (process.platform !== 'win32' && (found.mode & WRITABLE_BY_OTHERS) !== 0)
    throw unsafe(path, `others may write to it (mode ${(found.mode & 0o777).toString(8)})`)
}

function unsafe(path: string, reason: string): KefuError {
  return new KefuError('KEFU_CONTROL_DIRECTORY', { path, reason })
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises'
import { KefuError } from '../../errors.js'

/** The file operations of the media store, with their failures as KefuErrors that name no path. */

/** Makes a folder that only its owner can open, unless it is there. Throws as `diskError` says. */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw diskError(error)
  }
}

/**
 * Writes a file that only its owner can read, under a temporary name first. On return the file, its name and the name of its folder are on disk (fsync);
 * otherwise nothing of it is left, except that it may be there under its own name. Throws as `diskError` says.
 */
export async function writeDurably(place: {
  readonly temporary: string
  readonly root: string
  readonly folder: string
  readonly path: string
  readonly chunks: readonly Uint8Array[]
}): Promise<void> {
  try {
    const file = await open(place.temporary, 'wx', 0o600)
    try {
      for (const chunk of place.chunks) await file.writeFile(chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await moveInto(place)
    await syncFolder(place.folder)
  } catch (error) {
    await removeFile(place.temporary)
    throw diskError(error)
  }
}

/** Once more when the folder went in between: empty ones are removed. */
async function moveInto(place: {
  readonly temporary: string
  readonly root: string
  readonly folder: string
  readonly path: string
}): Promise<void> {
  for (let isLast = false; ; isLast = true) {
    await ensureFolder(place.folder)
    await syncFolder(place.root)
    try {
      await rename(place.temporary, place.path)
      return
    } catch (error) {
      if (isLast || errnoOf(error) !== 'ENOENT') throw error
    }
  }
}

/** Runs `use` with the file open for reading; `undefined` when there is no such file. Throws as `diskError` says, and what `use` throws. */
export async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T | undefined> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw diskError(error)
  }
  try {
    return await use(file)
  } catch (error) {
    throw diskError(error)
  } finally {
    await file.close()
  }
}

/** The bytes at an offset; fewer only where the file ends. */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

/** Removes a file; `false` when there was none. Throws as `diskError` says. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    const code = errnoOf(error)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw diskError(error)
    return false
  }
}

/** `KEFU_STORE_FULL` for a full disk or quota, `KEFU_MEDIA_UNAVAILABLE` with the system's code for everything else; a KefuError as it is. */
export function diskError(cause: unknown): KefuError {
  if (cause instanceof KefuError) return cause
  const code = errnoOf(cause)
  if (code === 'ENOSPC' || code === 'EDQUOT') return new KefuError('KEFU_STORE_FULL', {}, { cause })
  return new KefuError('KEFU_MEDIA_UNAVAILABLE', { reason: code ?? 'unexpected failure' }, { cause })
}

/** What was made and removed in a folder is on disk (fsync) on return. Throws what the system throws. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** The system's code of an error, such as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

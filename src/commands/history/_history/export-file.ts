import { once } from 'node:events'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KefuError } from '../../../errors.js'

/** Where an export goes. */
export type ExportTarget = {
  write(bytes: Uint8Array): Promise<void>
  /** Everything is there: a file is on disk and stands under its name. */
  complete(): Promise<void>
  /** It ends before its time: where what has been written is. */
  leave(): Promise<string | undefined>
}

const OWNER_ONLY = 0o600

/** Standard output, no faster than it is taken. */
export function toStdout(): ExportTarget {
  return {
    async write(bytes) {
      if (!process.stdout.write(bytes)) await once(process.stdout, 'drain')
    },
    complete: () => Promise.resolve(),
    leave: () => Promise.resolve(undefined),
  }
}

/**
 * A file (0600) that has its name when it is complete; until then it is called `….partial`. Throws `KEFU_FILE_EXISTS` where an export that did not come to its
 * end has left one, `KEFU_STORE_UNWRITABLE`.
 */
export async function toFile(path: string): Promise<ExportTarget> {
  const partial = `${path}.partial`
  const file = await guarded(partial, () => open(partial, 'wx', OWNER_ONLY))
  return {
    write: bytes => guarded(partial, () => writeAll(file, bytes)),
    complete: () =>
      guarded(path, async () => {
        await file.sync()
        await file.close()
        await rename(partial, path)
        const folder = await open(dirname(path))
        await folder.sync().finally(() => folder.close())
      }),
    async leave() {
      await file.sync().finally(() => file.close())
      return partial
    },
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'EEXIST') throw new KefuError('KEFU_FILE_EXISTS', { path })
    throw new KefuError('KEFU_STORE_UNWRITABLE', { path, reason: code }, { cause: error })
  }
}

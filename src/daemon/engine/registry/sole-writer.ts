import { isKefuError } from '../../../errors.js'
import type { DirectoryPort } from '../../core/ports.js'

/**
 * Changes of an entry of the directory that has one writer. A write of which nobody knew may have reached the disk (`KEFU_STORE_UNAVAILABLE`): what is there
 * is then not what the writer remembers, but still its own, and the next change takes the entry as it stands.
 */

/** Puts a value in the place of a revision; undefined: of nothing. The revision, durable. Of one key one call after the other. Throws what the directory throws. */
export async function storeEntry(
  directory: Pick<DirectoryPort, 'create' | 'get' | 'update'>,
  key: string,
  value: unknown,
  revision: number | undefined,
): Promise<number> {
  const write = (at: number | undefined): Promise<number> =>
    at === undefined ? directory.create(key, value) : directory.update(key, value, at)
  try {
    return await write(revision)
  } catch (error) {
    if (!isAnother(error)) throw error
    return await write((await directory.get(key))?.revision)
  }
}

/** Removes an entry, also one that is gone. Durable; as `storeEntry` otherwise. */
export async function removeEntry(
  directory: Pick<DirectoryPort, 'get' | 'remove'>,
  key: string,
  revision: number,
): Promise<void> {
  try {
    await directory.remove(key, revision)
  } catch (error) {
    if (!isAnother(error)) throw error
    const present = await directory.get(key)
    if (present !== null) await directory.remove(key, present.revision)
  }
}

/** Whether what is stored is not what the writer remembers. */
function isAnother(error: unknown): boolean {
  return isKefuError(error, 'KEFU_DIRECTORY_CONFLICT') || isKefuError(error, 'KEFU_DIRECTORY_EXISTS')
}

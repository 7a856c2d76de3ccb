import type { DirectoryPort } from '../../src/daemon/core/ports.js'
import { KefuError } from '../../src/errors.js'

/** Has the next write of a directory be stored, and its writer not know of it. */
export function doubtNextWrite(directory: DirectoryPort): void {
  const { create, update, remove } = directory
  const doubt =
    <A extends unknown[]>(write: (...given: A) => Promise<unknown>) =>
    async (...given: A): Promise<never> => {
      Object.assign(directory, { create, update, remove })
      await write.apply(directory, given)
      throw new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'the disk took too long' })
    }
  Object.assign(directory, { create: doubt(create), update: doubt(update), remove: doubt(remove) })
}

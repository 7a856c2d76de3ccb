import { randomBytes } from 'node:crypto'
import type { DirectoryPort } from '../../src/daemon/core/ports.js'
import { createMemoryStore } from '../../src/daemon/store/memory/store.js'
import type { MasterKeys } from '../../src/daemon/vault/master-keys.js'
import { Vault } from '../../src/daemon/vault/vault.js'
import { KefuError } from '../../src/errors.js'
import { keyInMemory } from './key-in-memory.js'
import { createManualClock } from './manual-clock.js'

/** A vault in memory that can be opened again and again on what was stored. */
export function vaultBench(keys: MasterKeys = keyInMemory()) {
  const clock = createManualClock()
  const { directory } = createMemoryStore({ clock })
  const reported: unknown[] = []
  const random = (length: number): Uint8Array => randomBytes(length)
  const report = (error: unknown): void => void reported.push(error)
  const open = (from: Pick<DirectoryPort, 'get' | 'list' | 'create' | 'update' | 'remove'> = directory, by = keys) =>
    Vault.open({ directory: from, clock, random, keys: by, report })
  return { clock, directory, reported, open, random }
}

/** What becomes of a write: it is refused, or it is done and then said to have failed. */
export type WriteFault = 'refused' | 'done'

/** A directory of which one write (the first is 0) and all after it fail, until `heal`. */
export function faultyDirectory(directory: DirectoryPort, failsFrom: number, fault: WriteFault) {
  let writes = 0
  let isHealed = false
  const attempt = async <T>(write: () => Promise<T>): Promise<T> => {
    const at = writes++
    if (isHealed || at < failsFrom) return await write()
    if (fault === 'done' && at === failsFrom) await write()
    throw new KefuError('KEFU_STORE_UNAVAILABLE')
  }
  return {
    get: (key: string) => directory.get(key),
    list: (prefix: string) => directory.list(prefix),
    create: (key: string, value: unknown) => attempt(() => directory.create(key, value)),
    update: (key: string, value: unknown, revision: number) => attempt(() => directory.update(key, value, revision)),
    remove: (key: string, revision: number) => attempt(() => directory.remove(key, revision)),
    heal: () => {
      isHealed = true
    },
    /** Writes that were tried. */
    get writes() {
      return writes
    },
  }
}

import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { Store } from '../../src/daemon/core/ports.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { createMemoryStore } from '../../src/daemon/store/memory/store.js'
import type { StoreLimits } from '../../src/daemon/store/options.js'
import type { StoreSubject } from '../conformance/store-bench.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'

/** The stores that there are, as subjects of the suite. */

/** A memory store of its own. */
export async function memorySubject(): Promise<StoreSubject> {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  const never = async () => {
    throw new Error('a memory store cannot be opened again')
  }
  return { store, clock, restart: never, kill: never, dispose: () => store.close() }
}

/** A level store in a folder of its own. */
export async function levelSubject(limits: Partial<StoreLimits> = {}): Promise<StoreSubject> {
  const clock = createManualClock()
  const folder = makeTmpDir('kefu-store-')
  const opened: Store[] = []
  let path = join(folder, 'store')
  const open = async () => {
    const store = await openLevelStore({ path, clock, limits })
    opened.push(store)
    return store
  }
  let store = await open()
  return {
    get store() {
      return store
    },
    clock,
    async restart() {
      await store.close()
      store = await open()
      return store
    },
    // What a killed process leaves is what its files hold: a copy of them, taken while it lives.
    async kill() {
      const copy = join(folder, `killed-${opened.length}`)
      cpSync(path, copy, { recursive: true })
      path = copy
      store = await open()
      return store
    },
    async dispose() {
      for (const each of opened) await each.close()
      removeDir(folder)
    },
  }
}

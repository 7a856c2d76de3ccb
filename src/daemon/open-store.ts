import { existsSync } from 'node:fs'
import { KefuError } from '../errors.js'
import { systemClock } from './clock.js'
import type { Dirs } from './config/dirs.js'
import type { Config } from './config/schema.js'
import type { Clock, Store } from './core/ports.js'
import type { Log } from './observe/log.js'
import { openLevelStore } from './store/level/open.js'
import type { StoreLogger } from './store/options.js'

/** Opens the store of a daemon; throws what `openLevelStore` throws. */
export type OpenStore = (dirs: Dirs, config: Config, clock: Clock, log?: Log) => Promise<Store>

/**
 * Looks at the store of a daemon that is not running, under its lock. Throws `KEFU_STORE_NOT_FOUND`, `KEFU_STORE_LOCKED` when one is running, and what
 * `look` throws.
 */
export async function inspectStore<T>(dirs: Dirs, config: Config, look: (store: Store) => Promise<T>): Promise<T> {
  if (!existsSync(dirs.storeDir)) throw new KefuError('KEFU_STORE_NOT_FOUND', { path: dirs.storeDir })
  const store = await openEmbedded(dirs, config, systemClock)
  try {
    return await look(store)
  } finally {
    await store.close()
  }
}

/** The embedded store of a daemon's folder. */
export const openEmbedded: OpenStore = (dirs, config, clock, log) =>
  openLevelStore({
    path: dirs.storeDir,
    clock,
    limits: { cachedConversations: config.store.cacheConversations },
    ...(log === undefined ? {} : { logger: storeLogger(log) }),
  })

function storeLogger(log: Log): StoreLogger {
  return {
    info: (fields, event) => log.info(event, { ...fields }),
    warn: (fields, event) => log.warn(event, { ...fields }),
    error: (fields, event) => log.error(event, { ...fields }),
  }
}

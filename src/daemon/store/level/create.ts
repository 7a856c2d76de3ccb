import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { KefuError } from '../../../errors.js'
import type { Clock } from '../../core/ports.js'
import type { StoreLimits } from '../options.js'
import { Database, openHandle } from './database.js'
import { damaged, openFailure } from './failure.js'
import { putFact, STORE_FORMAT } from './format.js'

/** Where the parts of a store lie in its folder. */
export function storePaths(path: string): { readonly database: string; readonly acknowledged: string } {
  return { database: join(path, 'level'), acknowledged: join(path, 'acknowledged') }
}

const UNFINISHED = 'level.new-'

/**
 * Makes a store's folder (0700) and an empty database in it, if there is none: under another name first, synced, then renamed, because a database that
 * was cut off in its first moments does not open again. Throws `KEFU_STORE_UNWRITABLE`, `KEFU_STORE_FULL`, and `KEFU_STORE_CORRUPT` when there was a
 * database once.
 */
export async function createIfMissing(path: string, clock: Clock, limits: StoreLimits): Promise<void> {
  const { database: target, acknowledged } = storePaths(path)
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    if (existsSync(target)) return
    if (existsSync(acknowledged)) throw damaged(`the database ${target} is gone, records in it were acknowledged`)
    const folder = mkdtempSync(join(path, UNFINISHED))
    const database = new Database(folder, await openHandle(folder, limits, true), limits, clock)
    try {
      const batch = database.batch()!
      putFact(batch, 'format', { format: STORE_FORMAT, createdAt: Math.floor(clock.now()) })
      putFact(batch, 'dedupe', [0, Math.floor(clock.now())])
      await Database.commit(batch)
    } finally {
      await database.close()
    }
    for (const name of readdirSync(folder)) syncPath(join(folder, name))
    syncPath(folder)
    try {
      renameSync(folder, target)
    } catch (error) {
      // Another process was faster; whose it is the lock will tell.
      rmSync(folder, { recursive: true, force: true })
      if (!existsSync(target)) throw error
    }
    syncPath(path)
  } catch (error) {
    throw error instanceof KefuError ? error : openFailure(path, error)
  }
}

/** Removes what an interrupted creation left. Only the owner of the database's lock may do so. */
export function removeUnfinished(path: string): void {
  for (const name of readdirSync(path))
    if (name.startsWith(UNFINISHED)) rmSync(join(path, name), { recursive: true, force: true })
}

function syncPath(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

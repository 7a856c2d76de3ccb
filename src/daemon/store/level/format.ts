import { KEY, textKey } from '../../../codec/keys.js'
import { openValue, sealValue } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import type { Batch, Database } from './database.js'
import { damaged, readFailure } from './failure.js'

/** Facts about the store itself, under `M` keys, each sealed with a CRC. */

/** The format that this program writes; it reads every older one. */
export const STORE_FORMAT = 1

/** The facts and their shapes. */
export type Facts = {
  /** Written once. */
  readonly format: { readonly format: number; readonly createdAt: number }
  /** Number of the last commit and seq of the last record, in every commit. */
  readonly commit: readonly [commit: number, seq: number]
  /** Everything up to this seq has been read back from table files, whole. */
  readonly verified: number
  /** Generation of platform ids that is written to, and since when (epoch ms). */
  readonly dedupe: readonly [generation: number, startedAt: number]
  /** Last revision that was given to a directory entry. */
  readonly revision: number
}

/** Name of a fact. */
export type FactName = keyof Facts

/** Name of a digest: `waiting`, `active`, `outbox`, `directory`, or `inbox:` and an owner. */
export type DigestName = 'waiting' | 'active' | 'outbox' | 'directory' | `inbox:${string}`

const KEYS = new Map<string, Uint8Array>()
for (const name of ['format', 'commit', 'verified', 'dedupe', 'revision']) KEYS.set(name, textKey(KEY.meta, name))

/** What the keys of digests begin with. */
export const DIGEST_PREFIX = 'digest:'

/** The key of a digest. */
export function digestKey(name: DigestName): Uint8Array {
  return textKey(KEY.meta, DIGEST_PREFIX + name)
}

/** Puts a fact into a batch. */
export function putFact<Name extends FactName>(batch: Batch, name: Name, value: Facts[Name]): void {
  const key = KEYS.get(name)!
  batch.put(key, sealValue(key, value))
}

/** Reads a fact. Throws `KEFU_STORE_CORRUPT` when it is damaged. */
export async function readFact<Name extends FactName>(
  database: Database,
  name: Name,
): Promise<Facts[Name] | undefined> {
  const key = KEYS.get(name)!
  try {
    const value = await database.get(key)
    return value === undefined ? undefined : (openValue(key, value) as Facts[Name])
  } catch (error) {
    throw readFailure(error, `the store's own entry "${name}"`)
  }
}

/** Checks that this program knows the store's format. Throws `KEFU_STORE_FORMAT_NEWER`, `KEFU_STORE_CORRUPT`. */
export async function checkFormat(database: Database): Promise<Facts['format']> {
  const fact = await readFact(database, 'format')
  if (fact === undefined) throw damaged('the store has no format number')
  if (fact.format > STORE_FORMAT)
    throw new KefuError('KEFU_STORE_FORMAT_NEWER', { found: fact.format, known: STORE_FORMAT })
  return fact
}

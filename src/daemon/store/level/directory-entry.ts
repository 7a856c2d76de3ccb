import { KEY, parseTextKey } from '../../../codec/keys.js'
import { openValue } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'

/** A directory entry as it is stored. With a time to live: what was given, and when (epoch ms) that ends. */
export type DirectoryEntry = {
  readonly key: string
  readonly value: unknown
  readonly revision: number
  readonly ttlMs: number | undefined
  readonly expiresAt: number
}

/** What is sealed under a `K` key. */
export function entryFields({ value, revision, ttlMs, expiresAt }: DirectoryEntry): unknown[] {
  return [value, revision, ttlMs ?? null, expiresAt]
}

/** A stored entry; its value is frozen. Throws `KEFU_CODEC_INVALID`. */
export function parseEntry(key: Uint8Array, bytes: Uint8Array): DirectoryEntry {
  const fields = openValue(key, bytes)
  if (!Array.isArray(fields) || fields.length !== 4)
    throw new KefuError('KEFU_CODEC_INVALID', { reason: 'not a directory entry' })
  return {
    key: parseTextKey(KEY.directory, key),
    value: freeze(fields[0]),
    revision: fields[1] as number,
    ttlMs: (fields[2] as number | null) ?? undefined,
    expiresAt: fields[3] as number,
  }
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  for (const part of Object.values(value)) freeze(part)
  return Object.freeze(value)
}

import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { ErrorCode } from '../../errors.js'
import {
  AUDIT_ACTORS,
  AUDIT_LIMITS,
  AUDIT_OUTCOMES,
  type AuditActor,
  type AuditEntry,
  type AuditFields,
  type AuditValue,
} from '../core/audit.js'

/**
 * An entry as a line of its file: one JSON object whose first field, `hash`, is the SHA-256 of the bytes of the line behind it (those from the 76th on), and
 * whose second, `previous`, is the hash of the line before. Bytes are hashed, never values: a line is what it was, or it is not.
 */

/** What comes before the first entry. */
export const NO_HASH = '0'.repeat(64)

/** A line, and what the next one has to name. */
export type Line = { readonly bytes: Buffer; readonly hash: string }

/** A line that is what it was when it was written. */
export type ReadLine = { readonly entry: AuditEntry; readonly previous: string; readonly hash: string }

const HASH = /^[0-9a-f]{64}$/
const HEAD = '{"hash":"'
const HASH_END = HEAD.length + 64
/** Where the bytes begin that the hash is of. */
const REST = HASH_END + 2
const CUT = '…'

const text = z.string()
const actor = z.object({
  kind: z.enum(AUDIT_ACTORS),
  uid: z.int().exactOptional(),
  user: text.exactOptional(),
  sudoUser: text.exactOptional(),
  id: text.exactOptional(),
  token: text.exactOptional(),
  address: text.exactOptional(),
})
const value = z.union([text, z.number(), z.boolean(), z.null(), z.array(text)])
const stored = z.object({
  previous: z.string().regex(HASH),
  n: z.int().min(1),
  at: z.int(),
  action: text,
  by: actor,
  outcome: z.enum(AUDIT_OUTCOMES),
  target: text.exactOptional(),
  fields: z.record(text, value).exactOptional(),
  code: text.exactOptional(),
  of: z.int().exactOptional(),
})

/** The line of an entry, with its line feed; what is too long in it is cut. */
export function encodeLine(entry: AuditEntry, previous: string): Line {
  const { n, at, action, by, target, fields, outcome, code, of } = entry
  const plain = {
    previous,
    n,
    at,
    action: cut(action),
    by: cutActor(by),
    ...(target === undefined ? {} : { target: cut(target) }),
    ...(fields === undefined ? {} : { fields: cutFields(fields) }),
    outcome,
    ...(code === undefined ? {} : { code }),
    ...(of === undefined ? {} : { of }),
  }
  let rest = JSON.stringify(plain).slice(1)
  if (Buffer.byteLength(rest) > AUDIT_LIMITS.lineBytes)
    rest = JSON.stringify({ ...plain, fields: { cut: true } }).slice(1)
  const hash = createHash('sha256').update(rest).digest('hex')
  return { bytes: Buffer.from(`${HEAD}${hash}",${rest}\n`), hash }
}

/** What a line (without its line feed) says; undefined when it is not what was written. */
export function readLine(bytes: Buffer): ReadLine | undefined {
  if (bytes.length > 2 * AUDIT_LIMITS.lineBytes || bytes.length <= REST) return undefined
  const hash = bytes.toString('latin1', HEAD.length, HASH_END)
  const isFramed =
    bytes.toString('latin1', 0, HEAD.length) === HEAD && bytes.toString('latin1', HASH_END, REST) === '",'
  if (!isFramed || createHash('sha256').update(bytes.subarray(REST)).digest('hex') !== hash) return undefined
  const parsed = stored.safeParse(jsonOf(bytes))
  if (!parsed.success) return undefined
  const { previous, by, code, ...entry } = parsed.data
  const known = code === undefined ? {} : { code: code as ErrorCode }
  return { entry: { ...entry, by: by as AuditActor, ...known }, previous, hash }
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    // Its hash is right: somebody made it so.
    return undefined
  }
}

function cutActor(by: AuditActor): AuditActor {
  const facts = Object.entries(by).map(([key, fact]) => [key, typeof fact === 'string' ? cut(fact) : fact] as const)
  return Object.fromEntries(facts) as AuditActor
}

function cutFields(fields: AuditFields): AuditFields {
  const facts = Object.entries(fields).slice(0, AUDIT_LIMITS.fields)
  return Object.fromEntries(facts.map(([key, fact]) => [cut(key), cutValue(fact)]))
}

function cutValue(fact: AuditValue): AuditValue {
  if (typeof fact === 'string') return cut(fact)
  if (typeof fact !== 'object' || fact === null) return fact
  const all = fact.slice(0, AUDIT_LIMITS.listLength).map(cut)
  return all.length < fact.length ? [...all, CUT] : all
}

function cut(long: string): string {
  if (long.length <= AUDIT_LIMITS.textLength) return long
  return `${long.slice(0, AUDIT_LIMITS.textLength).toWellFormed()}${CUT}`
}

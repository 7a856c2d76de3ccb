import { z } from 'zod'
import type { RandomBytes } from '../core/ordered-id.js'
import { CREDENTIAL_NAME, MASTER_KEY_KINDS, type SecretOwner } from '../core/vault.js'
import type { KeyFacts, OpenedKey } from './master-keys.js'
import type { MasterKey, Sealed } from './seal.js'

/** How sealed credentials and the facts about their key stand in the directory. */

/** Where the credentials stand: `credential/<owner>/<name>`. */
export const CREDENTIAL_PREFIX = 'credential/'

/** Where the facts about the master key stand. */
export const KEY_ENTRY = 'vault/key'

/** What one credential is, in clear: only ever in memory. Instants are epoch ms. */
export type CredentialRecord = {
  readonly value: string
  readonly setAt: number
  readonly previous?: { readonly value: string; readonly until: number; readonly keepMs: number }
}

/** What is known of the key; while another one takes its place, also the one before it, sealed under the new one. */
export type KeyEntry = KeyFacts & { readonly before?: Sealed }

const bytes = z.custom<Uint8Array>(value => value instanceof Uint8Array)
const sealed = z.object({ key: z.string(), nonce: bytes, box: bytes })
const credentialEntry = z.object({ v: z.literal(1), ...sealed.shape })
const keyEntry = z.object({
  v: z.literal(1),
  id: z.string(),
  kind: z.enum(MASTER_KEY_KINDS),
  salt: bytes.exactOptional(),
  beforeId: z.string().exactOptional(),
  before: sealed.exactOptional(),
})
const record: z.ZodType<CredentialRecord> = z.object({
  value: z.string(),
  setAt: z.number(),
  previous: z.object({ value: z.string(), until: z.number(), keepMs: z.number() }).exactOptional(),
})

const OWNER = /^(?:channel|hook|agent)\/[\w.-]{1,64}$/

/** Whether a text is an owner of credentials. */
export function isSecretOwner(text: string): text is SecretOwner {
  return OWNER.test(text)
}

/** The directory key of a credential. */
export function credentialKey(owner: SecretOwner, name: string): string {
  return `${CREDENTIAL_PREFIX}${owner}/${name}`
}

/** Owner and name of a directory key; undefined for one that no credential can have. */
export function placeOfKey(key: string): { readonly owner: SecretOwner; readonly name: string } | undefined {
  const end = key.lastIndexOf('/')
  const owner = key.slice(CREDENTIAL_PREFIX.length, end)
  const name = key.slice(end + 1)
  return isSecretOwner(owner) && CREDENTIAL_NAME.test(name) ? { owner, name } : undefined
}

/** A credential, sealed for its place, as it is stored. */
export function sealCredential(
  key: MasterKey,
  owner: SecretOwner,
  name: string,
  value: CredentialRecord,
  random: RandomBytes,
): object {
  return { v: 1, ...key.seal(['credential', owner, name], JSON.stringify(value), random) }
}

/** A stored credential in clear, and the id of the key that it is sealed under; or why it cannot be read. */
export function openCredential(
  keys: readonly MasterKey[],
  owner: SecretOwner,
  name: string,
  stored: unknown,
): { readonly record: CredentialRecord; readonly key: string } | { readonly problem: string } {
  const parsed = credentialEntry.safeParse(stored)
  if (!parsed.success) return { problem: 'its entry is damaged' }
  const key = keys.find(({ id }) => id === parsed.data.key)
  if (key === undefined) return { problem: `it is sealed under another master key (${shown(parsed.data.key)})` }
  const text = key.open(['credential', owner, name], parsed.data)
  if (text === undefined) return { problem: 'it is damaged, or was moved here from another place' }
  const opened = parseRecord(text)
  return opened === undefined ? { problem: 'it is not one of this version of kefu' } : { record: opened, key: key.id }
}

/** The facts about a key as they are stored, with the key before it while that is still needed. */
export function keyEntryOf(opened: OpenedKey, before: MasterKey | undefined, random: RandomBytes): object {
  const { key, kind, salt } = opened
  return {
    v: 1,
    id: key.id,
    kind,
    ...(salt === undefined ? {} : { salt }),
    ...(before === undefined ? {} : { beforeId: before.id, before: key.sealKey(['key'], before, random) }),
  }
}

/** The facts about the key that are stored; undefined when they are damaged. */
export function parseKeyEntry(stored: unknown): KeyEntry | undefined {
  const parsed = keyEntry.safeParse(stored)
  return parsed.success ? parsed.data : undefined
}

/** The key before this one. */
export function keyBefore(entry: KeyEntry | undefined, key: MasterKey): MasterKey | undefined {
  return entry?.before === undefined ? undefined : key.openKey(['key'], entry.before)
}

/** Without what a parser would say: it quotes the text. */
function parseRecord(text: string): CredentialRecord | undefined {
  try {
    return record.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

function shown(id: string): string {
  return /^[0-9a-f]{16}$/.test(id) ? id : 'unknown'
}

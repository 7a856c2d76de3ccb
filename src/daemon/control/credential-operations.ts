import { z } from 'zod'
import { CREDENTIAL_BYTES, CREDENTIAL_KEEP_MS, MASTER_KEY_KINDS } from '../core/vault.js'
import { pageRequest } from './schemas.js'

/** What the control socket takes and tells of credentials: values go in and never out. */

const since = '0.1.0'

const text = z.string().min(1).max(200)
const instant = z.int()
/** Looked at in full where it is stored. */
const value = z.string().max(CREDENTIAL_BYTES)
const credential = z.strictObject({ owner: text, name: text })

/** A credential as the outside sees it: never its value. */
const credentialView = z
  .object({
    /** `channel/<name>`. */
    owner: z.string(),
    name: z.string(),
    setAt: instant.exactOptional(),
    /** While the value before it still counts. */
    previousUntil: instant.exactOptional(),
    /** While a rotation tests another value. */
    staged: z.literal(true).exactOptional(),
    /** Of the value, under the master key: the same at two places for the same value. */
    digest: z.string().exactOptional(),
    /** Why it cannot be read; then there is no more of it. */
    problem: z.string().exactOptional(),
  })
  .readonly()

const keyView = z.object({ kind: z.enum(MASTER_KEY_KINDS), id: z.string() }).readonly()

/** The operations on credentials: part of the one table. Their requests hold secrets; what is wrong with one is said without any of it. */
export const CREDENTIAL_OPERATIONS = {
  'credential.set': {
    summary: 'seals a credential, in the place of the one of its name',
    request: credential.extend({ value }),
    answer: z.object({ credential: credentialView, changed: z.boolean() }),
    mutates: true,
    stream: false,
    hasSecrets: true,
    since,
  },
  'credential.list': {
    summary: 'a page of the credentials, without their values',
    request: pageRequest(['name', '-name', 'set', '-set']).extend({ owner: text.exactOptional() }),
    answer: z.object({
      credentials: z.array(credentialView).readonly(),
      next: z.string().exactOptional(),
      /** The master key; absent while nothing is sealed. */
      key: keyView.exactOptional(),
    }),
    mutates: false,
    stream: false,
    hasSecrets: true,
    since,
  },
  'credential.remove': {
    summary: 'removes a credential, also one that cannot be read',
    request: credential,
    answer: z.object({ owner: z.string(), name: z.string() }),
    mutates: true,
    stream: false,
    hasSecrets: true,
    since,
  },
  'credential.rotate': {
    summary: 'tests another value and puts it in the place of the present one, which counts for a while longer',
    request: credential.extend({ value, keepMs: z.int().min(0).max(CREDENTIAL_KEEP_MS) }),
    answer: z.object({ credential: credentialView, changed: z.boolean() }),
    mutates: true,
    stream: false,
    hasSecrets: true,
    since,
  },
  'credential.rekey': {
    summary: 'seals every credential anew under another master key',
    request: z.strictObject({
      /** Where the next key comes from; absent: from where the present one does. */
      to: z.enum(MASTER_KEY_KINDS).exactOptional(),
      passphrase: z.string().max(CREDENTIAL_BYTES).exactOptional(),
    }),
    answer: z.object({
      key: keyView,
      before: keyView.exactOptional(),
      sealed: z.int(),
      configured: z.enum(MASTER_KEY_KINDS),
    }),
    mutates: true,
    stream: false,
    hasSecrets: true,
    since,
  },
} as const

/** A credential as the outside sees it. */
export type CredentialView = z.infer<typeof credentialView>

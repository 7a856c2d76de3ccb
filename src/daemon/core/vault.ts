/**
 * Sealed credentials, as the daemon uses them: what platforms, hooks and bots must know to believe kefu, and kefu to believe them. At rest each one is sealed
 * under a master key that is not part of the store; in clear they are in the daemon's memory only, and in no log, error or list.
 */

/** Whose secrets: `channel/<number>` (numbers are never reused), `hook/<id>`, `agent/<id>` (an HTTP bot). */
export type SecretOwner = `${'channel' | 'hook' | 'agent'}/${string}`

/** Whose the secrets of a channel are. */
export function channelSecrets(number: number): SecretOwner {
  return `channel/${number}`
}

/** A secret as adapters use it. `previous` is the one that it replaced, while that still counts: inbound signatures made with either are good. */
export type Credential = { readonly value: string; readonly previous?: string }

/** What lists show: never the value. */
export type CredentialInfo = {
  readonly owner: SecretOwner
  readonly name: string
  /** When the present value was set, epoch ms. */
  readonly setAt: number
  /** While the value before it still counts: until when, epoch ms. */
  readonly previousUntil?: number
  /** While a rotation tests another value. */
  readonly staged?: true
  /** The first 8 hex digits of a keyed hash, to compare two places. Another master key makes another one. */
  readonly digest: string
}

/** Where master keys come from; the first is the default of `vault.key`. */
export const MASTER_KEY_KINDS = ['file', 'systemd', 'passphrase'] as const

/** One of `MASTER_KEY_KINDS`. */
export type MasterKeyKind = (typeof MASTER_KEY_KINDS)[number]

/** Where the next master key comes from: a new key file of kefu's own, the service manager's credential, a passphrase. */
export type MasterKeySource =
  | { readonly kind: 'file' | 'systemd' }
  | { readonly kind: 'passphrase'; readonly passphrase: string }

/** Characters of a credential's name: a letter, then letters, digits and hyphens. */
export const CREDENTIAL_NAME = /^[a-z][a-z0-9-]{0,39}$/

/** Longest value of a credential, as UTF-8. */
export const CREDENTIAL_BYTES = 8_192

/** Credentials that one owner may have. */
export const CREDENTIALS_PER_OWNER = 32

/** Longest time for which a replaced value may still count. */
export const CREDENTIAL_KEEP_MS = 30 * 24 * 3_600_000

/**
 * The daemon's credentials.
 *
 * Changes of one vault happen one after the other. They throw `KEFU_CREDENTIAL_INVALID` (name, value, count or time out of bounds: nothing of the value is
 * in the error), what the directory throws when it cannot write, and what the master key throws when one has to be made and cannot be.
 */
export type VaultPort = {
  /** The owner's secrets by name: decrypted, synchronous, from memory. A `previous` whose time is over is not in it. */
  secrets(owner: SecretOwner): ReadonlyMap<string, Credential>
  /** By owner, then name. */
  list(owner?: SecretOwner): readonly CredentialInfo[]
  /** Durable on return. The former value is forgotten at once. Throws `KEFU_CREDENTIAL_ROTATING` while another value of it is being tested. */
  set(owner: SecretOwner, name: string, value: string): Promise<void>
  /** Durable on return; whether there was one, readable or not. A rotation of it that runs fails. */
  remove(owner: SecretOwner, name: string): Promise<boolean>
  /** All of an owner that is gone. */
  removeOwner(owner: SecretOwner): Promise<void>
  /**
   * Stages a value beside the present one, runs `test` with the secrets as they would be with the new value alone, switches when it resolves, keeps the old
   * one for `keepMs` (0: forgets it at once); when it rejects nothing has changed and the error is thrown. What ends the process before the switch has changed nothing.
   * Throws `KEFU_CREDENTIAL_NOT_FOUND` (nothing to replace; also when it was removed meanwhile) and `KEFU_CREDENTIAL_ROTATING`.
   */
  rotate(
    owner: SecretOwner,
    name: string,
    value: string,
    options: { readonly keepMs: number; readonly test: (secrets: ReadonlyMap<string, Credential>) => Promise<void> },
  ): Promise<void>
  /**
   * Seals everything anew under another master key. Survives a crash at any write: the next start goes on with it. Throws `KEFU_CREDENTIAL_UNREADABLE` before
   * anything is changed when there is one that could not be sealed anew, and what getting the key throws.
   */
  rekey(next: MasterKeySource): Promise<{ readonly sealed: number }>
  /** After every durable change of an owner's secrets, and when a `previous` runs out; must not throw. Returns what ends it. */
  onChange(callback: (owner: SecretOwner) => void): () => void
}

/** A credential that is stored and cannot be read, and why. It can be set again or removed. */
export type UnreadableCredential = { readonly owner: SecretOwner; readonly name: string; readonly problem: string }

/** A vault as operators see it. */
export type VaultControlPort = VaultPort & {
  /** By owner, then name. */
  unreadable(owner?: SecretOwner): readonly UnreadableCredential[]
  /** The key that seals: where it comes from, and its id; undefined while nothing is sealed. */
  readonly key: { readonly kind: MasterKeyKind; readonly id: string } | undefined
}

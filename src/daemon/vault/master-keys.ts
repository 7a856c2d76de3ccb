import { join } from 'node:path'
import { KefuError } from '../../errors.js'
import type { RandomBytes } from '../core/ordered-id.js'
import type { MasterKeyKind, MasterKeySource } from '../core/vault.js'
import { keyOfPassphrase, PASSPHRASE_LENGTH, SALT_BYTES } from './passphrase.js'
import { MASTER_KEY_BYTES, MasterKey } from './seal.js'
import {
  makeSecretFile,
  moveSecretFile,
  readSecretFile,
  removeSecretFile,
  removeUnfinished,
  replaceSecretFile,
  type SecretFileRule,
} from './secret-file.js'

/**
 * What the store knows of the key that seals its credentials: nothing secret. The id is also what a passphrase is checked with. `beforeId`: of the key in
 * whose place it was put, while something may still be sealed under that.
 */
export type KeyFacts = {
  readonly id: string
  readonly kind: MasterKeyKind
  readonly salt?: Uint8Array
  readonly beforeId?: string
}

/** A master key and where it comes from. */
export type OpenedKey = { readonly key: MasterKey; readonly kind: MasterKeyKind; readonly salt?: Uint8Array }

/** A key that is to be the next one. */
export type NextKey = OpenedKey & {
  /** It is the key now: what was kept of the one before it is removed. */
  settle(before: MasterKeyKind | undefined): Promise<void>
  /** It is not to be. */
  discard(): Promise<void>
}

/** Asks the person who starts the daemon; `isNew`: for one to be chosen, so that it is asked for twice. */
export type AskPassphrase = (isNew: boolean) => Promise<string>

/** Where master keys are looked for. */
export type MasterKeyPlaces = {
  readonly kind: MasterKeyKind
  readonly keyFile: string
  /** What the service manager gave the daemon: `$CREDENTIALS_DIRECTORY`. */
  readonly credentialsDir: string | undefined
  readonly passphraseFile: string | undefined
  /** Undefined when nobody can be asked. */
  readonly askPassphrase: AskPassphrase | undefined
}

/** The sources of master keys. */
export type MasterKeys = {
  /**
   * The key as the configuration says, for a store that knows `facts` and has so many sealed values; undefined when there is none yet and none is needed. A
   * next key file that took effect before a crash takes its place. Throws `KEFU_VAULT_KEY_MISSING`, `_UNSAFE`, `_WRONG`, `KEFU_VAULT_PASSPHRASE_NEEDED`,
   * `_WRONG`. A key file with another key is taken: whoever has lost the old one puts it there.
   */
  open(facts: KeyFacts | undefined, sealed: number): Promise<OpenedKey | undefined>
  /** A first key, durable. Throws `KEFU_STORE_FULL`, `KEFU_STORE_UNWRITABLE`. */
  make(): Promise<OpenedKey>
  /** A next key, durable beside the present one. Throws what `open` throws, and `KEFU_USAGE` for a passphrase out of bounds. */
  next(source: MasterKeySource): Promise<NextKey>
}

/** Names of the service manager's credentials. */
export const KEY_CREDENTIAL = 'kefu-vault-key'
/** The passphrase, in place of the key. */
export const PASSPHRASE_CREDENTIAL = 'kefu-vault-passphrase'

const KEY_FILE: SecretFileRule = { bytes: { least: MASTER_KEY_BYTES, most: MASTER_KEY_BYTES }, unsafe }
// In UTF-8, and with the line feed that editors put at the end.
const PASSPHRASE_FILE: SecretFileRule = { bytes: { least: 1, most: 4 * PASSPHRASE_LENGTH.most + 2 }, unsafe }

/** The sources of master keys on this machine. `derive` is what makes a key of a passphrase, slow on purpose. */
export function createMasterKeys(
  places: MasterKeyPlaces,
  random: RandomBytes,
  derive: typeof keyOfPassphrase = keyOfPassphrase,
): MasterKeys {
  const { kind, keyFile, credentialsDir, passphraseFile, askPassphrase } = places
  const nextFile = `${keyFile}.next`

  const fromService = async (name: string, rule: SecretFileRule): Promise<Uint8Array | undefined> =>
    credentialsDir === undefined
      ? undefined
      : await readSecretFile(join(credentialsDir, name), { ...rule, trust: 'service' })

  const serviceKey = async (): Promise<MasterKey> => {
    const bytes = await fromService(KEY_CREDENTIAL, KEY_FILE)
    if (bytes !== undefined) return new MasterKey(bytes)
    throw missing(`the service manager gave no credential ${KEY_CREDENTIAL} (LoadCredential=)`)
  }

  const passphrase = async (isNew: boolean): Promise<string> => {
    if (passphraseFile !== undefined) {
      const bytes = await readSecretFile(passphraseFile, PASSPHRASE_FILE)
      if (bytes !== undefined) return lineOf(passphraseFile, bytes)
      throw new KefuError('KEFU_VAULT_PASSPHRASE_NEEDED', { reason: `there is no file ${passphraseFile}` })
    }
    const bytes = await fromService(PASSPHRASE_CREDENTIAL, PASSPHRASE_FILE)
    if (bytes !== undefined) return lineOf(PASSPHRASE_CREDENTIAL, bytes)
    if (askPassphrase !== undefined) return await askPassphrase(isNew)
    throw new KefuError('KEFU_VAULT_PASSPHRASE_NEEDED', { reason: 'nobody can be asked here' })
  }

  const openFile = async (facts: KeyFacts | undefined, sealed: number): Promise<OpenedKey | undefined> => {
    await removeUnfinished(keyFile)
    const next = keyOf(await readSecretFile(nextFile, KEY_FILE))
    if (next !== undefined && next.id === facts?.id) {
      await moveSecretFile(nextFile, keyFile)
      return { key: next, kind: 'file' }
    }
    const key = keyOf(await readSecretFile(keyFile, KEY_FILE))
    if (key === undefined && sealed > 0) {
      if (facts !== undefined && facts.kind !== 'file') throw foreign(facts, 'file')
      throw missing(`there is no file ${keyFile}, and ${sealed} of the store's credentials are sealed under it`)
    }
    // The one that was replaced: what is sealed under the other would be given up.
    if (facts !== undefined && key !== undefined && key.id === facts.beforeId) throw foreign(facts, 'file')
    // While nobody knows which of them is the key, the other one may be what something is sealed under.
    const mayBeKey = facts === undefined && sealed > 0
    if (next !== undefined && !mayBeKey) await removeSecretFile(nextFile)
    return key === undefined ? undefined : { key, kind: 'file' }
  }

  const openPassphrase = async (facts: KeyFacts | undefined, sealed: number): Promise<OpenedKey> => {
    if (facts?.salt !== undefined && facts.kind === 'passphrase') {
      const key = await derive(await passphrase(false), facts.salt)
      if (key.id !== facts.id) throw new KefuError('KEFU_VAULT_PASSPHRASE_WRONG')
      return { key, kind: 'passphrase', salt: facts.salt }
    }
    if (sealed > 0) throw foreign(facts, 'passphrase')
    const salt = random(SALT_BYTES)
    return { key: await derive(await passphrase(true), salt), kind: 'passphrase', salt }
  }

  const openService = async (facts: KeyFacts | undefined, sealed: number): Promise<OpenedKey> => {
    const key = await serviceKey()
    if (facts !== undefined && sealed > 0 && facts.id !== key.id) {
      if (facts.kind !== 'systemd') throw foreign(facts, 'systemd')
      throw wrong(`they are sealed under the key ${facts.id}, and ${KEY_CREDENTIAL} is ${key.id}`)
    }
    return { key, kind: 'systemd' }
  }

  const others = {
    settle: async (before: MasterKeyKind | undefined) => {
      if (before === 'file') await removeSecretFile(keyFile)
    },
    discard: async () => undefined,
  }

  return {
    open(facts, sealed) {
      if (kind === 'file') return openFile(facts, sealed)
      return kind === 'systemd' ? openService(facts, sealed) : openPassphrase(facts, sealed)
    },
    async make() {
      await makeSecretFile(keyFile, random(MASTER_KEY_BYTES))
      const key = keyOf(await readSecretFile(keyFile, KEY_FILE))
      if (key === undefined) throw unsafe(keyFile, 'it vanished while it was being made')
      return { key, kind: 'file' }
    },
    async next(source) {
      if (source.kind === 'systemd') return { key: await serviceKey(), kind: 'systemd', ...others }
      if (source.kind === 'passphrase') {
        const salt = random(SALT_BYTES)
        return { key: await derive(source.passphrase, salt), kind: 'passphrase', salt, ...others }
      }
      const bytes = random(MASTER_KEY_BYTES)
      await replaceSecretFile(nextFile, bytes)
      return {
        key: new MasterKey(bytes),
        kind: 'file',
        settle: async () => {
          if ((await readSecretFile(nextFile, KEY_FILE)) !== undefined) await moveSecretFile(nextFile, keyFile)
        },
        discard: () => removeSecretFile(nextFile),
      }
    },
  }
}

function keyOf(bytes: Uint8Array | undefined): MasterKey | undefined {
  return bytes === undefined ? undefined : new MasterKey(bytes)
}

/** A file's one line. What is wrong with it is said without it. */
function lineOf(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch {
    throw unsafe(path, 'it is not UTF-8')
  }
}

function missing(reason: string): KefuError {
  return new KefuError('KEFU_VAULT_KEY_MISSING', { reason })
}

function wrong(reason: string): KefuError {
  return new KefuError('KEFU_VAULT_KEY_WRONG', { reason })
}

function foreign(facts: KeyFacts | undefined, kind: MasterKeyKind): KefuError {
  return wrong(`they are sealed under a key from ${facts?.kind ?? 'another place'}, and vault.key is ${kind}`)
}

function unsafe(path: string, reason: string, cause?: unknown): KefuError {
  return new KefuError('KEFU_VAULT_KEY_UNSAFE', { path, reason }, cause === undefined ? undefined : { cause })
}

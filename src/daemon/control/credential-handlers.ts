import { isKefuError, KefuError } from '../../errors.js'
import { suggestion } from '../../nearest.js'
import { checkedCredentialName, checkedCredentialValue } from '../core/credential-bounds.js'
import type { Credential, MasterKeyKind, MasterKeySource, SecretOwner, VaultControlPort } from '../core/vault.js'
import type { Log } from '../observe/log.js'
import type { CredentialView } from './credential-operations.js'
import type { Owners } from './credential-owner.js'
import type { ParsedRequestOf } from './operations.js'
import { pageOf } from './page.js'
import { presentOnly } from './present-only.js'

/** A credential that an owner can have: what it is, its form included, and whether a value has that form. */
export type KnownCredential = { readonly name: string; readonly summary: string; hasForm(value: string): boolean }

/** What the operations on credentials act on. */
export type CredentialControlPorts = {
  readonly vault: VaultControlPort
  readonly owners: Owners
  /** Where the daemon takes the master key from at its next start: `vault.key`. */
  readonly keyKind: MasterKeyKind
  /** The credentials that an owner can have; undefined: any. */
  known(owner: SecretOwner): readonly KnownCredential[] | undefined
  /** Whether an owner's secrets would do, within a time of its own; throws what is wrong with them. */
  test(owner: SecretOwner, secrets: ReadonlyMap<string, Credential>): Promise<void>
  readonly log: Pick<Log, 'info'>
}

const BY = 'operator'

/** Of which no name is: most platforms' secrets are digits and letters without a pause. */
const LIKE_A_VALUE = /[a-z0-9]{20,}/

/** The operations on credentials. */
export function createCredentialHandlers(ports: CredentialControlPorts) {
  const { vault, owners, log } = ports

  const nameOf = (owner: SecretOwner, text: string): string => {
    const known = ports.known(owner)?.map(({ name }) => name)
    if (known === undefined) {
      const name = checkedCredentialName(text)
      if (!LIKE_A_VALUE.test(name)) return name
      throw new KefuError('KEFU_CREDENTIAL_INVALID', {
        reason: 'what stands where its name should be looks like a value',
      })
    }
    if (known.includes(text)) return text
    const near = suggestion(text, known) || `; it has ${known.join(', ')}`
    throw new KefuError('KEFU_CREDENTIAL_NOT_FOUND', { owner: owners.label(owner), suggestion: near })
  }

  /** What can be seen to be wrong before anybody is asked. */
  const assertForm = (owner: SecretOwner, name: string, value: string): void => {
    checkedCredentialValue(value)
    const known = ports.known(owner)?.find(each => each.name === name)
    if (known === undefined || known.hasForm(value)) return
    const form = `${name} of ${owners.label(owner)} (${known.summary})`
    throw new KefuError('KEFU_CREDENTIAL_INVALID', { reason: `the value has not the form of ${form}` })
  }

  const placeOf = (request: { readonly owner: string; readonly name: string }) => {
    const owner = owners.resolve(request.owner)
    return { owner, name: nameOf(owner, request.name) }
  }

  /** One that there is, by a name that need not be known any more. */
  const presentPlaceOf = (request: { readonly owner: string; readonly name: string }) => {
    const owner = owners.resolve(request.owner)
    const names = viewsOf(owner).map(({ name }) => name)
    if (names.includes(request.name)) return { owner, name: request.name }
    throw new KefuError('KEFU_CREDENTIAL_NOT_FOUND', {
      owner: owners.label(owner),
      suggestion: suggestion(request.name, names),
    })
  }

  const viewsOf = (owner?: SecretOwner): CredentialView[] => [
    ...vault.list(owner).map(info => ({ ...info, owner: owners.label(info.owner) })),
    ...vault.unreadable(owner).map(found => ({ ...found, owner: owners.label(found.owner) })),
  ]

  const viewOf = (owner: SecretOwner, name: string): CredentialView => {
    const view = viewsOf(owner).find(each => each.name === name)
    if (view !== undefined) return view
    throw new KefuError('KEFU_CREDENTIAL_NOT_FOUND', { owner: owners.label(owner), suggestion: '' })
  }

  /** Errors of the vault name owners by number. */
  const inWords = (error: unknown): never => {
    if (!isKefuError(error) || error.detail.owner === undefined) throw error
    const owner = owners.label(String(error.detail.owner) as SecretOwner)
    throw new KefuError(error.code, { ...error.detail, owner }, { cause: error })
  }

  return {
    'credential.set': async ({ value, ...request }: ParsedRequestOf<'credential.set'>) => {
      const { owner, name } = placeOf(request)
      assertForm(owner, name, value)
      const before = vault.secrets(owner).get(name)
      const changed = before?.value !== value || before.previous !== undefined
      await vault.set(owner, name, value)
      if (changed) log.info('credential.set', { by: BY, owner, name })
      return { credential: viewOf(owner, name), changed }
    },
    'credential.list': ({ owner, sort = 'name', ...range }: ParsedRequestOf<'credential.list'>) => {
      const views = viewsOf(owner === undefined ? undefined : owners.resolve(owner))
      const placeKey = (view: CredentialView) => `${view.owner}/${view.name}`
      const { items, ...rest } = pageOf(
        views,
        sort,
        view => [sort.endsWith('set') ? (view.setAt ?? 0) : placeKey(view), placeKey(view)],
        range,
      )
      return { credentials: items, ...rest, ...presentOnly({ key: vault.key }) }
    },
    'credential.remove': async (request: ParsedRequestOf<'credential.remove'>) => {
      const { owner, name } = presentPlaceOf(request)
      await vault.remove(owner, name)
      log.info('credential.removed', { by: BY, owner, name })
      return { owner: owners.label(owner), name }
    },
    'credential.rotate': async ({ value, keepMs, ...request }: ParsedRequestOf<'credential.rotate'>) => {
      const { owner, name } = presentPlaceOf(request)
      assertForm(owner, name, value)
      const changed = vault.secrets(owner).get(name)?.value !== value
      const test = (secrets: ReadonlyMap<string, Credential>) => ports.test(owner, secrets)
      await vault.rotate(owner, name, value, { keepMs, test }).catch(inWords)
      if (changed) log.info('credential.rotated', { by: BY, owner, name, keepMs })
      return { credential: viewOf(owner, name), changed }
    },
    'credential.rekey': async ({ to, passphrase }: ParsedRequestOf<'credential.rekey'>) => {
      const before = vault.key
      const source = sourceOf(to ?? before?.kind ?? ports.keyKind, passphrase)
      const { sealed } = await vault.rekey(source).catch(inWords)
      const key = vault.key
      if (key === undefined) throw new KefuError('KEFU_INTERNAL', { reason: 'there is no master key after a rekey' })
      log.info('credential.rekeyed', { by: BY, kind: key.kind, id: key.id, sealed })
      return { key, ...presentOnly({ before }), sealed, configured: ports.keyKind }
    },
  }
}

function sourceOf(kind: MasterKeyKind, passphrase: string | undefined): MasterKeySource {
  if (kind === 'passphrase') {
    if (passphrase !== undefined) return { kind, passphrase }
    throw new KefuError('KEFU_USAGE', { reason: 'the next master key is made of a passphrase: give one' })
  }
  if (passphrase === undefined) return { kind }
  throw new KefuError('KEFU_USAGE', { reason: `a passphrase makes no key for ${kind}` })
}

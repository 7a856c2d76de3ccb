import { randomBytes } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { isWebhookSecret, WEBHOOK_SECRET_FORM } from '../platform/standard-webhook.js'
import type { Dirs } from './config/dirs.js'
import type { Config } from './config/schema.js'
import type { CredentialControlPorts, KnownCredential } from './control/credential-handlers.js'
import { createOwners, type OwnerPorts } from './control/credential-owner.js'
import type { KindTable } from './core/channel-adapter.js'
import { SIGNING_SECRET } from './core/hook.js'
import type { ChannelKind } from './core/model.js'
import type { Clock, DirectoryPort } from './core/ports.js'
import { removeStrays } from './core/strays.js'
import { channelSecrets, type SecretOwner } from './core/vault.js'
import type { ChannelRegistry } from './engine/registry/channels.js'
import type { Log } from './observe/log.js'
import { type AskPassphrase, createMasterKeys } from './vault/master-keys.js'
import { Vault } from './vault/vault.js'

/** What the credentials of a daemon stand on. */
export type CredentialSources = {
  readonly config: Pick<Config, 'vault'>
  readonly dirs: Pick<Dirs, 'masterKeyFile' | 'configFile'>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly directory: DirectoryPort
  readonly clock: Clock
  readonly channels: Pick<ChannelRegistry, 'list' | 'byName' | 'byNumber' | 'onChange'>
  readonly hooks: OwnerPorts['hooks']
  readonly agents: OwnerPorts['agents']
  readonly log: Log
  readonly askPassphrase: AskPassphrase | undefined
  /** The table of a kind of channel; undefined for kinds whose credentials have no table. */
  readonly table: (kind: ChannelKind) => KindTable | undefined
  /** Whether a channel's secrets would do; throws what is wrong with them. */
  readonly test: CredentialControlPorts['test']
}

/** The credentials of a daemon. */
export type DaemonCredentials = {
  readonly vault: Vault
  /** What the operations on them act on. */
  readonly control: CredentialControlPorts
  /** A sentence for each that cannot be read. */
  readonly warnings: readonly string[]
}

/** Credentials that are named one by one when they cannot be read. */
const WARNINGS = 5

/** Opens the vault as the configuration says, and has what a channel had go with it. Throws what `Vault.open` throws. */
export async function openCredentials(sources: CredentialSources): Promise<DaemonCredentials> {
  const { config, dirs, environment, directory, clock, channels, hooks, agents, log, askPassphrase, table, test } =
    sources
  const random = (length: number): Uint8Array => randomBytes(length)
  const report = (error: unknown): void => log.error('vault.failed', { error })
  const { passphraseFile } = config.vault
  const keys = createMasterKeys(
    {
      kind: config.vault.key,
      keyFile: dirs.masterKeyFile,
      credentialsDir: environment.CREDENTIALS_DIRECTORY || undefined,
      passphraseFile: passphraseFile === 'none' ? undefined : resolve(dirname(dirs.configFile), passphraseFile),
      askPassphrase,
    },
    random,
  )
  const vault = await Vault.open({ directory, clock, random, keys, report })
  const owners = createOwners({ channels, hooks, agents })
  await removeStrays(vault, isGone(channels)).catch(report)
  channels.onChange(change => {
    if (change.type === 'removed') vault.removeOwner(channelSecrets(change.before.number)).catch(report)
  })
  return {
    vault,
    control: {
      vault,
      owners,
      keyKind: config.vault.key,
      log,
      known: owner => knownOf(owner, channels, table),
      test: async (owner, secrets) => (owner.startsWith('channel/') ? await test(owner, secrets) : undefined),
    },
    get warnings() {
      const unreadable = vault.unreadable()
      const more = unreadable.length - WARNINGS
      return [
        ...unreadable
          .slice(0, WARNINGS)
          .map(
            ({ owner, name, problem }) => `the credential ${name} of ${owners.label(owner)} cannot be read: ${problem}`,
          ),
        ...(more > 0 ? [`${more} more credentials cannot be read: kefu credential list`] : []),
      ]
    },
  }
}

/** Numbers of channels are never given out twice: what a crash left of a removed one belongs to nobody. */
function isGone(channels: Pick<ChannelRegistry, 'byNumber'>): (owner: SecretOwner) => boolean {
  return owner =>
    owner.startsWith('channel/') && channels.byNumber(Number(owner.slice('channel/'.length))) === undefined
}

/** The credentials that a channel's kind has; of hooks and bots, what calls to them are signed with. */
function knownOf(
  owner: SecretOwner,
  channels: Pick<ChannelRegistry, 'byNumber'>,
  table: CredentialSources['table'],
): readonly KnownCredential[] | undefined {
  if (!owner.startsWith('channel/')) return CALLED
  const kind = channels.byNumber(Number(owner.slice('channel/'.length)))?.kind
  const rows = kind && table(kind)?.credentials
  return (
    rows &&
    Object.entries(rows).map(([name, { summary, pattern }]) => ({
      name,
      summary,
      hasForm: value => pattern?.test(value) ?? true,
    }))
  )
}

/** Of hooks and bots. */
const CALLED: readonly KnownCredential[] = [
  {
    name: SIGNING_SECRET,
    summary: `what calls to it are signed with: ${WEBHOOK_SECRET_FORM}`,
    hasForm: isWebhookSecret,
  },
]

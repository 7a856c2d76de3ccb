import { KefuError, toKefuError } from '../errors.js'
import { CHANNEL_DRIVERS } from './channels/drivers.js'
import { createPlatformHttp, type PlatformClient } from './channels/platform-http.js'
import { CHANNEL_TABLES } from './channels/tables.js'
import type { Closer } from './closers.js'
import type { KindTable } from './core/channel-adapter.js'
import { CHECK_TIMEOUT_MS } from './core/check-step.js'
import type { ChannelKind } from './core/model.js'
import type { Credential, SecretOwner } from './core/vault.js'
import { type PlatformPorts, Platforms } from './engine/platforms/platforms.js'

/** What the channels behind platforms are composed of. */
export type PlatformSources = Omit<PlatformPorts, 'drivers' | 'adapters'>

/** The table of a kind; undefined for kinds that have no platform behind them. */
export function tableOf(kind: ChannelKind): KindTable | undefined {
  return (CHANNEL_TABLES as Partial<Record<ChannelKind, KindTable>>)[kind]
}

/** Connections of a channel to one host: as many as the messages that its lane may have under way. */
const SOCKETS_PER_HOST = 256

/** Makes the channels behind platforms with all adapters, and what closes them; they begin with `start`. */
export function createPlatforms(sources: PlatformSources, closers: Closer[]): Platforms {
  const { clock, random, channels } = sources
  // Many have their platform on one host: a channel whose calls hang must not use up the connections of the others.
  const clients = new Map<number, PlatformClient>()
  const adapters = (channel: number) => {
    const http = clients.get(channel) ?? createPlatformHttp({ socketsPerHost: SOCKETS_PER_HOST })
    clients.set(channel, http)
    return { http, clock, random }
  }
  const endListening = channels.onChange(change => {
    // What it still has under way ends by itself, and so do connections that nobody uses.
    if (change.type === 'removed') clients.delete(change.before.number)
  })
  closers.push({
    name: 'platform connections',
    close: async () => {
      endListening()
      for (const http of clients.values()) http.close()
    },
  })
  const drivers = new Map(CHANNEL_DRIVERS.map(driver => [driver.table.kind, driver]))
  const platforms = new Platforms({ ...sources, drivers, adapters })
  closers.push({ name: 'platforms', close: () => platforms.close() })
  return platforms
}

/** Whether a channel would work with other secrets: it checks itself with them. Throws `KEFU_CREDENTIAL_REFUSED` with what it says. */
export async function testSecrets(
  platforms: Pick<Platforms, 'lane' | 'check'>,
  owner: SecretOwner,
  secrets: ReadonlyMap<string, Credential>,
): Promise<void> {
  const number = numberOf(owner)
  if (number === undefined || platforms.lane(number) === undefined) return
  const steps = await platforms.check(number, AbortSignal.timeout(CHECK_TIMEOUT_MS), secrets).catch(thrown => {
    const cause = toKefuError(thrown)
    if (cause.code === 'KEFU_INTERNAL') throw cause
    throw new KefuError('KEFU_CREDENTIAL_REFUSED', { reason: cause.message, nextStep: cause.hint }, { cause })
  })
  const failed = steps.find(({ result }) => result === 'failed')
  if (failed === undefined) return
  const { step, reason = 'it failed', nextStep = 'correct it' } = failed
  throw new KefuError('KEFU_CREDENTIAL_REFUSED', {
    reason: `${step}: ${reason}`,
    nextStep: nextStep.replace(SET, (command, place, name) =>
      secrets.has(name) ? `${ROTATE}${place}${name}` : command,
    ),
  })
}

/** What steps of a check say of a secret: one that is there is rotated, as it would be here. */
const SET = /\bkefu credential set (\S+ )([a-z-]+)/g
const ROTATE = 'kefu credential rotate '

/** The number of the channel whose secrets an owner's are. */
export function numberOf(owner: SecretOwner): number | undefined {
  return owner.startsWith('channel/') ? Number(owner.slice('channel/'.length)) : undefined
}

import { KefuError } from '../../errors.js'
import { suggestion } from '../../nearest.js'
import { channelSecrets, type SecretOwner } from '../core/vault.js'
import type { AgentRegistry } from '../engine/registry/agents.js'
import type { ChannelRegistry } from '../engine/registry/channels.js'
import type { HookRegistry } from '../engine/registry/hooks.js'

/** Who has credentials, between the names that people give and the ids under which they are kept. */
export type Owners = {
  /**
   * The owner that a text means: `shop` or `channel/shop`, `hook/crm`, `agent/helper`. Throws `KEFU_CREDENTIAL_OWNER_NOT_FOUND` with the nearest name; the text is
   * not in it, as it may be a secret at the wrong place.
   */
  resolve(text: string): SecretOwner
  /** How an owner is written for people and taken by `resolve`: `channel/shop`. */
  label(owner: SecretOwner): string
}

/** Where owners are looked up. */
export type OwnerPorts = {
  readonly channels: Pick<ChannelRegistry, 'list' | 'byName' | 'byNumber'>
  readonly hooks: Pick<HookRegistry, 'list' | 'byName' | 'byId'>
  readonly agents: Pick<AgentRegistry, 'list' | 'byName' | 'byId'>
}

type Kind = {
  readonly prefix: string
  find(name: string): SecretOwner | undefined
  nameOf(id: string): string | undefined
  names(): readonly { readonly name: string }[]
}

/** Owners by what there is. */
export function createOwners({ channels, hooks, agents }: OwnerPorts): Owners {
  const ofChannels: Kind = {
    prefix: 'channel/',
    find(name) {
      const channel = channels.byName(name)
      return channel && channelSecrets(channel.number)
    },
    nameOf: number => channels.byNumber(Number(number))?.name,
    names: () => channels.list(),
  }
  const ofIds = <P extends 'hook' | 'agent'>(
    kind: P,
    registry: {
      byName(name: string): Named | undefined
      byId(id: string): Named | undefined
      list(): readonly Named[]
    },
  ): Kind => ({
    prefix: `${kind}/`,
    find(name) {
      const found = registry.byName(name)
      return found && (`${kind}/${found.id}` as const)
    },
    nameOf: id => registry.byId(id)?.name,
    names: () => registry.list(),
  })
  const kinds: readonly Kind[] = [ofChannels, ofIds('hook', hooks), ofIds('agent', agents)]
  const kindOf = (text: string): Kind | undefined => kinds.find(({ prefix }) => text.startsWith(prefix))

  return {
    resolve(text) {
      const prefixed = kindOf(text)
      const kind = prefixed ?? ofChannels
      const name = prefixed === undefined ? text : text.slice(prefixed.prefix.length)
      const owner = kind.find(name)
      if (owner !== undefined) return owner
      const names = kind.names().map(known => known.name)
      throw new KefuError('KEFU_CREDENTIAL_OWNER_NOT_FOUND', { suggestion: suggestion(name, names) })
    },
    label(owner) {
      const kind = kindOf(owner)
      const name = kind?.nameOf(owner.slice(kind.prefix.length))
      return kind === undefined || name === undefined ? owner : `${kind.prefix}${name}`
    },
  }
}

type Named = { readonly id: string; readonly name: string }

import { KefuError } from '../../errors.js'
import { suggestion } from '../../nearest.js'
import { channelSecrets, type SecretOwner } from '../core/vault.js'
import type { ChannelRegistry } from '../engine/registry/channels.js'

/** Who has credentials, between the names that people give and the numbers under which they are kept. */
export type Owners = {
  /**
   * The owner that a text means: `shop`, or `channel/shop`. Throws `KEFU_CREDENTIAL_OWNER_NOT_FOUND` with the nearest name; the text is not in it, as it may
   * be a secret at the wrong place.
   */
  resolve(text: string): SecretOwner
  /** How an owner is written for people and taken by `resolve`: `channel/shop`. */
  label(owner: SecretOwner): string
}

const CHANNEL = 'channel/'

/** Owners by what there is. */
export function createOwners(channels: Pick<ChannelRegistry, 'list' | 'byName' | 'byNumber'>): Owners {
  return {
    resolve(text) {
      const name = text.startsWith(CHANNEL) ? text.slice(CHANNEL.length) : text
      const channel = channels.byName(name)
      if (channel !== undefined) return channelSecrets(channel.number)
      const names = channels.list().map(known => known.name)
      throw new KefuError('KEFU_CREDENTIAL_OWNER_NOT_FOUND', { suggestion: suggestion(name, names) })
    },
    label(owner) {
      const channel = owner.startsWith(CHANNEL) ? channels.byNumber(Number(owner.slice(CHANNEL.length))) : undefined
      return channel === undefined ? owner : `${CHANNEL}${channel.name}`
    },
  }
}

import { newWebhookSecret } from '../../platform/standard-webhook.js'
import type { BotStatus } from '../core/bot.js'
import { SIGNING_SECRET } from '../core/hook.js'
import type { RandomBytes } from '../core/ordered-id.js'
import type { VaultPort } from '../core/vault.js'

/** What the operations on agents need to know of bots that are called. */
export type BotControlPorts = BotSecrets & {
  /** Undefined for an agent that is not called. */
  status(agent: string): BotStatus | undefined
  /** How many connections an agent has. */
  connections(agent: string): number
}

/** What calls to bots are signed with. Durable on return. */
export type BotSecrets = {
  /** Sees to it that there is a secret; a new one is returned, to be shown once. */
  give(agent: string): Promise<string | undefined>
  forget(agent: string): Promise<void>
}

/** The secrets of bots in a vault. */
export function createBotSecrets(
  vault: Pick<VaultPort, 'secrets' | 'set' | 'removeOwner'>,
  random: RandomBytes,
): BotSecrets {
  return {
    async give(agent) {
      if (vault.secrets(`agent/${agent}`).has(SIGNING_SECRET)) return undefined
      const secret = newWebhookSecret(random)
      await vault.set(`agent/${agent}`, SIGNING_SECRET, secret)
      return secret
    },
    forget: agent => vault.removeOwner(`agent/${agent}`),
  }
}

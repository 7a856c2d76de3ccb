import { KefuError } from '../../errors.js'
import { isWebhookSecret, newWebhookSecret, WEBHOOK_SECRET_FORM } from '../../platform/standard-webhook.js'
import { type Hook, type HooksPort, SIGNING_SECRET } from '../core/hook.js'
import type { RandomBytes } from '../core/ordered-id.js'
import type { VaultPort } from '../core/vault.js'
import type { ChannelRegistry } from '../engine/registry/channels.js'
import type { HookRegistry } from '../engine/registry/hooks.js'
import type { Log } from '../observe/log.js'
import type { HookView } from './hook-operations.js'
import type { ParsedRequestOf } from './operations.js'
import { pageOf } from './page.js'
import { presentOnly } from './present-only.js'

/** What the operations on outgoing webhooks act on. */
export type HookControlPorts = {
  readonly registry: HookRegistry
  readonly work: HooksPort
  readonly channels: Pick<ChannelRegistry, 'show' | 'byNumber'>
  readonly vault: Pick<VaultPort, 'set' | 'removeOwner'>
  readonly random: RandomBytes
  readonly log: Pick<Log, 'info'>
}

const BY = 'operator'

/** The operations on outgoing webhooks. */
export function createHookHandlers({ registry, work, channels, vault, random, log }: HookControlPorts) {
  const view = (hook: Hook): HookView => {
    const { begin: _, channels: numbers, ...rest } = hook
    const names = numbers?.map(number => channels.byNumber(number)?.name ?? String(number))
    const { state, ...status } = work.status(hook)
    // A worker that ends is not asked any more.
    return {
      ...rest,
      ...status,
      state: hook.stopped === undefined ? state : 'stopped',
      ...presentOnly({ channels: names }),
    }
  }
  const numbersOf = (names: readonly string[]): number[] => names.map(name => channels.show(name).number)

  return {
    'hook.add': async ({ name, secret, channels: names, ...rest }: ParsedRequestOf<'hook.add'>) => {
      if (secret !== undefined && !isWebhookSecret(secret))
        throw new KefuError('KEFU_CREDENTIAL_INVALID', { reason: `the secret of a hook is ${WEBHOOK_SECRET_FORM}` })
      const value = secret ?? newWebhookSecret(random)
      const change = { ...rest, ...presentOnly({ channels: names && numbersOf(names) }) }
      // Before there is a hook: one without a secret would have nothing to sign with. What is left of one that did not come to be goes at the next start.
      const { hook, changed } = await registry.add(name, change, ({ id }) =>
        vault.set(`hook/${id}`, SIGNING_SECRET, value),
      )
      if (changed) log.info('hook.added', { by: BY, hook: hook.name })
      return {
        hook: view(hook),
        changed,
        ...presentOnly({ secret: changed && secret === undefined ? value : undefined }),
      }
    },
    'hook.set': async ({ name, channels: names, enabled, ...rest }: ParsedRequestOf<'hook.set'>) => {
      const numbers = names === undefined || names === null ? names : numbersOf(names)
      const stopped = enabled === undefined ? undefined : enabled ? null : ('operator' as const)
      const { hook, changed } = await registry.set(name, { ...rest, ...presentOnly({ channels: numbers, stopped }) })
      if (changed) log.info('hook.set', { by: BY, hook: hook.name })
      return { hook: view(hook), changed }
    },
    'hook.show': ({ name }: ParsedRequestOf<'hook.show'>) => ({ hook: view(registry.show(name)) }),
    'hook.list': ({ sort = 'name', ...range }: ParsedRequestOf<'hook.list'>) => {
      const key = ({ name, createdAt }: Hook) => [sort.endsWith('created') ? createdAt : name, name] as const
      const { items, ...rest } = pageOf(registry.list(), sort, key, range)
      return { hooks: items.map(view), ...rest }
    },
    'hook.remove': async ({ name }: ParsedRequestOf<'hook.remove'>) => {
      const shown = view(registry.show(name))
      const hook = await registry.remove(name)
      log.info('hook.removed', { by: BY, hook: hook.name })
      return { hook: shown }
    },
    'hook.test': ({ name }: ParsedRequestOf<'hook.test'>, signal: AbortSignal) =>
      work.test(registry.show(name), signal),
    'hook.dead': ({ name, sort = 'seq', ...range }: ParsedRequestOf<'hook.dead'>) => {
      const letters = work.deadLetters(registry.show(name))
      const { items, ...rest } = pageOf(letters, sort, ({ seq }) => [seq, ''], range)
      return { letters: [...items], ...rest }
    },
    'hook.resend': ({ name, seq }: ParsedRequestOf<'hook.resend'>, signal: AbortSignal) =>
      work.resend(registry.show(name), seq, signal),
    'hook.forget': async ({ name, seqs }: ParsedRequestOf<'hook.forget'>) => {
      const hook = registry.show(name)
      const forgotten = await work.forget(hook, seqs)
      log.info('hook.dead-forgotten', { by: BY, hook: hook.name, forgotten })
      return { forgotten }
    },
  }
}

import { randomBytes } from 'node:crypto'
import { createPlatformHttp } from './channels/platform-http.js'
import type { HookControlPorts } from './control/hook-handlers.js'
import type { Clock, Store } from './core/ports.js'
import type { VaultPort } from './core/vault.js'
import type { ChannelRegistry } from './engine/registry/channels.js'
import { createHooks } from './engine/registry/hooks.js'
import { Hooks } from './hooks/hooks.js'
import type { Log } from './observe/log.js'

/** What calls to programs of others stand on. */
export type OutgoingSources = {
  readonly store: Pick<Store, 'directory' | 'log'>
  readonly clock: Clock
  readonly vault: VaultPort
  readonly channels: ChannelRegistry
  readonly log: Log
}

/** Calls to programs of others: outgoing webhooks. */
export type Outgoing = {
  /** What the operations on hooks act on. */
  readonly hooks: HookControlPorts
  close(): Promise<void>
}

/** Begins to deliver. Throws `KEFU_STORE_CORRUPT` for a stored entry that is none. */
export async function openOutgoing({ store, clock, vault, channels, log }: OutgoingSources): Promise<Outgoing> {
  const random = (length: number): Uint8Array => randomBytes(length)
  const { directory, log: records } = store
  const http = createPlatformHttp()
  const registry = await createHooks({ directory, log: records, clock, random })
  const hooks = await Hooks.start({
    registry,
    directory,
    log: records,
    http,
    vault,
    clock,
    random,
    events: log,
    channelName: number => channels.byNumber(number)?.name,
    report: error => log.error('hook.failed', { error }),
  })
  return {
    hooks: { registry, work: hooks, channels, vault, random, log },
    async close() {
      await hooks.close()
      http.close()
    },
  }
}

import { randomBytes } from 'node:crypto'
import type { ConversationId } from '../codec/conversation-id.js'
import { createPlatformHttp } from './channels/platform-http.js'
import { type BotControlPorts, createBotSecrets } from './control/bot-secrets.js'
import type { HookControlPorts } from './control/hook-handlers.js'
import { HOOK_STOPS } from './core/hook.js'
import type { Clock, Store } from './core/ports.js'
import type { VaultControlPort } from './core/vault.js'
import type { Engine } from './engine/engine.js'
import type { AgentRegistry } from './engine/registry/agents.js'
import type { ChannelRegistry } from './engine/registry/channels.js'
import type { HookRegistry } from './engine/registry/hooks.js'
import { Bots } from './hooks/bots/bots.js'
import { Hooks } from './hooks/hooks.js'
import type { Log } from './observe/log.js'

/** What calls to programs of others stand on. */
export type OutgoingSources = {
  readonly store: Pick<Store, 'directory' | 'log' | 'view'>
  readonly engine: Pick<Engine, 'commands' | 'presence'>
  readonly clock: Clock
  readonly vault: VaultControlPort
  readonly hooks: HookRegistry
  readonly channels: ChannelRegistry
  readonly agents: AgentRegistry
  readonly log: Log
}

/** Calls to programs of others: outgoing webhooks, and bots. */
export type Outgoing = {
  /** What the operations on them act on. */
  readonly control: { readonly hooks: HookControlPorts; readonly bots: BotControlPorts }
  /** A sentence for each that does not work, of the first few. */
  readonly warnings: readonly string[]
  /** What hooks are still to be told of a conversation is what is left of it. Throws what the directory throws. */
  forget(conversation: ConversationId): Promise<void>
  close(): Promise<void>
}

const WARNINGS = 10

/** Begins to deliver and to answer; call after the engine's start. Throws `KEFU_STORE_CORRUPT` for a stored entry that is none. */
export async function openOutgoing(sources: OutgoingSources): Promise<Outgoing> {
  const { store, engine, clock, vault, hooks: registry, channels, agents, log } = sources
  const random = (length: number): Uint8Array => randomBytes(length)
  const { directory, log: records, view } = store
  // Several may have their endpoints on one host: a hook or bot that hangs must not use up the connections of the others.
  const http = createPlatformHttp({ socketsPerHost: Number.POSITIVE_INFINITY })
  const channelName = (number: number): string | undefined => channels.byNumber(number)?.name
  const calls = { log: records, http, vault, clock, random, events: log, channelName }
  const hooks = await Hooks.start({
    ...calls,
    registry,
    directory,
    report: error => log.error('hook.failed', { error }),
  })
  const bots = await Bots.start({
    ...calls,
    view,
    agents,
    commands: engine.commands,
    presence: engine.presence,
    report: error => log.error('bot.failed', { error }),
  })
  return {
    control: {
      bots: {
        status: agent => bots.status(agent),
        connections: agent => engine.presence.connections(agent),
        ...createBotSecrets(vault, random),
      },
      hooks: { registry, work: hooks, channels, vault, random, log },
    },
    get warnings() {
      return [...hookWarnings(registry, hooks), ...botWarnings(agents, bots)].slice(0, WARNINGS)
    },
    forget: conversation => hooks.forgetConversation(conversation),
    async close() {
      await Promise.all([bots.close(), hooks.close()])
      http.close()
    },
  }
}

/** Those that somebody has switched off are so on purpose. */
function hookWarnings(registry: HookRegistry, hooks: Hooks): string[] {
  return registry.list().flatMap(hook => {
    const { name, stopped } = hook
    if (stopped?.why === 'operator') return []
    if (stopped !== undefined)
      return [`the hook ${name} has stopped: ${HOOK_STOPS[stopped.why]} (kefu hook show ${name})`]
    const { state, lastError } = hooks.status(hook)
    const reason = lastError?.reason ?? ''
    if (state === 'unreadable')
      return [`the hook ${name} cannot read on in the log: ${reason} (kefu store check --deep)`]
    return state === 'down' ? [`the hook ${name} is down: ${reason} (kefu hook test ${name})`] : []
  })
}

function botWarnings(agents: AgentRegistry, bots: Bots): string[] {
  return agents
    .list()
    .filter(({ id }) => bots.status(id)?.isUp === false)
    .map(
      ({ name }) => `the endpoint of the bot ${name} does not work: people get what it would (kefu agent show ${name})`,
    )
}

import { KefuError } from '../../errors.js'
import { parseWeekly } from '../core/hours-text.js'
import type { Agent, AgentRole, Channel } from '../core/model.js'
import type { Store } from '../core/ports.js'
import type { HoursChange, TeamChange } from '../engine/registry/team-settings.js'
import { type AuditControlPorts, createAuditHandlers } from './audit-handlers.js'
import type { BotControlPorts } from './bot-secrets.js'
import { type CannedControlPorts, createCannedHandlers } from './canned-handlers.js'
import { checkStore } from './checks.js'
import { type ContactControlPorts, createContactHandlers } from './contact-handlers.js'
import { type CredentialControlPorts, createCredentialHandlers } from './credential-handlers.js'
import { createForgetHandlers, type ForgetControlPorts } from './forget-handlers.js'
import { createHistoryHandlers, type HistoryControlPorts } from './history-handlers.js'
import { createHookHandlers, type HookControlPorts } from './hook-handlers.js'
import { createLaneHandlers, type LaneControlPorts, platformOf } from './lane-handlers.js'
import type { PlatformView } from './lane-operations.js'
import type { Lines } from './lines.js'
import type { AnswerOf, Operation, ParsedRequestOf, StreamOperation } from './operations.js'
import { createOutboxHandlers, type OutboxControlPorts } from './outbox-handlers.js'
import { pageOf, type SortKey } from './page.js'
import { presentOnly } from './present-only.js'
import { createQueueHandlers, type QueueControlPorts } from './queue-handlers.js'
import type { DaemonStatus } from './schemas.js'
import { createSearchHandlers, type SearchControlPorts } from './search-handlers.js'
import { createViews } from './views.js'

/** What the operations act on. */
export type ControlPorts = QueueControlPorts &
  CannedControlPorts &
  ContactControlPorts &
  LaneControlPorts &
  HistoryControlPorts &
  ForgetControlPorts &
  SearchControlPorts &
  AuditControlPorts &
  OutboxControlPorts & {
    readonly credentials: CredentialControlPorts
    readonly hooks: HookControlPorts
    readonly bots: BotControlPorts
    readonly store: Pick<Store, 'info' | 'check'>
    status(): DaemonStatus | Promise<DaemonStatus>
    metrics(): AnswerOf<'metrics.show'> | Promise<AnswerOf<'metrics.show'>>
    /** Reads the configuration again. Throws `KEFU_CONFIG_INVALID`; then nothing has changed. */
    reload(): Promise<AnswerOf<'daemon.reload'>>
    /** Begins to end the daemon; returns at once. */
    stop(mode: 'drain' | 'now'): void
  }

/** How an operation runs. The signal aborts when the client goes away. An answer is not changed once it is given: the same object is the same answer. */
export type Handlers = {
  readonly [O in Operation]: (
    request: ParsedRequestOf<O>,
    signal: AbortSignal,
  ) => O extends StreamOperation ? AsyncIterable<AnswerOf<O> | Lines> : AnswerOf<O> | Promise<AnswerOf<O>>
}

/** Every operation of the table over these ports. */
export function createHandlers(ports: ControlPorts): Handlers {
  const { agents, channels, teams, queue, bots, store, search, status, metrics, reload, stop } = ports
  const view = createViews(agents, teams, bots)
  const platform = (channel: Channel): { readonly platform?: PlatformView } => {
    const shown = platformOf(ports, channel)
    return shown === undefined ? {} : { platform: shown }
  }
  const botNamed = (text: string): Agent => {
    const agent = agents.show(text)
    if (agent.role === 'bot') return agent
    throw new KefuError('KEFU_USAGE', { reason: `${agent.name} is no bot: kefu agent set ${agent.name} --role bot` })
  }
  /** What a bot has stands in another state than what a person has. */
  const refuseWhileBusy = ({ id, name, role }: Agent, next: AgentRole): void => {
    if ((role === 'bot') === (next === 'bot')) return
    const count = queue.heads(head => head.agent === id).length
    if (count > 0) throw new KefuError('KEFU_AGENT_BUSY', { name, count })
  }
  return {
    'daemon.status': () => status(),
    'daemon.stop': ({ mode }) => {
      stop(mode)
      return { pid: process.pid, mode }
    },
    'daemon.reload': () => reload(),
    'metrics.show': () => metrics(),
    'agent.add': async ({ name }) => {
      const added = await agents.add(name)
      return { ...added, agent: view.agent(added.agent) }
    },
    'agent.set': async ({ name, ...change }) => {
      if (change.role !== undefined) refuseWhileBusy(agents.show(name), change.role)
      const { id, name: known } = agents.show(name)
      const count = typeof change.endpoint === 'string' ? bots.connections(id) : 0
      if (count > 0) throw new KefuError('KEFU_BOT_CONNECTED', { name: known, count })
      const secret = typeof change.endpoint === 'string' ? await bots.give(id) : undefined
      try {
        const { agent, changed } = await agents.set(name, change)
        if (change.endpoint === null) await bots.forget(id)
        return { agent: view.agent(agent), changed, ...presentOnly({ secret }) }
      } catch (error) {
        // Nobody has seen it.
        if (secret !== undefined) await bots.forget(id)
        throw error
      }
    },
    'agent.show': ({ name }) => ({ agent: view.agent(agents.show(name)) }),
    'agent.list': ({ sort = 'name', ...range }) => {
      const { items, ...rest } = pageOf(agents.list(), sort, agent => namedKey(agent, sort), range)
      return { agents: items.map(view.agent), ...rest }
    },
    'agent.remove': async ({ name }) => ({ agent: view.agent(await agents.remove(name)) }),
    'agent.token': async ({ name, replace }) => {
      const { agent, token } = await agents.issueToken(name, { replace })
      return { agent: view.agent(agent), token }
    },
    'channel.add': async ({ team, ...spec }) => {
      const added =
        team === undefined
          ? await channels.add(spec)
          : await teams.keep(team, ({ id }) => channels.add({ ...spec, team: id }))
      return { ...added, channel: view.channel(added.channel), ...platform(added.channel) }
    },
    'channel.set': async ({ name, team, bot, ...rest }) => {
      const change = bot === undefined ? rest : { ...rest, bot: bot === null ? null : botNamed(bot).id }
      const { channel, changed } =
        typeof team === 'string'
          ? await teams.keep(team, ({ id }) => channels.set(name, { ...change, team: id }))
          : await channels.set(name, team === undefined ? change : { ...change, team })
      return { channel: view.channel(channel), changed, ...platform(channel) }
    },
    'channel.token': async ({ name, replace }) => {
      const { channel, token } = await channels.issueToken(name, { replace })
      return { channel: view.channel(channel), token }
    },
    'channel.show': ({ name }) => {
      const channel = channels.show(name)
      return { channel: view.channel(channel), ...platform(channel) }
    },
    'channel.list': ({ sort = 'name', ...range }) => {
      const { items, ...rest } = pageOf(channels.list(), sort, channel => channelKey(channel, sort), range)
      return { channels: items.map(view.channel), ...rest }
    },
    'channel.remove': async ({ name }) => ({ channel: view.channel(await channels.remove(name)) }),
    'team.add': async ({ name, ...settings }) => {
      const { team, changed } = await teams.add(name, teamChange(settings))
      return { team: view.team(team), changed }
    },
    'team.set': async ({ name, ...change }) => {
      const { team, changed } = await teams.set(name, teamChange(change))
      return { team: view.team(team), changed }
    },
    'team.show': ({ name }) => ({ team: view.team(teams.show(name)) }),
    'team.list': ({ sort = 'name', ...range }) => {
      const { items, ...rest } = pageOf(teams.list(), sort, team => namedKey(team, sort), range)
      return { teams: items.map(view.team), ...rest }
    },
    'team.remove': async ({ name }) => ({ team: view.team(await teams.remove(name)) }),
    ...createCannedHandlers(ports),
    ...createContactHandlers(ports),
    ...createCredentialHandlers(ports.credentials),
    ...createQueueHandlers(ports),
    ...createLaneHandlers(ports),
    ...createOutboxHandlers(ports),
    ...createHookHandlers(ports.hooks),
    ...createHistoryHandlers(ports),
    ...createForgetHandlers(ports),
    ...createSearchHandlers(ports),
    'store.info': async () => ({ ...(await store.info()), search: search.status() }),
    ...createAuditHandlers(ports),
    'store.check': ({ deep }, signal) => checkStore(ports, deep, signal),
  }
}

/** Hours come as a line of text. */
function teamChange({ hours, ...change }: Omit<ParsedRequestOf<'team.set'>, 'name'>): TeamChange {
  return hours === undefined ? change : { ...change, hours: hours === null ? null : hoursChange(hours) }
}

function hoursChange({ weekly, ...hours }: NonNullable<ParsedRequestOf<'team.set'>['hours']>): HoursChange {
  return weekly === undefined ? hours : { ...hours, weekly: parseWeekly(weekly) }
}

function namedKey({ name, createdAt }: { readonly name: string; readonly createdAt: number }, sort: string): SortKey {
  return [sort.endsWith('created') ? createdAt : name, name]
}

function channelKey(channel: Channel, sort: string): SortKey {
  return sort.endsWith('number') ? [channel.number, channel.name] : namedKey(channel, sort)
}

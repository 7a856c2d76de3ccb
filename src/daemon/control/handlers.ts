import type { Agent, Channel } from '../core/model.js'
import type { Store } from '../core/ports.js'
import type { AnswerOf, Operation, ParsedRequestOf, StreamOperation } from './operations.js'
import { pageOf, type SortKey } from './page.js'
import { createQueueHandlers, type QueueControlPorts } from './queue-handlers.js'
import type { AgentView, ChannelView, DaemonStatus } from './schemas.js'

/** What the operations act on. */
export type ControlPorts = QueueControlPorts & {
  readonly store: Pick<Store, 'info' | 'check'>
  status(): DaemonStatus | Promise<DaemonStatus>
  /** Reads the configuration again. Throws `KEFU_CONFIG_INVALID`; then nothing has changed. */
  reload(): Promise<AnswerOf<'daemon.reload'>>
  /** Begins to end the daemon; returns at once. */
  stop(mode: 'drain' | 'now'): void
}

/** How an operation runs. The signal aborts when the client goes away. */
export type Handlers = {
  readonly [O in Operation]: (
    request: ParsedRequestOf<O>,
    signal: AbortSignal,
  ) => O extends StreamOperation ? AsyncIterable<AnswerOf<O>> : AnswerOf<O> | Promise<AnswerOf<O>>
}

const PROGRESS_INTERVAL_MS = 200
const FINGERPRINT_LENGTH = 12

/** Every operation of the table over these ports. */
export function createHandlers(ports: ControlPorts): Handlers {
  const { agents, channels, store, status, reload, stop } = ports
  return {
    'daemon.status': () => status(),
    'daemon.stop': ({ mode }) => {
      stop(mode)
      return { pid: process.pid, mode }
    },
    'daemon.reload': () => reload(),
    'agent.add': async ({ name }) => {
      const added = await agents.add(name)
      return { ...added, agent: viewAgent(added.agent) }
    },
    'agent.show': ({ name }) => ({ agent: viewAgent(agents.show(name)) }),
    'agent.list': ({ sort = 'name', ...range }) => {
      const { items, ...rest } = pageOf(agents.list(), sort, agent => agentKey(agent, sort), range)
      return { agents: items.map(viewAgent), ...rest }
    },
    'agent.remove': async ({ name }) => ({ agent: viewAgent(await agents.remove(name)) }),
    'agent.token': async ({ name, replace }) => {
      const { agent, token } = await agents.issueToken(name, { replace })
      return { agent: viewAgent(agent), token }
    },
    'channel.add': async spec => {
      const added = await channels.add(spec)
      return { ...added, channel: viewChannel(added.channel) }
    },
    'channel.set': async ({ name, origins }) => {
      const { channel, changed } = await channels.set(name, { origins })
      return { channel: viewChannel(channel), changed }
    },
    'channel.token': async ({ name, replace }) => {
      const { channel, token } = await channels.issueToken(name, { replace })
      return { channel: viewChannel(channel), token }
    },
    'channel.show': ({ name }) => ({ channel: viewChannel(channels.show(name)) }),
    'channel.list': ({ sort = 'name', ...range }) => {
      const { items, ...rest } = pageOf(channels.list(), sort, channel => channelKey(channel, sort), range)
      return { channels: items.map(viewChannel), ...rest }
    },
    'channel.remove': async ({ name }) => ({ channel: viewChannel(await channels.remove(name)) }),
    ...createQueueHandlers(ports),
    'store.info': () => store.info(),
    'store.check': ({ deep }, signal) => checkStore(store, deep, signal),
  }
}

/** The latest progress, not every one: whoever reads slowly misses steps, never the result. */
async function* checkStore(
  store: Pick<Store, 'check'>,
  deep: boolean,
  signal: AbortSignal,
): AsyncIterable<AnswerOf<'store.check'>> {
  let progress: { readonly done: number; readonly total: number } | undefined
  let isDone = false
  const check = store.check({ deep, signal, onProgress: (done, total) => (progress = { done, total }) })
  const end = check.then(
    () => (isDone = true),
    () => (isDone = true),
  )
  while (!isDone) {
    await Promise.race([end, pause(PROGRESS_INTERVAL_MS)])
    if (!isDone && progress !== undefined) yield { type: 'progress', ...progress }
    progress = undefined
  }
  yield { type: 'result', ...(await check) }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref())
}

function agentKey(agent: Agent, sort: string): SortKey {
  return [sort.endsWith('created') ? agent.createdAt : agent.name, agent.name]
}

function channelKey(channel: Channel, sort: string): SortKey {
  if (sort.endsWith('number')) return [channel.number, channel.name]
  return [sort.endsWith('created') ? channel.createdAt : channel.name, channel.name]
}

function viewAgent({ id, name, tokens, createdAt }: Agent): AgentView {
  return { id, name, tokens: viewTokens(tokens), createdAt }
}

function viewChannel({ number, name, kind, origins, tokens, createdAt }: Channel): ChannelView {
  return { number, name, kind, origins, tokens: viewTokens(tokens), createdAt }
}

function viewTokens(tokens: Agent['tokens']): AgentView['tokens'] {
  return tokens.map(({ sha256, createdAt }) => ({ fingerprint: sha256.slice(0, FINGERPRINT_LENGTH), createdAt }))
}

import { z } from 'zod'
import { AUDIT_OPERATIONS } from './audit-operations.js'
import { CANNED_OPERATIONS } from './canned-operations.js'
import { CONTACT_OPERATIONS } from './contact-operations.js'
import { CREDENTIAL_OPERATIONS } from './credential-operations.js'
import { FORGET_OPERATIONS } from './forget-operations.js'
import { HISTORY_OPERATIONS } from './history-operations.js'
import { HOOK_OPERATIONS } from './hook-operations.js'
import { LANE_OPERATIONS, platformView } from './lane-operations.js'
import { metricsReading } from './metrics-schemas.js'
import { OUTBOX_OPERATIONS } from './outbox-operations.js'
import { QUEUE_OPERATIONS } from './queue-operations.js'
import {
  agentChange,
  agentView,
  channelChange,
  channelSpec,
  channelView,
  daemonStatus,
  named,
  nothing,
  pageRequest,
  settingChange,
  storeCheckEvent,
  storeInfo,
  teamChange,
  teamSpec,
  teamView,
} from './schemas.js'
import { SEARCH_OPERATIONS } from './search-operations.js'
import { searchStatus } from './search-schemas.js'

type Row = {
  readonly summary: string
  readonly request: z.ZodType
  /** The answer, or with `stream` each event. */
  readonly answer: z.ZodType
  /** Whether it changes anything. */
  readonly mutates: boolean
  readonly stream: boolean
  /** Its requests hold secrets: what is wrong with one is said without any of it. */
  readonly hasSecrets?: true
  readonly since: string
}

const since = '0.1.0'

/** The one table of control operations: `POST /v1/<name>`. Handlers, the client's types and the checks on both are derived from it. */
export const OPERATIONS = {
  'daemon.status': {
    summary: 'the daemon on one screen',
    request: nothing,
    answer: daemonStatus,
    mutates: false,
    stream: false,
    since,
  },
  'daemon.stop': {
    summary: 'ends the daemon: after its clients had time to go, or at once',
    request: z.strictObject({ mode: z.enum(['drain', 'now']).default('drain') }),
    answer: z.object({ pid: z.int(), mode: z.enum(['drain', 'now']) }),
    mutates: true,
    stream: false,
    since,
  },
  'daemon.reload': {
    summary: 'reads the configuration again and takes over what can change while the daemon runs',
    request: nothing,
    answer: z.object({
      applied: z.array(settingChange).readonly(),
      needsRestart: z.array(settingChange).readonly(),
      warnings: z.array(z.string()).readonly(),
    }),
    mutates: true,
    stream: false,
    since,
  },
  'metrics.show': {
    summary: 'what the daemon has done since its start, and what it holds now, in numbers',
    request: nothing,
    answer: metricsReading,
    mutates: false,
    stream: false,
    since,
  },
  'agent.add': {
    summary: 'makes an agent with a token, or finds the one of this name',
    request: named,
    answer: z.object({ agent: agentView, token: z.string().exactOptional(), changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'agent.set': {
    summary:
      'changes the skills, languages, capacity, role or endpoint of an agent; the secret of a first endpoint is told once',
    request: agentChange,
    answer: z.object({ agent: agentView, secret: z.string().exactOptional(), changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'agent.show': {
    summary: 'one agent',
    request: named,
    answer: z.object({ agent: agentView }),
    mutates: false,
    stream: false,
    since,
  },
  'agent.list': {
    summary: 'a page of the agents',
    request: pageRequest(['name', '-name', 'created', '-created']),
    answer: z.object({ agents: z.array(agentView), next: z.string().exactOptional() }),
    mutates: false,
    stream: false,
    since,
  },
  'agent.remove': {
    summary: 'removes an agent and ends its tokens',
    request: named,
    answer: z.object({ agent: agentView }),
    mutates: true,
    stream: false,
    since,
  },
  'agent.token': {
    summary: 'a new token for an agent, beside its others or instead of them',
    request: z.strictObject({ name: z.string().min(1).max(200), replace: z.boolean().default(false) }),
    answer: z.object({ agent: agentView, token: z.string() }),
    mutates: true,
    stream: false,
    since,
  },
  'channel.add': {
    summary: 'makes a channel, or finds the same one',
    request: channelSpec,
    answer: z.object({
      channel: channelView,
      token: z.string().exactOptional(),
      identitySecret: z.string().exactOptional(),
      platform: platformView.exactOptional(),
      changed: z.boolean(),
    }),
    mutates: true,
    stream: false,
    since,
  },
  'channel.set': {
    summary: 'changes the settings, the team, the bot, the replies or the origins of a channel',
    request: channelChange,
    answer: z.object({ channel: channelView, platform: platformView.exactOptional(), changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'channel.token': {
    summary: 'a new token for an app channel, beside its others or instead of them',
    request: z.strictObject({ name: z.string().min(1).max(200), replace: z.boolean().default(false) }),
    answer: z.object({ channel: channelView, token: z.string() }),
    mutates: true,
    stream: false,
    since,
  },
  'channel.show': {
    summary: 'one channel, and of one behind a platform what it lacks and where its callbacks go',
    request: named,
    answer: z.object({ channel: channelView, platform: platformView.exactOptional() }),
    mutates: false,
    stream: false,
    since,
  },
  'channel.list': {
    summary: 'a page of the channels',
    request: pageRequest(['name', '-name', 'number', '-number', 'created', '-created']),
    answer: z.object({ channels: z.array(channelView), next: z.string().exactOptional() }),
    mutates: false,
    stream: false,
    since,
  },
  'channel.remove': {
    summary: 'removes a channel; its conversations stay in the log',
    request: named,
    answer: z.object({ channel: channelView }),
    mutates: true,
    stream: false,
    since,
  },
  'team.add': {
    summary: 'makes a team, or finds the same one',
    request: teamSpec,
    answer: z.object({ team: teamView, changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'team.set': {
    summary: 'changes the settings or members of a team',
    request: teamChange,
    answer: z.object({ team: teamView, changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'team.show': {
    summary: 'one team',
    request: named,
    answer: z.object({ team: teamView }),
    mutates: false,
    stream: false,
    since,
  },
  'team.list': {
    summary: 'a page of the teams',
    request: pageRequest(['name', '-name', 'created', '-created']),
    answer: z.object({ teams: z.array(teamView), next: z.string().exactOptional() }),
    mutates: false,
    stream: false,
    since,
  },
  'team.remove': {
    summary: 'removes a team to which nothing is sent any more',
    request: named,
    answer: z.object({ team: teamView }),
    mutates: true,
    stream: false,
    since,
  },
  ...CANNED_OPERATIONS,
  ...CONTACT_OPERATIONS,
  ...CREDENTIAL_OPERATIONS,
  ...QUEUE_OPERATIONS,
  ...LANE_OPERATIONS,
  ...OUTBOX_OPERATIONS,
  ...HOOK_OPERATIONS,
  ...HISTORY_OPERATIONS,
  ...FORGET_OPERATIONS,
  ...SEARCH_OPERATIONS,
  ...AUDIT_OPERATIONS,
  'store.info': {
    summary: 'facts about the store and the index of the history',
    request: nothing,
    answer: storeInfo.unwrap().extend({ search: searchStatus.exactOptional() }),
    mutates: false,
    stream: false,
    since,
  },
  'store.check': {
    summary: 'checks the store: progress events, then one result',
    request: z.strictObject({ deep: z.boolean().default(false) }),
    answer: storeCheckEvent,
    mutates: false,
    stream: true,
    since,
  },
} as const satisfies Record<string, Row>

/** The name of an operation. */
export type Operation = keyof typeof OPERATIONS
/** Operations that answer with a stream of events. */
export type StreamOperation = {
  [O in Operation]: (typeof OPERATIONS)[O]['stream'] extends true ? O : never
}[Operation]
/** Operations that answer once. */
export type UnaryOperation = Exclude<Operation, StreamOperation>

/** A request as a client gives it: defaults may be left out. */
export type RequestOf<O extends Operation> = z.input<(typeof OPERATIONS)[O]['request']>
/** A request as a handler gets it. */
export type ParsedRequestOf<O extends Operation> = z.output<(typeof OPERATIONS)[O]['request']>
/** The answer, or for a stream each event. */
export type AnswerOf<O extends Operation> = z.output<(typeof OPERATIONS)[O]['answer']>

/** Whether a text is the name of an operation. */
export function isOperation(text: string): text is Operation {
  return Object.hasOwn(OPERATIONS, text)
}

import { formatDuration } from '../../daemon/config/units.js'
import type { AgentView, ChannelView, TeamView } from '../../daemon/control/client.js'
import type { Fact, ListColumn } from './output.js'
import { groupDigits, instantText, wordsOfInstant } from './words.js'

/** Columns of `kefu agent list`. */
export const AGENT_COLUMNS: readonly ListColumn<AgentView>[] = [
  { key: 'name', header: 'NAME', plain: agent => agent.name, isFlexible: true },
  { key: 'id', header: 'ID', isExtra: true, plain: agent => agent.id },
  { key: 'role', header: 'ROLE', plain: agent => agent.role },
  {
    key: 'teams',
    header: 'TEAMS',
    plain: agent => agent.teams.join(' '),
    human: agent => agent.teams.join(' ') || '–',
    isFlexible: true,
  },
  {
    key: 'skills',
    header: 'SKILLS',
    plain: agent => skillsText(agent),
    human: agent => skillsText(agent) || '–',
    isFlexible: true,
  },
  {
    key: 'languages',
    header: 'LANGUAGES',
    plain: agent => agent.languages.join(' '),
    human: agent => agent.languages.join(' ') || '–',
    isFlexible: true,
  },
  {
    key: 'capacity',
    header: 'CAPACITY',
    plain: agent => capacityText(agent),
    human: agent => capacityText(agent) || '–',
  },
  { key: 'tokens', header: 'TOKENS', align: 'right', plain: agent => String(agent.tokens.length) },
  {
    key: 'created',
    header: 'CREATED',
    plain: agent => instantText(agent.createdAt),
    human: agent => wordsOfInstant(agent.createdAt),
  },
]

/** Columns of `kefu channel list`. */
export const CHANNEL_COLUMNS: readonly ListColumn<ChannelView>[] = [
  { key: 'name', header: 'NAME', plain: channel => channel.name, isFlexible: true },
  { key: 'kind', header: 'KIND', plain: channel => channel.kind },
  { key: 'number', header: 'NUMBER', align: 'right', plain: channel => String(channel.number) },
  {
    key: 'origins',
    header: 'ORIGINS',
    plain: channel => channel.origins.join(' '),
    human: channel => channel.origins.join(' ') || '–',
    isFlexible: true,
  },
  {
    key: 'team',
    header: 'TEAM',
    plain: channel => channel.team ?? '',
    human: channel => channel.team ?? '–',
  },
  {
    key: 'created',
    header: 'CREATED',
    plain: channel => instantText(channel.createdAt),
    human: channel => wordsOfInstant(channel.createdAt),
  },
]

/** Columns of `kefu team list`. */
export const TEAM_COLUMNS: readonly ListColumn<TeamView>[] = [
  { key: 'name', header: 'NAME', plain: team => team.name, isFlexible: true },
  { key: 'strategy', header: 'STRATEGY', plain: team => team.strategy },
  { key: 'members', header: 'MEMBERS', align: 'right', plain: team => String(team.members.length) },
  {
    key: 'hours',
    header: 'HOURS',
    plain: team => team.hours?.weekly ?? '',
    human: team => team.hours?.weekly ?? '–',
    isFlexible: true,
  },
  {
    key: 'overflow',
    header: 'OVERFLOW',
    plain: team => overflowText(team),
    human: team => overflowText(team) || '–',
    isFlexible: true,
  },
  {
    key: 'created',
    header: 'CREATED',
    plain: team => instantText(team.createdAt),
    human: team => wordsOfInstant(team.createdAt),
  },
]

/** An agent as named values. */
export function agentFacts(agent: AgentView): Fact[] {
  const { name, id, role, teams, languages, capacity, endpoint, isUp, calls, tokens, createdAt } = agent
  return [
    ['agent', name],
    ['id', id],
    ['role', role],
    ...factOf('teams', teams.join(' ')),
    ...factOf('skills', skillsText(agent)),
    ...factOf('languages', languages.join(' ')),
    [
      'capacity',
      capacityText(agent),
      capacity === undefined ? 'as configured (routing.capacity)' : capacityText(agent),
    ],
    ...factOf('endpoint', endpoint ?? ''),
    ...(endpoint === undefined ? [] : [['endpoint works', isUp ? 'yes' : 'no'] satisfies Fact]),
    ...(calls === undefined ? [] : callFacts(calls)),
    ...tokens.map((token): Fact => tokenFact(token)),
    ['created', instantText(createdAt), wordsOfInstant(createdAt)],
  ]
}

/** What came of the questions to a bot that is called. */
function callFacts({ answered, silent, failed, lastError }: NonNullable<AgentView['calls']>): Fact[] {
  return [
    ['answered', String(answered), groupDigits(answered)],
    ['answered with nothing', String(silent), groupDigits(silent)],
    ['failed', String(failed), groupDigits(failed)],
    ...(lastError === undefined ? [] : [['last error', lastError.reason] satisfies Fact]),
    ...(lastError === undefined
      ? []
      : [['last error at', instantText(lastError.at), wordsOfInstant(lastError.at)] satisfies Fact]),
  ]
}

/** A team as named values. */
export function teamFacts(team: TeamView): Fact[] {
  const { name, id, strategy, stickyMs, members, hours, sla, createdAt } = team
  return [
    ['team', name],
    ['id', id],
    ['strategy', strategy],
    ['sticky', formatDuration(stickyMs)],
    ...members.map((member): Fact => ['member', member]),
    ...(hours === undefined ? [] : hoursFacts(hours)),
    ...factOf('overflow', overflowText(team)),
    ...timesFacts('', sla),
    ...Object.entries(sla?.perPriority ?? {}).flatMap(([priority, times]) => timesFacts(` of ${priority}`, times)),
    ['created', instantText(createdAt), wordsOfInstant(createdAt)],
  ]
}

/** A channel as named values. */
export function channelFacts(channel: ChannelView): Fact[] {
  const {
    name,
    kind,
    number,
    origins,
    team,
    bot,
    language,
    replies = {},
    idle,
    retain = {},
    settings = {},
    tokens,
    createdAt,
  } = channel
  const said = Object.entries(replies).flatMap(([tag, texts]) =>
    Object.entries(texts).map(([occasion, text]): Fact => [`reply ${occasion}:${tag}`, text]),
  )
  return [
    ['channel', name],
    ['kind', kind],
    ['number', String(number)],
    ...Object.entries(settings).map(([setting, value]): Fact => [setting, String(value)]),
    ...origins.map((origin): Fact => ['origin', origin]),
    ...factOf('team', team ?? ''),
    ...factOf('bot', bot ?? ''),
    ...factOf('language', language ?? ''),
    ...said,
    ...(idle?.warnAfterMs === undefined ? [] : factOf('idle warning', formatDuration(idle.warnAfterMs))),
    ...(idle === undefined ? [] : factOf('idle close', formatDuration(idle.closeAfterMs))),
    ...Object.entries(retain).map(([kind, days]): Fact => [`keeps ${kind}`, `${days}d`]),
    ...tokens.map((token): Fact => tokenFact(token)),
    ['created', instantText(createdAt), wordsOfInstant(createdAt)],
  ]
}

function tokenFact({ fingerprint, createdAt }: AgentView['tokens'][number]): Fact {
  return [
    'token fingerprint',
    `${fingerprint} ${instantText(createdAt)}`,
    `${fingerprint}  since ${wordsOfInstant(createdAt)}`,
  ]
}

function hoursFacts({ weekly, timeZone, holidays }: NonNullable<TeamView['hours']>): Fact[] {
  const holiday = ({ from, to, open = [] }: (typeof holidays)[number]): string => {
    const days = to === undefined ? from : `${from}..${to}`
    return open.length === 0 ? days : `${days}=${open.map(span => `${span.from}-${span.to}`).join(',')}`
  }
  return [
    ['hours', weekly],
    ['time zone', timeZone],
    ...holidays.map((each): Fact => ['holiday', holiday(each), [holiday(each), each.name ?? ''].join('  ').trim()]),
  ]
}

function timesFacts(of: string, times: { firstResponseMs?: number; nextResponseMs?: number } = {}): Fact[] {
  const { firstResponseMs, nextResponseMs } = times
  return [
    ...factOf(`first response${of}`, firstResponseMs === undefined ? '' : formatDuration(firstResponseMs)),
    ...factOf(`next response${of}`, nextResponseMs === undefined ? '' : formatDuration(nextResponseMs)),
  ]
}

/** No fact for an empty text. */
function factOf(name: string, value: string): Fact[] {
  return value === '' ? [] : [[name, value]]
}

function skillsText({ skills }: AgentView): string {
  return Object.entries(skills)
    .map(([skill, level]) => `${skill}=${level}`)
    .join(' ')
}

/** `8 web=5`; empty for that of the configuration. */
function capacityText({ capacity }: AgentView): string {
  if (capacity === undefined) return ''
  const kinds = Object.entries(capacity.perKind).map(([kind, limit]) => `${kind}=${limit}`)
  return [capacity.total, ...kinds].join(' ')
}

function overflowText({ overflow }: TeamView): string {
  return overflow === undefined ? '' : `${overflow.team} after ${formatDuration(overflow.afterMs)}`
}

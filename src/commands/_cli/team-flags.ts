import { option, string } from '@oclif/core/flags'
import { parseDurationMs } from '../../daemon/config/units.js'
import type { RequestOf } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { given, isEmpty } from './given.js'
import { durationFlag } from './global-flags.js'
import { oneOf, pairsOf } from './pairs.js'

const many = { multiple: true, multipleNonGreedy: true } as const
const STRATEGIES = ['least-active', 'round-robin', 'longest-idle', 'manual'] as const
const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const

type Settings = Omit<RequestOf<'team.add'>, 'name'>
type Hours = NonNullable<Settings['hours']>
type Holiday = NonNullable<Hours['holidays']>[number]
type Sla = NonNullable<Settings['sla']>

/** Flags of the settings that `team add` and `team set` share. */
export const TEAM_FLAGS = {
  strategy: option({
    options: STRATEGIES,
    helpValue: 'STRATEGY',
    summary: `who gets a conversation: ${STRATEGIES.join(', ')} (agents take them by themselves)`,
  })(),
  sticky: durationFlag({
    helpValue: '24h',
    summary: 'for how long a contact who writes again goes to the same agent; 0s for never',
  }),
  member: string({ ...many, helpValue: 'AGENT', summary: 'agent of the team (may be given more than once)' }),
  hours: string({ helpValue: 'TEXT', summary: 'open on these days and times: "Mon-Fri 09:00-18:00; Sat 10:00-16:00"' }),
  'time-zone': string({ helpValue: 'ZONE', summary: 'whose clock the hours follow, such as Asia/Shanghai' }),
  holiday: string({
    ...many,
    helpValue: 'DAYS',
    summary: 'closed on DATE or DATE..DATE, or open as in 2026-10-10=09:00-12:00 (may be given more than once)',
  }),
  'overflow-to': string({ helpValue: 'TEAM', summary: 'where conversations go that wait for too long' }),
  'overflow-after': durationFlag({ helpValue: '5m', summary: 'how long they wait before that' }),
  'first-response': durationFlag({ helpValue: '1m', summary: 'promised time to the first answer; 0s for none' }),
  'next-response': durationFlag({ helpValue: '5m', summary: 'promised time to every further answer; 0s for none' }),
  'first-response-of': string({
    ...many,
    helpValue: 'PRIORITY=TIME',
    summary: 'the same for one priority, such as urgent=30s (may be given more than once)',
  }),
  'next-response-of': string({
    ...many,
    helpValue: 'PRIORITY=TIME',
    summary: 'the same for one priority, such as urgent=2m (may be given more than once)',
  }),
}

/** Values of `TEAM_FLAGS`, as oclif gives them. */
export type TeamFlags = {
  readonly strategy?: (typeof STRATEGIES)[number] | undefined
  readonly sticky?: number | undefined
  readonly member?: string[] | undefined
  readonly hours?: string | undefined
  readonly 'time-zone'?: string | undefined
  readonly holiday?: string[] | undefined
  readonly 'overflow-to'?: string | undefined
  readonly 'overflow-after'?: number | undefined
  readonly 'first-response'?: number | undefined
  readonly 'next-response'?: number | undefined
  readonly 'first-response-of'?: string[] | undefined
  readonly 'next-response-of'?: string[] | undefined
}

/** The settings that the flags name, and no others. Throws `KEFU_USAGE`. */
export function teamSettings(flags: TeamFlags): Settings {
  const { strategy, sticky, member } = flags
  const hours = given<Hours>({
    weekly: flags.hours,
    timeZone: flags['time-zone'],
    holidays: flags.holiday?.map(parseHoliday),
  })
  const overflow = given<NonNullable<Settings['overflow']>>({
    team: flags['overflow-to'],
    afterMs: flags['overflow-after'],
  })
  const sla = slaOf(flags)
  return given<Settings>({
    strategy,
    stickyMs: sticky,
    members: member,
    hours: orNothing(hours),
    overflow: orNothing(overflow),
    sla: orNothing(sla),
  })
}

function orNothing<T extends object>(fields: T): T | undefined {
  return isEmpty(fields) ? undefined : fields
}

function slaOf(flags: TeamFlags): Sla {
  const times = (flag: 'first-response-of' | 'next-response-of') =>
    pairsOf(flag, flags[flag] ?? [], oneOf(PRIORITIES), parseDurationMs, 'urgent=30s')
  const first = times('first-response-of')
  const next = times('next-response-of')
  const named = PRIORITIES.filter(priority => first[priority] !== undefined || next[priority] !== undefined)
  const perPriority = Object.fromEntries(
    named.map(priority => [priority, given({ firstResponseMs: first[priority], nextResponseMs: next[priority] })]),
  )
  return given<Sla>({
    firstResponseMs: flags['first-response'],
    nextResponseMs: flags['next-response'],
    perPriority: orNothing(perPriority),
  })
}

/** `2026-10-01`, `2026-10-01..2026-10-07`, `2026-10-10=09:00-12:00,13:00-18:00`; the daemon looks whether dates and times exist. */
function parseHoliday(text: string): Holiday {
  const match = /^([\d-]+)(?:\.\.([\d-]+))?(?:=([\d:,-]+))?$/.exec(text)
  const spans = match?.[3]?.split(',').map(span => span.split('-'))
  if (match === null || spans?.some(span => span.length !== 2))
    throw new KefuError('KEFU_USAGE', {
      reason: `"${text.slice(0, 40)}" is not a holiday such as 2026-10-01..2026-10-07 or 2026-10-10=09:00-18:00`,
    })
  return given<Holiday>({
    from: match[1]!,
    to: match[2],
    open: spans?.map(([from, to]) => ({ from: from!, to: to! })),
  })
}

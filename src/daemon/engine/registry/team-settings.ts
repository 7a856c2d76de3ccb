import { PRIORITIES } from '../../../codec/wire-commands.js'
import { KefuError } from '../../../errors.js'
import { createHours } from '../../core/hours.js'
import type { Holiday, HoursSpec, WeeklySpan } from '../../core/hours-spec.js'
import type { Strategy } from '../../core/routing.js'
import { type Overflow, type ResponseTimes, type Sla, TEAM_LIMITS, type Team } from '../../core/team.js'

/** What is to be changed of a team; what is not named stays. Agents and other teams are given by name. */
export type TeamChange = {
  readonly strategy?: Strategy
  readonly stickyMs?: number
  /** In place of those before; then some are added, then some taken out. */
  readonly members?: readonly string[]
  readonly addMembers?: readonly string[]
  readonly removeMembers?: readonly string[]
  /** Null: always open. */
  readonly hours?: HoursChange | null
  /** Null: conversations stay in its line. */
  readonly overflow?: OverflowChange | null
  /** Times of 0 ms are no promise. Null: none at all. */
  readonly sla?: Sla | null
}

/** Of hours: holidays are added, in place of one of the same days, and those that begin on a day of `removeHolidays` go. */
export type HoursChange = {
  readonly timeZone?: string
  readonly weekly?: readonly WeeklySpan[]
  readonly holidays?: readonly Holiday[]
  readonly removeHolidays?: readonly string[]
}

/** Of an overflow: to which team, after which time (ms). */
export type OverflowChange = { readonly team?: string; readonly afterMs?: number }

/** From names to ids; each throws when nobody has the name. */
export type TeamNames = { agentId(name: string): string; teamId(name: string): string }

/**
 * The team with the change. Throws `KEFU_USAGE` for what is out of bounds or lacks something, and what the names throw; whether overflows go round is
 * not looked at.
 */
export function changedTeam(team: Team, change: TeamChange, names: TeamNames): Team {
  const { id, name, createdAt } = team
  const hours = change.hours === undefined ? team.hours : changedHours(team.hours, change.hours)
  const overflow =
    change.overflow === undefined ? team.overflow : changedOverflow(team.overflow, change.overflow, names)
  const sla = change.sla === undefined ? team.sla : changedSla(team.sla, change.sla)
  const changed: Team = {
    id,
    name,
    strategy: change.strategy ?? team.strategy,
    stickyMs: checkedDuration(change.stickyMs ?? team.stickyMs),
    members: changedMembers(team.members, change, names),
    ...(hours === undefined ? {} : { hours }),
    ...(overflow === undefined ? {} : { overflow }),
    ...(sla === undefined ? {} : { sla }),
    createdAt,
  }
  if (Buffer.byteLength(JSON.stringify(changed)) > TEAM_LIMITS.bytes)
    throw usage('these are more members, hours and holidays than one team can hold')
  return changed
}

function changedMembers(before: Team['members'], change: TeamChange, { agentId }: TeamNames): Team['members'] {
  const { members, addMembers = [], removeMembers = [] } = change
  if (members === undefined && addMembers.length + removeMembers.length === 0) return before
  const ids = new Set(members?.map(agentId) ?? before)
  for (const name of addMembers) ids.add(agentId(name))
  for (const name of removeMembers) ids.delete(agentId(name))
  if (ids.size > TEAM_LIMITS.members) throw usage(`a team has at most ${TEAM_LIMITS.members} members`)
  return [...ids].sort()
}

function changedHours(before: HoursSpec | undefined, change: HoursChange | null): HoursSpec | undefined {
  if (change === null) return undefined
  const weekly = change.weekly ?? before?.weekly
  const timeZone = change.timeZone ?? before?.timeZone
  if (weekly === undefined) throw usage('there are no hours yet to which this belongs')
  if (timeZone === undefined) throw usage('hours need a time zone, such as Asia/Shanghai')
  const holidays = withHolidays(before?.holidays ?? [], change)
  const spec: HoursSpec = { timeZone, weekly, holidays }
  createHours(spec)
  return spec
}

/** By their first day; of those that begin on the same day the longer first, so that the shorter, which is the exception, decides. */
function withHolidays(
  before: readonly Holiday[],
  { holidays = [], removeHolidays = [] }: HoursChange,
): readonly Holiday[] {
  const byDays = new Map<string, Holiday>()
  for (const holiday of before) if (!removeHolidays.includes(holiday.from)) byDays.set(daysOf(holiday), holiday)
  for (const holiday of holidays) byDays.set(daysOf(holiday), holiday)
  return [...byDays.values()].sort((a, b) => {
    if (a.from !== b.from) return a.from < b.from ? -1 : 1
    return (a.to ?? a.from) > (b.to ?? b.from) ? -1 : 1
  })
}

function daysOf({ from, to = from }: Holiday): string {
  return `${from} ${to}`
}

function changedOverflow(
  before: Overflow | undefined,
  change: OverflowChange | null,
  { teamId }: TeamNames,
): Overflow | undefined {
  if (change === null) return undefined
  const team = change.team === undefined ? before?.team : teamId(change.team)
  const afterMs = change.afterMs ?? before?.afterMs
  if (team === undefined) throw usage('an overflow needs a team to which it goes (--overflow-to)')
  if (afterMs === undefined) throw usage('an overflow needs a time after which it begins (--overflow-after)')
  return { afterMs: checkedDuration(afterMs), team }
}

function changedSla(before: Sla | undefined, change: Sla | null): Sla | undefined {
  if (change === null) return undefined
  const general = changedTimes(before, change)
  const perPriority: Partial<Record<(typeof PRIORITIES)[number], ResponseTimes>> = {}
  for (const priority of PRIORITIES) {
    const times = changedTimes(before?.perPriority?.[priority], change.perPriority?.[priority])
    if (Object.keys(times).length > 0) perPriority[priority] = times
  }
  const sla = { ...general, ...(Object.keys(perPriority).length > 0 ? { perPriority } : {}) }
  return Object.keys(sla).length > 0 ? sla : undefined
}

function changedTimes(before: ResponseTimes = {}, change: ResponseTimes = {}): ResponseTimes {
  const { firstResponseMs = 0, nextResponseMs = 0 } = { ...timesOf(before), ...timesOf(change) }
  return {
    ...(firstResponseMs > 0 ? { firstResponseMs: checkedDuration(firstResponseMs) } : {}),
    ...(nextResponseMs > 0 ? { nextResponseMs: checkedDuration(nextResponseMs) } : {}),
  }
}

function timesOf({ firstResponseMs, nextResponseMs }: ResponseTimes): ResponseTimes {
  return {
    ...(firstResponseMs === undefined ? {} : { firstResponseMs }),
    ...(nextResponseMs === undefined ? {} : { nextResponseMs }),
  }
}

function checkedDuration(ms: number): number {
  if (Number.isInteger(ms) && ms >= 0 && ms <= TEAM_LIMITS.durationMs) return ms
  throw usage(`times of a team are at most ${TEAM_LIMITS.durationMs / 86_400_000} days`)
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}

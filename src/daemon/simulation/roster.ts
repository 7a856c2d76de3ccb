import type { BoardAgent, BoardTeam } from '../core/board.js'
import { createHours, type Hours } from '../core/hours.js'
import type { Capacity } from '../core/model.js'
import type { Strategy } from '../core/routing.js'
import type { Team } from '../core/team.js'

/** An agent of a simulation. `like`: the id of the agent whose presence counts as this one's; for those who do not exist. */
export type RosterAgent = {
  readonly id: string
  readonly name: string
  readonly skills: Readonly<Record<string, number>>
  readonly languages: readonly string[]
  readonly capacity: Capacity
  readonly like?: string
}

/** Who works under which rules, without the bots: people are asked when those have done. Plain data, for another thread. */
export type Roster = {
  /** What was sent to no team. */
  readonly everybody: { readonly strategy: Strategy; readonly stickyMs: number }
  readonly teams: readonly Team[]
  readonly agents: readonly RosterAgent[]
  /** For how long an agent may be gone without losing conversations. */
  readonly requeueAfterMs: number
}

/** The hours of teams that have some, by id. */
export function hoursOf({ teams }: Roster): ReadonlyMap<string, Hours> {
  return new Map(teams.flatMap(({ id, hours }) => (hours === undefined ? [] : [[id, createHours(hours)]])))
}

/** The teams as a board needs them. */
export function boardTeamsOf(
  { everybody, teams }: Roster,
  hours: ReadonlyMap<string, Hours>,
): ReadonlyMap<string | undefined, BoardTeam> {
  const all = new Map<string | undefined, BoardTeam>([
    [undefined, { ...everybody, members: undefined, isOpen: () => true }],
  ])
  for (const { id, strategy, stickyMs, members } of teams) {
    const open = hours.get(id)
    all.set(id, { strategy, stickyMs, members, isOpen: nowMs => open?.isOpen(nowMs) ?? true })
  }
  return all
}

/** An agent as a board needs one. */
export function boardAgentOf({ id, name, skills, languages, capacity }: RosterAgent): BoardAgent {
  return { id, name, skills: new Map(Object.entries(skills)), languages, capacity, isBot: false }
}

/** Who is of a team by one roster, and not by the other. */
export function leavers(before: Roster, after: Roster): (agent: string, team: string | undefined) => boolean {
  const kept = new Map(after.teams.map(({ id, members }) => [id, new Set(members)]))
  const left = new Map(
    before.teams.map(({ id, members }) => [id, new Set(members.filter(agent => !kept.get(id)?.has(agent)))]),
  )
  return (agent, team) => team !== undefined && left.get(team)?.has(agent) === true
}

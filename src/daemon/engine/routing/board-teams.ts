import type { BoardTeam } from '../../core/board.js'
import { createHours } from '../../core/hours.js'
import type { Team } from '../../core/team.js'

/** How conversations that were sent to no team are given out, and to whom. */
export type RoutingOptions = Pick<BoardTeam, 'strategy' | 'stickyMs'> & {
  /** Conversations that an agent without a capacity of their own may have at once. */
  readonly capacity: number
}

/** The teams as the board needs them, by id; under `undefined` everybody, who takes what was sent to no team. The options are read at each use. */
export function boardTeams(
  teams: readonly Team[],
  routing: RoutingOptions,
): ReadonlyMap<string | undefined, BoardTeam> {
  const all = new Map<string | undefined, BoardTeam>([[undefined, everybody(routing)]])
  for (const team of teams) all.set(team.id, boardTeam(team))
  return all
}

function everybody(routing: RoutingOptions): BoardTeam {
  return {
    get strategy() {
      return routing.strategy
    },
    get stickyMs() {
      return routing.stickyMs
    },
    members: undefined,
    isOpen: () => true,
  }
}

function boardTeam({ strategy, stickyMs, members, hours }: Team): BoardTeam {
  const open = hours === undefined ? undefined : createHours(hours)
  return { strategy, stickyMs, members, isOpen: nowMs => open?.isOpen(nowMs) ?? true }
}

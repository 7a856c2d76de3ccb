import type { Priority } from '../../codec/wire-commands.js'
import type { HoursSpec } from './hours-spec.js'
import type { Strategy } from './routing.js'

/** Agents who share a line of conversations, and how it is given out. */
export type Team = {
  readonly id: string
  readonly name: string
  readonly strategy: Strategy
  /** For how long after their last conversation a contact is given to the same agent (ms); 0 for never. */
  readonly stickyMs: number
  /** Ids of agents, in ascending order, each once. */
  readonly members: readonly string[]
  /** When it takes conversations; absent: always. */
  readonly hours?: HoursSpec
  readonly overflow?: Overflow
  readonly sla?: Sla
  readonly createdAt: number
}

/** Where conversations go that have waited for this long (ms): the id of another team. Overflows never lead back to where they began. */
export type Overflow = { readonly afterMs: number; readonly team: string }

/** Within which times (ms) contacts are promised an answer; absent: no promise. */
export type ResponseTimes = { readonly firstResponseMs?: number; readonly nextResponseMs?: number }

/** What a team promises; `perPriority` in place of the general times, each for itself. */
export type Sla = ResponseTimes & { readonly perPriority?: Readonly<Partial<Record<Priority, ResponseTimes>>> }

/** How much there may be. `durationMs`: 90 days. `bytes`: a team as JSON, which one entry of the directory holds. */
export const TEAM_LIMITS = { teams: 200, members: 2_000, durationMs: 90 * 86_400_000, bytes: 64 * 1024 } as const

/** What a new team does unless it is told otherwise. */
export const TEAM_DEFAULTS = { strategy: 'least-active', stickyMs: 86_400_000 } as const satisfies Partial<Team>

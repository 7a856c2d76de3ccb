import type { Need } from '../core/routing.js'

/** What was recorded of conversations, as the simulation replays it. Plain data, for another thread. Instants are epoch ms. */

/** What a conversation asks for, and how urgent it is. */
export type Wish = Pick<Need, 'kind' | 'team' | 'requires' | 'prefers' | 'language'> & { readonly rank: number }

/** How a leg ended: the episode was closed; its agent was gone, gave it back, or it was sent on; it was given to another agent, or put aside; or the window ended. */
export const LEG_ENDS = ['closed', 'gone', 'declined', 'sent', 'given', 'snoozed', 'open'] as const

/** One of `LEG_ENDS`. */
export type LegEnd = (typeof LEG_ENDS)[number]

/** From when a conversation asks for an agent until that agent has done with it, or until nobody asks any more. */
export type Leg = {
  /** Since the leg before has ended: the time for which it was put aside. */
  gapMs: number
  /** Number of what it asks for, among the wishes. */
  wish: number
  /** Whether somebody sent it to the team of the wish; otherwise it stays in the line in which it is. */
  isTeamGiven: boolean
  /** What somebody changed while it waited. */
  changes: WishChange[]
  /** Until somebody had it, or until nobody waited any more. */
  waitMs: number
  /** Who had it; undefined: nobody. */
  agent: string | undefined
  /** Taken or given by somebody, not by the router. */
  isByHand: boolean
  overflows: number
  /** For how long it was had. */
  serviceMs: number
  end: LegEnd
}

/** A change of what is asked for, so long after its leg began. */
export type WishChange = { readonly afterMs: number; readonly wish: number; readonly isTeamGiven: boolean }

/** Once from asking for an agent to the end, or what the window shows of it. */
export type Episode = {
  /** When it began, or when the window did. */
  at: number
  /** Since when it waits: before `at` when it waited already; undefined when it did not wait at `at`: somebody had it, or it was put aside. */
  since: number | undefined
  /** When it came into its team's line: overflow counts from here. */
  teamSince: number
  /** Its place in line when it waited last. */
  lineSince: number
  lastAgent: Need['lastAgent']
  declinedBy: readonly string[]
  /** From the first agent to the first answer; undefined: there was none. */
  answerMs: number | undefined
  legs: Leg[]
}

/** A part of a trace: what has come to an end since the part before, and the wishes that are new in it. */
export type TraceBatch = { readonly wishes: readonly Wish[]; readonly episodes: readonly Episode[] }

/** The time that is looked at. */
export type Window = { readonly since: number; readonly until: number }

import type { Head, IdleTimes } from './model.js'
import type { Team } from './team.js'

/** What falls due in a conversation by itself. Pure: instants are epoch ms. */

/** Something that is due. `overflow` names the team that it goes to. */
export type Due =
  | { readonly what: 'wake'; readonly at: number }
  | { readonly what: 'overflow'; readonly at: number; readonly team: string }
  | { readonly what: 'askAgain'; readonly at: number }
  | { readonly what: 'firstResponse' | 'nextResponse' | 'idleWarning' | 'idleClose'; readonly at: number }

/** What a team promises and does by itself. */
export type TeamTimes = Pick<Team, 'overflow' | 'sla'>

/** For how long an agent who has declined a conversation is not asked again, while it waits. */
export const DECLINED_MS = 300_000

/** What is due next, and when; undefined when nothing is. `team`: whose line it is or was in; `idle`: of the conversation's channel. */
export function nextDue(head: Head, team: TeamTimes | undefined, idle: IdleTimes | undefined): Due | undefined {
  const { snoozedUntil } = head.details
  if (snoozedUntil !== undefined) return { what: 'wake', at: snoozedUntil }
  const all = [answerDue(head, team), overflowDue(head, team), askAgainDue(head), idleDue(head, idle)]
  return all.reduce((first, due) => (first === undefined || (due !== undefined && due.at < first.at) ? due : first))
}

function answerDue({ state, unansweredSince, details }: Head, team: TeamTimes | undefined): Due | undefined {
  // Told once for each thing that was not answered. A bot has promised nothing.
  if (
    state === 'closed' ||
    state === 'bot' ||
    unansweredSince === undefined ||
    unansweredSince === details.overdueSince
  )
    return undefined
  const what = details.answeredAt === undefined ? 'firstResponse' : 'nextResponse'
  const sla = team?.sla
  const withinMs = sla?.perPriority?.[details.priority]?.[`${what}Ms`] ?? sla?.[`${what}Ms`]
  return withinMs === undefined ? undefined : { what, at: unansweredSince + withinMs }
}

function overflowDue({ waitingSince, details }: Head, team: TeamTimes | undefined): Due | undefined {
  return waitingSince === undefined ? undefined : overflowAfter(details.teamSince, team)
}

/** When what waits for a team since `teamSince` goes to another, and to which; undefined when it stays. */
export function overflowAfter(
  teamSince: number,
  team: TeamTimes | undefined,
): Extract<Due, { readonly what: 'overflow' }> | undefined {
  const overflow = team?.overflow
  return overflow && { what: 'overflow', at: teamSince + overflow.afterMs, team: overflow.team }
}

/** Counted from when it was given back last. */
function askAgainDue({ waitingSince, details }: Head): Due | undefined {
  if (waitingSince === undefined || details.declinedBy.length === 0) return undefined
  return { what: 'askAgain', at: details.teamSince + DECLINED_MS }
}

/** Only the contact's silence counts: what waits for an answer does not close by itself. */
function idleDue(head: Head, idle: IdleTimes | undefined): Due | undefined {
  const { state, saidAt, unansweredSince, details } = head
  const isServed = state === 'active' || state === 'bot'
  if (idle === undefined || !isServed || saidAt === undefined || unansweredSince !== undefined) return undefined
  const { warnAfterMs, closeAfterMs } = idle
  if (warnAfterMs !== undefined && warnAfterMs < closeAfterMs && details.idleWarnedAt !== saidAt)
    return { what: 'idleWarning', at: saidAt + warnAfterMs }
  return { what: 'idleClose', at: saidAt + closeAfterMs }
}

import type { Head, IdleTimes } from './model.js'

/** What falls due in a conversation by itself. Pure: instants are epoch ms. */

/** How long a team lets contacts wait. */
export type TeamTimes = {
  /** After so long in this team's line a conversation goes into that of another team. */
  readonly overflow: { readonly afterMs: number; readonly team: string } | undefined
  /** Within which time the first and each later answer is promised, for the conversation's priority. */
  readonly firstResponseMs: number | undefined
  readonly nextResponseMs: number | undefined
}

/** Something that is due. `overflow` names the team that it goes to. */
export type Due =
  | { readonly what: 'wake'; readonly at: number }
  | { readonly what: 'overflow'; readonly at: number; readonly team: string }
  | { readonly what: 'firstResponse' | 'nextResponse' | 'idleWarning' | 'idleClose'; readonly at: number }

/** What is due next, and when; undefined when nothing is. `idle`: of the conversation's channel. */
export function nextDue(head: Head, times: TeamTimes, idle: IdleTimes | undefined): Due | undefined {
  const { snoozedUntil } = head.details
  if (snoozedUntil !== undefined) return { what: 'wake', at: snoozedUntil }
  const all = [answerDue(head, times), overflowDue(head, times), idleDue(head, idle)]
  return all.reduce((first, due) => (first === undefined || (due !== undefined && due.at < first.at) ? due : first))
}

function answerDue({ state, unansweredSince, details }: Head, times: TeamTimes): Due | undefined {
  // Told once for each thing that was not answered.
  if (state === 'closed' || unansweredSince === undefined || unansweredSince === details.overdueSince) return undefined
  const what = details.answeredAt === undefined ? 'firstResponse' : 'nextResponse'
  const withinMs = times[`${what}Ms`]
  return withinMs === undefined ? undefined : { what, at: unansweredSince + withinMs }
}

function overflowDue({ waitingSince, details }: Head, { overflow }: TeamTimes): Due | undefined {
  if (waitingSince === undefined || overflow === undefined) return undefined
  return { what: 'overflow', at: details.teamSince + overflow.afterMs, team: overflow.team }
}

/** Only the contact's silence counts: what waits for an answer does not close by itself. */
function idleDue(head: Head, idle: IdleTimes | undefined): Due | undefined {
  const { state, saidAt, unansweredSince, details } = head
  if (idle === undefined || state !== 'active' || saidAt === undefined || unansweredSince !== undefined)
    return undefined
  const { warnAfterMs, closeAfterMs } = idle
  if (warnAfterMs !== undefined && warnAfterMs < closeAfterMs && details.idleWarnedAt !== saidAt)
    return { what: 'idleWarning', at: saidAt + warnAfterMs }
  return { what: 'idleClose', at: saidAt + closeAfterMs }
}

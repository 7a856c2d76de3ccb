/** Who gets a conversation. Pure; the reasons go into the record, so that a restart and `explain` read what was decided. */

/** An agent as the decision sees it. */
export type Candidate = {
  readonly id: string
  readonly name: string
  readonly state: 'online' | 'away' | 'offline'
  /** Conversations assigned to the agent now. */
  readonly activeCount: number
  /** Monotonic instant of the last assignment; 0 for never. */
  readonly lastAssignedAt: number
}

/** The decision with its reasons. */
export type Decision =
  | { readonly assign: { readonly id: string; readonly name: string }; readonly reasons: readonly string[] }
  | { readonly assign: undefined; readonly reasons: readonly string[] }

/** The online agent with the fewest conversations; among equals, the one who has waited longest for work, then the smallest id. */
export function chooseAgent(candidates: readonly Candidate[]): Decision {
  let best: Candidate | undefined
  let online = 0
  for (const candidate of candidates) {
    if (candidate.state !== 'online') continue
    online++
    if (best === undefined || compare(candidate, best) < 0) best = candidate
  }
  if (best === undefined)
    return { assign: undefined, reasons: [candidates.length === 0 ? 'no-agents' : 'no-agent-online'] }
  return {
    assign: { id: best.id, name: best.name },
    reasons: ['least-loaded', `active=${best.activeCount}`, `online=${online}`],
  }
}

function compare(a: Candidate, b: Candidate): number {
  return a.activeCount - b.activeCount || a.lastAssignedAt - b.lastAssignedAt || (a.id < b.id ? -1 : 1)
}

import { agentOwner, channelOwner } from './conversation.js'
import type { Head } from './model.js'

/** What follows from a conversation's records besides its head: its places in inboxes, in the waiting line and with its agent. Pure. */

/** A conversation left an agent: it stays in the agent's inbox, at the place of the record that took it away. */
export type Departure = { readonly agent: string; readonly seq: number }

/** Past agents that a conversation remembers; from the inbox of the one before those it vanishes. */
export const DEPARTURE_LIMIT = 64

/** No departures: the common case, shared. */
export const NO_DEPARTURES: readonly Departure[] = []

/** The departures after one more record: the same array when the agent did not change. */
export function depart(before: Head | null, departures: readonly Departure[], after: Head): readonly Departure[] {
  if (before === null || before.agent === after.agent) return departures
  const next = departures.filter(({ agent }) => agent !== before.agent && agent !== after.agent)
  if (before.agent !== undefined) next.push({ agent: before.agent, seq: after.seq })
  return next.length > DEPARTURE_LIMIT ? next.slice(next.length - DEPARTURE_LIMIT) : next
}

/** Where the differences between two standings of a conversation go. What is no longer so comes before what is now so. */
export type ProjectionSink<Subject> = {
  /** The conversation stands (or no longer stands) in an agent's inbox, at the place of its record `seq`. */
  agentInbox(subject: Subject, agent: string, seq: number, isPresent: boolean): void
  /** The same for the inbox of an app channel. */
  channelInbox(subject: Subject, channel: number, seq: number, isPresent: boolean): void
  /** The conversation waits (or no longer waits) since an instant. */
  waiting(subject: Subject, sinceMs: number, isPresent: boolean): void
  /** The agent has (or no longer has) the conversation open. */
  active(subject: Subject, agent: string, isPresent: boolean): void
}

/** Tells a sink what changes when a conversation goes from one standing to another, over one record or many. */
export function project<Subject>(
  subject: Subject,
  before: Head | null,
  departuresBefore: readonly Departure[],
  after: Head,
  departuresAfter: readonly Departure[],
  sink: ProjectionSink<Subject>,
): void {
  if (before !== null && before.seq === after.seq) return
  if (before !== null) stand(subject, before, false, sink)
  if (departuresBefore !== departuresAfter) {
    tellMissing(subject, departuresBefore, departuresAfter, false, sink)
    tellMissing(subject, departuresAfter, departuresBefore, true, sink)
  }
  stand(subject, after, true, sink)
  if (before?.waitingSince !== after.waitingSince) {
    if (before?.waitingSince !== undefined) sink.waiting(subject, before.waitingSince, false)
    if (after.waitingSince !== undefined) sink.waiting(subject, after.waitingSince, true)
  }
  if (before?.agent !== after.agent) {
    if (before?.agent !== undefined) sink.active(subject, before.agent, false)
    if (after.agent !== undefined) sink.active(subject, after.agent, true)
  }
}

/** Where a conversation stands in an owner's inbox, or undefined when it does not. */
export function placeOf(owner: string, head: Head, departures: readonly Departure[]): number | undefined {
  if (head.agent !== undefined && owner === agentOwner(head.agent)) return head.seq
  if (head.kind === 'app' && owner === channelOwner(head.channel)) return head.seq
  return departures.find(({ agent }) => owner === agentOwner(agent))?.seq
}

function stand<Subject>(subject: Subject, head: Head, isPresent: boolean, sink: ProjectionSink<Subject>): void {
  if (head.kind === 'app') sink.channelInbox(subject, head.channel, head.seq, isPresent)
  if (head.agent !== undefined) sink.agentInbox(subject, head.agent, head.seq, isPresent)
}

/** Tells those departures that are not among the others. */
function tellMissing<Subject>(
  subject: Subject,
  departures: readonly Departure[],
  others: readonly Departure[],
  isPresent: boolean,
  sink: ProjectionSink<Subject>,
): void {
  for (const { agent, seq } of departures)
    if (!others.some(other => other.agent === agent && other.seq === seq))
      sink.agentInbox(subject, agent, seq, isPresent)
}

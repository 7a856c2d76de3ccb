import { agentOwner, channelOwner } from './conversation.js'
import type { Head } from './model.js'

/** What follows from a conversation's records besides its head: its places in inboxes, in the waiting line and with its agent. Pure. */

/** A conversation left an inbox: it stays there at the place of the record that took it away. */
export type Departure = { readonly owner: string; readonly seq: number }

/** Past owners that a conversation remembers; from the one before that it vanishes. */
export const DEPARTURE_LIMIT = 64

/** No departures: the common case, shared. */
export const NO_DEPARTURES: readonly Departure[] = []

/** The departures after one more record: the same array when the agent did not change. */
export function depart(before: Head | null, departures: readonly Departure[], after: Head): readonly Departure[] {
  if (before === null || before.agent === after.agent) return departures
  const left = before.agent === undefined ? undefined : agentOwner(before.agent)
  const entered = after.agent === undefined ? undefined : agentOwner(after.agent)
  const next = departures.filter(({ owner }) => owner !== left && owner !== entered)
  if (left !== undefined) next.push({ owner: left, seq: after.seq })
  return next.length > DEPARTURE_LIMIT ? next.slice(next.length - DEPARTURE_LIMIT) : next
}

/** Where the differences between two standings of a conversation go. Called with the old places first. */
export type ProjectionSink<Subject> = {
  /** The conversation stands (or no longer stands) in an owner's inbox, at the place of its record `seq`. */
  inbox(subject: Subject, owner: string, seq: number, isPresent: boolean): void
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
  if (departuresBefore !== departuresAfter) {
    for (const departure of departuresBefore)
      if (!contains(departuresAfter, departure)) sink.inbox(subject, departure.owner, departure.seq, false)
  }
  if (before !== null) present(subject, before, false, sink)
  if (departuresBefore !== departuresAfter) {
    for (const departure of departuresAfter)
      if (!contains(departuresBefore, departure)) sink.inbox(subject, departure.owner, departure.seq, true)
  }
  present(subject, after, true, sink)

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
  return departures.find(departure => departure.owner === owner)?.seq
}

function present<Subject>(subject: Subject, head: Head, isPresent: boolean, sink: ProjectionSink<Subject>): void {
  if (head.kind === 'app') sink.inbox(subject, channelOwner(head.channel), head.seq, isPresent)
  if (head.agent !== undefined) sink.inbox(subject, agentOwner(head.agent), head.seq, isPresent)
}

function contains(departures: readonly Departure[], wanted: Departure): boolean {
  return departures.some(({ owner, seq }) => owner === wanted.owner && seq === wanted.seq)
}

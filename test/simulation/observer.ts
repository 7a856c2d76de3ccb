import { createHash } from 'node:crypto'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { BoardAgent } from '../../src/daemon/core/board.js'
import type { LogRecord } from '../../src/daemon/core/log-record.js'
import type { ChannelKind, Head } from '../../src/daemon/core/model.js'
import type { AssignedBody, RecordBody } from '../../src/daemon/core/records.js'
import type { Presence } from '../../src/daemon/core/routing.js'
import { byTurn, lineKey, type Waiting, waitingOf } from '../../src/daemon/core/waiting-line.js'
import { count, type Load, Replica } from './replica.js'
import { membersOf, type Staff } from './staff.js'

/** Something that must not happen. */
export type Violation = {
  readonly what:
    | 'over capacity'
    | 'doubly assigned'
    | 'misplaced'
    | 'skipped'
    | 'two decisions'
    | 'idle'
    | 'lost'
    | 'unexplained'
    | 'error'
  readonly detail: string
}

/** A record of the router that is not known to be in the log, or that the router has not been shown yet. */
type Flight = {
  readonly body: RecordBody
  readonly kind: ChannelKind | undefined
  /** Its number; infinite before the log has answered. */
  n: number
  isRefused: boolean
}

/** A conversation that waits, and an agent who could serve it. */
export type Idle = { readonly agent: string; readonly conversation: ConversationId; readonly n: number }

/**
 * Judges a router by its records. It replays the log twice: `truth` as far as it is written, `shown` as far as the router has been shown it. Of the router
 * it knows only what it hands to the log, when, and when it hears the answer. What is judged:
 *
 * - *over capacity*: an agent never has more by the router's records than the capacity allows (truth); and when the router decides, what the agent has by the records it
 *   was shown, with its own decisions that are not among them, leaves room (shown): so what agents take by themselves counts from when the router can know it;
 * - *doubly assigned*: `assigned` of the router stands only behind a record that left the conversation `new` or `waiting` (truth);
 * - *misplaced*: a `queued` of the router keeps the place that the conversation has in line, or had when it waited last (truth);
 * - *skipped*: when the router decides to assign A, no B of the same line *waits* with an earlier turn (more urgent, or as urgent and for longer). B waits when the records the router was
 *   shown leave it `new` or `waiting` (what is written but not shown it cannot know) and none of its own records on B is on its way (the fate of B is then
 *   decided, or B is kept still until its first `queued` is written, for the few ms of a write). Tried again after a conflict, a decision is as old as it was at first;
 * - *two decisions*: of a conversation, one record at a time is on its way;
 * - *idle*: an agent who is free and a conversation that waits, at rest, for longer than the writing and showing of a record take, though one could serve the other;
 * - *lost*: a conversation that is still open when everybody has had the time for it;
 * - *unexplained*: of a conversation the queue's views tell another decision, or other reasons, than the log (see `explanations.ts`).
 */
export class Observer {
  readonly violations: Violation[] = []
  readonly truth = new Replica()
  readonly shown = new Replica()
  readonly #staff: Staff
  /** What the router gave out, and which agent still has it. */
  readonly #given = new Map<ConversationId, { readonly agent: string; readonly kind: ChannelKind }>()
  readonly #givenLoads = new Map<string, Load>()
  readonly #flights = new Map<ConversationId, Flight>()
  readonly #refused = new Map<ConversationId, Flight>()
  readonly #digest = createHash('sha256')
  readonly counts = { assigned: 0, refused: 0 }

  constructor(staff: Staff) {
    this.#staff = staff
  }

  report(what: Violation['what'], detail: string): void {
    this.violations.push({ what, detail })
  }

  /** Of every record so far, with its place and its time on the simulated clock. */
  digest(): string {
    return this.#digest.copy().digest('hex')
  }

  /** A record is in the log. */
  committed(record: LogRecord): { readonly before: Head | null; readonly head: Head } {
    const { conversation, n, seq, at, body } = record
    this.#digest.update(JSON.stringify([seq, conversation, n, at, body]))
    const { before, head } = this.truth.apply(record)
    this.#take(head, undefined)
    if (body.type === 'queued' && body.by.role === 'system') {
      const since = before?.waitingSince ?? before?.details.lineSince
      if (body.since !== since)
        this.report('misplaced', `${conversation} n ${n}: since ${body.since}, was ${before?.state} since ${since}`)
    }
    if (body.type !== 'assigned' || body.by.role !== 'system') return { before, head }
    this.counts.assigned++
    if (before?.state !== 'new' && before?.state !== 'waiting')
      this.report(
        'doubly assigned',
        `${conversation} n ${n}: to ${body.agent}, was ${before?.state} of ${before?.agent}`,
      )
    this.#take(head, body.agent)
    if (isOver(this.#staff.agents.get(body.agent)!, this.#givenLoads.get(body.agent)!))
      this.report('over capacity', `${body.agent} by ${conversation} n ${n}, in the log`)
    return { before, head }
  }

  /** The router is about to be shown a record. */
  show(record: LogRecord): void {
    const { head } = this.shown.apply(record)
    const flight = this.#flights.get(head.conversation)
    if (flight !== undefined && flight.n <= head.n) this.#flights.delete(head.conversation)
  }

  /** The router hands a record to the log. */
  decided(conversation: ConversationId, body: RecordBody): void {
    const refused = this.#refused.get(conversation)
    this.#refused.delete(conversation)
    if (this.#flights.has(conversation))
      this.report('two decisions', `${conversation}: ${body.type} ${this.#story(conversation)}`)
    const head = this.shown.heads.get(conversation)
    if (body.type === 'assigned' && refused?.body !== body) this.#judge(conversation, head, body)
    this.#flights.set(conversation, { body, kind: head?.kind, n: Number.POSITIVE_INFINITY, isRefused: false })
  }

  /** The router is told that its record is in the log as `n`, or that it is not. */
  answered(conversation: ConversationId, n: number | undefined): void {
    const flight = this.#flights.get(conversation)
    if (flight === undefined) return
    if (n === undefined) {
      this.counts.refused++
      this.#refused.set(conversation, flight)
    }
    if (n === undefined || (this.shown.heads.get(conversation)?.n ?? 0) >= n) this.#flights.delete(conversation)
    else flight.n = n
  }

  /** Nothing moves until the next event: what was not tried again by now is given up. */
  rest(): void {
    this.#refused.clear()
  }

  /** The router is thrown away with all that was on its way; the next one reads what is in the log. */
  restarted(): void {
    this.#flights.clear()
    this.#refused.clear()
  }

  /** Of each line, the first who waits though somebody is free for it. Judged by what the router was shown. */
  idle(presence: (agent: string) => Presence, nowMs: number): Idle[] {
    const extra = this.#loadsInFlight()
    const found: Idle[] = []
    for (const line of this.shown.lines.values()) {
      const waiting = line.find(({ conversation }) => !this.#flights.has(conversation))
      if (waiting === undefined) continue
      const team = this.#staff.teams.get(waiting.need.team) ?? this.#staff.teams.get(undefined)!
      if (team.strategy === 'manual' || !team.isOpen(nowMs)) continue
      const n = this.shown.heads.get(waiting.conversation)!.n
      for (const agent of membersOf(this.#staff, waiting.need.team)) {
        if (presence(agent.id) !== 'online' || !isAble(agent, waiting)) continue
        if (!hasRoom(agent, waiting.need.kind, this.shown.loads.get(agent.id), extra.get(agent.id))) continue
        found.push({ agent: agent.id, conversation: waiting.conversation, n })
        break
      }
    }
    return found
  }

  /** Reports every conversation that is open. */
  reportOpen(): void {
    for (const head of this.truth.heads.values())
      if (head.state !== 'closed') this.report('lost', `${head.conversation} is ${head.state} since record ${head.n}`)
  }

  #judge(conversation: ConversationId, head: Head | undefined, { agent }: AssignedBody): void {
    const waiting = head === undefined ? undefined : waitingOf(head, undefined)
    if (waiting === undefined) {
      this.report('doubly assigned', `${conversation}: to ${agent}, though it was shown as ${head?.state}`)
      return
    }
    const extra = this.#loadsInFlight().get(agent)
    if (!hasRoom(this.#staff.agents.get(agent)!, waiting.need.kind, this.shown.loads.get(agent), extra))
      this.report('over capacity', `${agent} by the decision on ${conversation}`)
    for (const other of this.shown.lines.get(lineKey(waiting.need)) ?? []) {
      if (byTurn(other, waiting) >= 0) break
      if (this.#flights.has(other.conversation) || this.#refused.has(other.conversation)) continue
      this.report(
        'skipped',
        `${turnOf(other)} by ${turnOf(waiting)}, line ${lineKey(waiting.need)}, shown ${this.shown.seq}`,
      )
      break
    }
  }

  /** What agents get by decisions that are not among the records shown. */
  #loadsInFlight(): Map<string, Load> {
    const loads = new Map<string, Load>()
    for (const [conversation, { body, kind }] of this.#flights) {
      if (body.type !== 'assigned' || kind === undefined) continue
      const head = this.shown.heads.get(conversation)
      if (head?.state !== 'active' || head.agent !== body.agent) count(loads, body.agent, kind, 1)
    }
    return loads
  }

  #take({ conversation, kind, state, agent }: Head, given: string | undefined): void {
    const before = this.#given.get(conversation)
    if (before !== undefined && given === undefined && state === 'active' && agent === before.agent) return
    if (before !== undefined) {
      this.#given.delete(conversation)
      count(this.#givenLoads, before.agent, before.kind, -1)
    }
    if (given === undefined) return
    this.#given.set(conversation, { agent: given, kind })
    count(this.#givenLoads, given, kind, 1)
  }

  #story(conversation: ConversationId): string {
    const flight = this.#flights.get(conversation)
    return `while ${flight?.body.type} is on its way${flight?.n === Number.POSITIVE_INFINITY ? '' : ` as ${flight?.n}`}`
  }
}

function turnOf({ conversation, since, rank }: Waiting): string {
  return `${conversation} (rank ${rank}, since ${since})`
}

function isOver({ capacity }: BoardAgent, load: Load): boolean {
  if (load.total > capacity.total) return true
  return Object.entries(capacity.perKind).some(([kind, limit]) => (load.byKind[kind as ChannelKind] ?? 0) > limit)
}

function hasRoom({ capacity }: BoardAgent, kind: ChannelKind, ...loads: readonly (Load | undefined)[]): boolean {
  let total = 0
  let ofKind = 0
  for (const load of loads) {
    total += load?.total ?? 0
    ofKind += load?.byKind[kind] ?? 0
  }
  return total < capacity.total && ofKind < (capacity.perKind[kind] ?? Number.POSITIVE_INFINITY)
}

function isAble({ id, skills }: BoardAgent, { need }: Waiting): boolean {
  if (need.declinedBy.includes(id)) return false
  return Object.entries(need.requires).every(([skill, level]) => (skills.get(skill) ?? 0) >= level)
}

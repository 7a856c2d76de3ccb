import type { ConversationId } from '../../codec/conversation-id.js'
import type { Capacity, ChannelKind } from './model.js'
import {
  type Candidates,
  candidatesKey,
  candidatesOf,
  type Decision,
  type Need,
  obstacle,
  type Presence,
  type RoutingAgent,
  type RoutingPolicy,
  route,
} from './routing.js'
import { byTurn, lineKey, type Waiting, WaitingLine } from './waiting-line.js'

/** An agent's settings, as the board needs them. */
export type BoardAgent = Pick<RoutingAgent, 'id' | 'name' | 'skills' | 'languages' | 'isBot'> & {
  readonly capacity: Capacity
}

/** A team as the board needs it. `members`: ids of agents; undefined for everybody. */
export type BoardTeam = Omit<RoutingPolicy, 'isOpen'> & {
  readonly members: readonly string[] | undefined
  isOpen(nowMs: number): boolean
}

/** A conversation and who gets it. */
export type Match = {
  readonly waiting: Waiting
  readonly agent: { readonly id: string; readonly name: string; readonly isBot: boolean }
  readonly reasons: readonly string[]
}

/** An instant on both clocks: `nowMs` epoch, `monotonicMs` for durations. */
export type Instant = { readonly nowMs: number; readonly monotonicMs: number }

type Seat = { -readonly [K in keyof RoutingAgent]: RoutingAgent[K] }

type Members = {
  readonly seats: readonly Seat[]
  readonly has: ReadonlySet<Seat>
  /** By `candidatesKey`. */
  readonly candidates: Map<string, Candidates>
}

/** Sorts of conversations of a team whose candidates are remembered. */
const CANDIDATES_REMEMBERED = 256

type Taken = { readonly agent: string; readonly kind: ChannelKind }

/**
 * Who waits, who is there and who has what: the state on which `route` decides, and the order in which it is asked. No clock and no I/O: engine and
 * simulation both stand on it. Fair: of the conversations that the same agents can take, none is matched before another whose turn comes first.
 */
export class RoutingBoard {
  readonly #seats = new Map<string, Seat>()
  #teams: ReadonlyMap<string | undefined, BoardTeam>
  readonly #members = new Map<string | undefined, Members>()
  /** Teams that were open when `stirOpened` looked last. */
  #open: ReadonlySet<string | undefined> = new Set()
  readonly #lines = new Map<string, WaitingLine>()
  readonly #places = new Map<ConversationId, { readonly waiting: Waiting; readonly line: WaitingLine }>()
  /** Lines whose first may have found an agent since it was last asked. */
  readonly #stirred = new Set<WaitingLine>()
  readonly #taken = new Map<ConversationId, Taken>()

  /** `teams` by id; `undefined` is the team of conversations that were sent to none, and of those whose team is gone. */
  constructor(teams: ReadonlyMap<string | undefined, BoardTeam>) {
    this.#teams = teams
  }

  get waitingCount(): number {
    return this.#places.size
  }

  get takenCount(): number {
    return this.#taken.size
  }

  /** Takes over other teams; every line is looked at again. */
  setTeams(teams: ReadonlyMap<string | undefined, BoardTeam>): void {
    this.#teams = teams
    this.#members.clear()
    this.#open = new Set()
    this.stir()
  }

  /** Adds an agent, who is offline, or takes over other settings. */
  setAgent(agent: BoardAgent): void {
    const seat = this.#seats.get(agent.id)
    if (seat === undefined) {
      this.#seats.set(agent.id, seatOf(agent, this.#loadsOf(agent.id)))
      this.#members.clear()
      return
    }
    Object.assign(seat, agent)
    this.#members.clear()
    this.#stirFor(seat)
  }

  removeAgent(id: string): void {
    if (this.#seats.delete(id)) this.#members.clear()
  }

  setPresence(id: string, presence: Presence, { monotonicMs }: Instant): void {
    const seat = this.#seats.get(id)
    if (seat === undefined || seat.presence === presence) return
    seat.presence = presence
    if (presence !== 'online') return
    seat.idleSince = monotonicMs
    this.#stirFor(seat)
  }

  agent(id: string): RoutingAgent | undefined {
    return this.#seats.get(id)
  }

  agents(): Iterable<RoutingAgent> {
    return this.#seats.values()
  }

  hasTeam(id: string): boolean {
    return this.#teams.has(id)
  }

  /** Whether an agent may be given conversations of a team. */
  isMember(agent: string, team: string | undefined): boolean {
    const seat = this.#seats.get(agent)
    return seat !== undefined && this.#membersOf(team).has.has(seat)
  }

  /** Puts a conversation into its line, or at its new place. */
  enqueue(waiting: Waiting): void {
    this.dequeue(waiting.conversation)
    const key = lineKey(waiting.need)
    let line = this.#lines.get(key)
    if (line === undefined) {
      line = new WaitingLine(key, waiting.need.team)
      this.#lines.set(key, line)
    }
    // Others of the line wait because nobody can take them: then nobody can take this one either.
    if (line.size === 0) this.#stirred.add(line)
    line.add(waiting)
    this.#places.set(waiting.conversation, { waiting, line })
  }

  /** Takes a conversation out of its line, if it is in one. */
  dequeue(conversation: ConversationId): void {
    const place = this.#places.get(conversation)
    if (place === undefined) return
    this.#places.delete(conversation)
    place.line.remove(place.waiting)
    if (place.line.size > 0) return
    this.#lines.delete(place.line.key)
    this.#stirred.delete(place.line)
  }

  /** The conversation counts as this agent's. */
  take(conversation: ConversationId, agent: string, kind: ChannelKind, { monotonicMs }: Instant): void {
    const before = this.#taken.get(conversation)
    if (before?.agent === agent) return
    if (before !== undefined) this.release(conversation, { nowMs: 0, monotonicMs })
    this.#taken.set(conversation, { agent, kind })
    const seat = this.#seats.get(agent)
    if (seat === undefined) return
    this.#count(seat, kind, 1)
    seat.lastAssignedAt = monotonicMs
    seat.idleSince = monotonicMs
  }

  /** The conversation counts as nobody's. */
  release(conversation: ConversationId, { monotonicMs }: Instant): void {
    const taken = this.#taken.get(conversation)
    if (taken === undefined) return
    this.#taken.delete(conversation)
    const seat = this.#seats.get(taken.agent)
    if (seat === undefined) return
    this.#count(seat, taken.kind, -1)
    seat.idleSince = monotonicMs
    this.#stirFor(seat)
  }

  /** Whom a conversation counts for. */
  holder(conversation: ConversationId): string | undefined {
    return this.#taken.get(conversation)?.agent
  }

  /** Has every line looked at again: hours have begun, a policy has changed. */
  stir(): void {
    for (const line of this.#lines.values()) this.#stirred.add(line)
  }

  /** Has the lines of teams looked at again that have opened since the last call; whether there are any such teams. */
  stirOpened(nowMs: number): boolean {
    const before = this.#open
    const open = new Set<string | undefined>()
    let hasOpened = false
    for (const [id, team] of this.#teams) {
      if (!team.isOpen(nowMs)) continue
      open.add(id)
      if (!before.has(id)) hasOpened = true
    }
    this.#open = open
    if (!hasOpened) return false
    for (const line of this.#lines.values()) if (open.has(line.team) && !before.has(line.team)) this.#stirred.add(line)
    return true
  }

  /** The next conversation that somebody can take: it leaves its line and counts as that agent's. Undefined when nobody can take any that waits. */
  next(instant: Instant): Match | undefined {
    for (;;) {
      const line = this.#firstStirred()
      if (line === undefined) return undefined
      const waiting = line.first!
      const { assign, reasons } = this.decide(waiting, instant.nowMs)
      if (assign === undefined) {
        this.#stirred.delete(line)
        continue
      }
      this.dequeue(waiting.conversation)
      this.take(waiting.conversation, assign.id, waiting.need.kind, instant)
      return { waiting, agent: { ...assign, isBot: this.#seats.get(assign.id)?.isBot === true }, reasons }
    }
  }

  /** What would be decided on a conversation if it were its turn. */
  decide({ need }: Waiting, nowMs: number): Decision {
    const bot = need.bot === undefined ? undefined : this.#seats.get(need.bot)
    if (bot?.isBot && isFree(bot, need)) return { assign: { id: bot.id, name: bot.name }, reasons: ['bot'] }
    const owner = need.wokenFor === undefined ? undefined : this.#seats.get(need.wokenFor)
    if (owner !== undefined && !owner.isBot && isFree(owner, need))
      return { assign: { id: owner.id, name: owner.name }, reasons: ['woken'] }
    const team = this.#team(need.team)
    const { strategy, stickyMs } = team
    return route(need, this.#candidatesOf(need), { strategy, stickyMs, isOpen: team.isOpen(nowMs) }, nowMs)
  }

  /** Whether its team is at work, and not all of the members lack a skill that it asks for. */
  isServable(need: Need, nowMs: number): boolean {
    const { able, unskilled } = this.#candidatesOf(need)
    return this.#team(need.team).isOpen(nowMs) && (able.length > 0 || unskilled === 0)
  }

  /** A conversation that waits. */
  waiting(conversation: ConversationId): Waiting | undefined {
    return this.#places.get(conversation)?.waiting
  }

  /** How many of the same team have their turn before this one. Undefined when it does not wait. */
  ahead(conversation: ConversationId): number | undefined {
    const place = this.#places.get(conversation)
    if (place === undefined) return undefined
    let ahead = 0
    for (const line of this.#lines.values()) if (line.team === place.line.team) ahead += line.before(place.waiting)
    return ahead
  }

  /** All that wait, in the order of their turns. */
  inOrder(): Waiting[] {
    return [...this.#lines.values()].flatMap(line => line.items).sort(byTurn)
  }

  #team(id: string | undefined): BoardTeam {
    const team = this.#teams.get(id) ?? this.#teams.get(undefined)
    if (team === undefined) throw new TypeError('a board has a team for conversations without one')
    return team
  }

  #membersOf(id: string | undefined): Members {
    let members = this.#members.get(id)
    if (members === undefined) {
      const ids = this.#team(id).members
      const all = ids === undefined ? [...this.#seats.values()] : ids.flatMap(agent => this.#seats.get(agent) ?? [])
      const seats = all.filter(({ isBot }) => !isBot)
      members = { seats, has: new Set(seats), candidates: new Map() }
      this.#members.set(id, members)
    }
    return members
  }

  #candidatesOf(need: Need): Candidates {
    const { seats, candidates } = this.#membersOf(need.team)
    const key = candidatesKey(need)
    let found = candidates.get(key)
    if (found === undefined) {
      found = candidatesOf(seats, need)
      if (candidates.size === CANDIDATES_REMEMBERED) candidates.clear()
      candidates.set(key, found)
    }
    return found
  }

  #firstStirred(): WaitingLine | undefined {
    let first: WaitingLine | undefined
    for (const line of this.#stirred) if (first === undefined || byTurn(line.first!, first.first!) < 0) first = line
    return first
  }

  #stirFor(seat: Seat): void {
    for (const line of this.#lines.values()) {
      const { need } = line.first!
      const isFor =
        need.wokenFor === seat.id
          ? isFree(seat, need)
          : obstacle(seat, need) === undefined && this.#membersOf(line.team).has.has(seat)
      if (isFor) this.#stirred.add(line)
    }
  }

  #count(seat: Seat, kind: ChannelKind, change: 1 | -1): void {
    seat.load += change
    seat.loadOf = { ...seat.loadOf, [kind]: (seat.loadOf[kind] ?? 0) + change }
  }

  #loadsOf(agent: string): Pick<Seat, 'load' | 'loadOf'> {
    let load = 0
    const loadOf: Partial<Record<ChannelKind, number>> = {}
    for (const taken of this.#taken.values()) {
      if (taken.agent !== agent) continue
      load++
      loadOf[taken.kind] = (loadOf[taken.kind] ?? 0) + 1
    }
    return { load, loadOf }
  }
}

/** Whether nothing keeps an agent from it whom it is meant for by name: no skill is asked of them. */
function isFree(agent: RoutingAgent, need: Need): boolean {
  return obstacle(agent, { ...need, requires: {} }) === undefined
}

/** Field by field: what is spread out of another object is many times as slow to read, and every decision reads every seat. */
function seatOf(
  { id, name, skills, languages, capacity, isBot }: BoardAgent,
  { load, loadOf }: Pick<Seat, 'load' | 'loadOf'>,
): Seat {
  return {
    id,
    name,
    skills,
    languages,
    capacity,
    isBot,
    presence: 'offline',
    load,
    loadOf,
    lastAssignedAt: 0,
    idleSince: 0,
  }
}

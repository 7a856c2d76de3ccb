import { PRIORITIES } from '../../codec/wire-commands.js'
import type { Presence } from '../core/routing.js'
import type { AgentMeasures, Measures, ScenarioMeasures } from '../core/simulation.js'
import type { Sla } from '../core/team.js'
import type { Roster } from './roster.js'
import type { Window } from './trace.js'
import type { Home } from './work.js'

/** Measures of one team, or of all. */
class Tally {
  conversations = 0
  abandoned = 0
  waiting = 0
  overflowed = 0
  promised = 0
  kept = 0
  requeued = 0
  #requeuedMs = 0
  readonly #waits: number[] = []

  served(waitMs: number): void {
    this.#waits.push(waitMs)
  }

  servedAgain(waitMs: number): void {
    this.requeued++
    this.#requeuedMs += waitMs
  }

  measures(): Measures {
    const waits = Float64Array.from(this.#waits).sort()
    const { conversations, abandoned, waiting, overflowed, promised, kept, requeued } = this
    const at = (share: number): number => Math.round(waits[Math.max(0, Math.ceil(waits.length * share) - 1)] ?? 0)
    let sum = 0
    for (const wait of waits) sum += wait
    return {
      conversations,
      served: waits.length,
      abandoned,
      waiting,
      meanWaitMs: waits.length === 0 ? 0 : Math.round(sum / waits.length),
      p50WaitMs: at(0.5),
      p90WaitMs: at(0.9),
      p99WaitMs: at(0.99),
      maxWaitMs: at(1),
      promised,
      kept,
      overflowed,
      requeued,
      meanRequeuedWaitMs: requeued === 0 ? 0 : Math.round(this.#requeuedMs / requeued),
    }
  }
}

type Seat = {
  readonly capacity: number
  presence: Presence
  load: number
  at: number
  served: number
  timesFull: number
  peakLoad: number
  presentMs: number
  loadMs: number
  busyMs: number
  fullMs: number
}

/** Measures what happens, or happened, in a window. Events come in the order of their instants. */
export class Meter {
  readonly #window: Window
  readonly #slas: ReadonlyMap<string, Sla | undefined>
  readonly #all = new Tally()
  readonly #teams = new Map<string | undefined, Tally>()
  readonly #seats: ReadonlyMap<string, Seat>

  constructor(roster: Roster, window: Window) {
    this.#window = window
    this.#slas = new Map(roster.teams.map(({ id, sla }) => [id, sla]))
    this.#seats = new Map(roster.agents.map(({ id, capacity }) => [id, newSeat(capacity.total, window.since)]))
  }

  /** A conversation asks for an agent. */
  arrived(home: Home): void {
    for (const tally of this.#talliesOf(home)) tally.conversations++
  }

  /** A conversation got its first agent, who answered so long after that. */
  served(home: Home, waitMs: number, answerMs: number | undefined): void {
    const withinMs = this.#promiseOf(home)
    for (const tally of this.#talliesOf(home)) {
      tally.served(waitMs)
      if (withinMs === undefined) continue
      tally.promised++
      if (answerMs !== undefined && waitMs + answerMs <= withinMs) tally.kept++
    }
  }

  /** A conversation that had an agent before got one again. */
  servedAgain(home: Home, waitMs: number): void {
    for (const tally of this.#talliesOf(home)) tally.servedAgain(waitMs)
  }

  abandoned(home: Home): void {
    for (const tally of this.#talliesOf(home)) tally.abandoned++
  }

  overflowed(home: Home): void {
    for (const tally of this.#talliesOf(home)) tally.overflowed++
  }

  /** A conversation had no agent when the window ended. */
  waiting(home: Home): void {
    for (const tally of this.#talliesOf(home)) tally.waiting++
  }

  presence(agent: string, presence: Presence, at: number): void {
    const seat = this.#seats.get(agent)
    if (seat === undefined) return
    pass(seat, at)
    seat.presence = presence
  }

  /** An agent has a conversation more, which is new or was the agent's already, or one less. */
  load(agent: string, change: 1 | -1, at: number, isNew: boolean): void {
    const seat = this.#seats.get(agent)
    if (seat === undefined) return
    pass(seat, at)
    seat.load += change
    if (change < 0) return
    if (isNew) seat.served++
    if (seat.load === seat.capacity) seat.timesFull++
    seat.peakLoad = Math.max(seat.peakLoad, seat.load)
  }

  /** What was measured until the end of the window. */
  report(): ScenarioMeasures {
    const agents = new Map<string, AgentMeasures>()
    for (const [id, seat] of this.#seats) {
      pass(seat, this.#window.until)
      agents.set(id, measuresOf(seat))
    }
    const teams = new Map([...this.#teams].map(([id, tally]) => [id ?? '', tally.measures()]))
    return { all: this.#all.measures(), teams: Object.fromEntries(teams), agents: Object.fromEntries(agents) }
  }

  #talliesOf({ team }: Home): readonly Tally[] {
    let tally = this.#teams.get(team)
    if (tally === undefined) {
      tally = new Tally()
      this.#teams.set(team, tally)
    }
    return [this.#all, tally]
  }

  #promiseOf({ team, rank }: Home): number | undefined {
    const sla = team === undefined ? undefined : this.#slas.get(team)
    const priority = PRIORITIES[rank]
    return (priority && sla?.perPriority?.[priority]?.firstResponseMs) ?? sla?.firstResponseMs
  }
}

function newSeat(capacity: number, at: number): Seat {
  return {
    capacity,
    presence: 'offline',
    load: 0,
    at,
    served: 0,
    timesFull: 0,
    peakLoad: 0,
    presentMs: 0,
    loadMs: 0,
    busyMs: 0,
    fullMs: 0,
  }
}

/** Time goes by as it was. */
function pass(seat: Seat, at: number): void {
  const ms = at - seat.at
  if (ms <= 0) return
  seat.at = at
  if (seat.presence === 'offline') return
  seat.presentMs += ms
  seat.loadMs += ms * seat.load
  if (seat.load > 0) seat.busyMs += ms
  if (seat.load >= seat.capacity) seat.fullMs += ms
}

function measuresOf({ served, timesFull, peakLoad, presentMs, loadMs, busyMs, fullMs }: Seat): AgentMeasures {
  const share = (ms: number): number => (presentMs === 0 ? 0 : Math.round((ms / presentMs) * 10_000) / 10_000)
  return {
    served,
    presentMs,
    meanLoad: share(loadMs),
    peakLoad,
    busyShare: share(busyMs),
    fullShare: share(fullMs),
    timesFull,
  }
}

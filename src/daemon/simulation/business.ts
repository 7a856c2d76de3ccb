import type { ConversationId } from '../../codec/conversation-id.js'
import { type Instant, RoutingBoard } from '../core/board.js'
import { DECLINED_MS, overflowAfter } from '../core/due.js'
import type { PresenceChange } from '../core/presence-log.js'
import { candidatesOf, type Need, obstacle, route } from '../core/routing.js'
import type { Team } from '../core/team.js'
import { Attendance } from './attendance.js'
import type { Case, Due } from './case.js'
import type { Meter } from './meter.js'
import { PickUps } from './pick-ups.js'
import { boardAgentOf, boardTeamsOf, hoursOf, leavers, type Roster } from './roster.js'
import { Timeline } from './timeline.js'
import type { Episode, Leg, Window, Wish } from './trace.js'
import { homeOf, type Medians, workFrom } from './work.js'

/** What a simulation stands on. Episodes and presence are in the order of their instants. */
export type BusinessParts = {
  readonly roster: Roster
  /** The settings as they are: who was of a team by these, and is not by the roster, picks up nothing of it. */
  readonly present: Roster
  readonly window: Window
  readonly wishes: readonly Wish[]
  readonly episodes: Iterable<Episode>
  readonly presence: readonly PresenceChange[]
  readonly medians: Medians
  readonly meter: Meter
}

/**
 * Replays a window under a roster: who arrives, who is there, how long things take and who loses patience is as recorded; who gets what, when, follows from the real
 * board. Deterministic. What people did by hand (accepting, assigning, handing over) happens after the same wait, if the conversation still waits then and the
 * agent can take it.
 */
export class Business {
  readonly #parts: BusinessParts
  readonly #board: RoutingBoard
  readonly #timeline: Timeline<Due>
  readonly #teams: ReadonlyMap<string | undefined, Team>
  readonly #cases = new Map<ConversationId, Case>()
  readonly #held = new Map<string, Set<Case>>()
  readonly #attendance: Attendance
  readonly #pickUps = new PickUps()
  /** Who may have room for what waits to be picked up. */
  readonly #freed = new Set<string>()
  readonly #hasLeft: (agent: string, team: string | undefined) => boolean
  #keys = 0

  constructor(parts: BusinessParts) {
    const { roster, window, episodes, presence, meter } = parts
    const hours = hoursOf(roster)
    this.#parts = parts
    this.#board = new RoutingBoard(boardTeamsOf(roster, hours))
    this.#timeline = new Timeline(
      window,
      episodes,
      presence.filter(({ at }) => at > window.since),
    )
    this.#teams = new Map(roster.teams.map(team => [team.id, team]))
    this.#hasLeft = leavers(parts.present, roster)
    this.#attendance = new Attendance(roster, {
      changed: (agent, state, at) => {
        this.#board.setPresence(agent, state, instant(at, window))
        if (state !== 'offline') this.#freed.add(agent)
        meter.presence(agent, state, at)
      },
      expect: (agent, turn, at) => this.#timeline.at(at, { what: 'gone', agent, turn }),
    })
    for (const agent of roster.agents) this.#board.setAgent(boardAgentOf(agent))
    for (const open of hours.values()) this.#timeline.at(window.since, { what: 'hours', hours: open })
    for (const change of presence) if (change.at <= window.since) this.#attendance.take(change, window.since)
  }

  /** Runs the window. `onProgress` is told how many conversations have arrived. */
  run(onProgress: (arrived: number) => void = () => undefined): void {
    const { meter } = this.#parts
    this.#timeline.run(
      {
        presence: change => this.#attendance.take(change, change.at),
        due: (due, at) => this.#due(due, at),
        arrive: (episode, at) => this.#arrive(episode, at),
        passed: at => this.#match(at),
      },
      onProgress,
    )
    for (const present of this.#cases.values())
      if (present.isFirst && present.holder === undefined) meter.waiting(present.home)
  }

  /** What agents have at this moment, in all; for those who watch. */
  loads(): ReadonlyMap<string, number> {
    return new Map([...this.#board.agents()].map(({ id, load }) => [id, load]))
  }

  #arrive(episode: Episode, at: number): void {
    const { wishes, meter } = this.#parts
    const [first] = episode.legs
    if (first === undefined) return
    const home = homeOf(episode, wishes)
    const wish = wishes[first.wish]!
    const present: Case = {
      key: `c_${(this.#keys++).toString(36).padStart(8, '0')}`,
      episode,
      home,
      leg: 0,
      wish,
      team: wish.team,
      since: episode.since ?? episode.lineSince,
      askedAt: episode.since ?? at,
      teamSince: episode.teamSince,
      overflowAt: Number.POSITIVE_INFINITY,
      lastAgent: episode.lastAgent,
      declinedBy: episode.declinedBy,
      wokenFor: undefined,
      isFirst: episode.since !== undefined,
      holder: undefined,
      heldAt: at,
      work: undefined,
      turn: 0,
    }
    this.#cases.set(present.key, present)
    if (episode.since !== undefined) {
      meter.arrived(home)
      this.#wait(present, at)
    } else if (first.agent !== undefined && first.end === 'snoozed' && first.serviceMs === 0) {
      present.holder = first.agent
      this.#putAside(present, 0, at)
    } else if (first.agent !== undefined) {
      this.#board.take(present.key, first.agent, wish.kind, instant(at, this.#parts.window))
      meter.load(first.agent, 1, at, false)
      this.#hold(present, first.agent, at)
    }
  }

  #due(due: Due, at: number): void {
    if (due.what === 'hours') {
      this.#board.stirOpened(at)
      const next = due.hours.nextChange(at)
      if (next !== undefined) this.#timeline.at(next, due)
      return
    }
    if (due.what === 'gone') {
      if (this.#attendance.isGone(due.agent, due.turn)) this.#gone(due.agent, at)
      return
    }
    const { of } = due
    if (of.turn !== due.turn) return
    switch (due.what) {
      case 'done':
        this.#done(of, at)
        break
      case 'wake':
        of.lastAgent = of.holder === undefined ? of.lastAgent : { id: of.holder, at }
        of.wokenFor = of.holder
        of.holder = undefined
        of.teamSince = at
        of.declinedBy = []
        this.#ask(of, at, at)
        break
      case 'abandon':
        this.#board.dequeue(of.key)
        this.#pickUps.remove(of.key)
        if (of.isFirst) this.#parts.meter.abandoned(of.home)
        this.#close(of)
        break
      case 'overflow':
        if (at >= of.overflowAt) this.#overflow(of, at)
        break
      case 'askAgain':
        if (of.declinedBy.length === 0 || at < of.teamSince + DECLINED_MS) break
        of.declinedBy = []
        this.#enqueue(of)
        break
      case 'change':
        this.#change(of, due.index, at)
        break
      case 'pick':
        this.#pick(of, due.agent, at)
        break
    }
  }

  /** It asks for an agent from here on, with the place in line of `since`. */
  #ask(of: Case, since: number, at: number): void {
    const leg = of.episode.legs[of.leg]!
    of.since = since
    of.askedAt = at
    of.wish = this.#parts.wishes[leg.wish]!
    if (leg.isTeamGiven && of.leg > 0) {
      of.team = of.wish.team
      of.teamSince = at
    }
    this.#wait(of, at)
  }

  #wait(of: Case, at: number): void {
    const leg = of.episode.legs[of.leg]!
    of.turn++
    this.#enqueue(of)
    for (const [index, { afterMs }] of leg.changes.entries())
      this.#timeline.at(at + afterMs, { what: 'change', of, turn: of.turn, index })
    this.#waitAsRecorded(of, leg, at)
  }

  /** For how long it waited, where that was somebody's own decision. */
  #waitAsRecorded(of: Case, leg: Leg, at: number): void {
    if (leg.agent === undefined && leg.end === 'closed')
      this.#timeline.at(at + leg.waitMs, { what: 'abandon', of, turn: of.turn })
    if (leg.agent !== undefined && leg.isByHand)
      this.#timeline.at(at + leg.waitMs, { what: 'pick', of, turn: of.turn, agent: leg.agent })
  }

  #enqueue(of: Case): void {
    const { key: conversation, wish, team, since, declinedBy, lastAgent, wokenFor } = of
    const { kind, requires, prefers, language, rank } = wish
    const wanted = this.#pickUps.remove(conversation)
    // As it asks now, somebody may be able to take it.
    if (wanted !== undefined) this.#timeline.at(since, { what: 'pick', of, turn: of.turn, agent: wanted })
    this.#board.enqueue({
      conversation,
      rank,
      since,
      need: { kind, team, bot: undefined, requires, prefers, language, declinedBy, lastAgent, wokenFor },
    })
    const overflow = overflowAfter(of.teamSince, this.#teams.get(team))
    of.overflowAt = overflow?.at ?? Number.POSITIVE_INFINITY
    if (overflow !== undefined) this.#timeline.at(overflow.at, { what: 'overflow', of, turn: of.turn })
    if (declinedBy.length > 0) this.#timeline.at(of.teamSince + DECLINED_MS, { what: 'askAgain', of, turn: of.turn })
  }

  #overflow(of: Case, at: number): void {
    const overflow = overflowAfter(of.teamSince, this.#teams.get(of.team))
    if (overflow === undefined) return
    of.team = overflow.team
    of.teamSince = at
    of.wokenFor = undefined
    this.#parts.meter.overflowed(of.home)
    this.#enqueue(of)
  }

  #change(of: Case, index: number, at: number): void {
    const { wish, isTeamGiven } = of.episode.legs[of.leg]!.changes[index]!
    of.wish = this.#parts.wishes[wish]!
    if (isTeamGiven) {
      of.team = of.wish.team
      of.teamSince = at
    }
    this.#enqueue(of)
  }

  #match(at: number): void {
    const now = instant(at, this.#parts.window)
    for (let match = this.#board.next(now); match !== undefined; match = this.#board.next(now)) {
      const of = this.#cases.get(match.waiting.conversation)!
      this.#served(of, match.agent.id, at)
    }
    for (const agent of this.#freed)
      this.#pickUps.offer(
        agent,
        team => this.#board.isMember(agent, team),
        (conversation, wanted) => this.#pick(this.#cases.get(conversation)!, wanted, at),
      )
    this.#freed.clear()
  }

  /**
   * Somebody takes it by hand, as somebody did: the same agent, in a team where everything is taken by hand also another one. Where nobody can, it waits for who has
   * room next. Whether it is taken.
   */
  #pick(of: Case, wanted: string, at: number): boolean {
    const waiting = this.#board.waiting(of.key)
    if (waiting === undefined) return false
    const { need } = waiting
    const able = (id: string): boolean => {
      if (this.#hasLeft(id, of.team)) return false
      const seat = this.#board.agent(id)
      const by = seat && obstacle(seat, { ...need, requires: {}, declinedBy: [] })
      return seat !== undefined && (by === undefined || (by === 'away' && id === wanted))
    }
    const { strategy, stickyMs } = this.#teams.get(of.team) ?? this.#parts.roster.everybody
    const isForTeam = strategy === 'manual'
    const agent = able(wanted) ? wanted : isForTeam ? this.#anybody(of, need, stickyMs, at) : undefined
    if (agent === undefined) {
      this.#pickUps.add(waiting, wanted, isForTeam)
      return false
    }
    this.#board.dequeue(of.key)
    this.#board.take(of.key, agent, need.kind, instant(at, this.#parts.window))
    this.#served(of, agent, at)
    return true
  }

  #anybody(of: Case, need: Need, stickyMs: number, at: number): string | undefined {
    const members = [...this.#board.agents()].filter(({ id }) => this.#board.isMember(id, of.team))
    return route(need, candidatesOf(members, need), { strategy: 'least-active', stickyMs, isOpen: true }, at).assign?.id
  }

  #served(of: Case, agent: string, at: number): void {
    const { meter, medians } = this.#parts
    const waitMs = at - of.askedAt
    this.#pickUps.remove(of.key)
    const { legs, answerMs } = of.episode
    const wasServed = legs[0]?.agent !== undefined
    if (of.isFirst) meter.served(of.home, waitMs, wasServed ? answerMs : medians.answerMs(of.home.team))
    else if (waitMs > 0 || legs[of.leg - 1]?.end !== 'given') meter.servedAgain(of.home, waitMs)
    of.isFirst = false
    meter.load(agent, 1, at, true)
    this.#hold(of, agent, at)
  }

  #hold(of: Case, agent: string, at: number): void {
    of.turn++
    of.holder = agent
    of.heldAt = at
    of.declinedBy = of.declinedBy.filter(declined => declined !== agent)
    of.wokenFor = undefined
    of.work ??= workFrom(of.episode, of.leg, this.#parts.medians.serviceMs(of.home.team))
    this.#heldBy(agent).add(of)
    this.#timeline.at(at + of.work.ms, { what: 'done', of, turn: of.turn })
    if (this.#board.agent(agent)?.presence === 'offline') this.#attendance.expect(agent, at)
  }

  #done(of: Case, at: number): void {
    const { legs } = of.episode
    const { holder, work } = of
    if (holder === undefined || work === undefined) return
    const leg = legs[work.last]
    const next = legs[work.last + 1]
    this.#release(of, at)
    of.work = undefined
    of.leg = work.last + 1
    const end = next === undefined || leg?.agent === undefined ? 'closed' : leg.end
    if (end === 'snoozed') {
      of.holder = holder
      this.#putAside(of, work.last, at)
    } else if (end === 'declined' || end === 'sent' || end === 'given') {
      of.declinedBy = end === 'declined' ? [...of.declinedBy, holder] : []
      if (end !== 'given') of.teamSince = at
      this.#ask(of, of.since, at)
      // Handed over at once, before anybody else can get it.
      if (end === 'given' && next?.agent !== undefined) this.#pick(of, next.agent, at)
    } else this.#close(of)
  }

  #putAside(of: Case, leg: number, at: number): void {
    const next = of.episode.legs[leg + 1]
    of.leg = leg + 1
    of.turn++
    if (next === undefined) this.#close(of)
    else this.#timeline.at(at + next.gapMs, { what: 'wake', of, turn: of.turn })
  }

  /** An agent has been gone for too long: what the agent has goes back into the line, with what is left to be done. */
  #gone(agent: string, at: number): void {
    for (const of of [...this.#heldBy(agent)]) {
      const { work, heldAt } = of
      if (work === undefined) continue
      this.#release(of, at)
      of.work = { ms: Math.max(0, work.ms - (at - heldAt)), last: work.last }
      of.askedAt = at
      of.teamSince = at
      of.declinedBy = []
      of.turn++
      this.#enqueue(of)
      const { legs } = of.episode
      const next = legs[work.last + 1]
      if (legs[work.last]?.end === 'gone' && next !== undefined) this.#waitAsRecorded(of, next, at)
    }
  }

  #release(of: Case, at: number): void {
    const { holder } = of
    if (holder === undefined) return
    of.holder = undefined
    of.lastAgent = { id: holder, at }
    this.#board.release(of.key, instant(at, this.#parts.window))
    this.#heldBy(holder).delete(of)
    this.#freed.add(holder)
    this.#parts.meter.load(holder, -1, at, false)
  }

  #close(of: Case): void {
    of.turn++
    this.#cases.delete(of.key)
  }

  #heldBy(agent: string): Set<Case> {
    let held = this.#held.get(agent)
    if (held === undefined) {
      held = new Set()
      this.#held.set(agent, held)
    }
    return held
  }
}

/** 0 is never: the window begins later than that. */
function instant(at: number, { since }: Window): Instant {
  return { nowMs: at, monotonicMs: at - since + 1 }
}

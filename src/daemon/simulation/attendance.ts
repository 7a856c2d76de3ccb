import type { PresenceChange } from '../core/presence-log.js'
import type { Presence } from '../core/routing.js'
import type { Roster } from './roster.js'

/** Where presence goes. */
export type AttendanceEvents = {
  changed(agent: string, presence: Presence, at: number): void
  /** Somebody is gone who may have conversations: they are lost at that instant unless `isGone` says otherwise then. */
  expect(agent: string, turn: number, goneAt: number): void
}

/** Who is there in a simulation, by what was recorded; agents who do not exist come and go with those whom they are like. */
export class Attendance {
  readonly #roster: Roster
  readonly #events: AttendanceEvents
  readonly #alike = new Map<string, string[]>()
  /** Another number at each change: who came back meanwhile is not gone. */
  readonly #turns = new Map<string, number>()

  constructor(roster: Roster, events: AttendanceEvents) {
    this.#roster = roster
    this.#events = events
    for (const { id, like = id } of roster.agents) {
      const present = this.#alike.get(like)
      if (present === undefined) this.#alike.set(like, [id])
      else present.push(id)
    }
  }

  take(change: PresenceChange, at: number): void {
    if ('agent' in change) {
      for (const agent of this.#alike.get(change.agent) ?? []) {
        this.#set(agent, change.state, at)
        if (change.state === 'offline') this.expect(agent, at)
      }
      return
    }
    for (const { id } of this.#roster.agents) {
      this.#set(id, 'offline', at)
      // Nobody is given up while nothing runs; then everybody has the same time to come.
      if (change.engine === 'started') this.expect(id, at)
    }
  }

  /** Gives somebody who is not there the time to come. */
  expect(agent: string, at: number): void {
    this.#events.expect(agent, this.#turns.get(agent) ?? 0, at + this.#roster.requeueAfterMs)
  }

  /** Whether nothing has changed since. */
  isGone(agent: string, turn: number): boolean {
    return (this.#turns.get(agent) ?? 0) === turn
  }

  #set(agent: string, presence: Presence, at: number): void {
    this.#turns.set(agent, (this.#turns.get(agent) ?? 0) + 1)
    this.#events.changed(agent, presence, at)
  }
}

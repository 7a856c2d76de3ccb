import type { Clock } from '../../core/ports.js'
import type { Presence as PresenceState } from '../../core/routing.js'
import type { AgentSession } from '../session/session.js'

/** How long things may last before presence changes. */
export type PresenceOptions = { readonly awayAfterMs: number; readonly requeueAfterMs: number }

/** What presence tells: a change of state, and an agent who has been gone for too long. */
export type PresenceEvents = { changed(agent: string, state: PresenceState): void; gone(agent: string): void }

type Entry = {
  readonly sessions: Set<AgentSession>
  /** It needs no session: it is called. */
  isCallable: boolean
  state: PresenceState
  offlineSince: number
}

const SWEEP_MS = 1_000

/**
 * Presence of agents, per session: a heartbeat keeps a session online, silence makes it away, and when the last one has been closed for
 * `requeueAfterMs` the agent is gone, and forgotten. A program that is called needs no session. Who is expected without being there gets the same time to come.
 */
export class Presence {
  readonly #clock: Clock
  readonly #options: PresenceOptions
  readonly #events: PresenceEvents
  readonly #agents = new Map<string, Entry>()
  #cancelSweep: (() => void) | undefined

  constructor(clock: Clock, options: PresenceOptions, events: PresenceEvents) {
    this.#clock = clock
    this.#options = options
    this.#events = events
    this.#schedule()
  }

  state(agent: string): PresenceState {
    return this.#agents.get(agent)?.state ?? 'offline'
  }

  /** An agent who has conversations: when the daemon starts, or by an assignment that came after the agent was gone. */
  expect(agent: string): void {
    this.#entry(agent)
  }

  connected(session: AgentSession): void {
    const entry = this.#entry(session.agent.id)
    entry.sessions.add(session)
    this.#update(session.agent.id, entry)
  }

  heartbeat(session: AgentSession, declared: 'online' | 'away'): void {
    session.heartbeatAt = this.#clock.monotonicMs()
    session.declared = declared
    const entry = this.#agents.get(session.agent.id)
    if (entry !== undefined) this.#update(session.agent.id, entry)
  }

  disconnected(session: AgentSession): void {
    const entry = this.#agents.get(session.agent.id)
    if (entry === undefined) return
    entry.sessions.delete(session)
    if (entry.sessions.size === 0) entry.offlineSince = this.#clock.monotonicMs()
    this.#update(session.agent.id, entry)
  }

  /** How many connections of an agent there are. */
  connections(agent: string): number {
    return this.#agents.get(agent)?.sessions.size ?? 0
  }

  /** A program that is called is there, or is not any more. */
  callable(agent: string, isCallable: boolean): void {
    const entry = this.#entry(agent)
    if (entry.isCallable && !isCallable && entry.sessions.size === 0) entry.offlineSince = this.#clock.monotonicMs()
    entry.isCallable = isCallable
    this.#update(agent, entry)
  }

  close(): void {
    this.#cancelSweep?.()
  }

  #entry(agent: string): Entry {
    let entry = this.#agents.get(agent)
    if (entry === undefined) {
      entry = { sessions: new Set(), isCallable: false, state: 'offline', offlineSince: this.#clock.monotonicMs() }
      this.#agents.set(agent, entry)
    }
    return entry
  }

  #update(agent: string, entry: Entry): void {
    const state = this.#reduce(entry)
    if (state === entry.state) return
    entry.state = state
    this.#events.changed(agent, state)
  }

  #reduce(entry: Entry): PresenceState {
    if (entry.isCallable) return 'online'
    if (entry.sessions.size === 0) return 'offline'
    const freshSince = this.#clock.monotonicMs() - this.#options.awayAfterMs
    for (const session of entry.sessions)
      if (session.declared === 'online' && session.heartbeatAt >= freshSince) return 'online'
    return 'away'
  }

  #schedule(): void {
    this.#cancelSweep = this.#clock.after(SWEEP_MS, () => {
      const goneBefore = this.#clock.monotonicMs() - this.#options.requeueAfterMs
      for (const [agent, entry] of this.#agents) {
        this.#update(agent, entry)
        if (entry.state !== 'offline' || entry.offlineSince > goneBefore) continue
        this.#agents.delete(agent)
        this.#events.gone(agent)
      }
      this.#schedule()
    })
  }
}

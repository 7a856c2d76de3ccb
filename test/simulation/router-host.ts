import { setImmediate as nextTurn } from 'node:timers/promises'
import { formatCursor, parseCursor } from '../../src/daemon/core/cursor.js'
import type { Head } from '../../src/daemon/core/model.js'
import type { Appended, Clock, LogEntry, LogPort, Store } from '../../src/daemon/core/ports.js'
import type { Presence } from '../../src/daemon/core/routing.js'
import { Router, type RouterPorts } from '../../src/daemon/engine/routing/router.js'
import { isKefuError } from '../../src/errors.js'
import type { Random } from '../helpers/random.js'
import type { EventQueue } from './event-queue.js'
import type { Observer } from './observer.js'
import type { Staff } from './staff.js'

/** How long an agent may be away without losing conversations. */
export const GRACE_MS = 30_000
/** Longest times between: handing over and writing, writing and answering, writing and showing (ms). */
export const DELAYS = { writeMs: 20, answerMs: 20, showMs: 15 }

/** Makes the router that is judged. */
export type RouterFactory = (ports: RouterPorts, teams: Staff['teams']) => Router

/** What a host stands on. */
export type RouterHostParts = {
  readonly store: Store
  readonly clock: Clock
  readonly events: EventQueue
  readonly random: Random
  readonly staff: Staff
  readonly observer: Observer
  readonly createRouter: RouterFactory
  /** A record is in the log. Before the router is shown it. */
  committed(entry: LogEntry): void
}

type Incarnation = { readonly router: Router; isAlive: boolean; readonly unwritten: Set<() => void> }

/**
 * What the engine is to a router: it follows the log, knows who is there, and gives up on those who are gone. Every append of the router is written a
 * while after it was handed over and answered a while after that, and records are shown a while after they were written, so that all of it overlaps.
 */
export class RouterHost {
  readonly #parts: RouterHostParts
  readonly #presence = new Map<string, Presence>()
  /** Agents whose grace runs, with the run's number. */
  readonly #grace = new Map<string, number>()
  readonly #unshown: LogEntry[] = []
  readonly #abort = new AbortController()
  #following: Promise<void> | undefined
  #incarnation: Incarnation | undefined
  #runs = 0
  #isShowing = false
  #calls = 0
  #seq = 0

  constructor(parts: RouterHostParts) {
    this.#parts = parts
  }

  presence(agent: string): Presence {
    return this.#presence.get(agent) ?? 'offline'
  }

  /** The router that is alive; undefined before the first. */
  get router(): Router | undefined {
    return this.#incarnation?.router
  }

  /** Begins to follow the log and starts the first router. */
  async open(): Promise<void> {
    this.#following = this.#follow()
    await this.#start()
  }

  async close(): Promise<void> {
    this.#end()
    this.#abort.abort()
    await this.#following
  }

  /** Throws the router away: what it has handed over is written or not, and nobody is there when the next one starts. */
  async crash(): Promise<void> {
    const { random } = this.#parts
    for (const write of this.#end()) if (random.next() < 0.5) write()
    await this.rest()
    await this.#start()
  }

  setPresence(agent: string, presence: Presence): void {
    if (this.presence(agent) === presence) return
    this.#presence.set(agent, presence)
    if (presence === 'offline') this.#expect(agent)
    else this.#grace.delete(agent)
    this.#incarnation?.router.presenceChanged(agent, presence)
  }

  /** Hours have begun or ended. */
  hoursChanged(): void {
    this.#incarnation?.router.setTeams(this.#parts.staff.teams)
  }

  /** An append of somebody else, written at once. A conflict is none of the simulation's business. */
  async append(...[conversation, bodies, options]: Parameters<LogPort['append']>): Promise<void> {
    await this.#call(this.#parts.store.log.append(conversation, bodies, options))
  }

  /** Resolves when nothing moves any more until the clock does. */
  async rest(): Promise<void> {
    do await nextTurn()
    while (this.#calls > 0 || this.#seq < parseCursor(this.#parts.store.log.cursor()))
    this.#parts.observer.rest()
  }

  async #follow(): Promise<void> {
    const { store, committed } = this.#parts
    for await (const entries of store.log.tail(formatCursor(0), this.#abort.signal))
      for (const entry of entries) {
        this.#seq = entry.record.seq
        committed(entry)
        this.#unshown.push(entry)
        if (this.#isShowing) continue
        this.#isShowing = true
        this.#later(DELAYS.showMs, () => this.#show())
      }
  }

  #show(): void {
    this.#isShowing = false
    for (const entry of this.#unshown.splice(0)) {
      this.#parts.observer.show(entry.record)
      this.#incarnation?.router.observe(entry)
    }
    this.#incarnation?.router.decide()
  }

  /** As the engine starts: nobody is there, the agents are set, and who has conversations is given the time to come. */
  async #start(): Promise<void> {
    const { staff, observer, createRouter } = this.#parts
    this.#presence.clear()
    this.#grace.clear()
    for (const { record } of this.#unshown.splice(0)) observer.show(record)
    observer.restarted()
    const unwritten = new Set<() => void>()
    const incarnation: Incarnation = {
      router: createRouter(
        this.#portsFor(() => incarnation),
        staff.teams,
      ),
      isAlive: true,
      unwritten,
    }
    this.#incarnation = incarnation
    for (const agent of staff.agents.values()) incarnation.router.setAgent(agent)
    for (const agent of await this.#call(incarnation.router.start())) this.#expect(agent)
  }

  /** The writes that were still to be done. */
  #end(): readonly (() => void)[] {
    if (this.#incarnation === undefined) return []
    this.#incarnation.isAlive = false
    this.#incarnation.router.close()
    return [...this.#incarnation.unwritten]
  }

  #portsFor(incarnation: () => Incarnation): RouterPorts {
    const { clock, observer, store } = this.#parts
    const { log, view } = store
    return {
      clock,
      moved: () => {},
      channel: () => undefined,
      log: {
        append: (...append) => this.#appendLater(incarnation(), append),
        head: conversation => this.#call(log.head(conversation)),
        cachedHead: conversation => log.cachedHead(conversation),
        read: (...read) => this.#call(log.read(...read)),
        readAt: seqs => this.#call(log.readAt(seqs)),
        tail: (after, signal) => log.tail(after, signal),
        cursor: () => log.cursor(),
        committedAtMs: () => log.committedAtMs(),
      },
      view: {
        inbox: (owner, range) => this.#call(view.inbox(owner, range)),
        waiting: (limit, after) => this.#call(view.waiting(limit, after)),
        // Stores may give these in any order. The run is the same over each of them.
        activeCounts: () => this.#call(view.activeCounts().then(counts => new Map([...counts].sort(byFirst)))),
        active: (agent, limit) => this.#call(view.active(agent, limit).then(heads => heads.toSorted(byConversation))),
        receipt: (conversation, reader) => this.#call(view.receipt(conversation, reader)),
        putReceipts: receipts => this.#call(view.putReceipts(receipts)),
      },
      presence: agent => this.presence(agent),
      assigned: agent => {
        if (this.presence(agent) === 'offline') this.#expect(agent)
      },
      report: error => {
        // A conflict to the very end is the router's to try again, not an error of the simulation.
        if (!isKefuError(error, 'KEFU_STORE_CONFLICT')) observer.report('error', String(error))
      },
    }
  }

  #appendLater(incarnation: Incarnation, append: Parameters<LogPort['append']>): Promise<Appended> {
    const { store, observer } = this.#parts
    const [conversation, bodies] = append
    // What is left of a router that was thrown away writes nothing.
    if (!incarnation.isAlive) return new Promise(() => {})
    observer.decided(conversation, bodies[0]!)
    return new Promise((resolve, reject) => {
      const answer = (n: number | undefined, act: () => void): void =>
        this.#later(DELAYS.answerMs, () => {
          if (!incarnation.isAlive) return
          observer.answered(conversation, n)
          act()
        })
      const write = (): void => {
        if (!incarnation.unwritten.delete(write)) return
        this.#call(store.log.append(...append)).then(
          result => answer(result.n, () => resolve(result)),
          (error: unknown) => answer(undefined, () => reject(error)),
        )
      }
      incarnation.unwritten.add(write)
      this.#later(DELAYS.writeMs, write)
    })
  }

  #expect(agent: string): void {
    if (this.#grace.has(agent)) return
    const run = ++this.#runs
    this.#grace.set(agent, run)
    const { events, clock } = this.#parts
    events.push(clock.monotonicMs() + GRACE_MS, () => {
      if (this.#grace.get(agent) !== run) return
      this.#grace.delete(agent)
      this.#incarnation?.router.requeue(agent)
    })
  }

  #later(limitMs: number, run: () => void): void {
    const { events, clock, random } = this.#parts
    events.push(clock.monotonicMs() + random.integer(1, limitMs), run)
  }

  async #call<T>(work: Promise<T>): Promise<T> {
    this.#calls++
    try {
      return await work
    } finally {
      this.#calls--
    }
  }
}

function byFirst([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1
}

function byConversation(a: Head, b: Head): number {
  return a.conversation < b.conversation ? -1 : 1
}

/** The router as it is. */
export const createRouter: RouterFactory = (ports, teams) => new Router(ports, teams)

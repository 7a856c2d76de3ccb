import { type ConversationId, formatConversationId } from '../../src/codec/conversation-id.js'
import type { Clock, LogEntry, LogPort, Store } from '../../src/daemon/core/ports.js'
import type { PresenceChange } from '../../src/daemon/core/presence-log.js'
import type { Presence } from '../../src/daemon/core/routing.js'
import { createMemoryStore } from '../../src/daemon/store/memory/store.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { Random } from '../helpers/random.js'
import { Contacts } from './contacts.js'
import { EventQueue } from './event-queue.js'
import { Explanations } from './explanations.js'
import { type Idle, Observer, type Violation } from './observer.js'
import { createRouter, DELAYS, type RouterFactory, RouterHost } from './router-host.js'
import { createStaff, HOURS, type Staff } from './staff.js'

/** A run. The same options give the same log. */
export type SimulationOptions = {
  readonly seed: number
  readonly conversations: number
  /** 200 and 20 without these two. */
  readonly agents?: number
  readonly teams?: number
  /** Times at which the router is thrown away, spread over the run. */
  readonly crashes: number
  /** In memory without this. */
  readonly openStore?: (clock: Clock) => Promise<Store>
  /** The router to judge; the real one without this. */
  readonly createRouter?: RouterFactory
  /** How the queue's views read the log; as it is without this. */
  readonly queueLog?: (log: LogPort) => LogPort
  /** Ends the run early when there are as many violations as this. */
  readonly violationLimit?: number
  /** Nobody has hours. */
  readonly isAlwaysOpen?: boolean
  /** Is given what was recorded, before the store is closed. */
  readonly recorded?: (recording: Recording) => Promise<void>
}

/** What a run leaves behind. */
export type Recording = {
  readonly store: Store
  readonly staff: Staff
  readonly presence: readonly PresenceChange[]
  readonly since: number
  readonly until: number
}

/** What happened. */
export type SimulationReport = {
  readonly violations: readonly Violation[]
  readonly records: number
  readonly conversations: number
  /** `assigned` records of the router, and records of it that the log refused because the conversation had moved. */
  readonly assigned: number
  readonly refused: number
  readonly crashes: number
  /** Conversations whose explanations were compared with the log, while they waited and while an agent had them. */
  readonly explained: Explanations['counts']
  /** The most who waited at once, at the samples. */
  readonly mostWaiting: number
  readonly simulatedMs: number
  /** Of all records with their simulated times. */
  readonly digest: string
}

const SAMPLE_MS = 1_000
/** A decision is written, answered and shown within one round; what was refused is decided anew when the news is shown. */
const ROUND_MS = DELAYS.writeMs + DELAYS.answerMs + DELAYS.showMs
/** Within this time all that is open when the last one has come must be served. */
const FINISH_MS = 3_600_000
/** A new conversation every so often, in the mean of quiet and busy minutes, for the whole staff of 200. */
const ARRIVAL_MS = 170

/** Runs a business with a router. Only the manual clock and the seed decide what happens. */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const { seed, conversations, agents = 200, teams = 20, violationLimit = 20 } = options
  const random = new Random(seed)
  const clock = createManualClock()
  const events = new EventQueue()
  const staff = createStaff(random, { agents, teams })
  const observer = new Observer(staff)
  const store = await (options.openStore ?? (async ports => createMemoryStore({ clock: ports })))(clock)
  const host = new RouterHost({
    store,
    clock,
    events,
    random,
    staff,
    observer,
    createRouter: options.createRouter ?? createRouter,
    committed(entry: LogEntry) {
      const { before, head } = observer.committed(entry.record)
      explanations.committed(entry.record)
      contacts.committed(before, head, entry.record.body)
    },
  })
  const contacts = new Contacts({
    clock,
    events,
    random,
    staff,
    presence: agent => host.presence(agent),
    head: conversation => observer.truth.heads.get(conversation),
    append: (conversation, bodies, opening) => host.append(conversation, bodies, opening && { opening }),
  })
  const explanations = new Explanations({
    log: options.queueLog?.(store.log) ?? store.log,
    clock,
    random: new Random(seed),
    observer,
    router: () => host.router,
  })
  if (options.isAlwaysOpen === true) staff.stayOpen()
  const recordedFrom = clock.now()
  const presenceChanges: PresenceChange[] = [{ at: recordedFrom, engine: 'started' }]
  const setPresence = (agent: string, state: Presence): void => {
    if (host.presence(agent) !== state) presenceChanges.push({ at: clock.now(), agent, state })
    host.setPresence(agent, state)
  }
  const meanArrivalMs = (ARRIVAL_MS * 200) / agents
  const startedAtMs = clock.monotonicMs()
  const crashAt = new Set(
    Array.from({ length: options.crashes }, () => random.integer(Math.ceil(conversations / 20), conversations)),
  )
  let arrived = 0
  let crashes = 0
  let mostWaiting = 0
  let finishAtMs = Number.POSITIVE_INFINITY

  const later = (delayMs: number, run: () => unknown): void => events.push(clock.monotonicMs() + delayMs, run)

  const come = (agent: string): void =>
    later(random.integer(1, 20_000), () => {
      if (finishAtMs < Number.POSITIVE_INFINITY || random.next() < 0.95) setPresence(agent, 'online')
    })

  /** Coming and going; at the end everybody is there for good. */
  const wander = (agent: string): void =>
    later(random.integer(5_000, 300_000), () => {
      if (finishAtMs < Number.POSITIVE_INFINITY) return
      setPresence(agent, pickPresence(random))
      wander(agent)
    })

  const arrive = (): unknown => {
    if (arrived === conversations) return finish()
    arrived++
    // Busy and quiet minutes: lines form, and empty again.
    const busy = 1 + 0.6 * Math.sin(clock.monotonicMs() / 50_000)
    later(Math.max(1, Math.round((-Math.log(1 - random.next()) * meanArrivalMs) / busy)), arrive)
    if (crashAt.has(arrived)) later(random.integer(1, 50), crash)
    return contacts.arrive(createId(random))
  }

  const crash = async (): Promise<void> => {
    if (finishAtMs < Number.POSITIVE_INFINITY) return
    crashes++
    await host.crash()
    presenceChanges.push({ at: clock.now(), engine: 'started' })
    for (const agent of staff.agents.keys()) come(agent)
  }

  const finish = (): void => {
    finishAtMs = clock.monotonicMs() + FINISH_MS
    staff.stayOpen()
    contacts.finish()
    for (const agent of staff.agents.keys()) setPresence(agent, 'online')
    host.hoursChanged()
  }

  const hours = (): void => {
    host.hoursChanged()
    later(HOURS.shiftMs, hours)
  }

  const sample = (): Promise<void> => {
    let waiting = 0
    for (const line of observer.shown.lines.values()) waiting += line.length
    mostWaiting = Math.max(mostWaiting, waiting)
    const presence = (agent: string): Presence => host.presence(agent)
    const suspects = observer.idle(presence, clock.now())
    if (suspects.length > 0)
      later(ROUND_MS, () => {
        const still = new Map(observer.idle(presence, clock.now()).map(idle => [idle.conversation, idle]))
        for (const suspect of suspects)
          if (isSame(suspect, still.get(suspect.conversation)))
            observer.report('idle', `${suspect.agent} is free for ${suspect.conversation} n ${suspect.n}`)
      })
    later(SAMPLE_MS, sample)
    return explanations.sample()
  }

  await host.open()
  for (const agent of staff.agents.keys()) {
    come(agent)
    wander(agent)
  }
  // Hours change at whole multiples of their shift on the wall clock.
  later(HOURS.shiftMs - (clock.now() % HOURS.shiftMs), hours)
  later(1, arrive)
  later(SAMPLE_MS, sample)
  while (arrived < conversations || finishAtMs === Number.POSITIVE_INFINITY || contacts.openCount > 0) {
    const event = events.pop()!
    if (event.atMs > finishAtMs || observer.violations.length >= violationLimit) break
    clock.advance(event.atMs - clock.monotonicMs())
    const ran = event.run()
    await host.rest()
    await ran
  }
  if (observer.violations.length < violationLimit) observer.reportOpen()
  await host.close()
  await options.recorded?.({ store, staff, presence: presenceChanges, since: recordedFrom, until: clock.now() })
  await store.close()
  return {
    violations: observer.violations,
    records: observer.truth.seq,
    conversations: observer.truth.heads.size,
    assigned: observer.counts.assigned,
    refused: observer.counts.refused,
    crashes,
    explained: explanations.counts,
    mostWaiting,
    simulatedMs: clock.monotonicMs() - startedAtMs,
    digest: observer.digest(),
  }
}

/** The same conversation at the same record, with the same agent free for it, one round later. */
function isSame(suspect: Idle, other: Idle | undefined): boolean {
  return other !== undefined && suspect.agent === other.agent && suspect.n === other.n
}

function pickPresence(random: Random): Presence {
  const draw = random.next()
  return draw < 0.72 ? 'online' : draw < 0.86 ? 'away' : 'offline'
}

function createId(random: Random): ConversationId {
  return formatConversationId(Uint8Array.from({ length: 16 }, () => random.integer(0, 255)))
}

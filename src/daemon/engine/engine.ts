import { CLOSE } from '../../codec/close-codes.js'
import type { Author, ClientFrame } from '../../codec/wire.js'
import { KefuError } from '../../errors.js'
import type { BoardAgent } from '../core/board.js'
import type { Agent, AgentRole, Channel, Head } from '../core/model.js'
import type { LogEntry, SessionEvents, SessionId } from '../core/ports.js'
import type { Presence as PresenceState } from '../core/routing.js'
import type { Team } from '../core/team.js'
import { CatchUp } from './delivery/catch-up.js'
import { Delivery } from './delivery/delivery.js'
import { Inboxes } from './delivery/inbox.js'
import { tellMark } from './delivery/mark-notices.js'
import { Meters } from './delivery/meters.js'
import { Notices } from './delivery/notices.js'
import { Outbound } from './delivery/outbound.js'
import { Receipts } from './delivery/receipts.js'
import { SlowConsumers } from './delivery/slow-consumers.js'
import type { EngineOptions, EnginePorts } from './engine-ports.js'
import { followLog } from './follow.js'
import { CannedOffers } from './intake/canned-offers.js'
import { Contacts } from './intake/contacts.js'
import { Conversations } from './intake/conversations.js'
import { Dispatcher } from './intake/dispatcher.js'
import { Greeting } from './intake/greeting.js'
import { Messages } from './intake/messages.js'
import { Requests } from './intake/requests.js'
import { endRevokedSessions } from './intake/revocation.js'
import { Searches } from './intake/searches.js'
import { addressKey } from './limits/rate-limit.js'
import { boardTeams } from './routing/board-teams.js'
import { Commands } from './routing/commands.js'
import { Positions } from './routing/positions.js'
import { Presence } from './routing/presence.js'
import { PresenceLog } from './routing/presence-log.js'
import { Queue } from './routing/queue.js'
import { Replies } from './routing/replies.js'
import { Router } from './routing/router.js'
import { Timetable } from './routing/timetable.js'
import { type KnownSession, NewSession } from './session/session.js'
import { Sessions } from './session/sessions.js'

/** What the engine is doing, in numbers. */
export type EngineCounts = Sessions['counts'] & { readonly waiting: number; readonly active: number }

const SWEEP_MS = 1_000
/** How long a socket of a crowded address may be silent before it makes room for another one. */
const SILENCE_MS = 1_000
/** How long a client may leave unread what waits for it. */
const LAG_LIMIT_MS = 60_000
/** Conversations whose contacts are told when their agent comes or goes. */
const PRESENCE_FAN_OUT = 1_000

/**
 * The engine: sessions of visitors, agents and apps over the store. It hears of sockets through `SessionEvents` and speaks to them through the gateway
 * port, both plain messages, so that sockets may live in other processes.
 */
export class Engine implements SessionEvents {
  readonly #ports: EnginePorts
  readonly #options: EngineOptions
  readonly #sessions = new Sessions()
  readonly #outbound: Outbound
  readonly #catchUp: CatchUp
  readonly #inboxes: Inboxes
  readonly #delivery: Delivery
  readonly #dispatcher: Dispatcher
  readonly #messages: Messages
  readonly #notices: Notices
  readonly #receipts: Receipts
  readonly #searches: Searches
  /** Who is there: told of programs that are called instead of connecting. */
  readonly presence: Presence
  readonly #presenceLog: PresenceLog
  readonly #router: Router
  readonly #timetable: Timetable
  readonly #replies: Replies
  readonly #positions: Positions
  /** What operators see of the conversations, and do to them. */
  readonly queue: Queue
  readonly commands: Commands
  /** What has been done since the start. */
  readonly meters: Meters
  readonly slow: SlowConsumers
  readonly #abort = new AbortController()
  #following: Promise<void> | undefined
  #cancelSweep: (() => void) | undefined
  readonly #stops: (() => void)[] = []
  #isDraining = false

  constructor(ports: EnginePorts, options: EngineOptions) {
    const { store, clock, tokens, agents, channels, teams, persons, media, limits } = ports
    const { log, view, bus } = store
    const report = (error: unknown): void => ports.report(error)
    const channel = (head: Head): Channel | undefined => channels.byNumber(head.channel)
    const team = (head: Head): Team | undefined => {
      const id = this.#router.need(head).team
      return id === undefined ? undefined : teams.byId(id)
    }
    const defaultTeam = (channel: number): string | undefined => channels.byNumber(channel)?.team
    const roleOf = (agent: string): AgentRole | undefined => agents.byId(agent)?.role
    const sessions = this.#sessions
    const meters = new Meters(clock)
    const slow = new SlowConsumers(ports)
    const outbound = new Outbound({ gateway: ports.gateway, meters, slow, report })
    this.meters = meters
    this.slow = slow
    this.#ports = ports
    this.#options = options
    this.#outbound = outbound
    this.#catchUp = new CatchUp(log, outbound, meters)
    this.#notices = new Notices(bus, sessions, outbound)
    const marks = { log, sessions, notices: this.#notices }
    this.#receipts = new Receipts({ view, clock, report, tell: news => tellMark(marks, news) })
    this.#inboxes = new Inboxes({ log, view, clock, outbound, receipts: this.#receipts, roleOf, report })
    this.#delivery = new Delivery({
      sessions,
      outbound,
      catchUp: this.#catchUp,
      meters,
      roleOf,
      announced: (session, conversation) => this.#inboxes.repeat(session, conversation),
    })
    this.#messages = new Messages({
      log,
      outbound,
      meters,
      media,
      defaultTeam,
      openingLimit: limits.openings,
    })
    this.presence = new Presence(clock, options, {
      changed: (agent, state) => this.#presenceChanged(agent, state),
      gone: agent => this.#router.requeue(agent),
    })
    this.#presenceLog = new PresenceLog({ directory: store.directory, clock, report })
    this.#router = new Router(
      {
        log,
        view,
        clock,
        presence: agent => this.presence.state(agent),
        assigned: (agent, head) => {
          this.presence.expect(agent)
          if (head.state !== 'bot') this.#positions.served(this.#router.need(head).team)
        },
        moved: head => this.#timetable.follow(head),
        channel: number => channels.byNumber(number),
        report,
      },
      boardTeams(teams.list(), options.routing),
    )
    this.#timetable = new Timetable({ clock, router: this.#router, team, channel, report })
    this.#replies = new Replies({ log, channel, report })
    this.#positions = new Positions({ clock, router: this.#router, sessions, notices: this.#notices })
    this.queue = new Queue({ log, clock, router: this.#router })
    this.commands = new Commands({ log, clock, router: this.#router, agents, teams, persons, audit: ports.audit })
    const isWanted = (agent: string, head: Head): boolean =>
      this.#router.board.isMember(agent, this.#router.need(head).team)
    const contacts = new Contacts({ persons, agents, outbound, isWanted, roleOf })
    const mayRead: Contacts['mayRead'] = (actor, head) => contacts.mayRead(actor, head)
    const { search } = ports
    this.#searches = new Searches({ search, log, view, persons, clock, outbound, isWanted, roleOf, mayRead })
    this.#dispatcher = new Dispatcher({
      sessions,
      outbound,
      inboxes: this.#inboxes,
      greeting: new Greeting({
        log,
        clock,
        tokens,
        agents,
        channels,
        receipts: this.#receipts,
        failureLimit: limits.failures,
        loginRefused: login => ports.loginRefused(login),
        frameLimit: limits.frames,
      }),
      conversations: new Conversations({
        log,
        tokens,
        isWanted,
        roleOf,
        mayRead,
      }),
      contacts,
      canned: new CannedOffers({ canned: ports.canned, teams, outbound, channel }),
      messages: this.#messages,
      requests: new Requests({
        log,
        outbound,
        notices: this.#notices,
        receipts: this.#receipts,
        tokens,
        roleOf,
        typing: ports.typing,
      }),
      searches: this.#searches,
      commands: this.commands,
      presence: this.presence,
      messageLimit: limits.messages,
      frameLimit: limits.frames,
      welcomed: session => this.#begin(session),
      isDraining: () => this.#isDraining,
      roleOf,
    })
  }

  get counts(): EngineCounts {
    return { ...this.#sessions.counts, waiting: this.#router.waitingCount, active: this.#router.activeCount }
  }

  /** Begins to follow the log. Call before the first session. */
  async start(): Promise<void> {
    const { log } = this.#ports.store
    await this.#presenceLog.start()
    this.#following = followLog(
      {
        log,
        clock: this.#ports.clock,
        handle: entry => this.#handle(entry),
        batchEnded: () => {
          this.meters.batchDelivered(log.committedAtMs())
          this.#router.decide()
        },
        report: error => this.#ports.report(error),
      },
      log.cursor(),
      this.#abort.signal,
    )
    const { agents, channels, teams } = this.#ports
    for (const agent of agents.list()) this.#router.setAgent(this.#seatOf(agent))
    for (const agent of await this.#router.start()) this.presence.expect(agent)
    this.#stops.push(
      agents.onChange(change => {
        if (change.type === 'removed') this.#router.removeAgent(change.before.id)
        else this.#router.setAgent(this.#seatOf(change.value))
      }),
    )
    this.#stops.push(
      channels.onChange(() => {
        this.#allowOrigins()
        this.#setTeams()
      }),
    )
    this.#stops.push(teams.onChange(() => this.#setTeams()))
    this.#stops.push(endRevokedSessions({ sessions: this.#sessions, outbound: this.#outbound, agents, channels }))
    this.#allowOrigins()
    this.#sweep()
  }

  /**
   * Tells every client to come back later, waits until nothing is on its way to disk, then closes the sessions. Frames that come meanwhile are answered
   * with `KEFU_DRAINING`.
   */
  async drain(reconnectAfterMs: number): Promise<void> {
    this.#isDraining = true
    for (const session of this.#sessions.all())
      this.#outbound.send(session, 0, 'goAway', 0, { reason: 'restarting', reconnectAfterMs })
    await Promise.all([...this.#sessions.all()].map(session => session.pending))
    await this.#messages.idle()
    for (const session of [...this.#sessions.all()]) this.#outbound.close(session, CLOSE.restarting, 'restarting')
  }

  /** Stops following the log and writes what was only in memory. */
  async close(): Promise<void> {
    this.#isDraining = true
    this.#cancelSweep?.()
    for (const stop of this.#stops) stop()
    this.#searches.close()
    this.presence.close()
    this.#router.close()
    this.#timetable.close()
    this.#positions.close()
    this.#inboxes.close()
    this.#notices.close()
    this.#abort.abort()
    await this.#following
    await this.#presenceLog.close()
    await this.#receipts.close()
  }

  /** A message has arrived on its contact's platform. */
  delivered(head: Head, by: Author, n: number): void {
    this.#receipts.note(head, by, 'acknowledged', n)
  }

  opened(
    id: SessionId,
    { remoteAddress, origin }: { readonly remoteAddress: string; readonly origin: string | undefined },
  ): void {
    const { helloTimeoutMs, greetingLimit } = this.#options
    const now = this.#ports.clock.monotonicMs()
    const session = new NewSession(id, addressKey(remoteAddress), origin, now, now + helloTimeoutMs)
    this.#sessions.addNew(session)
    if (this.#isDraining) this.#outbound.reject(session, 0, new KefuError('KEFU_DRAINING'), CLOSE.restarting)
    else if (this.#sessions.greetingFrom(session.address) > greetingLimit)
      this.#refuseSurplus(this.#sessions.oldestSilent(session.address, now - SILENCE_MS) ?? session)
  }

  frame(id: SessionId, frame: ClientFrame): void {
    this.#dispatcher.frame(id, frame)
  }

  drained(id: SessionId): void {
    const session = this.#sessions.get(id)
    if (session === undefined || session.isClosed || !this.#outbound.caughtUp(session)) return
    if (session.role === 'visitor') this.#catchUp.start(session)
    else if (session.role !== 'new') void this.#inboxes.refill(session)
  }

  closed(id: SessionId): void {
    const session = this.#sessions.remove(id)
    if (session === undefined) return
    this.#outbound.forget(session)
    if (session.role !== 'agent') return
    this.#searches.end(session)
    this.presence.disconnected(session)
  }

  /** Who has been silent for long enough goes first: sockets that say nothing keep nobody else of their address out. */
  #refuseSurplus(session: NewSession): void {
    this.#sessions.giveUp(session)
    const error = new KefuError('KEFU_RATE_LIMITED', { what: 'connections without a hello' })
    this.#outbound.reject(session, 0, error, CLOSE.tooMany)
  }

  #begin(session: KnownSession): Promise<void> | undefined {
    if (session.role === 'visitor') {
      this.#positions.arrived(session.conversation)
      if (session.feed !== 'live') this.#catchUp.start(session)
      return undefined
    }
    const pushed = this.#inboxes.begin(session)
    if (session.role === 'agent') this.presence.connected(session)
    return pushed
  }

  #presenceChanged(agent: string, state: PresenceState): void {
    // Everybody goes now: agents have their time to come back after the restart.
    if (this.#isDraining) return
    this.#router.presenceChanged(agent, state)
    this.#presenceLog.changed(agent, state)
    void this.#tellContacts(agent).catch((error: unknown) => this.#ports.report(error))
  }

  async #tellContacts(agent: string): Promise<void> {
    const heads = await this.#ports.store.view.active(agent, PRESENCE_FAN_OUT)
    // As it is now: it may have changed again while the conversations were looked up.
    const state = this.presence.state(agent)
    for (const head of heads)
      this.#notices.publish(head, 'contact', 'presence', { conversation: head.conversation, agent, state })
  }

  #handle(entry: LogEntry): void {
    if (entry.record.isImported) return
    this.#delivery.deliver(entry, this.#router.openHead(entry.record.conversation))
    this.#router.observe(entry)
    this.#replies.observe(entry)
  }

  #seatOf(agent: Agent): BoardAgent {
    const { id, name, skills, languages, role } = agent
    const capacity = agent.capacity ?? { total: this.#options.routing.capacity, perKind: {} }
    return { id, name, skills: new Map(Object.entries(skills)), languages, capacity, isBot: role === 'bot' }
  }

  #setTeams(): void {
    this.#router.setTeams(boardTeams(this.#ports.teams.list(), this.#options.routing))
    // What they promise may have changed.
    for (const head of this.#router.openHeads()) this.#timetable.follow(head)
  }

  #allowOrigins(): void {
    const origins = new Set<string>()
    for (const channel of this.#ports.channels.list()) for (const origin of channel.origins) origins.add(origin)
    this.#ports.gateway.allowOrigins(origins)
  }

  #sweep(): void {
    this.#cancelSweep = this.#ports.clock.after(SWEEP_MS, () => {
      const now = this.#ports.clock.monotonicMs()
      const seconds = this.#options.helloTimeoutMs / 1_000
      for (const session of this.#sessions.overdue(now)) {
        if (!session.isClosed)
          this.#outbound.reject(session, 0, new KefuError('KEFU_HELLO_TIMEOUT', { seconds }), CLOSE.helloTimeout)
      }
      this.#outbound.closeLagging(now - LAG_LIMIT_MS)
      this.#router.hoursPassed()
      this.#sweep()
    })
  }
}

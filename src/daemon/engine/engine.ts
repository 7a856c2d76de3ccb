import { CLOSE } from '../../codec/close-codes.js'
import type { ClientFrame } from '../../codec/wire.js'
import { KefuError } from '../../errors.js'
import { formatCursor } from '../core/cursor.js'
import type { MediaPort } from '../core/media.js'
import type { Clock, Cursor, GatewayPort, SessionEvents, SessionId, Store } from '../core/ports.js'
import type { AgentRegistry } from './agents.js'
import { Assigner } from './assigner.js'
import { CatchUp } from './catch-up.js'
import type { ChannelRegistry } from './channels.js'
import { Conversations } from './conversations.js'
import { Delivery } from './delivery.js'
import { Dispatcher } from './dispatcher.js'
import { Greeting } from './greeting.js'
import { rewindInbox, sendInbox } from './inbox.js'
import { Messages } from './messages.js'
import { Notices } from './notices.js'
import { Outbound } from './outbound.js'
import { Presence, type PresenceState } from './presence.js'
import type { RateLimiter } from './rate-limit.js'
import { Receipts } from './receipts.js'
import { Requests } from './requests.js'
import { endRevokedSessions } from './revocation.js'
import { type KnownSession, NewSession, type StaffSession } from './session.js'
import { Sessions } from './sessions.js'
import type { Tokens } from './tokens.js'

/** What the engine stands on. */
export type EnginePorts = {
  readonly store: Store
  readonly clock: Clock
  readonly gateway: GatewayPort
  readonly tokens: Tokens
  readonly agents: AgentRegistry
  readonly channels: ChannelRegistry
  readonly media: Pick<MediaPort, 'exists'>
  readonly limits: {
    /** Messages per contact. */
    readonly messages: RateLimiter
    /** New conversations per address. */
    readonly openings: RateLimiter
    /** Refused tokens per address. */
    readonly failures: RateLimiter
    /** Frames other than messages, per visitor's session. */
    readonly frames: RateLimiter
  }
  /** An error that no client waits for. */
  report(error: unknown): void
}

/** Bounds and durations of the engine. */
export type EngineOptions = {
  readonly helloTimeoutMs: number
  /** Sessions without a hello from one address. */
  readonly greetingLimit: number
  readonly awayAfterMs: number
  readonly requeueAfterMs: number
}

/** What the engine is doing, in numbers. */
export type EngineCounts = Sessions['counts'] & { readonly waiting: number; readonly active: number }

const SWEEP_MS = 1_000
const FOLLOW_RETRY_MS = 1_000
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
  readonly #delivery: Delivery
  readonly #dispatcher: Dispatcher
  readonly #messages: Messages
  readonly #notices: Notices
  readonly #receipts: Receipts
  readonly #presence: Presence
  readonly #assigner: Assigner
  readonly #abort = new AbortController()
  #following: Promise<void> | undefined
  #cancelSweep: (() => void) | undefined
  readonly #stops: (() => void)[] = []
  #isDraining = false

  constructor(ports: EnginePorts, options: EngineOptions) {
    const { store, clock, tokens, agents, channels, media, limits } = ports
    const { log, view, bus } = store
    const report = (error: unknown): void => ports.report(error)
    const sessions = this.#sessions
    const outbound = new Outbound(ports.gateway)
    this.#ports = ports
    this.#options = options
    this.#outbound = outbound
    this.#catchUp = new CatchUp(log, outbound)
    this.#delivery = new Delivery({ sessions, outbound, catchUp: this.#catchUp })
    this.#messages = new Messages({
      log,
      outbound,
      media,
      messageLimit: limits.messages,
      openingLimit: limits.openings,
    })
    this.#notices = new Notices(bus, sessions, outbound)
    this.#receipts = new Receipts(view, clock, report)
    this.#presence = new Presence(clock, options, {
      changed: (agent, state) => this.#presenceChanged(agent, state),
      gone: agent => void this.#assigner.requeue(agent, clock.now() - options.requeueAfterMs).catch(report),
    })
    this.#assigner = new Assigner({
      log,
      view,
      clock,
      agents: () => agents.list(),
      presence: agent => this.#presence.state(agent),
      report,
    })
    this.#dispatcher = new Dispatcher({
      sessions,
      outbound,
      view,
      report,
      greeting: new Greeting({ log, clock, tokens, agents, channels, failureLimit: limits.failures }),
      conversations: new Conversations(log, tokens),
      messages: this.#messages,
      requests: new Requests({ log, outbound, notices: this.#notices, receipts: this.#receipts, tokens }),
      presence: this.#presence,
      frameLimit: limits.frames,
      welcomed: session => this.#begin(session),
      isDraining: () => this.#isDraining,
    })
  }

  get counts(): EngineCounts {
    return { ...this.#sessions.counts, waiting: this.#assigner.waitingCount, active: this.#assigner.activeCount }
  }

  /** Begins to follow the log. Call before the first session. */
  async start(): Promise<void> {
    this.#following = this.#follow(this.#ports.store.log.cursor())
    for (const agent of await this.#assigner.start()) this.#presence.expect(agent)
    const { agents, channels } = this.#ports
    this.#stops.push(channels.onChange(() => this.#allowOrigins()))
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
    this.#presence.close()
    this.#notices.close()
    this.#abort.abort()
    await this.#following
    await this.#receipts.write()
  }

  opened(
    id: SessionId,
    { remoteAddress, origin }: { readonly remoteAddress: string; readonly origin: string | undefined },
  ): void {
    const deadline = this.#ports.clock.monotonicMs() + this.#options.helloTimeoutMs
    const session = new NewSession(id, remoteAddress, origin, deadline)
    const isCrowded = this.#sessions.greetingFrom(remoteAddress) >= this.#options.greetingLimit
    this.#sessions.addNew(session)
    if (this.#isDraining) this.#outbound.reject(session, 0, new KefuError('KEFU_DRAINING'), CLOSE.restarting)
    else if (isCrowded)
      this.#outbound.reject(
        session,
        0,
        new KefuError('KEFU_RATE_LIMITED', { what: 'connections without a hello' }),
        CLOSE.tooMany,
      )
  }

  frame(id: SessionId, frame: ClientFrame): void {
    this.#dispatcher.frame(id, frame)
  }

  drained(id: SessionId): void {
    const session = this.#sessions.get(id)
    if (session === undefined || !session.isLagging) return
    session.isLagging = false
    if (session.role === 'visitor') this.#catchUp.start(session)
    else if (session.role !== 'new') {
      rewindInbox(session)
      void this.#pushInbox(session)
    }
  }

  closed(id: SessionId): void {
    const session = this.#sessions.remove(id)
    if (session?.role === 'agent') this.#presence.disconnected(session)
  }

  #begin(session: KnownSession): Promise<void> | undefined {
    if (session.role === 'visitor') {
      this.#catchUp.start(session)
      return undefined
    }
    if (session.role === 'agent') this.#presence.connected(session)
    return this.#pushInbox(session)
  }

  #pushInbox(session: StaffSession): Promise<void> | undefined {
    return this.#dispatcher.settle(session, 0, () => sendInbox(this.#ports.store.view, this.#outbound, session, 0))
  }

  #presenceChanged(agent: string, state: PresenceState): void {
    if (state === 'online') this.#assigner.agentOnline()
    void this.#tellContacts(agent, state).catch((error: unknown) => this.#ports.report(error))
  }

  async #tellContacts(agent: string, state: PresenceState): Promise<void> {
    for (const head of await this.#ports.store.view.active(agent, PRESENCE_FAN_OUT)) {
      this.#notices.publish(head, 'contact', 'presence', { conversation: head.conversation, agent, state })
    }
  }

  /** Follows the log for as long as the engine lives. A failure is reported, and reading goes on after a pause where it stood. */
  async #follow(start: Cursor): Promise<void> {
    const { signal } = this.#abort
    let cursor = start
    while (!signal.aborted) {
      try {
        for await (const entries of this.#ports.store.log.tail(cursor, signal)) {
          for (const entry of entries) {
            this.#delivery.deliver(entry)
            this.#assigner.observe(entry)
          }
          const last = entries.at(-1)
          if (last !== undefined) cursor = formatCursor(last.record.seq)
        }
      } catch (error) {
        this.#ports.report(error)
        await this.#pause(FOLLOW_RETRY_MS)
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#ports.clock.after(delayMs, resolve)
      const stop = (): void => {
        cancel()
        resolve()
      }
      this.#abort.signal.addEventListener('abort', stop, { once: true })
    })
  }

  #allowOrigins(): void {
    const origins = new Set<string>()
    for (const channel of this.#ports.channels.list()) for (const origin of channel.origins) origins.add(origin)
    this.#ports.gateway.allowOrigins(origins)
  }

  #sweep(): void {
    this.#cancelSweep = this.#ports.clock.after(SWEEP_MS, () => {
      const seconds = this.#options.helloTimeoutMs / 1_000
      for (const session of this.#sessions.overdue(this.#ports.clock.monotonicMs())) {
        this.#outbound.reject(session, 0, new KefuError('KEFU_HELLO_TIMEOUT', { seconds }), CLOSE.helloTimeout)
      }
      this.#sweep()
    })
  }
}

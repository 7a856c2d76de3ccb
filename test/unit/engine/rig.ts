import { randomBytes } from 'node:crypto'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import { decodeFrame, type Frame } from '../../../src/codec/frame.js'
import type { ClientBodies, ClientFrame, ClientKind, WelcomeBody } from '../../../src/codec/wire.js'
import type { RefusedLogin } from '../../../src/daemon/core/audit.js'
import type { GatewayPort, SessionId, Store } from '../../../src/daemon/core/ports.js'
import type { Strategy } from '../../../src/daemon/core/routing.js'
import type { SearchPort } from '../../../src/daemon/core/search.js'
import { Engine } from '../../../src/daemon/engine/engine.js'
import { createRateLimiter } from '../../../src/daemon/engine/limits/rate-limit.js'
import { type AgentRegistry, createAgents } from '../../../src/daemon/engine/registry/agents.js'
import { type CannedRegistry, createCanned } from '../../../src/daemon/engine/registry/canned.js'
import { type ChannelRegistry, createChannels } from '../../../src/daemon/engine/registry/channels.js'
import { createTeams, type TeamRegistry } from '../../../src/daemon/engine/registry/teams.js'
import { Persons } from '../../../src/daemon/engine/routing/persons.js'
import { createTokens, type Tokens } from '../../../src/daemon/engine/session/tokens.js'
import { createMemoryStore } from '../../../src/daemon/store/memory/store.js'
import { AuditInMemory } from '../../helpers/audit-in-memory.js'
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.js'

/** What a session of the rig received, and how its socket behaves. */
export type Peer = {
  readonly id: SessionId
  readonly frames: Frame[]
  closedWith: { readonly code: number; readonly reason: string } | undefined
  /** While true, the engine is told that the peer reads too slowly. */
  isSlow: boolean
  /** While true, the gateway throws. */
  isBroken: boolean
  /** Most bytes that were handed over at once. */
  mostBytes: number
}

/** The engine on the memory store and a manual clock, with a gateway that is only a list of frames. */
export class Rig {
  readonly clock: ManualClock = createManualClock()
  readonly reported: unknown[] = []
  readonly audit = new AuditInMemory()
  readonly refusedLogins: RefusedLogin[] = []
  readonly media = new Set<string>()
  readonly peers = new Map<SessionId, Peer>()
  origins: ReadonlySet<string> = new Set()
  store!: Store
  agents!: AgentRegistry
  channels!: ChannelRegistry
  teams!: TeamRegistry
  canned!: CannedRegistry
  tokens!: Tokens
  engine!: Engine
  /** What the engine's searches are answered with. */
  search: SearchPort['search'] = async () => ({ hits: [] })
  #lastId = 0
  #openings = 1_000
  #strategy: Strategy = 'least-active'
  #capacity = 1_000
  readonly #secret = randomBytes(32)

  /** A rig with a web channel `site` (origin https://shop.example) and an app channel `app`. `openings`: new conversations per address. */
  static async create({
    openings = 1_000,
    strategy = 'least-active' as Strategy,
    capacity = 1_000,
  } = {}): Promise<Rig & { readonly appToken: string }> {
    const rig = new Rig()
    rig.#openings = openings
    rig.#strategy = strategy
    rig.#capacity = capacity
    rig.store = createMemoryStore({ clock: rig.clock })
    await rig.start()
    await rig.channels.add({ kind: 'web', name: 'site', origins: ['https://shop.example'] })
    const { token = '' } = await rig.channels.add({ kind: 'app', name: 'app' })
    return Object.assign(rig, { appToken: token })
  }

  /** A new engine over the present store, as after a restart. */
  async start(): Promise<void> {
    const { clock, store } = this
    const ports = { directory: store.directory, clock, random: (length: number) => randomBytes(length) }
    this.agents = await createAgents(ports)
    this.channels = await createChannels(ports)
    const { agents, channels } = this
    this.teams = await createTeams({ ...ports, agents, channels, report: error => this.reported.push(error) })
    this.canned = await createCanned(ports)
    this.tokens = createTokens({ secret: this.#secret, clock, random: ports.random })
    const limiter = (burst: number) => createRateLimiter(clock, { burst, perSecond: burst, keyLimit: 100 })
    this.engine = new Engine(
      {
        store,
        clock,
        gateway: this.#gateway(),
        tokens: this.tokens,
        agents: this.agents,
        channels: this.channels,
        teams: this.teams,
        canned: this.canned,
        persons: new Persons({ ...ports, log: store.log }),
        search: { search: (...asked) => this.search(...asked) },
        media: { keep: async (conversation, media) => this.media.has(`${conversation}/${media}`) },
        limits: {
          messages: limiter(100),
          openings: limiter(this.#openings),
          failures: limiter(3),
          frames: limiter(50),
        },
        typing: () => undefined,
        audit: this.audit,
        loginRefused: login => this.refusedLogins.push(login),
        report: error => this.reported.push(error),
      },
      {
        helloTimeoutMs: 10_000,
        greetingLimit: 5,
        awayAfterMs: 15_000,
        requeueAfterMs: 30_000,
        routing: { strategy: this.#strategy, stickyMs: 86_400_000, capacity: this.#capacity },
      },
    )
    await this.engine.start()
  }

  async stop(): Promise<void> {
    await this.engine.close()
  }

  /** A socket without a hello. */
  open(origin?: string, remoteAddress = '203.0.113.7'): Peer {
    const peer: Peer = {
      id: ++this.#lastId,
      frames: [],
      closedWith: undefined,
      isSlow: false,
      isBroken: false,
      mostBytes: 0,
    }
    this.peers.set(peer.id, peer)
    this.engine.opened(peer.id, { remoteAddress, origin })
    return peer
  }

  send<K extends ClientKind>(peer: Peer, kind: K, body: ClientBodies[K], correlation = 7): void {
    this.engine.frame(peer.id, { channel: 0, kind, correlation, body } as ClientFrame)
  }

  /** Opens a socket, says hello and returns it with its welcome. */
  async greet(
    hello: ClientBodies['hello'],
    origin?: string,
  ): Promise<{ readonly peer: Peer; readonly welcome: WelcomeBody }> {
    const peer = this.open(origin)
    this.send(peer, 'hello', hello)
    const welcome = await this.receive(peer, 'welcome')
    return { peer, welcome: welcome.body as unknown as WelcomeBody }
  }

  /** A new agent with a session. */
  async agent(name: string): Promise<{ readonly peer: Peer; readonly token: string; readonly id: string }> {
    const added = await this.agents.add(name)
    if (!added.changed) throw new Error(`${name} exists`)
    const { peer } = await this.greet({ token: added.token })
    return { peer, token: added.token, id: added.agent.id }
  }

  /** A new visitor of `site` with a session. */
  async visitor(): Promise<{ readonly peer: Peer; readonly token: string; readonly conversation: ConversationId }> {
    const { peer, welcome } = await this.greet({ channel: 'site' })
    if (welcome.token === undefined || welcome.conversation === undefined) throw new Error('not a visitor')
    return { peer, token: welcome.token, conversation: welcome.conversation }
  }

  /** Sends a text and waits for its ack. */
  async say(
    peer: Peer,
    id: string,
    extra: { readonly conversation?: string; readonly contact?: string } = {},
  ): Promise<number> {
    this.send(peer, 'message', { id, parts: [{ type: 'text', text: `text of ${id}` }], ...extra })
    const ack = await this.receive(peer, 'ack', frame => frame.body.id === id)
    return ack.body.n as number
  }

  /** The next frame of a kind that was not taken yet; takes it. Fails after some turns of the event loop. */
  async receive(peer: Peer, kind: Frame['kind'], matches: (frame: Frame) => boolean = () => true): Promise<Frame> {
    for (let turn = 0; turn < 200; turn++) {
      const index = peer.frames.findIndex(frame => frame.kind === kind && matches(frame))
      if (index >= 0) return peer.frames.splice(index, 1)[0]!
      await new Promise(resolve => setImmediate(resolve))
    }
    throw new Error(
      `no ${kind} came; there are: ${JSON.stringify(peer.frames)} closed: ${JSON.stringify(peer.closedWith)}`,
    )
  }

  /** Lets everything that can happen without time passing happen. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
  }

  disconnect(peer: Peer): void {
    this.peers.delete(peer.id)
    this.engine.closed(peer.id)
  }

  /** The peer has read what was buffered. */
  drain(peer: Peer): void {
    peer.isSlow = false
    this.engine.drained(peer.id)
  }

  #gateway(): GatewayPort {
    return {
      send: (id, frames) => {
        const peer = this.peers.get(id)
        if (peer === undefined) return true
        if (peer.isBroken) throw new Error('the gateway is broken')
        let bytes = 0
        for (const frame of frames) {
          peer.frames.push(decodeFrame(frame))
          bytes += frame.length
        }
        peer.mostBytes = Math.max(peer.mostBytes, bytes)
        return !peer.isSlow
      },
      bufferedBytes: id => (this.peers.get(id)?.isSlow === true ? this.peers.get(id)!.mostBytes : 0),
      close: (id, code, reason) => {
        const peer = this.peers.get(id)
        if (peer === undefined || peer.closedWith !== undefined) return
        peer.closedWith = { code, reason }
        setImmediate(() => this.engine.closed(id))
      },
      allowOrigins: origins => {
        this.origins = origins
      },
    }
  }
}

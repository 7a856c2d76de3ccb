import type { ConversationId } from '../../../codec/conversation-id.js'
import type { SessionId } from '../../core/ports.js'
import type {
  AgentSession,
  AppSession,
  KnownSession,
  NewSession,
  Session,
  StaffSession,
  VisitorSession,
} from './session.js'

/** Sessions that are looked at for the oldest silent one of an address. */
const LOOK_LIMIT = 64

/** Who is connected, by everything that deliveries look them up by. */
export class Sessions {
  readonly #byId = new Map<SessionId, Session>()
  /** Insertion order is deadline order. */
  readonly #greeting = new Map<SessionId, NewSession>()
  /** Those without a hello by address, the oldest first. */
  readonly #byAddress = new Map<string, Set<NewSession>>()
  /** First of a chain of siblings. */
  readonly #visitors = new Map<ConversationId, VisitorSession>()
  readonly #agents = new Map<string, Set<AgentSession>>()
  readonly #apps = new Map<number, Set<AppSession>>()
  readonly #listeners = new Map<ConversationId, Set<AgentSession>>()
  #visitorCount = 0

  get(id: SessionId): Session | undefined {
    return this.#byId.get(id)
  }

  get counts(): { readonly open: number; readonly visitors: number; readonly agents: number; readonly apps: number } {
    return { open: this.#byId.size, visitors: this.#visitorCount, agents: total(this.#agents), apps: total(this.#apps) }
  }

  all(): IterableIterator<Session> {
    return this.#byId.values()
  }

  /** Sessions without a hello from one address, as limits tell addresses apart. */
  greetingFrom(address: string): number {
    return this.#byAddress.get(address)?.size ?? 0
  }

  /** The oldest session of an address that was opened by an instant and has sent no hello; undefined when there is none among the first 64. */
  oldestSilent(address: string, openedBy: number): NewSession | undefined {
    let left = LOOK_LIMIT
    for (const session of this.#byAddress.get(address) ?? []) {
      if (session.openedAt > openedBy || left-- === 0) return undefined
      if (!session.isGreeting && !session.isClosed) return session
    }
    return undefined
  }

  /** A session that is told to close does not count at its address any more: others take its place. */
  giveUp(session: NewSession): void {
    outOf(this.#byAddress, session.address, session)
  }

  addNew(session: NewSession): void {
    this.#byId.set(session.id, session)
    this.#greeting.set(session.id, session)
    into(this.#byAddress, session.address).add(session)
  }

  /** Sessions whose time for a hello is over. */
  *overdue(now: number): IterableIterator<NewSession> {
    for (const session of this.#greeting.values()) {
      if (session.helloDeadline > now) return
      yield session
    }
  }

  /** Replaces a new session by what its hello made of it. */
  promote(from: NewSession, to: KnownSession): void {
    this.#forgetGreeting(from)
    to.pending = from.pending
    to.pendingCount = from.pendingCount
    this.#byId.set(to.id, to)
    switch (to.role) {
      case 'visitor':
        to.sibling = this.#visitors.get(to.conversation)
        this.#visitors.set(to.conversation, to)
        this.#visitorCount++
        break
      case 'agent':
        into(this.#agents, to.agent.id).add(to)
        break
      case 'app':
        into(this.#apps, to.channel.number).add(to)
        break
    }
  }

  /** Forgets a session and returns it; undefined when it is not known. */
  remove(id: SessionId): Session | undefined {
    const session = this.#byId.get(id)
    if (session === undefined) return undefined
    session.isClosed = true
    this.#byId.delete(id)
    switch (session.role) {
      case 'new':
        this.#forgetGreeting(session)
        break
      case 'visitor':
        this.#unlink(session)
        this.#visitorCount--
        break
      case 'agent':
        outOf(this.#agents, session.agent.id, session)
        for (const conversation of session.listens) outOf(this.#listeners, conversation, session)
        break
      case 'app':
        outOf(this.#apps, session.channel.number, session)
        break
    }
    return session
  }

  /** First session of a conversation; the others follow by `sibling`. */
  visitorsOf(conversation: ConversationId): VisitorSession | undefined {
    return this.#visitors.get(conversation)
  }

  agentsOf(agent: string): ReadonlySet<AgentSession> | undefined {
    return this.#agents.get(agent)
  }

  appsOf(channel: number): ReadonlySet<AppSession> | undefined {
    return this.#apps.get(channel)
  }

  /** Sessions that get the records of a conversation which they do not have. */
  listenersOf(conversation: ConversationId): ReadonlySet<AgentSession> | undefined {
    return this.#listeners.get(conversation)
  }

  listen(session: AgentSession, conversation: ConversationId): void {
    session.listens.add(conversation)
    into(this.#listeners, conversation).add(session)
  }

  endListening(session: AgentSession, conversation: ConversationId): void {
    session.listens.delete(conversation)
    outOf(this.#listeners, conversation, session)
  }

  /** Every agent and app session. */
  *staff(): IterableIterator<StaffSession> {
    for (const set of this.#agents.values()) yield* set
    for (const set of this.#apps.values()) yield* set
  }

  #forgetGreeting(session: NewSession): void {
    if (!this.#greeting.delete(session.id)) return
    outOf(this.#byAddress, session.address, session)
  }

  #unlink(session: VisitorSession): void {
    const first = this.#visitors.get(session.conversation)
    if (first === session) {
      if (session.sibling === undefined) this.#visitors.delete(session.conversation)
      else this.#visitors.set(session.conversation, session.sibling)
      return
    }
    for (let before = first; before !== undefined; before = before.sibling) {
      if (before.sibling !== session) continue
      before.sibling = session.sibling
      return
    }
  }
}

function into<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  let set = map.get(key)
  if (set === undefined) {
    set = new Set()
    map.set(key, set)
  }
  return set
}

function outOf<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key)
  if (set?.delete(value) && set.size === 0) map.delete(key)
}

function total<K, V>(map: ReadonlyMap<K, ReadonlySet<V>>): number {
  let count = 0
  for (const set of map.values()) count += set.size
  return count
}

import { CLOSE } from '../../../codec/close-codes.js'
import type { HelloBody, WelcomeBody } from '../../../codec/wire.js'
import { isKefuError, KefuError } from '../../../errors.js'
import type { RefusedLogin } from '../../core/audit.js'
import { parseCursor } from '../../core/cursor.js'
import type { Channel } from '../../core/model.js'
import type { Clock, LogPort } from '../../core/ports.js'
import type { Receipts } from '../delivery/receipts.js'
import type { RateLimiter } from '../limits/rate-limit.js'
import { fingerprintOf, TOKEN_PREFIX } from '../registry/access-tokens.js'
import type { AgentRegistry } from '../registry/agents.js'
import type { ChannelRegistry } from '../registry/channels.js'
import { AgentSession, AppSession, type KnownSession, type NewSession, VisitorSession } from '../session/session.js'
import { knownContact, type Tokens, verifyIdentity } from '../session/tokens.js'

/** What greetings stand on. */
export type GreetingPorts = {
  readonly log: LogPort
  readonly clock: Clock
  readonly tokens: Tokens
  readonly agents: AgentRegistry
  readonly channels: ChannelRegistry
  readonly receipts: Receipts
  /** Failed attempts per address. */
  readonly failureLimit: RateLimiter
  /** Somebody could not prove to be anybody. */
  loginRefused(login: RefusedLogin): void
  /** Frames of visitors, per conversation. */
  readonly frameLimit: RateLimiter
}

/** A hello that was accepted: the session it made and the welcome to answer with. */
export type Greeted = { readonly session: KnownSession; readonly welcome: WelcomeBody }

/** Close code for a hello that failed. */
export function greetingCloseCode(error: unknown): number {
  if (isKefuError(error, 'KEFU_UNAUTHORISED') || isKefuError(error, 'KEFU_BOT_CALLED')) return CLOSE.unauthorised
  if (isKefuError(error, 'KEFU_ORIGIN_REFUSED')) return CLOSE.originRefused
  if (isKefuError(error, 'KEFU_CHANNEL_NOT_FOUND')) return CLOSE.channelNotFound
  if (isKefuError(error, 'KEFU_RATE_LIMITED')) return CLOSE.tooMany
  return isKefuError(error) && !error.retryable ? CLOSE.protocolError : CLOSE.restarting
}

/** Finds out who says hello. */
export class Greeting {
  readonly #ports: GreetingPorts

  constructor(ports: GreetingPorts) {
    this.#ports = ports
  }

  /**
   * Accepts or throws: `KEFU_UNAUTHORISED`, `KEFU_BOT_CALLED`, `KEFU_ORIGIN_REFUSED`, `KEFU_CHANNEL_NOT_FOUND`, `KEFU_RATE_LIMITED` (too many failures from this
   * address, too many frames of this conversation), `KEFU_FRAME_INVALID`, and what the log throws.
   */
  async greet(from: NewSession, hello: HelloBody): Promise<Greeted> {
    try {
      return await this.#identify(from, hello)
    } catch (error) {
      const isGuess = isKefuError(error, 'KEFU_UNAUTHORISED')
      if (isGuess) this.#ports.loginRefused(refusedLogin(from.address, hello))
      if (isGuess && this.#ports.failureLimit.take(from.address) > 0) {
        throw new KefuError('KEFU_RATE_LIMITED', { what: 'failed attempts' })
      }
      throw error
    }
  }

  #identify(from: NewSession, hello: HelloBody): Greeted | Promise<Greeted> {
    const { token } = hello
    if (token === undefined) return this.#greetVisitor(from, hello)
    if (token.startsWith(TOKEN_PREFIX.agent)) return this.#greetAgent(from, hello, token)
    if (token.startsWith(TOKEN_PREFIX.app)) return this.#greetApp(from, hello, token)
    return this.#greetVisitor(from, hello)
  }

  async #greetVisitor(from: NewSession, hello: HelloBody): Promise<Greeted> {
    const { channel, contact, token, isNew } = this.#visitorOf(hello)
    this.#checkOrigin(from, channel)
    const conversation = this.#ports.tokens.conversationId(channel.number, contact)
    // What is known is read: the log, and what the client has not seen.
    if (!isNew && this.#ports.frameLimit.take(conversation) > 0)
      throw new KefuError('KEFU_RATE_LIMITED', { what: 'frames' })
    // Nobody has ever written as a contact that was made just now: there is nothing to look up, and nothing to catch up with.
    const n = isNew ? 0 : ((await this.#ports.log.head(conversation))?.n ?? 0)
    // Looked up last: what is noted from here on is told to the session.
    const marks = n === 0 ? undefined : await this.#ports.receipts.marks('agent', conversation, n)
    // Removed while the log was read: the sessions of the channel have been ended, this one was none of them yet.
    if (this.#ports.channels.byNumber(channel.number) === undefined) throw new KefuError('KEFU_UNAUTHORISED')
    // A client that knows more than there is was served by another log (a restored one): it sees that in the welcome.
    const resumeN = Math.min(hello.resume?.n ?? 0, n)
    const session = new VisitorSession(
      from,
      channel,
      contact,
      hello.identity?.name ?? hello.name,
      hello.language,
      conversation,
      resumeN,
      hello.zstd ?? false,
    )
    if (isNew) session.feed = 'live'
    const issued = token === hello.token ? {} : { token }
    const place = { conversation, n, ...(marks !== undefined && { marks }) }
    return { session, welcome: { role: 'visitor', ...this.#common(session, [channel]), ...place, ...issued } }
  }

  #visitorOf(hello: HelloBody): {
    readonly channel: Channel
    readonly contact: string
    readonly token: string
    readonly isNew: boolean
  } {
    const { tokens, channels, clock } = this.#ports
    if (hello.token !== undefined) {
      const known = tokens.readVisitorToken(hello.token)
      const channel = known && channels.byNumber(known.channel)
      if (known === undefined || channel === undefined || channel.kind !== 'web')
        throw new KefuError('KEFU_UNAUTHORISED')
      return { channel, contact: known.contact, token: hello.token, isNew: false }
    }
    if (hello.channel === undefined)
      throw new KefuError('KEFU_FRAME_INVALID', { reason: 'hello: needs a token, or the name of a channel' })
    const channel = channels.byName(hello.channel)
    if (channel === undefined || channel.kind !== 'web')
      throw new KefuError('KEFU_CHANNEL_NOT_FOUND', { name: hello.channel, suggestion: '' })
    if (hello.identity !== undefined && !verifyIdentity(hello.identity, channel.identitySecret ?? '', clock.now())) {
      throw new KefuError('KEFU_UNAUTHORISED')
    }
    const known = hello.identity !== undefined
    const contact = known ? knownContact(hello.identity.id) : tokens.anonymousContact()
    const token = tokens.issueVisitorToken({ channel: channel.number, contact, known })
    return { channel, contact, token, isNew: !known }
  }

  #greetAgent(from: NewSession, hello: HelloBody, token: string): Greeted {
    const agent = this.#ports.agents.byToken(token)
    if (agent === undefined) throw new KefuError('KEFU_UNAUTHORISED')
    // Both would answer the same contacts.
    if (agent.endpoint !== undefined) throw new KefuError('KEFU_BOT_CALLED', { name: agent.name })
    const cursor = this.#ports.log.cursor()
    const session = new AgentSession(
      from,
      agent,
      parseCursor(cursor),
      hello.zstd ?? false,
      this.#ports.clock.monotonicMs(),
      fingerprintOf(token),
    )
    session.inboxAfterSeq = resumeSeq(hello, cursor)
    const { id, name } = agent
    return {
      session,
      welcome: { role: 'agent', ...this.#common(session, this.#ports.channels.list()), cursor, agent: { id, name } },
    }
  }

  #greetApp(from: NewSession, hello: HelloBody, token: string): Greeted {
    const channel = this.#ports.channels.byToken(token)
    if (channel === undefined) throw new KefuError('KEFU_UNAUTHORISED')
    const cursor = this.#ports.log.cursor()
    const session = new AppSession(from, channel, parseCursor(cursor), hello.zstd ?? false)
    session.inboxAfterSeq = resumeSeq(hello, cursor)
    return { session, welcome: { role: 'app', ...this.#common(session, [channel]), cursor } }
  }

  #common(
    session: KnownSession,
    channels: readonly Channel[],
  ): Pick<WelcomeBody, 'session' | 'serverTime' | 'channels'> {
    return {
      session: `s_${session.id}`,
      serverTime: this.#ports.clock.now(),
      channels: channels.map(({ number, name, kind }) => ({ number, name, kind })),
    }
  }

  /** A page must be of the channel itself, not only of any web channel. */
  #checkOrigin({ origin }: NewSession, channel: Channel): void {
    if (origin !== undefined && !channel.origins.includes(origin))
      throw new KefuError('KEFU_ORIGIN_REFUSED', { origin: origin.slice(0, 200) })
  }
}

/** What of a hello that was refused is told: never its token. A channel that it names is one that there is. */
function refusedLogin(address: string, { token, identity, channel }: HelloBody): RefusedLogin {
  if (token?.startsWith(TOKEN_PREFIX.agent)) return { what: 'agent-token', address }
  if (token?.startsWith(TOKEN_PREFIX.app)) return { what: 'app-token', address }
  if (token !== undefined || identity === undefined) return { what: 'visitor-token', address }
  return { what: 'identity', address, ...(channel === undefined ? {} : { channel }) }
}

/** Where a client's inbox pages end. Throws `KEFU_FRAME_INVALID` for a cursor that is not of this log. */
function resumeSeq(hello: HelloBody, end: string): number {
  const cursor = hello.resume?.cursor
  if (cursor === undefined) return 0
  let seq: number
  try {
    seq = parseCursor(cursor)
  } catch (error) {
    throw new KefuError('KEFU_FRAME_INVALID', { reason: 'resume.cursor is not a cursor of this log' }, { cause: error })
  }
  // A position that does not exist is of another log (a restored one): nothing that the client knows counts.
  return seq > parseCursor(end) ? 0 : seq
}

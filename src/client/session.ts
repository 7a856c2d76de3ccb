import { CLOSE } from '../codec/close-codes.js'
import { encodeFrame, encodeJsonFrame } from '../codec/frame.js'
import {
  type ClientBodies,
  type ClientKind,
  type ErrorBody,
  type HelloBody,
  type ServerFrame,
  SUBPROTOCOLS,
} from '../codec/wire.js'
import { isKefuError, KefuError, toKefuError } from '../errors.js'
import { Alarm } from './alarm.js'
import { backoffMs } from './backoff.js'
import { disconnected, fromErrorBody, refusalOf } from './failure.js'
import { Inbound } from './inbound.js'
import { Liveness } from './liveness.js'
import type { Settings } from './options.js'
import { type Decompress, loadDecompress } from './platform.js'
import { Requests } from './requests.js'
import type { Answer, ClientState, SessionRole } from './session-role.js'
import { loadSockets, type OpenSocket, type Socket } from './socket.js'

/** The alarm's slots. */
const SLOTS = { sweep: 0, liveness: 1, flush: 2, heartbeat: 3, connect: 4, close: 5 } as const

const SWEEP_MS = 1_000
/** How long the other side may take to close. */
const CLOSE_TIMEOUT_MS = 2_000
const GO_AWAY_TIMEOUT_MS = 10_000
/** The longest that a server can put off the next attempt. */
const PUT_OFF_LIMIT_MS = 300_000
/** A connection that stood this long counts as a success: the next loss starts from the shortest delay. */
const STABLE_MS = 10_000
/** Connections in a row that the server ends for a broken protocol, until the client gives up. */
const VIOLATION_LIMIT = 5

/**
 * One connection after the other. Lifecycle:
 * 1. `connecting`: opens a socket, sends the role's hello and waits for welcome, all within the request timeout.
 * 2. `ready`: frames go to the role, answers to their requests; silence is probed, then the connection is cut.
 * 3. `waiting`: requests have failed with `KEFU_DISCONNECTED`; the next attempt follows after a delay with full jitter.
 * 4. `closing`, `closed`: after `close`, or a refusal that another attempt cannot change (token, origin, channel). Nothing follows.
 */
export class Session {
  readonly #settings: Settings
  readonly #role: SessionRole
  readonly #alarm: Alarm
  readonly #requests = new Requests()
  readonly #liveness: Liveness
  #phase: 'idle' | 'connecting' | 'ready' | 'waiting' | 'closing' | 'closed' = 'idle'
  #wasReady = false
  #open: OpenSocket | undefined
  // null: there is none, or it failed once.
  #decompress: Decompress | null | undefined
  #socket: Socket | undefined
  #inbound: Inbound | undefined
  // Sockets report late: whatever carries an older number than this is not heard.
  #connection = 0
  #correlation = 0
  #attempt = 0
  #violations = 0
  #readyAt = 0
  #goAwayDelayMs: number | undefined
  #resolveEnd: () => void = () => {}

  /** Resolves when the session has ended, for whatever reason. */
  readonly ended: Promise<void> = new Promise(resolve => {
    this.#resolveEnd = resolve
  })

  constructor(settings: Settings, role: SessionRole) {
    this.#settings = settings
    this.#role = role
    this.#liveness = new Liveness(settings.probeAfterMs, settings.probeTimeoutMs)
    this.#alarm = new Alarm(settings.clock, Object.keys(SLOTS).length, slot => this.#ring(slot))
  }

  get state(): ClientState {
    if (this.#phase === 'ready') return 'ready'
    if (this.#phase === 'closed' || this.#phase === 'closing') return 'closed'
    return this.#wasReady ? 'reconnecting' : 'connecting'
  }

  /** Whether frames can be sent now. */
  get isReady(): boolean {
    return this.#phase === 'ready' && this.#goAwayDelayMs === undefined
  }

  /** Begins. Once. */
  start(): void {
    if (this.#phase !== 'idle') return
    this.#phase = 'connecting'
    this.#role.stateChanged({ state: 'connecting' })
    void this.#connect()
  }

  /** Sends a frame that has no answer. `false`: not connected, nothing was sent. */
  send<K extends ClientKind>(channel: number, kind: K, body: ClientBodies[K]): boolean {
    if (!this.isReady) return false
    this.#transmit(channel, kind, 0, body)
    return true
  }

  /** Sends a frame whose answer comes to the role with the correlation that is returned. 0: not connected, nothing was sent. */
  post<K extends ClientKind>(channel: number, kind: K, body: ClientBodies[K]): number {
    if (!this.isReady) return 0
    const correlation = this.#nextCorrelation()
    this.#transmit(channel, kind, correlation, body)
    this.sweepSoon()
    return correlation
  }

  /** Sends a request. `answer` gets the answer, or the server's error, `KEFU_DISCONNECTED` or `KEFU_TIMEOUT`. */
  request<K extends ClientKind>(channel: number, kind: K, body: ClientBodies[K], answer: Answer): void {
    const correlation = this.post(channel, kind, body)
    if (correlation === 0) answer(undefined, disconnected('there is no connection now'))
    else this.#requests.add(correlation, answer, this.#now() + this.#settings.requestTimeoutMs)
  }

  /** Has `sweep` called within a second, or at `dueAt` if that is earlier. */
  sweepSoon(dueAt = Number.POSITIVE_INFINITY): void {
    if (this.#phase !== 'closed') this.#alarm.atMost(SLOTS.sweep, Math.min(dueAt, this.#now() + SWEEP_MS))
  }

  /** Has `flush` called within this time, if the connection lasts. */
  flushWithin(delayMs: number): void {
    if (this.isReady) this.#alarm.atMost(SLOTS.flush, this.#now() + delayMs)
  }

  /** Has `heartbeat` called after this time, if the connection lasts. */
  heartbeatIn(delayMs: number): void {
    if (this.#phase === 'ready') this.#alarm.set(SLOTS.heartbeat, this.#now() + delayMs)
  }

  /** Drops the connection and connects again after a delay. */
  cut(error: KefuError): void {
    if (this.#phase !== 'connecting' && this.#phase !== 'ready') return
    const socket = this.#socket
    this.#lose(error, 0)
    socket?.terminate()
  }

  /** Ends the session for a reason that another attempt would not change. */
  end(error: KefuError): void {
    if (this.#phase === 'closed') return
    const socket = this.#socket
    this.#finish(error)
    socket?.close(1000, 'refused')
  }

  /** Ends the session. Resolves when the connection is closed, at the latest after 2 s. Idempotent. */
  close(): Promise<void> {
    if (this.#phase === 'ready') {
      this.#role.flush()
      this.#phase = 'closing'
      this.#requests.fail(disconnected('the client was closed'))
      this.#alarm.stop()
      this.#alarm.set(SLOTS.close, this.#now() + CLOSE_TIMEOUT_MS)
      this.#socket?.close(1000, 'done')
    } else if (this.#phase !== 'closing' && this.#phase !== 'closed') {
      const socket = this.#socket
      this.#finish(undefined)
      socket?.terminate()
    }
    return this.ended
  }

  async #connect(): Promise<void> {
    const connection = ++this.#connection
    const isCurrent = (): boolean => connection === this.#connection
    this.#alarm.set(SLOTS.connect, this.#now() + this.#settings.requestTimeoutMs)
    try {
      this.#open ??= await loadSockets(this.#settings.webSocket)
      if (this.#decompress === undefined) this.#decompress = (await this.#chooseDecompress()) ?? null
      const hello = await this.#role.hello(this.#decompress !== null)
      if (!isCurrent()) return
      const inbound = this.#createInbound()
      this.#inbound = inbound
      this.#socket = this.#open(this.#settings.url, SUBPROTOCOLS[this.#settings.subprotocol], {
        opened: () => {
          if (isCurrent()) this.#greet(hello)
        },
        message: data => {
          if (!isCurrent()) return
          this.#liveness.heard(this.#now())
          inbound.take(data)
        },
        heard: () => {
          if (isCurrent()) this.#liveness.heard(this.#now())
        },
        closed: (code, reason) => {
          if (isCurrent()) this.#closed(code, reason)
        },
      })
    } catch (error) {
      if (isCurrent()) this.#lose(isKefuError(error) ? error : disconnected(toKefuError(error).message), 0)
    }
  }

  async #chooseDecompress(): Promise<Decompress | undefined> {
    const { decompress, subprotocol } = this.#settings
    if (decompress === false || subprotocol === 'json') return undefined
    return decompress ?? (await loadDecompress())
  }

  #createInbound(): Inbound {
    return new Inbound(this.#decompress ?? undefined, {
      frame: frame => this.#dispatch(frame),
      inflateFailed: () => {
        this.#decompress = null
      },
      violated: error => {
        const socket = this.#socket
        if (this.#phase !== 'connecting' && this.#phase !== 'ready') return
        this.#lose(error, 0)
        socket?.close(CLOSE.protocolError, error.code)
      },
    })
  }

  #greet(hello: HelloBody): void {
    this.#correlation = 0
    this.#liveness.heard(this.#now())
    this.#transmit(0, 'hello', this.#nextCorrelation(), hello)
  }

  #dispatch(frame: ServerFrame): void {
    if (this.#phase === 'connecting') this.#answerHello(frame)
    else if (this.#phase === 'ready') {
      if (frame.kind === 'goAway') this.#goAway(frame.body.reconnectAfterMs)
      else if (frame.correlation === 0 || !this.#requests.settle(frame)) this.#role.frame(frame)
    }
  }

  #answerHello(frame: ServerFrame): void {
    switch (frame.kind) {
      case 'welcome':
        this.#phase = 'ready'
        this.#wasReady = true
        this.#readyAt = this.#now()
        this.#alarm.clear(SLOTS.connect)
        this.#checkLiveness()
        this.#role.welcome(frame.body)
        // The role may have found that this is not what it wanted.
        if (this.#phase === 'ready') this.#role.stateChanged({ state: 'ready' })
        break
      case 'error':
        this.#refused(frame.body)
        break
      case 'goAway':
        this.#goAway(frame.body.reconnectAfterMs)
        break
      default:
        throw new KefuError('KEFU_FRAME_UNEXPECTED', { kind: frame.kind, reason: 'before welcome' })
    }
  }

  #refused(body: ErrorBody): void {
    const error = fromErrorBody(body)
    if (!body.retryable && body.code !== 'KEFU_INTERNAL') {
      this.end(error)
      return
    }
    const socket = this.#socket
    this.#lose(error, body.retryAfterMs ?? 0)
    socket?.close(1000, 'refused')
  }

  /** Nothing new is sent; answers to what was sent are still taken until the server closes. */
  #goAway(delayMs: number): void {
    if (this.#goAwayDelayMs !== undefined) return
    this.#goAwayDelayMs = delayMs
    this.#alarm.set(SLOTS.close, this.#now() + GO_AWAY_TIMEOUT_MS)
  }

  #closed(code: number, reason: string): void {
    const now = this.#now()
    if (this.#phase === 'ready' && now - this.#readyAt >= STABLE_MS) this.#violations = 0
    const why = reason === '' ? `closed with code ${code}` : `closed with code ${code}, ${reason.slice(0, 120)}`
    const refusal = this.#refusalOf(code, why)
    if (this.#phase === 'closing') this.#finish(undefined)
    else if (refusal !== undefined) this.end(refusal)
    else if (code === CLOSE.slowConsumer) this.#lose(new KefuError('KEFU_SLOW_CONSUMER'), 0)
    else this.#lose(disconnected(why), code === CLOSE.tooMany ? this.#settings.requestTimeoutMs : 0)
  }

  #refusalOf(code: number, why: string): KefuError | undefined {
    // A session can lose its right while the token has not: another token of the same agent was revoked. The next hello tells.
    if (code === CLOSE.unauthorised && this.#phase === 'ready') return undefined
    if (code === CLOSE.protocolError && ++this.#violations < VIOLATION_LIMIT) return undefined
    return refusalOf(code, why)
  }

  #lose(error: KefuError, leastDelayMs: number): void {
    const now = this.#now()
    const wasReady = this.#phase === 'ready'
    if (wasReady && now - this.#readyAt >= STABLE_MS) this.#attempt = 0
    const retryInMs =
      Math.min(PUT_OFF_LIMIT_MS, Math.max(leastDelayMs, this.#goAwayDelayMs ?? 0)) +
      backoffMs(this.#attempt++, this.#settings.random)
    this.#detach()
    this.#phase = 'waiting'
    for (const slot of [SLOTS.liveness, SLOTS.flush, SLOTS.heartbeat, SLOTS.close]) this.#alarm.clear(slot)
    this.#alarm.set(SLOTS.connect, now + retryInMs)
    this.#requests.fail(error.code === 'KEFU_DISCONNECTED' ? error : disconnected(error.message))
    if (wasReady) this.#role.lost()
    this.#role.stateChanged({ state: this.state, error, retryInMs })
  }

  #finish(error: KefuError | undefined): void {
    const wasReady = this.#phase === 'ready'
    this.#detach()
    this.#phase = 'closed'
    this.#alarm.stop()
    this.#requests.fail(error ?? disconnected('the client was closed'))
    if (wasReady) this.#role.lost()
    this.#role.stateChanged(error === undefined ? { state: 'closed' } : { state: 'closed', error })
    this.#resolveEnd()
  }

  /** From here on nothing of the present socket is heard. */
  #detach(): void {
    this.#connection++
    this.#inbound?.stop()
    this.#inbound = undefined
    this.#socket = undefined
    this.#goAwayDelayMs = undefined
  }

  #ring(slot: number): void {
    if (slot === SLOTS.sweep) this.#sweep()
    else if (slot === SLOTS.liveness) this.#checkLiveness()
    else if (slot === SLOTS.connect) this.#connectDue()
    else if (slot === SLOTS.close) this.#closeDue()
    else if (!this.isReady) return
    else if (slot === SLOTS.flush) this.#role.flush()
    else this.#role.heartbeat()
  }

  #connectDue(): void {
    if (this.#phase === 'waiting') {
      this.#phase = 'connecting'
      void this.#connect()
    } else {
      this.cut(new KefuError('KEFU_TIMEOUT', { what: 'connecting', timeoutMs: this.#settings.requestTimeoutMs }))
    }
  }

  #closeDue(): void {
    if (this.#phase !== 'closing') {
      this.cut(disconnected('the server said that it was going and did not close'))
      return
    }
    const socket = this.#socket
    this.#finish(undefined)
    socket?.terminate()
  }

  #sweep(): void {
    const late = this.#requests.expire(this.#now(), this.#settings.requestTimeoutMs)
    if (late !== undefined) this.cut(late)
    const { isIdle, wakesAt } = this.#role.sweep()
    if (!isIdle || this.#requests.size > 0) this.sweepSoon(wakesAt)
  }

  #checkLiveness(): void {
    if (this.#phase !== 'ready') return
    const now = this.#now()
    const { type, at } = this.#liveness.check(now)
    if (type === 'dead') {
      this.cut(disconnected(`nothing came for ${Math.round(this.#liveness.silentMs(now) / 1000)} s`))
      return
    }
    this.#alarm.set(SLOTS.liveness, at)
    if (type === 'probe') this.#role.probe()
  }

  #now(): number {
    return this.#settings.clock.monotonicMs()
  }

  #nextCorrelation(): number {
    this.#correlation = this.#correlation >= 0xffffffff ? 1 : this.#correlation + 1
    return this.#correlation
  }

  #transmit(channel: number, kind: ClientKind, correlation: number, body: object): void {
    this.#socket?.send(
      this.#settings.subprotocol === 'json'
        ? encodeJsonFrame(channel, kind, correlation, body)
        : encodeFrame(channel, kind, correlation, body),
    )
  }
}

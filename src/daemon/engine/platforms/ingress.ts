import { isKefuError, KefuError } from '../../../errors.js'
import type { Callback, CallbackAnswer, Reception } from '../../core/channel-adapter.js'
import type { Clock, Store } from '../../core/ports.js'
import { within } from '../../core/within.js'
import { createRateLimiter, type RateLimiter } from '../limits/rate-limit.js'
import type { Arriving, Bodies } from './bodies.js'
import type { Connection } from './connection.js'
import type { Inbound } from './inbound.js'
import type { Pulls } from './pulls.js'
import type { Turns } from './turns.js'

/** What taking callbacks stands on. */
export type IngressPorts = {
  readonly store: Pick<Store, 'refusal'>
  readonly clock: Clock
  readonly inbound: Inbound
  readonly pulls: Pulls
  /** Shared by all channels, as `turns`. */
  readonly bodies: Bodies
  readonly turns: Turns<Connection>
  /** An error of which nobody else tells. */
  report(error: unknown): void
}

/** From the first byte. Platforms give up after five seconds: what is not on disk by then comes again. */
const DEADLINE_MS = 4_000
const KEY = 'in'

/** The way into a channel: so many callbacks at once, so many a second. What is too much is told to come again before it costs anything. */
export class Ingress {
  readonly #ports: IngressPorts
  readonly #connection: Connection
  readonly #rate: RateLimiter
  /** What was wrong with the last callback that could not be used. */
  #lastInvalid: string | undefined
  #inFlight = 0

  constructor(ports: IngressPorts, connection: Connection) {
    this.#ports = ports
    this.#connection = connection
    this.#rate = createRateLimiter(ports.clock, { ...rateOf(connection), keyLimit: 1 })
  }

  /** Callbacks that are on their way to disk. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** The lane has other limits. */
  changed(): void {
    this.#rate.setRate(rateOf(this.#connection))
  }

  /**
   * Takes a callback. The answer is the platform's word for success, and everything is on disk. Throws `KEFU_LANE_CLOSED` (come again: paused, too many, the store
   * refuses or is slow), `KEFU_NOT_FOUND` (the channel has been removed meanwhile), `KEFU_CALLBACK_REFUSED`, `KEFU_CALLBACK_INVALID`, `KEFU_CREDENTIAL_MISSING`, and what the store throws.
   */
  async take(arriving: Arriving): Promise<CallbackAnswer> {
    try {
      return await this.#take(arriving)
    } catch (error) {
      this.#count(error)
      throw error
    }
  }

  async #take(arriving: Arriving): Promise<CallbackAnswer> {
    const { bodies, turns, clock } = this.#ports
    const deadlineMs = clock.monotonicMs() + DEADLINE_MS
    this.#assertOpen()
    const { callback, release } = await bodies.read(arriving)
    try {
      return await turns.run(this.#connection, () => {
        release()
        return this.#carry(callback, deadlineMs)
      })
    } finally {
      release()
    }
  }

  /** Verifies a callback and has it stored: it counts as in flight in between. */
  async #carry(callback: Callback, deadlineMs: number): Promise<CallbackAnswer> {
    const { clock } = this.#ports
    this.#assertOpen()
    // Nobody is let in: not worth a look at who it is.
    this.#assertRoom(this.#rate.wait(KEY))
    const leftMs = deadlineMs - clock.monotonicMs()
    if (leftMs <= 0) throw closed('too many callbacks at once', 1_000)
    const reception = this.#connection.adapter.receive(callback)
    // What is not signed by the platform takes no place from what is.
    this.#assertRoom(this.#rate.take(KEY))
    const work = this.#store(reception, callback)
    if (work === undefined) return reception.answer
    this.#inFlight++
    try {
      await within(clock, leftMs, work, slow)
    } finally {
      this.#inFlight--
    }
    return reception.answer
  }

  /** Begins to store what came. It goes on when nobody waits any more: whoever sends it again finds it stored. */
  #store({ events, signal }: Reception, { arrivedAtMs }: Callback): Promise<unknown> | undefined {
    const connection = this.#connection
    const { inbound, pulls } = this.#ports
    const pulled = signal === undefined ? undefined : pulls.signalled(connection, signal)
    if (pulled === undefined && events.length === 0) return undefined
    if (pulled === undefined && events.length === 1) return inbound.take(connection, events[0]!, arrivedAtMs)
    return Promise.all([pulled, ...events.map(event => inbound.take(connection, event, arrivedAtMs))])
  }

  #count(error: unknown): void {
    const connection = this.#connection
    if (isKefuError(error, 'KEFU_CALLBACK_REFUSED')) {
      connection.counts.refused++
      connection.lastRefusal = { reason: String(error.detail.reason), at: this.#ports.clock.now() }
    } else if (isKefuError(error, 'KEFU_CALLBACK_INVALID')) {
      // Signed, so what the platform gives up on is lost; of the same in a row the first tells enough.
      const reason = String(error.detail.reason)
      if (reason !== this.#lastInvalid) this.#ports.report(error)
      this.#lastInvalid = reason
    } else if (isKefuError(error) && error.retryable) connection.counts.deferred++
  }

  #assertOpen(): void {
    const { lane, problem, isGone } = this.#connection
    if (isGone) throw new KefuError('KEFU_NOT_FOUND')
    if (problem !== undefined) throw problem
    const refusal = this.#ports.store.refusal()
    if (refusal !== undefined) throw refusal
    if (lane.isInPaused) throw closed('it is paused', 5_000)
  }

  #assertRoom(waitMs: number): void {
    if (this.#inFlight >= this.#connection.lane.inLimit) throw closed('too many callbacks at once', 1_000)
    if (waitMs > 0) throw closed('too many callbacks a second', waitMs)
  }
}

function closed(reason: string, retryAfterMs: number): KefuError {
  return new KefuError('KEFU_LANE_CLOSED', { reason, retryAfterMs })
}

function slow(): KefuError {
  return closed('the store is slow', 1_000)
}

function rateOf({ lane }: Connection): { readonly burst: number; readonly perSecond: number } {
  return { burst: Math.max(1, lane.inPerSecond), perSecond: lane.inPerSecond }
}

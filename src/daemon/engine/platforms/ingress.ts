import { isKefuError, KefuError } from '../../../errors.js'
import type { Callback, CallbackAnswer, Reception } from '../../core/channel-adapter.js'
import type { Clock, Store } from '../../core/ports.js'
import { createRateLimiter, type RateLimiter } from '../limits/rate-limit.js'
import type { Connection } from './connection.js'
import type { Inbound } from './inbound.js'
import type { Pulls } from './pulls.js'

/** What taking callbacks stands on. */
export type IngressPorts = {
  readonly store: Pick<Store, 'refusal'>
  readonly clock: Clock
  readonly inbound: Inbound
  readonly pulls: Pulls
}

/** Platforms give up after five seconds: what is not on disk by then comes again. */
const DEADLINE_MS = 4_000
const KEY = 'in'
/** Requests of a channel that may be on their way at once, whoever sends them. */
const READING_LIMIT = 2_000

/** The way into a channel: so many callbacks at once, so many a second. What is too much is told to come again before it costs anything. */
export class Ingress {
  readonly #ports: IngressPorts
  readonly #connection: Connection
  readonly #rate: RateLimiter
  #inFlight = 0
  /** Requests whose bodies are on their way. */
  #reading = 0

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
   * Takes a callback: `read` brings its body. The answer is the platform's word for success, and everything is on disk. Throws `KEFU_LANE_CLOSED` (come again: paused,
   * too many, the store refuses), `KEFU_CALLBACK_REFUSED`, `KEFU_CALLBACK_INVALID`, `KEFU_CREDENTIAL_MISSING`, what the store throws, and `KEFU_TIMEOUT`.
   */
  async take(read: () => Promise<Callback>): Promise<CallbackAnswer> {
    const connection = this.#connection
    const { counts } = connection
    let isAdmitted = false
    try {
      this.#assertOpen()
      const { answer, events, signal, callback } = await this.#verified(read)
      // What is not signed by the platform takes no place from what is.
      this.#admit()
      isAdmitted = true
      this.#inFlight++
      const { inbound, pulls } = this.#ports
      const pulled = signal === undefined ? undefined : pulls.signalled(connection, signal)
      if (events.length === 1 && pulled === undefined)
        await this.#within(inbound.take(connection, events[0]!, callback.arrivedAtMs))
      else if (events.length > 0 || pulled !== undefined)
        await this.#within(
          Promise.all([pulled, ...events.map(event => inbound.take(connection, event, callback.arrivedAtMs))]),
        )
      return answer
    } catch (error) {
      if (isKefuError(error, 'KEFU_CALLBACK_REFUSED')) {
        counts.refused++
        connection.lastRefusal = { reason: String(error.detail.reason), at: this.#ports.clock.now() }
      } else if (isKefuError(error) && error.retryable) counts.deferred++
      throw error
    } finally {
      if (isAdmitted) this.#inFlight--
    }
  }

  async #verified(read: () => Promise<Callback>): Promise<Reception & { readonly callback: Callback }> {
    if (this.#reading >= READING_LIMIT)
      throw new KefuError('KEFU_LANE_CLOSED', { reason: 'too many requests at once', retryAfterMs: 1_000 })
    this.#reading++
    let callback: Callback
    try {
      callback = await read()
    } finally {
      this.#reading--
    }
    return { ...this.#connection.adapter.receive(callback), callback }
  }

  #assertOpen(): void {
    const { lane, problem } = this.#connection
    if (problem !== undefined) throw problem
    const refusal = this.#ports.store.refusal()
    if (refusal !== undefined) throw refusal
    if (lane.isInPaused) throw new KefuError('KEFU_LANE_CLOSED', { reason: 'it is paused', retryAfterMs: 5_000 })
  }

  #admit(): void {
    const { lane } = this.#connection
    if (this.#inFlight >= lane.inLimit)
      throw new KefuError('KEFU_LANE_CLOSED', { reason: 'too many callbacks at once', retryAfterMs: 1_000 })
    const waitMs = this.#rate.take(KEY)
    if (waitMs > 0)
      throw new KefuError('KEFU_LANE_CLOSED', { reason: 'too many callbacks a second', retryAfterMs: waitMs })
  }

  async #within(work: Promise<unknown>): Promise<void> {
    let cancel: (() => void) | undefined
    const deadline = new Promise<never>((_, reject) => {
      cancel = this.#ports.clock.after(DEADLINE_MS, () =>
        reject(new KefuError('KEFU_LANE_CLOSED', { reason: 'the store is slow', retryAfterMs: 1_000 })),
      )
    })
    try {
      await Promise.race([work, deadline])
    } finally {
      cancel?.()
      // It goes on: whoever sends it again finds it stored, and nobody waits for it any more.
      work.catch(() => undefined)
    }
  }
}

function rateOf({ lane }: Connection): { readonly burst: number; readonly perSecond: number } {
  return { burst: Math.max(1, lane.inPerSecond), perSecond: lane.inPerSecond }
}

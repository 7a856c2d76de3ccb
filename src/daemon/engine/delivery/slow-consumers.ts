import type { Clock, GatewayPort } from '../../core/ports.js'
import type { KnownSession } from '../session/session.js'

/** What slow consumers are watched with. */
export type SlowConsumerPorts = {
  readonly gateway: Pick<GatewayPort, 'bufferedBytes'>
  readonly clock: Pick<Clock, 'monotonicMs'>
}

/** A session that reads too slowly: for how long, and what waits for it. */
export type SlowConsumer = { readonly session: KnownSession; readonly forMs: number; readonly bufferedBytes: number }

/** Sessions that read too slowly, and since when. */
export class SlowConsumers {
  readonly #ports: SlowConsumerPorts
  /** The longest first. */
  readonly #since = new Map<KnownSession, number>()

  constructor(ports: SlowConsumerPorts) {
    this.#ports = ports
  }

  /** How many there are. */
  get count(): number {
    return this.#since.size
  }

  /** Call once until `remove`. */
  add(session: KnownSession): void {
    this.#since.set(session, this.#ports.clock.monotonicMs())
  }

  remove(session: KnownSession): void {
    this.#since.delete(session)
  }

  /** Those that have been slow since before an instant (monotonic). One may be removed meanwhile. */
  *sinceBefore(instant: number): IterableIterator<KnownSession> {
    for (const [session, since] of this.#since) {
      if (since > instant) return
      yield session
    }
  }

  /** Those that have been slow for longest, at most `limit`. */
  worst(limit: number): SlowConsumer[] {
    const { gateway, clock } = this.#ports
    const now = clock.monotonicMs()
    const worst: SlowConsumer[] = []
    for (const [session, since] of this.#since) {
      if (worst.length === limit) break
      worst.push({ session, forMs: now - since, bufferedBytes: gateway.bufferedBytes(session.id) })
    }
    return worst
  }
}

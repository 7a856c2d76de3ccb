import { CLOSE } from '../../../codec/close-codes.js'
import type { LogPort } from '../../core/ports.js'
import type { VisitorSession } from '../session/session.js'
import type { Meters } from './meters.js'
import type { Outbound } from './outbound.js'
import { buildPage, pageReadBytes } from './pages.js'

const READ_LIMIT = 200

/**
 * Feeds a visitor's session from the log until it is level with it:
 *
 * 1. live records are left out (`feed` is not `live`);
 * 2. pages after `pushedN` are read and sent;
 * 3. when the peer stops reading, the session is `stalled` until its buffer has drained;
 * 4. level with the durable head, it turns `live` in the same turn in which that was seen, so nothing falls between.
 */
export class CatchUp {
  readonly #log: LogPort
  readonly #outbound: Outbound
  readonly #meters: Meters

  constructor(log: LogPort, outbound: Outbound, meters: Meters) {
    this.#log = log
    this.#outbound = outbound
    this.#meters = meters
  }

  /** Starts or, after a stall, goes on. Does nothing for a session that is being fed. */
  start(session: VisitorSession): void {
    if (session.feed === 'fed') return
    session.feed = 'fed'
    void this.#feed(session).catch((error: unknown) => this.#outbound.reject(session, 0, error, CLOSE.restarting))
  }

  async #feed(session: VisitorSession): Promise<void> {
    const { conversation } = session
    while (!session.isClosed) {
      if (session.isLagging) {
        session.feed = 'stalled'
        return
      }
      const head = this.#log.cachedHead(conversation) ?? (await this.#log.head(conversation))
      if (head === null || head.n <= session.pushedN) {
        session.feed = 'live'
        return
      }
      const limitBytes = pageReadBytes(session.acceptsZstd)
      const records = await this.#log.read(conversation, session.pushedN, READ_LIMIT, limitBytes)
      const page = await buildPage(records, session.pushedN, {
        channel: session.channel.number,
        correlation: 0,
        conversation,
        head: head.n,
        isContactSide: true,
        acceptsZstd: session.acceptsZstd,
        keep: 'first',
      })
      this.#outbound.push(session, page.frame)
      this.#meters.caughtUp += page.last - session.pushedN
      session.pushedN = page.last
      this.#outbound.flush(session)
    }
  }
}

import type { LogPort, OutboxJob } from '../../core/ports.js'
import { type DeliveryBody, type DeliveryState, SYSTEM } from '../../core/records.js'
import { recordsAfter } from './records-after.js'

/** What telling agents what became of a message stands on. */
export type DeliveryNewsPorts = {
  readonly log: Pick<LogPort, 'append' | 'read'>
  /** An error that no caller waits for. */
  report(error: unknown): void
}

const REASON_LENGTH = 500
/** Records behind a message in which it is looked for what was told of it. */
const LOOK_RECORDS = 5_000

/** What agents are told of messages that did not go out at once. */
export class DeliveryNews {
  readonly #ports: DeliveryNewsPorts

  constructor(ports: DeliveryNewsPorts) {
    this.#ports = ports
  }

  /** Agents see what became of it. Never rejects: the outbox says the same, and a log that refuses must not make an attempt be forgotten. */
  async tell(
    { conversation, n }: OutboxJob,
    state: DeliveryState,
    { reason, ...facts }: { readonly reason?: string | undefined } & Pick<DeliveryBody, 'pieces'> = {},
  ): Promise<void> {
    const why = reason === undefined ? {} : { reason: reason.slice(0, REASON_LENGTH) }
    try {
      await this.#ports.log.append(conversation, [
        { type: 'delivery', by: SYSTEM, message: n, state, ...why, ...facts },
      ])
    } catch (error) {
      this.#ports.report(error)
    }
  }

  /** What agents were told of it last, as far as it can be found: not `isSure` when there are too many records to look at. Throws what the log throws. */
  async last({
    conversation,
    n,
  }: OutboxJob): Promise<{ readonly state: DeliveryState | undefined; readonly isSure: boolean }> {
    let state: DeliveryState | undefined
    let looked = 0
    for await (const { body } of recordsAfter(this.#ports.log, conversation, n, LOOK_RECORDS)) {
      looked++
      if (body.type === 'delivery' && body.message === n) state = body.state
    }
    return { state, isSure: looked < LOOK_RECORDS }
  }
}

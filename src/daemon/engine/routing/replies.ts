import type { ReplyOccasion } from '../../../codec/wire.js'
import type { Channel, Head } from '../../core/model.js'
import type { LogEntry, LogPort } from '../../core/ports.js'
import { replyOn } from '../../core/replies.js'

/** What automatic replies stand on. */
export type ReplyPorts = {
  readonly log: LogPort
  channel(head: Head): Channel | undefined
  /** An error that no caller waits for. */
  report(error: unknown): void
}

/** Welcomes contacts, and tells them that they wait, or that nobody is at work; each once in an episode or a wait. */
export class Replies {
  readonly #ports: ReplyPorts

  constructor(ports: ReplyPorts) {
    this.#ports = ports
  }

  /** Follows the log: every committed record, in order. */
  observe({ record, head }: LogEntry): void {
    const { body } = record
    const { episode, openedAt } = head.details
    if (body.type === 'message' && body.by.role === 'contact' && record.at === openedAt && body.writtenAt === undefined)
      this.#reply('welcome', head, `kefu.welcome.${episode}`)
    else if (body.type === 'queued') {
      const occasion = body.reasons.includes('off-hours') ? 'offHours' : 'waiting'
      // Who is queued again, at the same place, has been told.
      this.#reply(occasion, head, `kefu.${occasion}.${episode}.${body.since}`)
    }
  }

  /** The id makes a reply that was written before, by an observer of the same record, no second one. */
  #reply(occasion: ReplyOccasion, head: Head, id: string): void {
    const channel = this.#ports.channel(head)
    const reply = channel && replyOn(occasion, channel, head)
    if (reply === undefined) return
    this.#ports.log
      .append(head.conversation, [{ ...reply, id }], { id })
      .catch((error: unknown) => this.#ports.report(error))
  }
}

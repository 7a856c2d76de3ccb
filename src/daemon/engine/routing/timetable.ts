import type { ConversationId } from '../../../codec/conversation-id.js'
import type { ReplyOccasion } from '../../../codec/wire.js'
import { isKefuError } from '../../../errors.js'
import { type Due, nextDue, type TeamTimes } from '../../core/due.js'
import type { Channel, Head } from '../../core/model.js'
import type { Clock } from '../../core/ports.js'
import { type RecordBody, SYSTEM } from '../../core/records.js'
import { replyOn } from '../../core/replies.js'
import { Alarms } from './alarms.js'
import type { Router } from './router.js'

/** What the timetable stands on. */
export type TimetablePorts = {
  readonly clock: Clock
  readonly router: Pick<Router, 'carry' | 'openHead'>
  /** The team whose conversation it is; undefined for everybody's. */
  team(head: Head): TeamTimes | undefined
  /** A conversation's channel; undefined for one that was removed. */
  channel(head: Head): Channel | undefined
  /** An error that no caller waits for: the first of failures in a row. */
  report(error: unknown): void
}

/** Pause after a record that the store did not take. */
const RETRY_MS = 5_000

/** Does what falls due by itself: wakes, overflows, asks those again who declined, and records answers that did not come in time. Survives restarts: everything follows from the heads. */
export class Timetable {
  readonly #ports: TimetablePorts
  readonly #alarms: Alarms
  #isFailing = false

  constructor(ports: TimetablePorts) {
    this.#ports = ports
    this.#alarms = new Alarms(ports.clock, (conversation, at) => void this.#ring(conversation, at))
  }

  /** Takes in where a conversation stands. */
  follow(head: Head): void {
    this.#alarms.set(head.conversation, head.state === 'closed' ? undefined : this.#nextDue(head)?.at)
  }

  close(): void {
    this.#alarms.close()
  }

  #nextDue(head: Head): Due | undefined {
    const channel = this.#ports.channel(head)
    if (channel?.idle === undefined) return nextDue(head, this.#ports.team(head), undefined)
    // Without words for it there is no warning.
    const { warnAfterMs, closeAfterMs } = channel.idle
    const hasWarning = warnAfterMs !== undefined && replyOn('idleWarning', channel, head) !== undefined
    return nextDue(head, this.#ports.team(head), hasWarning ? { warnAfterMs, closeAfterMs } : { closeAfterMs })
  }

  async #ring(conversation: ConversationId, at: number): Promise<void> {
    const { router, report } = this.#ports
    const head = router.openHead(conversation)
    const due = head && this.#nextDue(head)
    if (head === undefined || due === undefined) return
    if (due.at > at) {
      this.#alarms.set(conversation, due.at)
      return
    }
    try {
      await router.carry(head, bodiesOf(due, head, this.#ports.channel(head)))
      this.#isFailing = false
    } catch (error) {
      // One that moved meanwhile is looked at again as it stands then.
      if (!isKefuError(error, 'KEFU_STORE_CONFLICT')) {
        if (!this.#isFailing) report(error)
        this.#isFailing = true
      }
      this.#alarms.set(conversation, due.at, RETRY_MS)
    }
  }
}

function bodiesOf(due: Due, head: Head, channel: Channel | undefined): RecordBody[] {
  const { agent, waitingSince, details } = head
  const from = agent === undefined ? {} : { from: agent }
  const said = (occasion: ReplyOccasion): RecordBody[] => {
    const reply = channel && replyOn(occasion, channel, head)
    return reply === undefined ? [] : [reply]
  }
  switch (due.what) {
    case 'wake':
      return [{ type: 'woken', by: SYSTEM, since: due.at, ...from }]
    case 'overflow':
      return [{ type: 'queued', by: SYSTEM, since: waitingSince ?? due.at, reasons: ['overflow'], team: due.team }]
    case 'askAgain':
      return [{ type: 'queued', by: SYSTEM, since: waitingSince ?? due.at, reasons: ['asked-again'], asksAgain: true }]
    case 'idleWarning':
      return said('idleWarning')
    case 'idleClose':
      return [...said('idleClose'), { type: 'closed', by: SYSTEM, reason: 'idle', ...from }]
    default: {
      const held = agent === undefined ? {} : { agent }
      const team = details.team === undefined ? {} : { team: details.team }
      return [{ type: 'overdue', by: SYSTEM, timer: due.what, dueAt: due.at, ...held, ...team }]
    }
  }
}

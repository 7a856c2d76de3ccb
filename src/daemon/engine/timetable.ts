import type { ConversationId } from '../../codec/conversation-id.js'
import { isKefuError } from '../../errors.js'
import { type Due, nextDue, type TeamTimes } from '../core/due.js'
import type { Head } from '../core/model.js'
import type { Clock } from '../core/ports.js'
import { type RecordBody, SYSTEM } from '../core/records.js'
import { Alarms } from './alarms.js'
import type { Router } from './router.js'

/** What the timetable stands on. */
export type TimetablePorts = {
  readonly clock: Clock
  readonly router: Pick<Router, 'carry' | 'openHead'>
  /** What a conversation's team promises. */
  times(head: Head): TeamTimes
  /** An error that no caller waits for. */
  report(error: unknown): void
}

/** Pause after a record that the store did not take. */
const RETRY_MS = 5_000

/** Does what falls due by itself: wakes, overflows, and records answers that did not come in time. Survives restarts: everything follows from the heads. */
export class Timetable {
  readonly #ports: TimetablePorts
  readonly #alarms: Alarms

  constructor(ports: TimetablePorts) {
    this.#ports = ports
    this.#alarms = new Alarms(ports.clock, conversation => void this.#ring(conversation))
  }

  /** Takes in where a conversation stands. */
  follow(head: Head): void {
    this.#alarms.set(
      head.conversation,
      head.state === 'closed' ? undefined : nextDue(head, this.#ports.times(head))?.at,
    )
  }

  close(): void {
    this.#alarms.close()
  }

  async #ring(conversation: ConversationId): Promise<void> {
    const { clock, router, times, report } = this.#ports
    const head = router.openHead(conversation)
    const due = head && nextDue(head, times(head))
    if (head === undefined || due === undefined) return
    if (due.at > clock.now()) {
      this.#alarms.set(conversation, due.at)
      return
    }
    try {
      await router.carry(head, [bodyOf(due, head)])
    } catch (error) {
      // One that moved meanwhile is looked at again as it stands then.
      if (!isKefuError(error, 'KEFU_STORE_CONFLICT')) report(error)
      this.#alarms.set(conversation, clock.now() + RETRY_MS)
    }
  }
}

function bodyOf(due: Due, { agent, waitingSince, details }: Head): RecordBody {
  const from = agent === undefined ? {} : { from: agent }
  switch (due.what) {
    case 'wake':
      return { type: 'woken', by: SYSTEM, since: due.at, ...from }
    case 'overflow':
      return { type: 'queued', by: SYSTEM, since: waitingSince ?? due.at, reasons: ['overflow'], team: due.team }
    default: {
      const held = agent === undefined ? {} : { agent }
      const team = details.team === undefined ? {} : { team: details.team }
      return { type: 'overdue', by: SYSTEM, timer: due.what, dueAt: due.at, ...held, ...team }
    }
  }
}

import type { ConversationId } from '../../../codec/conversation-id.js'
import type { Head } from '../../core/model.js'
import { Pace } from '../../core/pace.js'
import type { Clock } from '../../core/ports.js'
import type { Notices } from '../delivery/notices.js'
import type { Sessions } from '../session/sessions.js'
import type { Router } from './router.js'

/** What telling contacts their place stands on. */
export type PositionPorts = {
  readonly clock: Clock
  readonly router: Router
  readonly sessions: Sessions
  readonly notices: Notices
}

type Told = { readonly ahead: number; readonly estimatedWaitMs: number | undefined; readonly atMs: number }

const TICK_MS = 2_000
/** Behind so many others a place changes all the time: it is told less often. */
const NEAR = 10
const FAR_INTERVAL_MS = 10_000
/** An estimate that has changed by less than this part is not told again. */
const ESTIMATE_CHANGE = 0.2

/** Tells contacts who wait how many are before them and how long it may take, when that changes. Nothing is done per message, nor while nobody waits. */
export class Positions {
  readonly #ports: PositionPorts
  readonly #paces = new Map<string | undefined, Pace>()
  #told = new Map<ConversationId, Told>()
  #cancel: (() => void) | undefined

  constructor(ports: PositionPorts) {
    this.#ports = ports
    this.#schedule()
  }

  /** A conversation that waited got an agent. */
  served(team: string | undefined): void {
    let pace = this.#paces.get(team)
    if (pace === undefined) {
      pace = new Pace()
      this.#paces.set(team, pace)
    }
    pace.note(this.#ports.clock.monotonicMs())
  }

  /** A contact has come who does not know the place yet. */
  arrived(conversation: ConversationId): void {
    this.#told.delete(conversation)
  }

  /** How long the one behind `ahead` others of a team may wait; undefined while too little is known. */
  estimateMs(team: string | undefined, ahead: number): number | undefined {
    return this.#paces.get(team)?.estimateMs(ahead, this.#ports.clock.monotonicMs())
  }

  close(): void {
    this.#cancel?.()
  }

  #schedule(): void {
    this.#cancel = this.#ports.clock.after(TICK_MS, () => {
      this.#tell()
      this.#schedule()
    })
  }

  #tell(): void {
    const { router, clock } = this.#ports
    const told = new Map<ConversationId, Told>()
    const counts = new Map<string | undefined, number>()
    const atMs = clock.monotonicMs()
    const nowMs = clock.now()
    for (const { conversation, need } of router.board.inOrder()) {
      const ahead = counts.get(need.team) ?? 0
      counts.set(need.team, ahead + 1)
      const head = router.openHead(conversation)
      if (head === undefined || !this.#isThere(head)) continue
      // Nobody is next where nobody comes: outside the team's hours, and when nobody has the skills.
      if (!router.board.isServable(need, nowMs)) continue
      const before = this.#told.get(conversation)
      const now: Told = { ahead, estimatedWaitMs: this.estimateMs(need.team, ahead), atMs }
      if (before !== undefined && !isNews(before, now)) {
        told.set(conversation, before)
        continue
      }
      told.set(conversation, now)
      const { estimatedWaitMs } = now
      const estimate = estimatedWaitMs === undefined ? {} : { estimatedWaitMs }
      this.#ports.notices.publish(head, 'contact', 'queue', { conversation, ahead, ...estimate })
    }
    this.#told = told
  }

  #isThere({ conversation, kind, channel }: Head): boolean {
    const { sessions } = this.#ports
    return kind === 'app' ? sessions.appsOf(channel) !== undefined : sessions.visitorsOf(conversation) !== undefined
  }
}

function isNews(before: Told, now: Told): boolean {
  if (now.ahead !== before.ahead) return now.ahead < NEAR || now.atMs - before.atMs >= FAR_INTERVAL_MS
  if (now.estimatedWaitMs === undefined || before.estimatedWaitMs === undefined)
    return now.estimatedWaitMs !== before.estimatedWaitMs
  if (now.atMs - before.atMs < FAR_INTERVAL_MS) return false
  return Math.abs(now.estimatedWaitMs - before.estimatedWaitMs) > ESTIMATE_CHANGE * before.estimatedWaitMs
}

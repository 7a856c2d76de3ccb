import type { ConversationId } from '../../../codec/conversation-id.js'
import type { Author } from '../../../codec/wire.js'
import { PRIORITIES } from '../../../codec/wire-commands.js'
import { KefuError } from '../../../errors.js'
import type { LogRecord } from '../../core/log-record.js'
import type { Head } from '../../core/model.js'
import type { Clock, LogPort } from '../../core/ports.js'
import type { RecordBody } from '../../core/records.js'
import { type Obstacle, obstacle } from '../../core/routing.js'
import { readBackwards } from '../delivery/pages.js'
import { previewOf } from './preview.js'
import type { Router } from './router.js'

/** What the views of the queue stand on. */
export type QueuePorts = {
  readonly log: LogPort
  readonly clock: Pick<Clock, 'now'>
  readonly router: Router
}

/** A conversation as the queue shows it. Teams, agents and channels by id or number; instants in epoch ms. */
export type QueueRow = {
  readonly head: Head
  readonly lastMessage: LastMessage | undefined
}

/** The last thing that a contact or an agent said. */
export type LastMessage = { readonly by: Author; readonly at: number; readonly text: string }

/** How many conversations there are, of all that are not closed. */
export type QueueTotals = {
  readonly waiting: number
  /** Those that bots have. */
  readonly bot: number
  /** Those that people have. */
  readonly active: number
  readonly snoozed: number
  readonly agentsOnline: number
  /** Since when the longest waiting one waits. */
  readonly oldestSince: number | undefined
}

/** A decision as it was recorded. */
export type RecordedDecision = {
  readonly n: number
  readonly at: number
  readonly type: 'queued' | 'assigned'
  readonly by: Author
  readonly agent: string | undefined
  readonly reasons: readonly string[]
}

/** Why a conversation is where it is. `now`: what would be decided at this moment, while it waits. */
export type Explanation = {
  readonly head: Head
  readonly decisions: readonly RecordedDecision[]
  readonly now:
    | {
        readonly ahead: number
        readonly reasons: readonly string[]
        readonly agents: readonly { readonly id: string; readonly obstacle: Obstacle | undefined }[]
      }
    | undefined
}

/** Records behind the last message that are looked through for it. */
const LOOK_BACK = 16
const DECISIONS = 20
/** Of each of the two. */
const MESSAGES_REMEMBERED = 50_000

type LastMessages = Map<ConversationId, { readonly n: number; readonly message: LastMessage | undefined }>

/** What operators see of the queue. Nothing is done here while nobody looks. */
export class Queue {
  readonly #ports: QueuePorts
  /** What was looked up lately, and before that: who looks at more than both hold looks them up again, and nobody else. */
  #lastMessages: LastMessages = new Map()
  #earlierMessages: LastMessages = new Map()

  constructor(ports: QueuePorts) {
    this.#ports = ports
  }

  /** All that are not closed and that the filter takes. */
  heads(filter: (head: Head) => boolean): Head[] {
    return [...this.#ports.router.openHeads()].filter(filter)
  }

  /** Id of the team whose conversation it is; undefined for everybody's. */
  teamOf(head: Head): string | undefined {
    return this.#ports.router.need(head).team
  }

  totals(): QueueTotals {
    const { board } = this.#ports.router
    let snoozed = 0
    let bot = 0
    let oldestSince: number | undefined
    for (const { state, waitingSince } of this.#ports.router.openHeads()) {
      if (state === 'snoozed') snoozed++
      if (state === 'bot') bot++
      if (waitingSince !== undefined && waitingSince < (oldestSince ?? Number.POSITIVE_INFINITY))
        oldestSince = waitingSince
    }
    const agentsOnline = [...board.agents()].filter(({ presence, isBot }) => presence === 'online' && !isBot).length
    return { waiting: board.waitingCount, bot, active: board.takenCount - bot, snoozed, agentsOnline, oldestSince }
  }

  /** Rows for heads, with what was said last. */
  rows(heads: readonly Head[]): Promise<QueueRow[]> {
    return Promise.all(heads.map(async head => ({ head, lastMessage: await this.#lastMessage(head) })))
  }

  /** One conversation, open or closed. Throws `KEFU_CONVERSATION_NOT_FOUND`. */
  async show(conversation: ConversationId): Promise<QueueRow & { readonly ahead: number | undefined }> {
    const head = await this.#head(conversation)
    const [row] = await this.rows([head])
    return { ...row!, ahead: this.#ports.router.board.ahead(conversation) }
  }

  /** Throws `KEFU_CONVERSATION_NOT_FOUND`. */
  async explain(conversation: ConversationId): Promise<Explanation> {
    const { log, clock, router } = this.#ports
    const head = await this.#head(conversation)
    const records = await readBackwards(log, conversation, head.n + 1, 500, 256 * 1024)
    const decisions = records.flatMap(({ n, at, body }) => decisionOf(n, at, body)).slice(-DECISIONS)
    const waiting = router.board.waiting(conversation)
    const ahead = router.board.ahead(conversation)
    if (waiting === undefined || ahead === undefined) return { head, decisions, now: undefined }
    const { need } = waiting
    const agents = [...router.board.agents()]
      .filter(({ id }) => router.board.isMember(id, need.team))
      .map(agent => ({ id: agent.id, obstacle: obstacle(agent, need) }))
    return { head, decisions, now: { ahead, reasons: router.board.decide(waiting, clock.now()).reasons, agents } }
  }

  async #head(conversation: ConversationId): Promise<Head> {
    const head = await this.#ports.log.head(conversation)
    if (head === null) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
    return head
  }

  async #lastMessage({ conversation, n }: Head): Promise<LastMessage | undefined> {
    const known = this.#lastMessages.get(conversation) ?? this.#earlierMessages.get(conversation)
    if (known?.n === n) return known.message
    const { log } = this.#ports
    // Of those who write at this moment it is the last record, which the log has in memory.
    let said = (await log.read(conversation, n - 1, 1)).findLast(isSaid)
    said ??= (await readBackwards(log, conversation, n, LOOK_BACK, 64 * 1024)).findLast(isSaid)
    const message =
      said?.body.type === 'message'
        ? { by: said.body.by, at: said.at, text: previewOf(said.body.parts) }
        : known?.message
    if (this.#lastMessages.size >= MESSAGES_REMEMBERED) {
      this.#earlierMessages = this.#lastMessages
      this.#lastMessages = new Map()
    }
    this.#lastMessages.set(conversation, { n, message })
    return message
  }
}

/** Later than every instant, in epoch ms; as a number, times the count of priorities, still exact. */
const NEVER = 2 ** 44

/** A conversation's turn as a number that sorts: the more urgent first, then who waits longest. */
export function turnKey({ details, waitingSince = NEVER }: Head): number {
  return (PRIORITIES.length - PRIORITIES.indexOf(details.priority)) * NEVER * 2 + waitingSince
}

function isSaid({ body }: LogRecord): boolean {
  return body.type === 'message' && body.by.role !== 'system'
}

function decisionOf(n: number, at: number, body: RecordBody): RecordedDecision[] {
  if (body.type !== 'queued' && body.type !== 'assigned') return []
  const agent = body.type === 'assigned' ? body.agent : undefined
  return [{ n, at, type: body.type, by: body.by, agent, reasons: body.reasons }]
}

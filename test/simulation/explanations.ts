import { isDeepStrictEqual } from 'node:util'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { LogRecord } from '../../src/daemon/core/log-record.js'
import type { Clock, LogPort } from '../../src/daemon/core/ports.js'
import { Queue } from '../../src/daemon/engine/routing/queue.js'
import type { Router } from '../../src/daemon/engine/routing/router.js'
import type { Random } from '../helpers/random.js'
import type { Observer } from './observer.js'

/** What explanations are judged by. */
export type ExplanationsParts = {
  readonly log: LogPort
  readonly clock: Clock
  readonly random: Random
  readonly observer: Observer
  router(): Router | undefined
}

type Decision = {
  readonly n: number
  readonly type: string
  readonly agent: string | undefined
  readonly reasons: unknown
}

/** Conversations of each state that are looked at in a sample. */
const PER_SAMPLE = 3

/** Asks, as an operator would, why a conversation waits or has its agent, and compares the answer with the records as they were written. */
export class Explanations {
  readonly counts = { waiting: 0, active: 0 }
  readonly #parts: ExplanationsParts
  /** The last decision on each conversation, as it went by in the log. */
  readonly #decided = new Map<ConversationId, Decision>()

  constructor(parts: ExplanationsParts) {
    this.#parts = parts
  }

  /** A record is in the log. */
  committed({ conversation, n, body }: LogRecord): void {
    if (body.type !== 'queued' && body.type !== 'assigned') return
    const agent = body.type === 'assigned' ? body.agent : undefined
    this.#decided.set(conversation, { n, type: body.type, agent, reasons: body.reasons })
  }

  /** Looks at a few conversations that wait and a few that agents have. */
  async sample(): Promise<void> {
    const { log, clock, random, observer } = this.#parts
    const router = this.#parts.router()
    if (router === undefined) return
    const queue = new Queue({ log, clock, router })
    for (const state of ['waiting', 'active'] as const) {
      const heads = [...router.openHeads()].filter(head => observer.truth.heads.get(head.conversation)?.state === state)
      for (let i = 0; i < PER_SAMPLE && heads.length > 0; i++)
        await this.#explain(queue, random.pick(heads).conversation, state)
    }
  }

  async #explain(queue: Queue, conversation: ConversationId, state: 'waiting' | 'active'): Promise<void> {
    const { observer } = this.#parts
    const { head, decisions } = await queue.explain(conversation)
    const told = decisions.at(-1)
    const { n, type, agent, reasons } = told ?? {}
    const expected = this.#decided.get(conversation)
    const isTold = expected === undefined || isDeepStrictEqual({ n, type, agent, reasons }, expected)
    if (head.state !== state || !isTold)
      observer.report(
        'unexplained',
        `${conversation}: ${JSON.stringify(told)}, the log has ${JSON.stringify(expected)}`,
      )
    if (expected !== undefined) this.counts[state]++
  }
}

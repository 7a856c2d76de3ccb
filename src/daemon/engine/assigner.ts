import type { ConversationId } from '../../codec/conversation-id.js'
import { isKefuError, toKefuError } from '../../errors.js'
import { type Candidate, chooseAgent } from '../core/assignment.js'
import { type Head, type RecordBody, SYSTEM } from '../core/model.js'
import type { Clock, LogEntry, LogPort, ViewPort } from '../core/ports.js'
import type { PresenceState } from './presence.js'

/** What assignment stands on. */
export type AssignerPorts = {
  readonly log: LogPort
  readonly view: ViewPort
  readonly clock: Clock
  /** Everyone who could answer. */
  agents(): Iterable<{ readonly id: string; readonly name: string }>
  presence(agent: string): PresenceState
  /** An agent has got a conversation, whether the agent is there or not. */
  assigned(agent: string): void
  /** An error that no caller waits for. */
  report(error: unknown): void
}

const PAGE = 256
const ATTEMPTS = 10
/** Pause after a decision that the store did not take. */
const RETRY_MS = 5_000

/**
 * Gives waiting conversations to agents. Life of a decision:
 *
 * 1. the log shows a conversation that is nobody's, or an agent comes online;
 * 2. `chooseAgent` decides on the head that was seen;
 * 3. the decision is appended, on the condition of the conversation's last `n`;
 * 4. once it is in the log it comes by here again, and the conversation leaves the line;
 * 5. one that the store did not take is tried again after a while.
 */
export class Assigner {
  readonly #ports: AssignerPorts
  /** Conversations without an agent, the longest waiting first. */
  readonly #waiting = new Map<ConversationId, Head>()
  /** Conversations with a record of this assigner on its way to the log: never two at once. */
  readonly #deciding = new Set<ConversationId>()
  /** Agents whose conversations go back into the line, and since when they wait. */
  readonly #gone = new Map<string, number>()
  readonly #emptying = new Set<string>()
  readonly #active = new Map<string, number>()
  /** Decided and not yet in the log. */
  readonly #reserved = new Map<string, number>()
  readonly #lastAssignedAt = new Map<string, number>()
  #cancelRetry: (() => void) | undefined
  #isFailing = false
  #isClosed = false

  constructor(ports: AssignerPorts) {
    this.#ports = ports
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  get activeCount(): number {
    let count = 0
    for (const value of this.#active.values()) count += value
    return count
  }

  /** Reads who waits and who has what; then decides on those who wait. Returns the agents who have conversations. */
  async start(): Promise<string[]> {
    for (const [agent, count] of await this.#ports.view.activeCounts()) this.#active.set(agent, count)
    let last: Head | undefined
    for (;;) {
      const after =
        last === undefined ? undefined : { sinceMs: last.waitingSince ?? 0, conversation: last.conversation }
      const page = await this.#ports.view.waiting(PAGE, after)
      for (const head of page) this.#waiting.set(head.conversation, head)
      last = page.at(-1)
      if (page.length < PAGE) break
    }
    this.#decideAll()
    return [...this.#active.keys()]
  }

  /** Follows the log: every committed record, in order. */
  observe({ record, head }: LogEntry): void {
    const { body } = record
    if (body.type === 'assigned' || body.type === 'queued') {
      if (body.from !== undefined) add(this.#active, body.from, -1)
      if (body.type === 'assigned') {
        add(this.#active, body.agent, 1)
        this.#ports.assigned(body.agent)
      }
    }
    if (head.agent !== undefined) {
      this.#waiting.delete(head.conversation)
      return
    }
    this.#waiting.set(head.conversation, head)
    this.#decide(head)
  }

  /** An agent came online: whoever waits is decided on, the longest waiting first. */
  agentOnline(): void {
    this.#decideAll()
  }

  /** Puts an agent's conversations back into the line, where they stood when the agent left; goes on until that is done or the agent is back. */
  requeue(agent: string, sinceMs: number): void {
    this.#gone.set(agent, sinceMs)
    void this.#empty(agent, sinceMs)
  }

  /** Tries nothing again. */
  close(): void {
    this.#isClosed = true
    this.#cancelRetry?.()
  }

  async #empty(agent: string, sinceMs: number): Promise<void> {
    if (this.#emptying.has(agent)) return
    this.#emptying.add(agent)
    try {
      if (await this.#takeAll(agent, sinceMs)) this.#gone.delete(agent)
      else this.#retryLater()
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#emptying.delete(agent)
    }
  }

  /** Whether the agent has no conversation any more, or is back and keeps them. */
  async #takeAll(agent: string, sinceMs: number): Promise<boolean> {
    const body: RecordBody = { type: 'queued', by: SYSTEM, since: sinceMs, reasons: ['agent-gone'], from: agent }
    for (;;) {
      const heads = await this.#ports.view.active(agent, PAGE)
      if (heads.length === 0 || this.#ports.presence(agent) !== 'offline') return true
      const free = heads.filter(head => !this.#deciding.has(head.conversation))
      const taken = await Promise.all(free.map(head => this.#settle(head, body)))
      if (!taken.includes(true)) return false
    }
  }

  #decideAll(): void {
    for (const head of [...this.#waiting.values()].sort((a, b) => (a.waitingSince ?? 0) - (b.waitingSince ?? 0)))
      this.#decide(head)
  }

  #decide(head: Head): void {
    if (this.#deciding.has(head.conversation)) return
    const decision = chooseAgent(this.#candidates())
    if (decision.assign === undefined) {
      if (head.state === 'new') {
        void this.#settle(head, {
          type: 'queued',
          by: SYSTEM,
          since: head.waitingSince ?? head.at,
          reasons: decision.reasons,
        })
      }
      return
    }
    const { id, name } = decision.assign
    this.#lastAssignedAt.set(id, this.#ports.clock.monotonicMs())
    add(this.#reserved, id, 1)
    void this.#settle(head, { type: 'assigned', by: SYSTEM, agent: id, name, reasons: decision.reasons }).then(() =>
      add(this.#reserved, id, -1),
    )
  }

  /** Appends what was decided; whether that changed anything. Never rejects. */
  async #settle(head: Head, body: RecordBody): Promise<boolean> {
    const { conversation } = head
    this.#deciding.add(conversation)
    let n: number | undefined
    try {
      n = await this.#append(head, body)
    } catch (error) {
      this.#failed(error)
    }
    this.#deciding.delete(conversation)
    // What came by meanwhile was not decided on: if it was later than this decision, or instead of it, and nobody has the conversation, it is now.
    const newer = this.#waiting.get(conversation)
    if (newer !== undefined && newer.n >= (n ?? head.n + 1)) this.#decide(newer)
    return n !== undefined
  }

  /**
   * The number of the record; undefined when the conversation has changed hands, so that the decision does not hold any more. Messages that came meanwhile
   * do not matter. Throws what the log throws.
   */
  async #append(head: Head, body: RecordBody): Promise<number | undefined> {
    const { log } = this.#ports
    let expect = head.n
    for (let attempt = 1; ; attempt++) {
      try {
        const { n } = await log.append(head.conversation, [body], { expect })
        this.#isFailing = false
        return n
      } catch (error) {
        const isMoved = isKefuError(error, 'KEFU_STORE_CONFLICT') && typeof error.detail.actual === 'number'
        if (!isMoved || attempt === ATTEMPTS) throw error
        // An earlier decision may have been written after all, though the store did not know it at the time.
        if ((await log.head(head.conversation))?.agent !== head.agent) return undefined
        expect = error.detail.actual as number
      }
    }
  }

  /** Reports the first of failures in a row; tries again where that may help. */
  #failed(error: unknown): void {
    if (!this.#isFailing) this.#ports.report(error)
    this.#isFailing = true
    if (toKefuError(error).retryable) this.#retryLater()
  }

  #retryLater(): void {
    if (this.#isClosed) return
    this.#cancelRetry ??= this.#ports.clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined
      for (const [agent, sinceMs] of this.#gone) void this.#empty(agent, sinceMs)
      this.#decideAll()
    })
  }

  #candidates(): Candidate[] {
    const candidates: Candidate[] = []
    for (const { id, name } of this.#ports.agents()) {
      candidates.push({
        id,
        name,
        state: this.#ports.presence(id),
        activeCount: (this.#active.get(id) ?? 0) + (this.#reserved.get(id) ?? 0),
        lastAssignedAt: this.#lastAssignedAt.get(id) ?? 0,
      })
    }
    return candidates
  }
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const value = (counts.get(key) ?? 0) + change
  if (value === 0) counts.delete(key)
  else counts.set(key, value)
}

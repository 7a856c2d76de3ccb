import type { ConversationId } from '../../codec/conversation-id.js'
import { isKefuError } from '../../errors.js'
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
  /** An error that no caller waits for. */
  report(error: unknown): void
}

const PAGE = 256
const ATTEMPTS = 10

/**
 * Gives waiting conversations to agents. Life of a decision:
 *
 * 1. the log shows a conversation that is nobody's, or an agent comes online;
 * 2. `chooseAgent` decides on the head that was seen;
 * 3. the decision is appended, on the condition of the conversation's last `n`;
 * 4. once it is in the log it comes by here again, and the conversation leaves the line.
 */
export class Assigner {
  readonly #ports: AssignerPorts
  /** Conversations without an agent, the longest waiting first. */
  readonly #waiting = new Map<ConversationId, Head>()
  readonly #deciding = new Set<ConversationId>()
  readonly #active = new Map<string, number>()
  /** Decided and not yet in the log. */
  readonly #reserved = new Map<string, number>()
  readonly #lastAssignedAt = new Map<string, number>()

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
      if (body.type === 'assigned') add(this.#active, body.agent, 1)
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

  /** Puts an agent's conversations back into the line, where they stood when the agent left. */
  async requeue(agent: string, sinceMs: number): Promise<void> {
    for (;;) {
      const heads = await this.#ports.view.active(agent, PAGE)
      const stuck = new Set<ConversationId>()
      for (const head of heads) {
        if (this.#ports.presence(agent) !== 'offline') return
        const body: RecordBody = { type: 'queued', by: SYSTEM, since: sinceMs, reasons: ['agent-gone'], from: agent }
        if (!(await this.#append(head, body))) stuck.add(head.conversation)
      }
      if (heads.length < PAGE || stuck.size === heads.length) return
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
        this.#settle(head, {
          type: 'queued',
          by: SYSTEM,
          since: head.waitingSince ?? head.at,
          reasons: decision.reasons,
        })
      }
      return
    }
    const { id, name } = decision.assign
    this.#settle(head, { type: 'assigned', by: SYSTEM, agent: id, name, reasons: decision.reasons }, id)
  }

  #settle(head: Head, body: RecordBody, agent?: string): void {
    this.#deciding.add(head.conversation)
    if (agent !== undefined) {
      add(this.#reserved, agent, 1)
      this.#lastAssignedAt.set(agent, this.#ports.clock.monotonicMs())
    }
    void this.#append(head, body).then(isDone => {
      this.#deciding.delete(head.conversation)
      if (agent !== undefined) add(this.#reserved, agent, -1)
      // The conversation moved on while the decision was on its way: decide on what the log says now.
      const newer = this.#waiting.get(head.conversation)
      if (!isDone && newer !== undefined && newer.n > head.n) this.#decide(newer)
    })
  }

  /**
   * Whether the record was appended. A conversation that got messages meanwhile is still nobody's: only this assigner takes and gives, so the
   * decision holds for the newer `n`. Other failures are reported, and the next record or agent tries again.
   */
  async #append(head: Head, body: RecordBody): Promise<boolean> {
    let expect = head.n
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#ports.log.append(head.conversation, [body], { expect })
        return true
      } catch (error) {
        const isMoved = isKefuError(error, 'KEFU_STORE_CONFLICT') && typeof error.detail.actual === 'number'
        if (!isMoved || attempt === ATTEMPTS) {
          this.#ports.report(error)
          return false
        }
        expect = error.detail.actual as number
      }
    }
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

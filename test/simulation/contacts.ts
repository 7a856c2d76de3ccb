import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { Author } from '../../src/codec/wire.js'
import { PRIORITIES } from '../../src/codec/wire-commands.js'
import type { Head } from '../../src/daemon/core/model.js'
import type { Clock } from '../../src/daemon/core/ports.js'
import type { MessageRecordBody, OpenedBody, RecordBody } from '../../src/daemon/core/records.js'
import type { Presence } from '../../src/daemon/core/routing.js'
import type { Random } from '../helpers/random.js'
import type { EventQueue } from './event-queue.js'
import { createWish, membersOf, type Staff } from './staff.js'

/** How contacts and agents append. */
export type AppendBodies = (
  conversation: ConversationId,
  bodies: readonly RecordBody[],
  opening?: OpenedBody,
) => Promise<void>

/** What contacts and agents stand on. */
export type ContactsParts = {
  readonly clock: Clock
  readonly events: EventQueue
  readonly random: Random
  readonly staff: Staff
  presence(agent: string): Presence
  head(conversation: ConversationId): Head | undefined
  readonly append: AppendBodies
}

const CONTACT: Author = { role: 'contact' }
const MEAN_SERVICE_MS = 50_000

/**
 * What contacts and agents do: they open conversations, write, serve, snooze, send on, give back, close, come again. All of it by the log's present state,
 * as people do who see it at once; the router sees it later.
 */
export class Contacts {
  readonly #parts: ContactsParts
  /** Number of each conversation's last assignment. */
  readonly #assignments = new Map<ConversationId, number>()
  #messages = 0
  #isFinishing = false
  openCount = 0

  constructor(parts: ContactsParts) {
    this.#parts = parts
  }

  /** From here on everything is closed when it has been served, and nobody comes again. */
  finish(): void {
    this.#isFinishing = true
  }

  /** A contact writes for the first time. What the conversation asks for comes with it, or somebody adds it later. */
  async arrive(conversation: ConversationId): Promise<void> {
    const { random, staff } = this.#parts
    const { kind, team, requires, prefers, language } = createWish(random, staff)
    const wish: RecordBody = {
      type: 'updated',
      by: { role: 'system' },
      requires,
      prefers,
      ...(language === undefined ? {} : { language }),
      ...(team === undefined ? {} : { team }),
      ...(random.next() < 0.2 ? { priority: random.pick(PRIORITIES) } : {}),
    }
    const isLate = random.next() < 0.2
    if (isLate)
      this.#later(random.integer(1, 5_000), () => {
        const head = this.#parts.head(conversation)
        if (head === undefined || head.state === 'closed') return undefined
        // It may have been sent on meanwhile, to a team where nobody can do that.
        const canBeServed = this.#canBeServed(head, team ?? head.details.team, undefined, requires)
        return canBeServed ? this.#parts.append(conversation, [wish]) : undefined
      })
    if (random.next() < 0.3) this.#later(random.integer(1, 30_000), () => this.#follow(conversation))
    if (random.next() < 0.05) this.#later(random.integer(1, 30), () => this.#leave(conversation))
    await this.#parts.append(conversation, isLate ? [this.#message()] : [wish, this.#message()], {
      type: 'opened',
      channel: 1,
      kind,
      egress: 'socket',
      contact: conversation,
    })
  }

  /** A record is in the log: people react. */
  committed(before: Head | null, head: Head, body: RecordBody): void {
    const { random, staff } = this.#parts
    const { conversation, n } = head
    this.openCount += Number(head.state !== 'closed') - Number(before !== null && before.state !== 'closed')
    if (body.type === 'assigned') {
      this.#assignments.set(conversation, n)
      this.#later(serviceMs(random), () => this.#serve(conversation, n, body.agent))
      if (random.next() < 0.2) this.#later(random.integer(1, 20_000), () => this.#answer(conversation, body.agent))
    }
    if (body.type === 'snoozed') this.#later(body.until - head.at, () => this.#wake(conversation, body.until))
    if (body.type === 'closed' && random.next() < 0.12)
      this.#later(random.integer(1, 120_000), () => this.#follow(conversation))
    const isManual = staff.teams.get(head.details.team)?.strategy === 'manual'
    if (isManual && head.waitingSince !== undefined && isNews(before, head))
      this.#later(random.integer(1, 20_000), () => this.#pickUp(conversation))
  }

  /** An agent comes to the end of what there was to do with an assignment. */
  #serve(conversation: ConversationId, n: number, agent: string): unknown {
    const { random, staff, append, clock } = this.#parts
    const head = this.#parts.head(conversation)
    // Each assignment has an end of its own, also a second one to the same agent.
    if (head?.state !== 'active' || this.#assignments.get(conversation) !== n) return undefined
    if (this.#parts.presence(agent) === 'offline') {
      this.#later(random.integer(1_000, 30_000), () => this.#serve(conversation, n, agent))
      return undefined
    }
    const by: Author = { role: 'agent', id: agent }
    const draw = this.#isFinishing ? 0 : random.next()
    if (draw < 0.74) return append(conversation, [{ type: 'closed', by, reason: 'agent' }])
    if (draw < 0.82) {
      const until = Math.floor(clock.now()) + random.integer(1_000, 60_000)
      if (random.next() < 0.3) this.#later(random.integer(1, 60_000), () => this.#follow(conversation))
      return append(conversation, [{ type: 'snoozed', by, until }])
    }
    const since = head.details.lineSince
    if (draw < 0.92) {
      const ids = [...staff.teams.keys()].filter(id => id !== undefined && this.#canBeServed(head, id, undefined))
      if (ids.length === 0) return append(conversation, [{ type: 'closed', by, reason: 'agent' }])
      const team = random.pick(ids)!
      return append(conversation, [
        { type: 'transferred', by, team },
        { type: 'queued', by, since, reasons: ['transferred'], from: agent, team },
      ])
    }
    if (!this.#canBeServed(head, head.details.team, agent))
      return append(conversation, [{ type: 'closed', by, reason: 'agent' }])
    return append(conversation, [{ type: 'queued', by, since, reasons: ['declined'], from: agent, declinedBy: agent }])
  }

  #answer(conversation: ConversationId, agent: string): unknown {
    const head = this.#parts.head(conversation)
    if (head?.state !== 'active' || head.agent !== agent) return undefined
    return this.#parts.append(conversation, [{ ...this.#message(), by: { role: 'agent', id: agent } }])
  }

  /** A contact goes, and thinks better of it at once. */
  async #leave(conversation: ConversationId): Promise<void> {
    const state = this.#parts.head(conversation)?.state
    if (state === 'closed' || state === undefined || this.#isFinishing) return
    this.#later(this.#parts.random.integer(1, 10), () => this.#follow(conversation))
    await this.#parts.append(conversation, [{ type: 'closed', by: CONTACT, reason: 'contact' }])
  }

  /** One more message: it wakes or opens again what is not active. */
  #follow(conversation: ConversationId): unknown {
    const head = this.#parts.head(conversation)
    if (head === undefined || (this.#isFinishing && head.state === 'closed')) return undefined
    return this.#parts.append(conversation, [this.#message()])
  }

  #wake(conversation: ConversationId, until: number): unknown {
    const head = this.#parts.head(conversation)
    if (head?.state !== 'snoozed' || head.details.snoozedUntil !== until) return undefined
    return this.#parts.append(conversation, [{ type: 'woken', by: { role: 'system' }, since: until }])
  }

  #pickUp(conversation: ConversationId): unknown {
    const { random, staff } = this.#parts
    const head = this.#parts.head(conversation)
    if (head === undefined || head.waitingSince === undefined) return undefined
    if (staff.teams.get(head.details.team)?.strategy !== 'manual') return undefined
    const present = membersOf(staff, head.details.team).filter(({ id }) => this.#parts.presence(id) === 'online')
    if (present.length === 0) {
      this.#later(random.integer(1_000, 10_000), () => this.#pickUp(conversation))
      return undefined
    }
    const { id, name } = random.pick(present)
    const by: Author = { role: 'agent', id }
    return this.#parts.append(conversation, [{ type: 'assigned', by, agent: id, name, reasons: ['picked-up'] }])
  }

  /** Whether a team has somebody for it, besides one who gives it back: what nobody can serve is not the router's to solve. */
  #canBeServed(
    { details }: Head,
    team: string | undefined,
    without: string | undefined,
    requires = details.requires,
  ): boolean {
    if (without !== undefined && this.#parts.staff.teams.get(team)?.strategy === 'manual') return true
    return membersOf(this.#parts.staff, team).some(
      ({ id, skills }) =>
        id !== without &&
        !details.declinedBy.includes(id) &&
        Object.entries(requires).every(([skill, level]) => (skills.get(skill) ?? 0) >= level),
    )
  }

  #message(): MessageRecordBody {
    return { type: 'message', by: CONTACT, id: `m_${++this.#messages}`, parts: [{ type: 'text', text: 'hi' }] }
  }

  #later(delayMs: number, run: () => unknown): void {
    this.#parts.events.push(this.#parts.clock.monotonicMs() + Math.max(1, delayMs), run)
  }
}

function isNews(before: Head | null, head: Head): boolean {
  return before?.waitingSince !== head.waitingSince || before?.details.team !== head.details.team
}

function serviceMs(random: Random): number {
  return Math.min(300_000, Math.round(-Math.log(1 - random.next()) * MEAN_SERVICE_MS) + 1)
}

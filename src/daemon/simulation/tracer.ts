import type { ConversationId } from '../../codec/conversation-id.js'
import { PRIORITIES } from '../../codec/wire-commands.js'
import { reduce } from '../core/conversation.js'
import type { LogRecord } from '../core/log-record.js'
import type { Head } from '../core/model.js'
import type { RecordBody } from '../core/records.js'
import type { Episode, Leg, LegEnd, TraceBatch, Window, Wish } from './trace.js'

/** A conversation that is open, and what was seen of it. `legAt`: when its leg began, or when somebody got it. */
type Open = { head: Head; episode: Episode | undefined; leg: Leg | undefined; legAt: number; servedAt: number }

/**
 * Makes episodes of records, which come in log order. Holds what is open; what has ended is taken with `take`. Pure.
 *
 * Of a conversation that it does not know, it asks for the head before (`needs`, then `adopt`), for all records that may mean something.
 */
export class Tracer {
  readonly #window: Window
  readonly #defaultTeam: (channel: number) => string | undefined
  readonly #open = new Map<ConversationId, Open>()
  readonly #wishes = new Map<string, number>()
  #newWishes: Wish[] = []
  #ended: Episode[] = []

  constructor(window: Window, defaultTeam: (channel: number) => string | undefined) {
    this.#window = window
    this.#defaultTeam = defaultTeam
  }

  get endedCount(): number {
    return this.#ended.length
  }

  get openCount(): number {
    return this.#open.size
  }

  isKnown(conversation: ConversationId): boolean {
    return this.#open.has(conversation)
  }

  /** Whether the head before a record has to be adopted first. */
  needs({ conversation, n, body }: LogRecord): boolean {
    return n > 1 && !this.#open.has(conversation) && mayMatter(body)
  }

  /** Takes in a conversation as it stood before a record of the window. */
  adopt(head: Head): void {
    const open: Open = { head, episode: undefined, leg: undefined, legAt: 0, servedAt: 0 }
    this.#open.set(head.conversation, open)
    const { since: at } = this.#window
    if (head.waitingSince !== undefined) this.#begin(open, at, head.waitingSince)
    else if (head.state === 'active' && head.agent !== undefined) {
      this.#begin(open, at, undefined)
      this.#serve(open, at, head.agent, true)
    } else if (head.state === 'snoozed' && head.agent !== undefined) {
      this.#begin(open, at, undefined)
      this.#serve(open, at, head.agent, true)
      this.#endLeg(open, at, 'snoozed')
    }
  }

  /** The next record. */
  push(record: LogRecord): void {
    const { conversation, n, at, body } = record
    const open = this.#open.get(conversation)
    if (open === undefined && n > 1) return
    const before = open?.head ?? null
    const after = headAfter(before, record)
    const present = open ?? { head: after, episode: undefined, leg: undefined, legAt: 0, servedAt: 0 }
    if (open === undefined) this.#open.set(conversation, present)
    present.head = after
    this.#follow(present, before, at, body)
    if (after.state === 'closed') this.#open.delete(conversation)
  }

  /** What has ended since the last call. */
  take(): TraceBatch {
    const batch = { wishes: this.#newWishes, episodes: this.#ended }
    this.#newWishes = []
    this.#ended = []
    return batch
  }

  /** The window ends, and with it so many of those that are open. Whether there were any. */
  finish(limit: number): boolean {
    const { until } = this.#window
    let left = limit
    for (const [conversation, open] of this.#open) {
      if (left-- === 0) break
      if (open.leg !== undefined && open.leg.agent === undefined) open.leg.waitMs = between(open.legAt, until)
      if (open.leg !== undefined) this.#endLeg(open, until, 'open')
      this.#end(open)
      this.#open.delete(conversation)
    }
    return left < limit
  }

  #follow(open: Open, before: Head | null, at: number, body: RecordBody): void {
    const { head: after } = open
    const wasWaiting = before?.waitingSince !== undefined
    const agentBefore = before?.state === 'active' ? before.agent : undefined
    const agentAfter = after.state === 'active' ? after.agent : undefined
    if (open.episode !== undefined && before?.details.answeredAt === undefined && after.details.answeredAt === at)
      open.episode.answerMs ??= between(open.servedAt, at)
    if (after.state === 'closed') {
      if (open.leg !== undefined && open.leg.agent === undefined) open.leg.waitMs = between(open.legAt, at)
      if (open.leg !== undefined) this.#endLeg(open, at, 'closed')
      this.#end(open)
      return
    }
    if (after.state === 'bot') {
      this.#withBot(open, at)
      return
    }
    if (agentAfter !== undefined) {
      if (agentAfter === agentBefore) return
      if (agentBefore !== undefined) this.#endLeg(open, at, 'given')
      if (open.episode === undefined) this.#begin(open, at, at)
      else if (open.leg === undefined) this.#beginLeg(open, at, false)
      const isByHand = body.type !== 'assigned' || body.by.role !== 'system'
      this.#serve(open, at, agentAfter, isByHand)
      return
    }
    if (after.state === 'snoozed') {
      if (open.leg !== undefined) this.#endLeg(open, at, 'snoozed')
      return
    }
    if (after.waitingSince === undefined) return
    if (agentBefore !== undefined) this.#endLeg(open, at, endOf(body))
    if (open.episode === undefined) this.#begin(open, at, after.waitingSince)
    else if (open.leg === undefined) this.#beginLeg(open, at, body.type === 'queued' && body.team !== undefined)
    else if (wasWaiting) this.#changed(open, at, body)
  }

  /** What a bot has asks for nobody: it begins when the bot hands it over. */
  #withBot(open: Open, at: number): void {
    if (open.leg === undefined || open.episode === undefined) return
    open.episode.legs.pop()
    open.leg = undefined
    open.legAt = at
    if (open.episode.legs.length === 0) open.episode = undefined
  }

  #changed({ head, leg, legAt }: Open, at: number, body: RecordBody): void {
    if (leg === undefined) return
    if (isOverflow(body)) {
      leg.overflows++
      return
    }
    const isTeamGiven = (body.type === 'queued' || body.type === 'updated') && body.team !== undefined
    const wish = this.#wishOf(head)
    const last = leg.changes.at(-1)?.wish ?? leg.wish
    if (isTeamGiven || wish !== last) leg.changes.push({ afterMs: between(legAt, at), wish, isTeamGiven })
  }

  #begin(open: Open, at: number, since: number | undefined): void {
    const { lastAgent, lineSince, teamSince, declinedBy } = open.head.details
    open.episode = {
      at,
      since,
      teamSince,
      lineSince: since ?? lineSince,
      lastAgent,
      declinedBy,
      answerMs: undefined,
      legs: [],
    }
    open.legAt = at
    this.#beginLeg(open, at, true)
  }

  #beginLeg(open: Open, at: number, isTeamGiven: boolean): void {
    const { episode } = open
    if (episode === undefined) return
    open.leg = {
      gapMs: episode.legs.length === 0 ? 0 : between(open.legAt, at),
      wish: this.#wishOf(open.head),
      isTeamGiven,
      changes: [],
      waitMs: 0,
      agent: undefined,
      isByHand: false,
      overflows: 0,
      serviceMs: 0,
      end: 'open',
    }
    episode.legs.push(open.leg)
    open.legAt = at
  }

  #serve(open: Open, at: number, agent: string, isByHand: boolean): void {
    const { leg, episode } = open
    if (leg === undefined || episode === undefined) return
    leg.waitMs = between(open.legAt, at)
    leg.agent = agent
    leg.isByHand = isByHand
    open.legAt = at
    if (episode.legs.length === 1) open.servedAt = at
  }

  #endLeg(open: Open, at: number, end: LegEnd): void {
    const { leg } = open
    if (leg === undefined) return
    if (leg.agent !== undefined) leg.serviceMs = between(open.legAt, at)
    leg.end = end
    open.leg = undefined
    open.legAt = at
  }

  #end({ episode }: Open): void {
    if (episode !== undefined) this.#ended.push(episode)
  }

  #wishOf(head: Head): number {
    const { kind, channel, details } = head
    const { team = this.#defaultTeam(channel), requires, prefers, language } = details
    const rank = PRIORITIES.indexOf(details.priority)
    const key = JSON.stringify([kind, team, Object.entries(requires), prefers, language, rank])
    let number = this.#wishes.get(key)
    if (number === undefined) {
      number = this.#wishes.size
      this.#wishes.set(key, number)
      this.#newWishes.push({ kind, team, requires, prefers, language, rank })
    }
    return number
  }
}

/** A conversation's head with one more record. */
export function headAfter(head: Head | null, { conversation, n, seq, at, flags, body }: LogRecord): Head {
  return reduce(conversation, head, { n, seq, at, flags, prev: head?.seq ?? 0 }, body)
}

/** What a contact writes opens and wakes; what agents write only matters to those who are known. */
function mayMatter(body: RecordBody): boolean {
  switch (body.type) {
    case 'message':
      return body.by.role === 'contact'
    case 'note':
    case 'rated':
    case 'overdue':
    case 'linked':
    case 'transferred':
      return false
    default:
      return true
  }
}

function isOverflow(body: RecordBody): boolean {
  return body.type === 'queued' && body.by.role === 'system' && body.reasons.includes('overflow')
}

function endOf(body: RecordBody): LegEnd {
  if (body.type !== 'queued') return 'sent'
  if (body.declinedBy !== undefined) return 'declined'
  return body.reasons.includes('agent-gone') ? 'gone' : 'sent'
}

/** The wall clock may have been set back between two records. */
function between(from: number, to: number): number {
  return Math.max(0, to - from)
}

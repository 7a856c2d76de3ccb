import type { ConversationId } from '../../codec/conversation-id.js'
import { RECORD_FLAGS, type RecordStamp } from '../../codec/record.js'
import { KefuError } from '../../errors.js'
import { isForgotten, standingBody } from './forgotten.js'
import type { Details, Head, ReplyWindow } from './model.js'
import type { MessageRecordBody, OpenedBody, Permission, QueuedBody, RecordBody, UpdatedBody } from './records.js'

/** The conversation reducer: pure, so that any replay of the log gives the same heads. */

/**
 * The head after one more record. Throws `KEFU_CONVERSATION_NOT_FOUND` when the first record is not `opened`, and
 * `KEFU_STORE_CONFLICT` when `opened` comes again, unless what came before is forgotten. Every other record is taken at any time: who appends decides what fits.
 */
export function reduce(conversation: ConversationId, head: Head | null, stamp: RecordStamp, body: RecordBody): Head {
  const next = reduceLive(conversation, head, stamp, body)
  return (stamp.flags & RECORD_FLAGS.imported) === 0 ? next : settled(next)
}

/** What was brought in is over: nobody has to answer or to do anything, whatever stood at its end. */
function settled(head: Head): Head {
  const details = { ...head.details, snoozedUntil: undefined, wokenFor: undefined, declinedBy: [] }
  return { ...head, state: 'closed', agent: undefined, waitingSince: undefined, unansweredSince: undefined, details }
}

function reduceLive(conversation: ConversationId, head: Head | null, stamp: RecordStamp, record: RecordBody): Head {
  const body = record.type === 'forgotten' ? standingBody(record) : record
  if (head === null) {
    if (body.type !== 'opened') throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
    return opened(conversation, stamp, body)
  }
  let { name, state, agent, waitingSince, unansweredSince, saidAt, details } = head
  switch (body.type) {
    case 'opened':
      if (!isForgotten(head)) throw new KefuError('KEFU_STORE_CONFLICT', { expected: 0, actual: head.n })
      return openedAnew(head, stamp, body)
    case 'message':
      unansweredSince = unansweredAfter(head, stamp, body)
      if (body.by.role !== 'system') saidAt = stamp.at
      if (body.window !== undefined) details = { ...details, window: permitted(details.window, body.window, stamp) }
      if (body.reply === 'idleWarning') details = { ...details, idleWarnedAt: saidAt }
      if (body.by.role === 'contact') {
        if (state === 'new' && body.writtenAt !== undefined) state = 'waiting'
        if (state === 'closed') {
          // What comes late is for people: a bot would answer what nobody asks any more.
          state = body.writtenAt === undefined ? 'new' : 'waiting'
          waitingSince = stamp.at
          details = nextEpisode(details, stamp.at)
        } else if (state === 'snoozed') {
          state = 'waiting'
          agent = undefined
          waitingSince = stamp.at
          details = awake({ ...head, details }, stamp.at)
        }
      } else if (isAnswer(body) && state !== 'bot' && details.answeredAt === undefined)
        details = { ...details, answeredAt: stamp.at }
      break
    case 'event':
      if (body.window !== undefined) details = { ...details, window: permitted(details.window, body.window, stamp) }
      break
    case 'queued':
      // What a bot has said answers nobody who now asks for a person.
      if (state === 'bot') unansweredSince ??= body.since
      state = 'waiting'
      agent = undefined
      waitingSince = body.since
      details = {
        ...details,
        snoozedUntil: undefined,
        wokenFor: undefined,
        lastAgent: served(head, stamp.at),
        team: body.team ?? details.team,
        teamSince: body.asksAgain ? details.teamSince : stamp.at,
        declinedBy: declinedAfter(head, body),
      }
      break
    case 'assigned':
      // Who takes it over from a bot has answered nothing yet.
      if (state === 'bot' && !body.bot) unansweredSince ??= stamp.at
      state = body.bot ? 'bot' : 'active'
      agent = body.agent
      details = {
        ...details,
        // The others are not asked again if this one declines, too.
        declinedBy: details.declinedBy.filter(declined => declined !== body.agent),
        snoozedUntil: undefined,
        wokenFor: undefined,
        lineSince: waitingSince ?? details.lineSince,
        lastAgent: body.agent === head.agent ? details.lastAgent : served(head, stamp.at),
      }
      waitingSince = undefined
      break
    case 'snoozed':
      state = 'snoozed'
      waitingSince = undefined
      details = { ...details, snoozedUntil: body.until }
      break
    case 'woken':
      state = 'waiting'
      agent = undefined
      waitingSince = body.since
      details = awake(head, stamp.at)
      break
    case 'closed':
      state = 'closed'
      agent = undefined
      waitingSince = undefined
      unansweredSince = undefined
      details = {
        ...details,
        snoozedUntil: undefined,
        wokenFor: undefined,
        declinedBy: [],
        lastAgent: served(head, stamp.at),
      }
      break
    case 'reopened':
      state = 'new'
      agent = undefined
      waitingSince = stamp.at
      details = nextEpisode(details, stamp.at)
      break
    case 'updated':
      details = updated(details, body, stamp.at)
      if (body.name !== undefined) name = orAbsent(body.name)
      break
    case 'rated':
      if (body.episode === details.episode) details = { ...details, rating: body.score }
      break
    case 'linked':
      details = { ...details, person: body.person }
      break
    case 'overdue':
      details = { ...details, overdueSince: unansweredSince }
      break
    case 'transferred':
    case 'note':
    case 'delivery':
      break
    default:
      body satisfies never
  }
  const { channel, kind, egress, contact } = head
  const { n, seq, at } = stamp
  return {
    conversation,
    n,
    seq,
    at,
    channel,
    kind,
    egress,
    contact,
    name,
    state,
    agent,
    waitingSince,
    unansweredSince,
    saidAt,
    details,
  }
}

/** What a conversation knows of itself when it begins. */
export function firstDetails(openedAt: number): Details {
  return {
    episode: 1,
    openedAt,
    answeredAt: undefined,
    lineSince: openedAt,
    team: undefined,
    teamSince: openedAt,
    overdueSince: undefined,
    idleWarnedAt: undefined,
    priority: 'normal',
    tags: [],
    subject: undefined,
    language: undefined,
    requires: {},
    prefers: [],
    snoozedUntil: undefined,
    wokenFor: undefined,
    declinedBy: [],
    lastAgent: undefined,
    rating: undefined,
    attributes: {},
    person: undefined,
    window: undefined,
  }
}

/** Owner name of an agent's inbox. */
export function agentOwner(agent: string): string {
  return `a:${agent}`
}

/** Owner name of an app channel's inbox. */
export function channelOwner(channel: number): string {
  return `ch:${channel}`
}

/** The inboxes that a conversation belongs to in this state. */
export function owners(head: Head): readonly string[] {
  const channel = head.kind === 'app' ? [channelOwner(head.channel)] : []
  return head.agent === undefined ? channel : [...channel, agentOwner(head.agent)]
}

/** The outbox lane that a record with these flags must go out through, if any: what agents (and the system) write to contacts of a platform. */
export function outboxLane(head: Head, record: RecordBody, flags: number): string | undefined {
  if ((flags & RECORD_FLAGS.imported) !== 0) return undefined
  const body = standingBody(record)
  if (body.type !== 'message' || body.by.role === 'contact' || body.isEcho) return undefined
  return head.egress === 'outbox' ? channelOwner(head.channel) : undefined
}

/** Whose ids a record's id is compared with: a contact's resends never compete with an agent's. */
export function dedupeSide(record: RecordBody): 'contact' | 'staff' {
  const body = standingBody(record)
  return body.type === 'message' && body.by.role !== 'contact' ? 'staff' : 'contact'
}

function opened(conversation: ConversationId, { n, seq, at }: RecordStamp, body: OpenedBody): Head {
  const { channel, kind, egress, contact, name, language, team, isQuiet = false } = body
  return {
    conversation,
    n,
    seq,
    at,
    channel,
    kind,
    egress,
    contact,
    name,
    state: isQuiet ? 'closed' : 'new',
    agent: undefined,
    waitingSince: isQuiet ? undefined : at,
    unansweredSince: undefined,
    saidAt: undefined,
    // What begins quietly has its first episode when the contact says something.
    details: { ...firstDetails(at), episode: isQuiet ? 0 : 1, language, team },
  }
}

/** Somebody of whom nothing is known: only the episodes go on being counted. */
function openedAnew(head: Head, stamp: RecordStamp, body: OpenedBody): Head {
  const anew = opened(head.conversation, stamp, body)
  const episode = head.details.episode + anew.details.episode
  return { ...anew, details: { ...anew.details, episode } }
}

/** A permission replaces the one before; a shorter one is added to it, and takes nothing away. */
function permitted(before: Details['window'], { until, messages }: Permission, { n, at }: RecordStamp): ReplyWindow {
  if (before === undefined || before.until <= until || before.until <= at) return { n, until, messages }
  return { ...before, messages: before.messages + messages }
}

/** An agent's word answers the contact; kefu's own replies do not. */
function isAnswer({ by }: MessageRecordBody): boolean {
  return by.role === 'agent'
}

function unansweredAfter(head: Head, stamp: RecordStamp, body: MessageRecordBody): number | undefined {
  if (body.by.role === 'contact') return head.unansweredSince ?? stamp.at
  return isAnswer(body) ? undefined : head.unansweredSince
}

/** The person who has it now, or had it last. */
function served({ agent, state, details }: Head, at: number): Details['lastAgent'] {
  return agent === undefined || state === 'bot' ? details.lastAgent : { id: agent, at }
}

/** What is given back in another way may go to anybody. */
function declinedAfter({ agent, details }: Head, body: QueuedBody): readonly string[] {
  if (body.declinedBy !== undefined) return withText(details.declinedBy, body.declinedBy)
  return body.asksAgain || agent !== undefined ? [] : details.declinedBy
}

/** It waits anew, first of all for who had put it aside: for how long before, is nothing to the team. */
function awake(head: Head, at: number): Details {
  return {
    ...head.details,
    snoozedUntil: undefined,
    wokenFor: head.agent,
    teamSince: at,
    declinedBy: [],
    lastAgent: served(head, at),
  }
}

/** What belongs to the matter ends with its episode; what is known of the contact stays. */
function nextEpisode(details: Details, at: number): Details {
  const { episode, language, lastAgent, attributes, person, window } = details
  return { ...firstDetails(at), episode: episode + 1, language, lastAgent, attributes, person, window }
}

function updated(details: Details, body: UpdatedBody, at: number): Details {
  const { priority, subject, language, team, addTags, removeTags, requires, prefers, attributes } = body
  let { tags } = details
  if (removeTags !== undefined) tags = tags.filter(tag => !removeTags.includes(tag))
  for (const tag of addTags ?? []) tags = withText(tags, tag)
  const nextTeam = team === undefined ? details.team : orAbsent(team)
  return {
    ...details,
    tags,
    priority: priority ?? details.priority,
    subject: subject === undefined ? details.subject : orAbsent(subject),
    language: language === undefined ? details.language : orAbsent(language),
    team: nextTeam,
    teamSince: nextTeam === details.team ? details.teamSince : at,
    requires: requires ?? details.requires,
    prefers: prefers ?? details.prefers,
    attributes: attributes === undefined ? details.attributes : withAttributes(details.attributes, attributes),
  }
}

/** The attributes of a contact after a change: those with an empty text are gone. */
export function withAttributes(
  present: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const all = Object.entries({ ...present, ...changes })
  return Object.fromEntries(all.filter(([, value]) => value !== ''))
}

function withText(texts: readonly string[], text: string): readonly string[] {
  return texts.includes(text) ? texts : [...texts, text]
}

function orAbsent(text: string): string | undefined {
  return text === '' ? undefined : text
}

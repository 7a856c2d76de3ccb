import type {
  QueueEntryView,
  QueueExplanationView,
  QueueRowView,
  QueueTotalsView,
} from '../../../daemon/control/client.js'
import type { Fact, ListColumn } from '../../_cli/output.js'
import { instantText, wordsOfCount, wordsOfDuration, wordsOfInstant } from '../../_cli/words.js'

/** Columns of `kefu queue list`, as of an instant (epoch ms). */
export function queueColumns(nowMs: number): readonly ListColumn<QueueRowView>[] {
  return [
    {
      key: 'waited',
      header: 'WAITED',
      plain: row => (row.waitingSince === undefined ? '' : wordsOfWait(nowMs - row.waitingSince).replaceAll(' ', '')),
      human: row => (row.waitingSince === undefined ? '–' : wordsOfWait(nowMs - row.waitingSince)),
    },
    { key: 'channel', header: 'CHANNEL', plain: row => row.channel, isFlexible: true, rank: 5 },
    { key: 'contact', header: 'CONTACT', plain: row => row.name ?? row.contact, human: contactName, isFlexible: true },
    {
      key: 'team',
      header: 'TEAM',
      plain: row => row.team ?? '',
      human: row => row.team ?? '–',
      isFlexible: true,
      rank: 4,
    },
    {
      key: 'priority',
      header: 'PRI',
      plain: row => row.priority,
      human: row => (row.priority === 'normal' ? '–' : row.priority),
      rank: 6,
    },
    {
      key: 'agent',
      header: 'WHO',
      plain: row => row.agent ?? '',
      human: row => row.agent ?? '–',
      isFlexible: true,
      rank: 2,
    },
    {
      key: 'message',
      header: 'LAST MESSAGE',
      plain: lastText,
      human: row => lastText(row) || '–',
      isFlexible: true,
      rank: 3,
    },
    { key: 'state', header: 'STATE', plain: row => row.state, rank: 7 },
    { key: 'id', header: 'ID', plain: row => row.conversation, rank: 1 },
  ]
}

/** What is above the table. */
export function totalsLine(totals: QueueTotalsView, nowMs: number): string {
  return totalsParts(totals, nowMs).join(' · ')
}

/** The same, in parts. */
export function totalsParts(
  { waiting, bot, active, snoozed, agentsOnline, oldestSince }: QueueTotalsView,
  nowMs: number,
): string[] {
  return [
    `QUEUE  ${waiting} waiting${oldestSince === undefined ? '' : `, oldest ${wordsOfWait(nowMs - oldestSince)}`}`,
    ...(bot > 0 ? [`${bot} with bots`] : []),
    `${active} assigned`,
    ...(snoozed > 0 ? [`${snoozed} snoozed`] : []),
    `${wordsOfCount(agentsOnline, 'agent')} online`,
  ]
}

/** One conversation as named values. */
export function entryFacts(entry: QueueEntryView, nowMs: number): Fact[] {
  const { conversation, state, channel, contact, name, team, agent, priority, ahead, waitingSince, lastMessage } = entry
  const optional = (label: string, value: string | undefined): Fact[] => (value === undefined ? [] : [[label, value]])
  const since = (label: string, at: number | undefined): Fact[] =>
    at === undefined ? [] : [[label, instantText(at), `${wordsOfInstant(at)}, ${wordsOfWait(nowMs - at)} ago`]]
  return [
    ['conversation', conversation],
    ['state', state],
    ['channel', channel],
    ['contact', contact],
    ...optional('name', name),
    ...optional('agent', agent),
    ...optional('team', team),
    ['priority', priority],
    ...since('waiting since', waitingSince),
    ...(ahead === undefined ? [] : ([['ahead', String(ahead)]] satisfies Fact[])),
    ...since('unanswered since', entry.unansweredSince),
    ['episode', String(entry.episode)],
    ...since('opened', entry.openedAt),
    ...since('first answer', entry.answeredAt),
    ...(entry.snoozedUntil === undefined
      ? []
      : ([['snoozed until', instantText(entry.snoozedUntil), wordsOfInstant(entry.snoozedUntil)]] satisfies Fact[])),
    ...(entry.window === undefined ? [] : [windowFact(entry.window)]),
    ...optional('subject', entry.subject),
    ...optional('language', entry.language),
    ...(entry.tags.length === 0 ? [] : ([['tags', entry.tags.join(' ')]] satisfies Fact[])),
    ...Object.entries(entry.requires).map(([skill, level]): Fact => ['requires', `${skill} ${level}`]),
    ...entry.prefers.map((skill): Fact => ['prefers', skill]),
    ...entry.declinedBy.map((declined): Fact => ['declined by', declined]),
    ...optional('last agent', entry.lastAgent),
    ...(entry.rating === undefined ? [] : ([['rating', String(entry.rating)]] satisfies Fact[])),
    ...Object.entries(entry.attributes).map(([key, value]): Fact => [`attribute ${key}`, value]),
    ...(lastMessage === undefined ? [] : ([['last message', lastText(entry)]] satisfies Fact[])),
  ]
}

/** Why a conversation is where it is, as named values: what would be decided now, then what was decided, the latest first. */
export function explanationFacts({ conversation, state, agent, team, decisions, now }: QueueExplanationView): Fact[] {
  const facts: Fact[] = [
    ['conversation', conversation],
    ['state', state, agent === undefined ? state : `${state}, with ${agent}`],
  ]
  if (team !== undefined) facts.push(['team', team])
  if (now !== undefined) {
    facts.push(['ahead', String(now.ahead)], ['now', now.reasons.join(' '), wordsOfReasons(now.reasons)])
    for (const { name, obstacle } of now.agents) facts.push([`agent ${name}`, obstacle ?? 'free'])
  }
  for (const { at, type, agent, reasons, by } of [...decisions].reverse()) {
    const who = by.role === 'system' ? '' : ` by ${by.name ?? by.role}`
    const what = type === 'assigned' ? `assigned to ${agent}` : 'queued'
    facts.push([
      instantText(at),
      `${type} ${agent ?? ''} ${reasons.join(' ')}`.replaceAll(/ +/g, ' '),
      `${what}${who}: ${wordsOfReasons(reasons)}`,
    ])
  }
  return facts
}

const REASON_WORDS: Readonly<Record<string, string>> = {
  sticky: 'served this contact last',
  'least-active': 'had the fewest conversations',
  'round-robin': 'was given one longest ago',
  'longest-idle': 'had been idle longest',
  manual: 'its agents pick up themselves',
  'off-hours': 'outside business hours',
  'no-members': 'there is nobody to give it to',
  'agent-gone': 'its agent had gone',
  'answered-elsewhere': 'answered on the platform itself',
  accepted: 'picked up',
  'taken-over': 'taken over',
  assigned: 'assigned by hand',
  transferred: 'transferred',
  requeued: 'put back by hand',
  declined: 'given back',
  reopened: 'reopened',
  offline: 'offline',
  away: 'away',
  unskilled: 'without the skill',
  full: 'at capacity',
  free: 'free',
  active: 'conversations of theirs',
  skill: 'has the skill',
  welcome: 'has the welcome skill',
  language: 'speaks',
}

/** Reasons in words: `3 at capacity, 1 away`. */
export function wordsOfReasons(reasons: readonly string[]): string {
  return reasons
    .map(reason => {
      const [word = '', value] = reason.split('=')
      const words = REASON_WORDS[word] ?? word
      if (value === undefined) return words
      return /^\d+$/.test(value) ? `${value} ${words}` : `${words} ${value}`
    })
    .join(', ')
}

function wordsOfWait(ms: number): string {
  return wordsOfDuration(Math.max(0, Math.floor(ms / 1_000) * 1_000))
}

function contactName({ name, contact }: QueueRowView): string {
  return name ?? (contact.length > 14 ? `visitor ${contact.slice(-4)}` : contact)
}

function lastText({ lastMessage }: Pick<QueueRowView, 'lastMessage'>): string {
  return lastMessage?.text ?? ''
}

function windowFact({ until, messages }: NonNullable<QueueEntryView['window']>): Fact {
  const many = `${messages} message${messages === 1 ? '' : 's'} of the platform`
  return ['reply window', `${instantText(until)} ${messages}`, `until ${wordsOfInstant(until)}, ${many}`]
}

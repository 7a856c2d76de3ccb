import type { Author, Part, RecordEvent, WireRecord } from '../../../client/index.js'
import { wordsOfInstant } from '../../_cli/words.js'
import { safeText } from './safe-text.js'

/** A record as a line: who, and what. `isNotice` when nobody said it. */
export type RecordText = { readonly author: string; readonly text: string; readonly isNotice: boolean }

/** What the other side is called when it has no name, and how whoever reads this rates, if they may. */
export type Names = { readonly contact: string; readonly rating?: string }

/** A record in words; undefined for one that a person does not need to see. */
export function describeRecord({ record, own }: RecordEvent, names: Names): RecordText | undefined {
  switch (record.type) {
    case 'message':
      return {
        author: own ? 'you' : nameOf(record.by, names),
        text: [...(record.parts ?? []).map(describePart), ...windowLines(record)].join('\n'),
        isNotice: false,
      }
    case 'assigned':
      return notice(`${safeText(typeof record.name === 'string' ? record.name : 'an agent')} has the conversation`)
    case 'queued':
      return notice('the conversation waits for an agent')
    case 'internal':
    case 'opened':
      return undefined
    default:
      return notice(describeChange(record, nameOf(record.by, names), names.rating))
  }
}

/** How long and how much the contact's platform lets be answered. */
function windowLines({ window }: WireRecord): string[] {
  const { until, messages } = (window ?? {}) as { readonly until?: unknown; readonly messages?: unknown }
  if (typeof until !== 'number' || typeof messages !== 'number') return []
  return [`(the platform takes ${messages} answer${messages === 1 ? '' : 's'} until ${wordsOfInstant(until)})`]
}

/** What somebody did to the conversation. Fields are another program's: only what has the right type is told. */
function describeChange(record: WireRecord, who: string, rating: string | undefined): string {
  const { type, note, text, until, score, comment } = record
  const said = (words: unknown): string => (typeof words === 'string' && words !== '' ? `: ${safeText(words)}` : '')
  switch (type) {
    case 'transferred':
      return `${who} sent it on${said(note)}`
    case 'snoozed':
      return `put aside${typeof until === 'number' ? ` until ${wordsOfInstant(until)}` : ''}`
    case 'woken':
      return 'the conversation needs an agent again'
    case 'closed':
      return `the conversation is closed${rating !== undefined && record.asksRating === true ? `; ${rating}` : ''}`
    case 'reopened':
      return 'the conversation is open again'
    case 'note':
      return `note of ${who}${said(text)}`
    case 'rated':
      return `rated${typeof score === 'number' ? ` ${score} of 5` : ''}${said(comment)}`
    case 'updated':
      return `${who} changed${said(describeFacts(record))}`
    case 'linked':
      return record.person === undefined
        ? 'the contact is somebody of its own again'
        : 'the contact is the same person as others'
    case 'overdue':
      return 'an answer is overdue'
    case 'event':
      return `${who}: ${describeEvent(record)}`
    case 'delivery':
      return describeDelivery(record)
    default:
      return `(${safeText(type)})`
  }
}

function describeEvent({ name, data }: WireRecord): string {
  const facts = typeof data === 'object' && data !== null ? Object.entries(data) : []
  return bracketed(...[name, ...facts.map(([key, value]) => `${key}=${String(value)}`)].map(String))
}

/** What became of a message on its platform. */
const DELIVERIES: Readonly<Record<string, string>> = {
  held: 'is held until the contact writes again',
  failed: 'did not go out',
  unknown: 'may not have arrived',
  sent: 'has gone out after all',
}

function describeDelivery({ message, state, reason }: WireRecord): string {
  const became = DELIVERIES[String(state)] ?? safeText(String(state))
  const why = typeof reason === 'string' && reason !== '' ? `: ${safeText(reason)}` : ''
  return `message ${typeof message === 'number' ? message : '?'} ${became}${why}`
}

function describeFacts({ type: _, by: __, ...facts }: WireRecord): string {
  return Object.entries(facts)
    .map(([name, value]) => describeFact(name, value))
    .join(', ')
}

function describeFact(name: string, value: unknown): string {
  if (typeof value === 'string') return `${name} ${value}`
  if (isTexts(value)) {
    if (name === 'addTags') return `tags ${value.map(tag => `+${tag}`).join(' ')}`
    if (name === 'removeTags') return `tags ${value.map(tag => `-${tag}`).join(' ')}`
    return `${name} ${value.join(' ') || 'nothing'}`
  }
  if (name === 'requires' && typeof value === 'object' && value !== null) {
    const skills = Object.entries(value).map(([skill, level]) => `${skill} ${JSON.stringify(level)}`)
    return `${name} ${skills.join(' ') || 'nothing'}`
  }
  return `${name} ${JSON.stringify(value)}`
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(text => typeof text === 'string')
}

/** A part in words, safe for a terminal. */
export function describePart(part: Part): string {
  switch (part.type) {
    case 'text':
      return safeText(part.text)
    case 'image':
    case 'audio':
    case 'video':
    case 'file':
      return bracketed(part.type, part.name, part.media)
    case 'location':
      return bracketed('location', part.label, `${part.latitude}, ${part.longitude}`)
    case 'card':
      return bracketed('card', part.title, part.text, part.url)
    case 'choices':
      return [part.text, ...part.choices.map(({ label }, index) => `${index + 1}. ${label}`)].map(safeText).join('\n')
    case 'event':
      return bracketed('event', part.name)
    default:
      // A part that a later version has.
      return bracketed(String((part as { readonly type: unknown }).type))
  }
}

function nameOf(by: Author | undefined, names: Names): string {
  if (by?.role === 'agent') return safeText(by.name ?? 'agent')
  return by?.role === 'contact' ? names.contact : 'kefu'
}

function notice(text: string): RecordText {
  return { author: '', text, isNotice: true }
}

function bracketed(...words: readonly (string | undefined)[]): string {
  return safeText(`[${words.filter(word => word !== undefined && word !== '').join(' ')}]`)
}

import type { Author, Part, RecordEvent } from '../../../client/index.js'
import { safeText } from './safe-text.js'

/** A record as a line: who, and what. `isNotice` when nobody said it. */
export type RecordText = { readonly author: string; readonly text: string; readonly isNotice: boolean }

/** What the other side is called when it has no name. */
export type Names = { readonly contact: string }

/** A record in words; undefined for one that a person does not need to see. */
export function describeRecord({ record, own }: RecordEvent, names: Names): RecordText | undefined {
  switch (record.type) {
    case 'message':
      return {
        author: own ? 'you' : nameOf(record.by, names),
        text: (record.parts ?? []).map(describePart).join('\n'),
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
      return notice(`(${safeText(record.type)})`)
  }
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

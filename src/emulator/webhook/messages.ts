import { isRecord } from '../core/api.js'

/** A message of the channel, as far as the back office needs it. */
export type BackOfficeMessage = {
  readonly id: string
  readonly contact: string
  readonly type: string
  /** What the contact sees of it. */
  readonly text: string
}

/** Reads a message; undefined for what is none. */
export function readMessage(body: Readonly<Record<string, unknown>>): BackOfficeMessage | undefined {
  const { id, contact, part } = body
  if (typeof id !== 'string' || !isRecord(contact) || typeof contact.id !== 'string') return undefined
  if (!isRecord(part) || typeof part.type !== 'string') return undefined
  return { id, contact: contact.id, type: part.type, text: textOf(part.type, part) }
}

function textOf(type: string, part: Readonly<Record<string, unknown>>): string {
  switch (type) {
    case 'text':
      return String(part.text)
    case 'card':
      return `[${String(part.title)}](${String(part.url ?? '')})`
    case 'location':
      return `[${String(part.label ?? 'location')}: ${String(part.latitude)}, ${String(part.longitude)}]`
    case 'choices': {
      const choices = Array.isArray(part.choices) ? part.choices.filter(isRecord) : []
      return [part.text, ...choices.map(({ id, label }) => `(${String(id)}) ${String(label)}`)].map(String).join('\n')
    }
    default:
      return `[${type}: ${String(part.name ?? '')}${'data' in part ? '' : ', not sent along'}]`
  }
}

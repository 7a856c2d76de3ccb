import type { Part } from '../../codec/wire.js'
import type { Capabilities } from './channel-adapter.js'
import { splitText } from './text-pieces.js'

/**
 * What a message becomes on a platform: its parts in their order, each as one or more messages of the platform. Texts that are too long are cut (`splitText`);
 * parts of a type that the platform does not take become texts in no language: a place its label, coordinates and a map; a card its lines; choices the question and
 * numbered answers; a file its name. Events that it does not take are nobody's message: a message of nothing else becomes nothing.
 *
 * The same for every call: pieces have their number by it.
 */
export function piecesOf(parts: readonly Part[], capabilities: Capabilities): readonly Part[] {
  const pieces: Part[] = []
  for (const part of parts) {
    if (part.type !== 'text' && capabilities.outbound.includes(part.type)) {
      pieces.push(part)
      continue
    }
    const text = textOf(part)
    if (text === '') continue
    for (const piece of splitText(text, capabilities.text)) pieces.push({ type: 'text', text: piece })
  }
  return pieces
}

/** A part in words that need no language; empty when it has none. */
function textOf(part: Part): string {
  switch (part.type) {
    case 'text':
      return part.text
    case 'location':
      return lines(part.label, `${part.latitude}, ${part.longitude}`, mapOf(part.latitude, part.longitude))
    case 'card':
      return lines(part.title, part.text, part.url)
    case 'choices':
      return lines(part.text, ...part.choices.map(({ label }, at) => `${at + 1}. ${label}`))
    case 'image':
    case 'audio':
    case 'video':
    case 'file':
      return part.name || `[${part.type}]`
    case 'event':
      return ''
  }
}

function mapOf(latitude: number, longitude: number): string {
  return `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`
}

function lines(...texts: readonly (string | undefined)[]): string {
  return texts.filter(text => text !== undefined && text !== '').join('\n')
}

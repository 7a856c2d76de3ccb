import type { Part } from '../../codec/wire.js'
import type { Capabilities } from './channel-adapter.js'
import { NOTHING_SENT, type OutboxProgress, type PartPlace } from './ports.js'
import { splitText } from './text-pieces.js'

/** A message of a platform, and the place up to which the message has gone with it. */
export type Piece = { readonly part: Part; readonly end: PartPlace }

/**
 * What a message becomes on a platform: its parts in their order, each as one or more messages of the platform. Texts that are too long are cut (`splitText`);
 * parts of a type that the platform does not take become texts in no language: a place its label, coordinates and a map; a card its lines; choices the question and
 * numbered answers; a file its name. Events that it does not take are nobody's message: a message of nothing else becomes nothing.
 *
 * Only those that have not gone yet: they go on where the last one ended, whatever the limits are by now.
 */
export function piecesOf(
  parts: readonly Part[],
  capabilities: Capabilities,
  { pieces: sent, place }: OutboxProgress = NOTHING_SENT,
): readonly Piece[] {
  if (place === undefined) return piecesOf(parts, capabilities).slice(sent)
  const pieces: Piece[] = []
  for (let at = place.part; at < parts.length; at++) {
    const part = parts[at]!
    const from = at === place.part ? place.offset : 0
    if (from === 0 && part.type !== 'text' && capabilities.outbound.includes(part.type)) {
      pieces.push({ part, end: { part: at + 1, offset: 0 } })
      continue
    }
    const text = textOf(part)
    if (from >= text.length) continue
    for (const piece of splitText(text, capabilities.text, from))
      pieces.push({ part: { type: 'text', text: piece.text }, end: { part: at, offset: piece.end } })
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

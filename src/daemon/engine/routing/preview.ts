import type { Part } from '../../../codec/wire.js'

const PREVIEW_LENGTH = 120

/** The beginning of a message as one text: what is not text by its kind, in brackets. */
export function previewOf(parts: readonly Part[]): string {
  const text = parts.map(part => (part.type === 'text' ? part.text : `[${part.type}]`)).join(' ')
  return [...text.slice(0, 4 * PREVIEW_LENGTH)].slice(0, PREVIEW_LENGTH).join('')
}

import type { Capabilities } from './channel-adapter.js'
import { graphemesOf } from './graphemes.js'

/** How long a text may be, and what is counted. */
export type TextLimit = Capabilities['text']

/** How good a place between two graphemes is to cut at. */
const BORDERS = { none: 0, word: 1, sentence: 2, line: 3, paragraph: 4 } as const

const LINE_END = /^\r?\n$|^[\r\u2028\u2029]$/
const BLANK = /^\s+$/
/** Ends a sentence where a blank follows, and without one. */
const NARROW_END = /^[.!?;…]$/
const WIDE_END = /^[。！？；…]$/
const WIDE_COMMA = /^[，、：]$/
/** Belongs to what stands before it. */
const CLOSER = /^["'”’」』）】》〉)\]}]$/

/** A text in units that are not cut, one after the other: where each ends, how much all up to it count for, and what its end is as a border. */
type Units = {
  readonly ends: readonly number[]
  readonly sizes: readonly number[]
  readonly borders: readonly number[]
}

/** A piece of a text, and where it ends in it (UTF-16). */
export type TextPiece = { readonly text: string; readonly end: number }

/**
 * A text in pieces of at most `max`, cut where it hurts least: at the end of a paragraph, line, sentence or word in the second half of a piece, then in the second
 * quarter, and else between any two graphemes. Only a grapheme that is longer than a piece is cut, between code points. The pieces together are the text, except
 * that those of nothing but blanks are left out of a text that is more than that. Takes time in proportion to the text.
 *
 * `from`: only what lies behind this place, in the pieces that the whole text has there, where the place is between two of them.
 */
export function splitText(text: string, limit: TextLimit, from = 0): readonly TextPiece[] {
  // No unit counts more than 3 for each unit of UTF-16.
  if (from === 0 && (text.length * 3 <= limit.max || sizeOf(text, limit.unit) <= limit.max))
    return [{ text, end: text.length }]
  const { ends, sizes, borders } = unitsOf(text, limit)
  let first = from === 0 ? 0 : ends.indexOf(from) + 1
  // Within what is not cut by this limit, though it was by another.
  if (from > 0 && first === 0)
    return splitText(text.slice(from), limit).map(piece => ({ ...piece, end: piece.end + from }))
  const pieces: TextPiece[] = []
  let start = from
  while (first < ends.length) {
    const next = cut(first, limit.max, sizes, borders)
    const end = ends[next - 1]!
    const piece = text.slice(start, end)
    if (!BLANK.test(piece)) pieces.push({ text: piece, end })
    start = end
    first = next
  }
  if (pieces.length > 0 || from > 0) return pieces
  const end = ends[cut(0, limit.max, sizes, borders) - 1]!
  return [{ text: text.slice(0, end), end }]
}

/** How much a text counts for. */
export function sizeOf(text: string, unit: TextLimit['unit']): number {
  if (unit === 'utf16') return text.length
  let size = 0
  for (const character of text) size += unit === 'bytes' ? bytesOf(character.codePointAt(0)!) : 1
  return size
}

/** The unit with which the next piece begins: at least one further. */
function cut(first: number, max: number, sizes: readonly number[], borders: readonly number[]): number {
  const before = sizes[first - 1] ?? 0
  let next = first + 1
  while (next < sizes.length && sizes[next]! - before <= max) next++
  if (next === sizes.length) return next
  const half = bestBorder(first, next, before + max / 2, sizes, borders)
  const quarter = half ?? bestBorder(first, next, before + max / 4, sizes, borders)
  return quarter ?? next
}

/** Behind the last of the best borders between units whose end counts for at least `from`. */
function bestBorder(
  first: number,
  next: number,
  from: number,
  sizes: readonly number[],
  borders: readonly number[],
): number | undefined {
  let best: number | undefined
  let border: number = BORDERS.none
  for (let at = next - 1; at >= first && sizes[at]! >= from; at--) {
    if (borders[at]! <= border) continue
    border = borders[at]!
    best = at + 1
  }
  return best
}

function unitsOf(text: string, limit: TextLimit): Units {
  const ends: number[] = []
  const sizes: number[] = []
  const borders: number[] = []
  let end = 0
  let size = 0
  const add = (unit: string, length: number, border: number): void => {
    end += unit.length
    size += length
    ends.push(end)
    sizes.push(size)
    borders.push(border)
  }
  const graphemes = graphemesOf(text)
  let endsSentence = false
  for (const [at, grapheme] of graphemes.entries()) {
    const length = sizeOf(grapheme, limit.unit)
    if (length > limit.max) for (const point of grapheme) add(point, sizeOf(point, limit.unit), BORDERS.none)
    else add(grapheme, length, borderAfter(grapheme, graphemes[at - 1], graphemes[at + 1], endsSentence))
    const isEnd = NARROW_END.test(grapheme) || WIDE_END.test(grapheme)
    endsSentence = isEnd || (endsSentence && (CLOSER.test(grapheme) || BLANK.test(grapheme)))
  }
  return { ends, sizes, borders }
}

/** `endsSentence`: before this grapheme there is the end of a sentence, with at most closing marks and blanks in between. */
function borderAfter(
  grapheme: string,
  previous: string | undefined,
  next: string | undefined,
  endsSentence: boolean,
): number {
  if (next === undefined || CLOSER.test(next) || WIDE_END.test(next) || WIDE_COMMA.test(next)) return BORDERS.none
  if (LINE_END.test(grapheme)) {
    if (BLANK.test(next)) return BORDERS.none
    return previous !== undefined && LINE_END.test(previous) ? BORDERS.paragraph : BORDERS.line
  }
  // Blanks stay with what stands before them.
  if (BLANK.test(next)) return BORDERS.none
  if (BLANK.test(grapheme)) return endsSentence ? BORDERS.sentence : BORDERS.word
  if (WIDE_END.test(grapheme) || (endsSentence && CLOSER.test(grapheme))) return BORDERS.sentence
  return WIDE_COMMA.test(grapheme) ? BORDERS.word : BORDERS.none
}

function bytesOf(codePoint: number): number {
  if (codePoint < 0x80) return 1
  if (codePoint < 0x800) return 2
  return codePoint < 0x10000 ? 3 : 4
}

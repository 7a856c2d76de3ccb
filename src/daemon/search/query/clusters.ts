import { foldText, isFoldedInPlace } from './fold.js'

/** A stretch of a text: from an offset (units of UTF-16) to another, exclusive. */
export type Span = readonly [start: number, end: number]

/** A text, folded, and what of the original each stretch of the folded text stands for. */
export type FoldedPlaces = {
  /** What `foldText` returns. */
  readonly folded: string
  /** The smallest stretch of whole characters of the original whose folding contains this stretch of the folded text, which is not empty. */
  spanOf(start: number, end: number): Span
}

/** What belongs to the character before it: marks, joiners, colours of skin, the letters of flags. */
const EXTENDS = /^(?:\p{M}|[\u200c\uff9e\uff9f]|\u200d|[\u{1f3fb}-\u{1f3ff}]|[\u{e0020}-\u{e007f}])/u
/** What may become one with the character before it when it is folded, though people see two: letters of Hangul, and some of Kirat Rai. */
const COMPOSES = /^[\u1100-\u11ff\u3131-\u318e\ud7b0-\ud7ff\uffa0-\uffdc\u{16d63}-\u{16d6a}]/u
const PICTURE = /^\p{Extended_Pictographic}/u
const FLAG_LETTER = /^\p{Regional_Indicator}$/u
const ZERO_WIDTH_JOINER = '\u200d'

/** Folds a text, keeping track of its places. Takes time in proportion to the text. */
export function foldWithPlaces(text: string): FoldedPlaces {
  if (isFoldedInPlace(text)) return { folded: foldText(text), spanOf: (start, end) => [start, end] }
  const originalAt: number[] = []
  const foldedAt: number[] = []
  let folded = ''
  let at = 0
  for (const cluster of clustersOf(text)) {
    originalAt.push(at)
    foldedAt.push(folded.length)
    at += cluster.length
    folded += foldText(cluster)
  }
  originalAt.push(at)
  return {
    folded,
    spanOf: (start, end) => [originalAt[lastUpTo(foldedAt, start)]!, originalAt[lastUpTo(foldedAt, end - 1) + 1]!],
  }
}

/** The text in pieces that people see as single characters and that fold to the same one by one as together. */
export function clustersOf(text: string): readonly string[] {
  const clusters: string[] = []
  let cluster = ''
  let last = ''
  for (const character of text) {
    if (cluster !== '' && !belongs(cluster, last, character)) {
      clusters.push(cluster)
      cluster = ''
    }
    cluster += character
    last = character
  }
  if (cluster !== '') clusters.push(cluster)
  return clusters
}

function belongs(cluster: string, last: string, character: string): boolean {
  const code = character.charCodeAt(0)
  // Latin letters and ideographs: nearly all of what is written.
  if (code < 0x300 || (code >= 0x3400 && code < 0xa000)) return false
  if (EXTENDS.test(character)) return true
  if (last === ZERO_WIDTH_JOINER && PICTURE.test(character)) return true
  if (FLAG_LETTER.test(character)) return FLAG_LETTER.test(cluster)
  return COMPOSES.test(character) && foldText(cluster + character) !== foldText(cluster) + foldText(character)
}

/** Index of the last one of ascending numbers that is not greater; the first is not. */
function lastUpTo(ascending: readonly number[], value: number): number {
  let low = 0
  let high = ascending.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (ascending[middle]! <= value) low = middle
    else high = middle
  }
  return low
}

import type { TextQuery } from '../../core/search.js'
import { type FoldedPlaces, foldWithPlaces, type Span } from './clusters.js'
import { compileRegex, type Regex } from './regex.js'

/** Stretches that are marked in one text; those behind are not. */
export const HIGHLIGHT_LIMIT = 256

/** Where an original text has what a query looks for. */
export type Highlighter = (original: string) => Span[]

/**
 * Finds in original texts what a query looks for: whole characters, ascending, apart from each other, at most `HIGHLIGHT_LIMIT`. Of `or` all that is there; what
 * must not be there is not looked for. Throws `KEFU_SEARCH_INVALID` for expressions that are none.
 */
export function createHighlighter(query: TextQuery): Highlighter {
  const literals: string[] = []
  const regexes: Regex[] = []
  collect(query, true, literals, regexes)
  return original => {
    if (literals.length + regexes.length === 0) return []
    const places = foldWithPlaces(original)
    const spans: Span[] = []
    for (const literal of literals) addLiteral(places, literal, spans)
    for (const regex of regexes)
      for (const [start, end] of regex.placesIn(places.folded, HIGHLIGHT_LIMIT)) spans.push(places.spanOf(start, end))
    return merged(spans).slice(0, HIGHLIGHT_LIMIT)
  }
}

function collect(query: TextQuery, isWanted: boolean, literals: string[], regexes: Regex[]): void {
  switch (query.type) {
    case 'literal':
      if (isWanted) literals.push(query.text)
      break
    case 'regex':
      if (isWanted) regexes.push(compileRegex(query.source))
      break
    case 'not':
      collect(query.of, !isWanted, literals, regexes)
      break
    case 'and':
    case 'or':
      for (const one of query.of) collect(one, isWanted, literals, regexes)
      break
    case 'all':
      break
    default:
      query satisfies never
  }
}

/** Also where one overlaps the next. */
function addLiteral({ folded, spanOf }: FoldedPlaces, literal: string, spans: Span[]): void {
  for (let at = folded.indexOf(literal), found = 0; at >= 0 && found < HIGHLIGHT_LIMIT; found++) {
    spans.push(spanOf(at, at + literal.length))
    at = folded.indexOf(literal, at + 1)
  }
}

function merged(spans: Span[]): Span[] {
  spans.sort((one, other) => one[0] - other[0] || one[1] - other[1])
  const found: [number, number][] = []
  for (const [start, end] of spans) {
    const last = found.at(-1)
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end)
    else found.push([start, end])
  }
  return found
}

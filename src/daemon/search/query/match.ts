import type { TextQuery } from '../../core/search.js'
import { compileRegex } from './regex.js'
import { regexNeeds } from './regex-needs.js'

/** Tells of a folded text whether it is what a query asks for. */
export type Matcher = (folded: string) => boolean

/**
 * The test of a query, once for many texts: texts have to be folded (`foldText`). Takes time in proportion to the text and the terms. Throws
 * `KEFU_SEARCH_INVALID` for expressions that are none.
 */
export function compileMatcher(query: TextQuery): Matcher {
  switch (query.type) {
    case 'all':
      return () => true
    case 'literal': {
      const { text } = query
      return folded => folded.includes(text)
    }
    case 'regex': {
      const regex = compileRegex(query.source)
      const mayMatch = compileMatcher(regexNeeds(query.source))
      return folded => mayMatch(folded) && regex.test(folded)
    }
    case 'not': {
      const matches = compileMatcher(query.of)
      return folded => !matches(folded)
    }
    case 'and': {
      const all = compileQuickestFirst(query.of)
      return folded => {
        for (const matches of all) if (!matches(folded)) return false
        return true
      }
    }
    case 'or': {
      const all = compileQuickestFirst(query.of)
      return folded => {
        for (const matches of all) if (matches(folded)) return true
        return false
      }
    }
    default:
      return query satisfies never
  }
}

function compileQuickestFirst(queries: readonly TextQuery[]): readonly Matcher[] {
  return [...queries].sort((one, other) => cost(one) - cost(other)).map(compileMatcher)
}

function cost(query: TextQuery): number {
  if (query.type === 'regex') return 100
  if (query.type === 'and' || query.type === 'or') return query.of.reduce((sum, one) => sum + cost(one), 0)
  return query.type === 'not' ? cost(query.of) : 1
}

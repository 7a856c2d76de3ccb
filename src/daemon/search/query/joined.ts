import type { TextQuery } from '../../core/search.js'

/** Queries as one: one that stands alone is itself, and those of the same type are taken in. */
export function joined(type: 'and' | 'or', queries: readonly TextQuery[]): TextQuery {
  const of = queries.flatMap(query => (query.type === type ? query.of : [query]))
  return of.length === 1 ? of[0]! : { type, of }
}

import type { DocFilter, TextQuery } from '../../core/search.js'
import { MEDIA_BITS } from '../query/filter.js'
import { joined } from '../query/joined.js'
import { regexNeeds } from '../query/regex-needs.js'
import { agentTerm, channelTerm, conversationTerm, kindTerms, literalTerms } from './terms.js'

/** What the terms of a group must be like if a query can match in it. That they are so does not mean that it does. */
export type Plan =
  | { readonly type: 'all' }
  /** All of these, the most telling first. */
  | { readonly type: 'terms'; readonly terms: readonly number[] }
  | { readonly type: 'and' | 'or'; readonly of: readonly Plan[] }

const ALL: Plan = { type: 'all' }
const ANY: TextQuery = { type: 'all' }

/** A list longer than this is not looked up: passing over records by their fields takes less time then. */
const LOOKUPS_LIMIT = 64

/** What a text contains, or texts put together contain, if a query holds for it, or for one of them: literals, of which all or one are there. */
export function needsOf(query: TextQuery): TextQuery {
  switch (query.type) {
    case 'literal':
      return query
    case 'regex':
      return regexNeeds(query.source)
    case 'and': {
      const certain = query.of.map(needsOf).filter(({ type }) => type !== 'all')
      return certain.length === 0 ? ANY : joined('and', certain)
    }
    case 'or': {
      const needs = query.of.map(needsOf)
      return needs.some(({ type }) => type === 'all') ? ANY : joined('or', needs)
    }
    case 'all':
    case 'not':
      return ANY
    default:
      return query satisfies never
  }
}

/** The plan of a query's needs. */
export function planNeeds(needs: TextQuery): Plan {
  switch (needs.type) {
    case 'literal': {
      // Halves of pairs are found in texts, but are no characters.
      const { text } = needs
      return text.isWellFormed() ? { type: 'terms', terms: literalTerms(text) } : ALL
    }
    case 'and':
      return both(needs.of.map(planNeeds))
    case 'or':
      return either(needs.of.map(planNeeds))
    default:
      return ALL
  }
}

/** The plan of a filter, as far as terms know it. */
export function planFilter(filter: DocFilter): Plan {
  const { conversations, agents, channels, kinds, hasMedia } = filter
  return both([
    anyOf(conversations, conversationTerm),
    // Nobody is no agent that could be looked up.
    agents?.includes('') ? ALL : anyOf(agents, agentTerm),
    anyOf(channels, channelTerm),
    kinds === undefined ? ALL : anyOf(kindTerms(kinds), term => term),
    hasMedia === true ? anyOf(kindTerms(MEDIA_BITS), term => term) : ALL,
  ])
}

/** Both plans. */
export function both(plans: readonly Plan[]): Plan {
  const narrow = plans.filter(({ type }) => type !== 'all')
  return narrow.length < 2 ? (narrow[0] ?? ALL) : { type: 'and', of: narrow }
}

function either(plans: readonly Plan[]): Plan {
  return plans.some(({ type }) => type === 'all') ? ALL : { type: 'or', of: plans }
}

function anyOf<T>(values: readonly T[] | undefined, term: (value: T) => number): Plan {
  if (values === undefined || values.length > LOOKUPS_LIMIT) return ALL
  return either(values.map(value => ({ type: 'terms', terms: [term(value)] })))
}

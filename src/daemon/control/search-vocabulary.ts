import {
  SEARCH_DIRECTIONS,
  SEARCH_KINDS,
  SEARCH_LIMITS,
  type SearchDirection,
  type SearchKind,
} from '../core/search.js'

/** What a search may name: kinds of what was said, and directions. */
export const SEARCH_WORDS: {
  readonly kinds: readonly SearchKind[]
  readonly directions: readonly SearchDirection[]
} = { kinds: Object.keys(SEARCH_KINDS) as SearchKind[], directions: SEARCH_DIRECTIONS }

/** Hits of one page, and lines on either side of one. */
export const SEARCH_PAGE = { hits: SEARCH_LIMITS.hits, context: SEARCH_LIMITS.context } as const

import { type DocFilter, FACT_BIT, MEDIA_KINDS, SEARCH_KINDS, type SearchDoc } from '../../core/search.js'

/** The bits of `MEDIA_KINDS`. */
export const MEDIA_BITS = MEDIA_KINDS.reduce((bits, kind) => bits | SEARCH_KINDS[kind].bit, 0)

/** What of a record is filtered by. */
export type Filtered = Omit<SearchDoc, 'seq' | 'text'>

/** The test of a filter, once for many records. Facts pass only a filter that asks for them. */
export function compileFilter(filter: DocFilter): (doc: Filtered) => boolean {
  const conversations = setOf(filter.conversations)
  const channels = setOf(filter.channels)
  const agents = setOf(filter.agents)
  const directions = setOf(filter.directions)
  const { kinds, hasMedia, since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = filter
  return doc => {
    if (doc.at < since || doc.at >= until) return false
    if (kinds === undefined ? (doc.kinds & FACT_BIT) !== 0 : (doc.kinds & kinds) === 0) return false
    if (hasMedia !== undefined && ((doc.kinds & MEDIA_BITS) !== 0) !== hasMedia) return false
    if (channels !== undefined && !channels.has(doc.channel)) return false
    if (directions !== undefined && !directions.has(doc.direction)) return false
    if (agents !== undefined && !agents.has(doc.agent)) return false
    return conversations === undefined || conversations.has(doc.conversation)
  }
}

function setOf<T>(values: readonly T[] | undefined): ReadonlySet<T> | undefined {
  return values === undefined ? undefined : new Set(values)
}

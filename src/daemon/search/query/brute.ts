import type { DocFilter, IndexHit, IndexPage, IndexQuery, SearchDoc, TextQuery } from '../../core/search.js'
import { compileFilter } from './filter.js'
import { foldText } from './fold.js'
import { compileMatcher } from './match.js'

/** Tells of a record whether it is a hit: what every index has to agree with. Throws `KEFU_SEARCH_INVALID`. */
export function compileDocTest(text: TextQuery, filter: DocFilter): (doc: SearchDoc) => boolean {
  const passes = compileFilter(filter)
  const matches = compileMatcher(text)
  return doc => passes(doc) && matches(foldText(doc.text))
}

/**
 * The answer to a query over records in ascending order of seq, found by looking at each of them: the reference of every index, and the way to search what is in
 * none yet. With `next` unless there is nothing more to look at.
 */
export function scanDocs(docs: readonly SearchDoc[], query: IndexQuery): IndexPage {
  const isHit = compileDocTest(query.text, query.filter)
  const step = query.order === 'oldest' ? 1 : -1
  const last = step > 0 ? docs.length : -1
  const hits: IndexHit[] = []
  for (let at = firstOf(docs, query); at !== last; at += step) {
    const doc = docs[at]!
    if (!isHit(doc)) continue
    hits.push({ seq: doc.seq, conversation: doc.conversation })
    if (hits.length === query.limit) return at + step === last ? { hits } : { hits, next: doc.seq }
  }
  return { hits }
}

/** How many records are hits. */
export function countDocs(docs: readonly SearchDoc[], text: TextQuery, filter: DocFilter): number {
  const isHit = compileDocTest(text, filter)
  let count = 0
  for (const doc of docs) if (isHit(doc)) count++
  return count
}

/** Index of the first record behind `after` in the order of the query. */
function firstOf(docs: readonly SearchDoc[], { order, after }: IndexQuery): number {
  if (after === undefined) return order === 'oldest' ? 0 : docs.length - 1
  let low = 0
  let high = docs.length
  while (low < high) {
    const middle = (low + high) >> 1
    const { seq } = docs[middle]!
    if (order === 'oldest' ? seq <= after : seq < after) low = middle + 1
    else high = middle
  }
  return order === 'oldest' ? low : low - 1
}

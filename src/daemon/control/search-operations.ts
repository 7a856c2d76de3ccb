import { z } from 'zod'
import { nothing } from './schemas.js'
import { countRequest, searchCount, searchPage, searchRequest, searchStatus } from './search-schemas.js'

const since = '0.1.0'

/** The operations on the index of the history: part of the one table. */
export const SEARCH_OPERATIONS = {
  'history.search': {
    summary: 'a page of what was said that has these words',
    request: searchRequest,
    answer: searchPage,
    mutates: false,
    stream: false,
    since,
  },
  'history.count': {
    summary: 'how often something was said, as far as could be counted in a few seconds',
    request: countRequest,
    answer: searchCount,
    mutates: false,
    stream: false,
    since,
  },
  'store.reindex': {
    summary: 'throws the index of the history away and builds it again from the log, in the background',
    request: nothing,
    answer: z.object({ search: searchStatus }),
    mutates: true,
    stream: false,
    since,
  },
} as const

import type { ErrorRow } from './row.js'

/** Searches of what was said. */
export const SEARCH_ERRORS = {
  KEFU_SEARCH_INVALID: {
    message: 'this cannot be searched for: {reason}',
    exit: 2,
    http: 400,
    retryable: false,
    hint: 'put what is meant as it stands between double quotes',
  },
  KEFU_SEARCH_DAMAGED: {
    message: 'the search index is damaged: {where}',
    exit: 1,
    http: 503,
    retryable: true,
    hint: 'it is built again from the log by itself; kefu status tells how far it is',
    peerHint: 'try again in a few minutes',
  },
  KEFU_SEARCH_BUSY: {
    message: 'too many searches are under way',
    exit: 1,
    http: 503,
    retryable: true,
    hint: 'try again in a moment',
  },
  KEFU_SEARCH_UNAVAILABLE: {
    message: 'the history cannot be searched at the moment: {reason}',
    exit: 1,
    http: 503,
    retryable: true,
    hint: 'try again; if it stays so, kefu daemon logs, or kefu store reindex',
    peerHint: 'try again in a moment',
  },
} as const satisfies Record<string, ErrorRow>

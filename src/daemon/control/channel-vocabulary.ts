/** What commands about channels need to know before they call the daemon: without the schemas of its operations. */

import { CHECK_TIMEOUT_MS } from '../core/check-step.js'

/** How long to wait for the answer to an operation that has a channel check itself: a little more than the check may take. */
export const CHECK_ANSWER_MS = CHECK_TIMEOUT_MS + 5_000

export { RETENTION_KINDS, type RetentionKind } from '../core/retention-kinds.js'

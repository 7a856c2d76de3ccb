import type { ConversationId } from '../../../codec/conversation-id.js'
import type { LogRecord } from '../../core/log-record.js'
import type { LogPort } from '../../core/ports.js'

/** Records `after`+1, `after`+2 … of a conversation, at most `limit`, however large they are; a page at a time is in memory. Throws what the log throws. */
export async function* recordsAfter(
  log: Pick<LogPort, 'read'>,
  conversation: ConversationId,
  after: number,
  limit: number,
): AsyncGenerator<LogRecord> {
  for (let n = after; n < after + limit; ) {
    const page = await log.read(conversation, n, after + limit - n)
    if (page.length === 0) return
    yield* page
    n += page.length
  }
}

import { parseConversationId } from '../../codec/conversation-id.js'
import { packRecord, RECORD_FLAGS, readStamp, stampRecord } from '../../codec/record.js'
import { forgotten } from '../core/forgotten.js'
import { LogRecord } from '../core/log-record.js'
import { RECORD_TYPES } from '../core/records.js'

/** What takes the place of a record that is forgotten at an instant (epoch ms): the same place in the log, with other content. */
export function forgottenRecord(record: LogRecord, nowMs: number): LogRecord {
  const conversation = parseConversationId(record.conversation)
  const body = forgotten(record.body, Math.max(0, Math.floor(nowMs)))
  const bytes = packRecord(body)
  const before = readStamp(record.bytes, conversation)
  // Also where it came from decides on what follows from it.
  const stamp = { ...before, flags: RECORD_TYPES.forgotten.flags | (before.flags & RECORD_FLAGS.imported) }
  stampRecord(bytes, conversation, stamp)
  return new LogRecord(record.conversation, stamp, bytes, body)
}

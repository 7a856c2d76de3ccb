import type { ConversationId } from '../../../codec/conversation-id.js'
import { JsonBytes } from '../../../codec/msgpack-json.js'
import { KefuError } from '../../../errors.js'
import type { LogRecord } from '../../core/log-record.js'
import type { LogPort } from '../../core/ports.js'
import { conversationPages, type RecordRange } from './conversation-pages.js'
import type { ReadingTurns } from './reading-turns.js'
import { type ChannelNames, contextOf, isMessage, writeLine } from './record-line.js'

/** What showing a conversation stands on. */
export type ShowPorts = {
  readonly log: Pick<LogPort, 'head' | 'read' | 'tail' | 'cursor'>
  readonly turns: ReadingTurns
  readonly channelName: ChannelNames
}

/** What is shown of a conversation. `follow`: then also what comes, until the signal. */
export type ShowRequest = Omit<RecordRange, 'includes'> & {
  readonly conversation: ConversationId
  /** Also what is no message. */
  readonly all: boolean
  readonly follow: boolean
}

/** The records as lines, many to a chunk. Throws `KEFU_CONVERSATION_NOT_FOUND`, `KEFU_STORE_CORRUPT`, and the signal's reason. */
export async function* showConversation(
  { log, turns, channelName }: ShowPorts,
  { conversation, all, follow, ...range }: ShowRequest,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  // Taken before the head: what comes between the two is told once, by its number.
  const cursor = log.cursor()
  const head = await log.head(conversation)
  if (head === null) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
  const includes = (record: LogRecord): boolean => all || isMessage(record)
  const context = contextOf(head, channelName)
  for await (const page of conversationPages({ log, turns }, conversation, head.n, { ...range, includes }, signal)) {
    const json = new JsonBytes(page.reduce((sum, { bytes }) => sum + 2 * bytes.length, 4096))
    for (const record of page) writeLine(json, record, context)
    yield json.take()
  }
  if (!follow) return
  for await (const entries of log.tail(cursor, signal)) {
    const json = new JsonBytes(4096)
    for (const { record, head: present } of entries)
      if (record.conversation === conversation && record.n > head.n && includes(record))
        writeLine(json, record, contextOf(present, channelName))
    if (json.length > 0) yield json.take()
  }
}

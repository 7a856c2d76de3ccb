import type { ConversationId } from '../../../codec/conversation-id.js'
import type { LogEntry } from '../../core/ports.js'
import type { RecordBody } from '../../core/records.js'
import { isMessage } from './record-line.js'

/** Which records are meant; each that is there has to hold. */
export type RecordFilter = {
  readonly conversations?: ReadonlySet<ConversationId>
  /** Number of the channel. */
  readonly channel?: number
  /** Id of the agent who did it, or got it. */
  readonly agent?: string
  readonly types?: ReadonlySet<string>
  /** Epoch ms, from `since` (inclusive) to `until` (exclusive). */
  readonly since?: number
  readonly until?: number
}

/** Whether a record is meant. What is cheap to know is asked first. */
export function createMatcher(filter: RecordFilter): (entry: LogEntry) => boolean {
  const { conversations, channel, agent, types, since = 0, until = Number.MAX_SAFE_INTEGER } = filter
  const onlyMessages = types?.size === 1 && types.has('message')
  return ({ record, head }) => {
    if (record.at < since || record.at >= until) return false
    if (channel !== undefined && head.channel !== channel) return false
    if (conversations !== undefined && !conversations.has(record.conversation)) return false
    if (onlyMessages ? !isMessage(record) : types !== undefined && !types.has(record.body.type)) return false
    return agent === undefined || concerns(record.body, agent)
  }
}

function concerns(body: RecordBody, agent: string): boolean {
  const { by, ...rest } = body as RecordBody & { readonly by?: { readonly id?: string } }
  return by?.id === agent || ('agent' in rest && rest.agent === agent)
}

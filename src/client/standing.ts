import type { WireRecord } from '../codec/wire.js'
import type { ConversationState } from '../codec/wire-commands.js'

/** Where a conversation stands, as far as a client knows: its state, and the agent who has it while `bot`, `active` or `snoozed`. */
export type Standing = { readonly state: ConversationState | undefined; readonly agent: string | undefined }

/** Where a record puts a conversation; undefined when it leaves it where it is. The server's own reduction says the same of every record. */
export function standingAfter({ state, agent }: Standing, record: WireRecord): Standing | undefined {
  switch (record.type) {
    case 'opened':
      return { state: record.isQuiet === true ? 'closed' : 'new', agent: undefined }
    case 'reopened':
      return { state: 'new', agent: undefined }
    case 'assigned':
      return {
        state: record.bot === true ? 'bot' : 'active',
        agent: typeof record.agent === 'string' ? record.agent : undefined,
      }
    case 'queued':
    case 'woken':
      return { state: 'waiting', agent: undefined }
    case 'snoozed':
      return { state: 'snoozed', agent }
    case 'closed':
      return { state: 'closed', agent: undefined }
    case 'message':
      if (record.by?.role !== 'contact') return undefined
      if (state === 'closed' || state === 'new')
        return { state: record.writtenAt === undefined ? 'new' : 'waiting', agent: undefined }
      return state === 'snoozed' ? { state: 'waiting', agent: undefined } : undefined
    case 'forgotten':
      return standingAfter({ state, agent }, original(record))
    default:
      return undefined
  }
}

/** What is left of a record that was forgotten, as the record that it was. */
function original({ was, by, kept }: WireRecord): WireRecord {
  const fields = typeof kept === 'object' && kept !== null ? kept : {}
  return { ...fields, ...(by !== undefined && { by }), type: typeof was === 'string' && was !== 'forgotten' ? was : '' }
}

import type { RecordEvent } from '../../../client/index.js'
import type { HistoryRecordView } from '../../../daemon/control/client.js'
import { describeRecord } from '../../chat/_chat/record-text.js'
import { safeText } from '../../chat/_chat/safe-text.js'

/** Who wrote a record, and what it says; both safe for a terminal. The text may have several lines. */
export type RecordWords = { readonly author: string; readonly text: string; readonly isMessage: boolean }

/** A record in words. */
export function wordsOfRecord({ n, at, name, contact, channel, forgotten, body }: HistoryRecordView): RecordWords {
  const author = authorOf(body.by, name ?? contact)
  if (forgotten) return { author, text: '(forgotten)', isMessage: false }
  if (body.type === 'opened')
    return { author, text: `the conversation begins, on ${safeText(channel)}`, isMessage: false }
  const event = { record: { ...body, n, at }, own: false } as unknown as RecordEvent
  const text = describeRecord(event, { contact: safeText(name ?? contact) })?.text ?? `(${safeText(body.type)})`
  return { author, text, isMessage: body.type === 'message' }
}

function authorOf(by: unknown, contact: string): string {
  const { role, name, id } = (by ?? {}) as { readonly role?: unknown; readonly name?: unknown; readonly id?: unknown }
  if (role === 'contact') return safeText(contact)
  if (role === 'agent') return safeText(String(name ?? id ?? 'agent'))
  return role === 'operator' ? 'operator' : 'kefu'
}

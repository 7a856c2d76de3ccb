import type { LogRecord } from '../../core/log-record.js'
import type { MessageRecordBody } from '../../core/records.js'

/** A contact's message, as a bot gets it. */
export type ContactMessage = {
  readonly seq: number
  readonly n: number
  readonly at: number
  readonly body: MessageRecordBody
}

const ANSWER_ID = /^bot-(\d{1,16})-\d{1,2}$/

/** The id of a bot's message: which record it answers is part of it, so that the log itself says what has been answered. */
export function answerId(n: number, index: number): string {
  return `bot-${n}-${index}`
}

/** What contacts have said that a bot has not answered, of records in ascending order: behind what it has, what another agent has, and what an end has settled. */
export function unanswered(records: readonly LogRecord[], bot: string): ContactMessage[] {
  let answered = 0
  const said: ContactMessage[] = []
  for (const { seq, n, at, body } of records) {
    if (body.type === 'closed') answered = n
    if (body.type !== 'message') continue
    const { role, id } = body.by
    if (role === 'contact') said.push({ seq, n, at, body })
    else if (role === 'agent') answered = Math.max(answered, id === bot ? answeredBy(body.id) : n)
  }
  return said.filter(message => message.n > answered)
}

function answeredBy(id: string | undefined): number {
  const match = ANSWER_ID.exec(id ?? '')
  return match === null ? 0 : Number(match[1])
}

import type { Head } from './model.js'
import type { MessageRecordBody, QueuedBody } from './records.js'

/**
 * What stands before an answer that somebody gave on the platform itself: a program that has the conversation, or would get it, must not talk over a person. It
 * waits for people from then on, answered. Undefined where people have it anyway, and when there is nothing to be taken over. Pure.
 */
export function takenOver(head: Head | null, by: MessageRecordBody['by'], nowMs: number): QueuedBody | undefined {
  if (head === null || (head.state !== 'bot' && head.state !== 'new')) return undefined
  const since = head.waitingSince ?? nowMs
  const from = head.agent === undefined ? {} : { from: head.agent }
  return { type: 'queued', by, since, reasons: ['answered-elsewhere'], ...from }
}

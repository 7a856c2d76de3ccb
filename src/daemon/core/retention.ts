import type { RecordBody } from './records.js'
import type { RetentionKind } from './retention-kinds.js'

const NONE: readonly RetentionKind[] = []
const NOTES: readonly RetentionKind[] = ['notes']
const EVENTS: readonly RetentionKind[] = ['events']

/** The kinds that a record is of: it goes when the first of their times is over. */
export function retentionKinds(body: RecordBody): readonly RetentionKind[] {
  if (body.type === 'note') return NOTES
  if (body.type === 'event') return EVENTS
  if (body.type !== 'message') return NONE
  const kinds = new Set<RetentionKind>()
  for (const part of body.parts) kinds.add('media' in part ? 'media' : 'text')
  return [...kinds]
}

/** The names of the files that a record names. */
export function mediaOf(body: RecordBody): readonly string[] {
  return body.type === 'message' ? body.parts.flatMap(part => ('media' in part ? [part.media] : [])) : []
}

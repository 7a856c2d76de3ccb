import type { Author, Marks, ReadBody } from '../codec/wire.js'
import type { Emitter } from './emitter.js'
import type { ClientEvents } from './events.js'
import type { Track } from './tracker.js'

type MarkEvents = Pick<Emitter<ClientEvents>, 'emit'>

/** Moves a mark of the other side on, and tells listeners if it did: marks never go back. Who has read has received, too. */
export function moveMark(events: MarkEvents, track: Track, kind: keyof Marks, body: ReadBody): void {
  const { n } = body
  if (n <= track[kind]) return
  track[kind] = n
  track.delivered = Math.max(track.delivered, n)
  events.emit(kind, body)
}

/** Moves both marks to where the server says that they are. */
export function moveMarks(events: MarkEvents, track: Track, { delivered, read }: Marks, by: Author): void {
  const { conversation } = track
  moveMark(events, track, 'read', { conversation, by, n: read })
  moveMark(events, track, 'delivered', { conversation, by, n: delivered })
}

/** The marks as callers see them: a copy. */
export function marksOf({ delivered, read }: Track): Marks {
  return { delivered, read }
}

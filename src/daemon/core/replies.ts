import type { ReplyOccasion } from '../../codec/wire.js'
import { closestTags } from './languages.js'
import type { Channel, Head } from './model.js'
import type { MessageRecordBody } from './records.js'
import { SYSTEM } from './records.js'

/** What kefu says by itself on an occasion, in the contact's language; undefined when the channel has no text for it. */
export function replyOn(
  occasion: ReplyOccasion,
  channel: Pick<Channel, 'replies' | 'language'>,
  head: Head,
): MessageRecordBody | undefined {
  const text = textFor(occasion, channel, head.details.language)
  if (text === undefined) return undefined
  return { type: 'message', by: SYSTEM, parts: [{ type: 'text', text }], reply: occasion }
}

/** The text of the closest language; then of the channel's own; then the first that there is. */
function textFor(
  occasion: ReplyOccasion,
  { replies = {}, language: usual }: Pick<Channel, 'replies' | 'language'>,
  language: string | undefined,
): string | undefined {
  for (const tag of closestTags([language, usual])) {
    const text = replies[tag]?.[occasion]
    if (text !== undefined) return text
  }
  for (const texts of Object.values(replies)) if (texts[occasion] !== undefined) return texts[occasion]
  return undefined
}

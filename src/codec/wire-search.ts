import type { ConversationId } from './conversation-id.js'
import type { Author } from './wire-author.js'

/** The frames with which agents search what was said. Types and names only. */

/** What records can be searched for by what they contain, in the words of the protocol. */
export const WIRE_SEARCH_KINDS = [
  'text',
  'image',
  'audio',
  'video',
  'file',
  'location',
  'card',
  'choices',
  'event',
  'note',
  'rating',
] as const

/** One of `WIRE_SEARCH_KINDS`. */
export type WireSearchKind = (typeof WIRE_SEARCH_KINDS)[number]

/** Who said it: the contact, somebody to the contact, colleagues among themselves. */
export const WIRE_DIRECTIONS = ['in', 'out', 'internal'] as const

/** One of `WIRE_DIRECTIONS`. */
export type WireDirection = (typeof WIRE_DIRECTIONS)[number]

/** What else is asked of a hit: each field that is there has to hold; of a list, one. */
export type SearchFilter = {
  readonly conversation?: string
  /** Numbers of channels. */
  readonly channels?: readonly number[]
  /** Ids of those who wrote it. */
  readonly agents?: readonly string[]
  readonly kinds?: readonly WireSearchKind[]
  readonly directions?: readonly WireDirection[]
  /** Whether it has a picture, a sound, a film or another file. */
  readonly hasMedia?: boolean
  /** Epoch ms, from `since` (inclusive) to `until` (exclusive). */
  readonly since?: number
  readonly until?: number
  /** What its conversation has now: all of these tags, and this team (id). */
  readonly tags?: readonly string[]
  readonly team?: string
}

/** `search` from an agent: what was said in the conversations that it may read. */
export type SearchRequestBody = {
  /** In the language of queries; empty: everything. */
  readonly query: string
  readonly filter?: SearchFilter
  /** Default `newest`. */
  readonly order?: 'newest' | 'oldest'
  /** Where to go on: the `next` of the page before. */
  readonly after?: string
  readonly limit?: number
}

/** One record that was found. */
export type SearchHitEntry = {
  readonly conversation: ConversationId
  readonly n: number
  readonly at: number
  readonly channel: number
  readonly contact: string
  readonly name?: string
  readonly by: Author
  readonly direction: WireDirection
  readonly kinds: readonly WireSearchKind[]
  /** Its words, or the part of them in which the first mark is. */
  readonly text: string
  /** Where in `text` is what was looked for, in UTF-16 units. */
  readonly marks: readonly (readonly [start: number, end: number])[]
  /** There is more of its words than `text`. */
  readonly cut?: boolean
}

/** `search` from the server. With `next` there may be more, also when there is no hit. */
export type SearchBody = { readonly hits: readonly SearchHitEntry[]; readonly next?: string }

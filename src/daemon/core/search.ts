import type { ConversationId } from '../../codec/conversation-id.js'
import type { Author } from '../../codec/wire.js'

/** What of the log can be searched, and what can be asked. Plain data, so that it can cross to the thread that searches. */

/** What a record that can be found contains, each with its bit in `SearchDoc.kinds`. Bits are stored: they are never reused. */
export const SEARCH_KINDS = {
  text: { bit: 1 << 0, summary: 'words of a message' },
  image: { bit: 1 << 1, summary: 'a picture' },
  audio: { bit: 1 << 2, summary: 'a voice message or another sound' },
  video: { bit: 1 << 3, summary: 'a film' },
  file: { bit: 1 << 4, summary: 'another file' },
  location: { bit: 1 << 5, summary: 'a place on the map' },
  card: { bit: 1 << 6, summary: 'a link with a title' },
  choices: { bit: 1 << 7, summary: 'a question with answers to pick from' },
  event: { bit: 1 << 8, summary: 'something the contact did on the platform' },
  note: { bit: 1 << 9, summary: 'a note for colleagues' },
  rating: { bit: 1 << 10, summary: "the contact's opinion of an episode" },
} as const satisfies Record<string, { readonly bit: number; readonly summary: string }>

/** One of `SEARCH_KINDS`. */
export type SearchKind = keyof typeof SEARCH_KINDS

/** The kinds whose bytes are a file. */
export const MEDIA_KINDS = ['image', 'audio', 'video', 'file'] as const satisfies readonly SearchKind[]

/**
 * The bit of what is no hit by itself: a fact of a conversation (`FACT_WORDS`) that is kept among the texts, so that the conversations with it are found by the
 * same index. A search for anything else never sees it.
 */
export const FACT_BIT = 1 << 15

/** Who said it: the contact, somebody (or something) to the contact, or colleagues among themselves. */
export const SEARCH_DIRECTIONS = ['in', 'out', 'internal'] as const

/** One of `SEARCH_DIRECTIONS`. */
export type SearchDirection = (typeof SEARCH_DIRECTIONS)[number]

/** A record that can be found. */
export type SearchDoc = {
  readonly seq: number
  /** When it was stored, epoch ms. Not ascending: clocks are set. */
  readonly at: number
  readonly conversation: ConversationId
  readonly channel: number
  readonly direction: SearchDirection
  /** Bits of `SEARCH_KINDS`, or `FACT_BIT`. */
  readonly kinds: number
  /** Id of the agent who wrote it; empty for everybody else. */
  readonly agent: string
  /** All its words, its parts apart by line feeds, as they were written. May be empty. */
  readonly text: string
}

/**
 * What the words of a search ask of one text, folded (`foldText`). Literals are found anywhere in it, also inside words; they are folded, too, and not empty.
 */
export type TextQuery =
  | { readonly type: 'all' }
  | { readonly type: 'literal'; readonly text: string }
  /** The source of an expression in RE2's syntax, which cannot take longer than the text is long. */
  | { readonly type: 'regex'; readonly source: string }
  | { readonly type: 'and' | 'or'; readonly of: readonly TextQuery[] }
  | { readonly type: 'not'; readonly of: TextQuery }

/** What else a search asks of a record; each that is there has to hold. An empty list holds for nothing. */
export type DocFilter = {
  readonly conversations?: readonly ConversationId[]
  readonly channels?: readonly number[]
  readonly agents?: readonly string[]
  readonly directions?: readonly SearchDirection[]
  /** Bits of which it has at least one. */
  readonly kinds?: number
  /** Whether it has one of `MEDIA_KINDS`. */
  readonly hasMedia?: boolean
  /** Epoch ms, from `since` (inclusive) to `until` (exclusive). */
  readonly since?: number
  readonly until?: number
}

/** A search of an index: what matches, by seq, from `after` (exclusive) on in the given order. */
export type IndexQuery = {
  readonly text: TextQuery
  readonly filter: DocFilter
  readonly order: 'newest' | 'oldest'
  readonly after?: number
  readonly limit: number
}

/** One record that matches. */
export type IndexHit = { readonly seq: number; readonly conversation: ConversationId }

/** A page of hits in order. `next` is what `after` has to be to go on: there while not everything was looked at, also when no hit was found in the time. */
export type IndexPage = { readonly hits: readonly IndexHit[]; readonly next?: number }

/** What is asked of the history. What stands in one list is either; what stands in several fields has to hold together. */
export type SearchRequest = {
  /** What to look for, in the language of queries (docs/history.md); empty: everything. */
  readonly words: string
  readonly filter: DocFilter
  /** What the conversation has to have now: each of the tags, and this team (id). */
  readonly standing?: { readonly tags?: readonly string[]; readonly team?: string }
  readonly order: IndexQuery['order']
  /** A position of the log, exclusive: what `next` of an earlier page was. */
  readonly after?: number
}

/** Something that was said, as it is found. */
export type SearchLine = Pick<SearchDoc, 'seq' | 'at' | 'conversation' | 'channel' | 'direction' | 'kinds' | 'text'> & {
  readonly n: number
  readonly by: Author
}

/** A line that was asked for, where in its text (UTF-16 offsets, ascending, apart from each other), and what was said around it in its conversation. */
export type SearchHit = SearchLine & {
  readonly marks: readonly (readonly [start: number, end: number])[]
  readonly before: readonly SearchLine[]
  readonly after: readonly SearchLine[]
}

/** A page of hits in order. `next` is there unless everything was looked at: also with fewer hits than asked for, when the time was over. */
export type SearchPage = { readonly hits: readonly SearchHit[]; readonly next?: number }

/** How many there are, of what was looked at: all unless there is a `next`. */
export type SearchCount = { readonly count: number; readonly next?: number }

/** How the index stands. */
export type SearchStatus = {
  /** `behind`: it is being built, and what it lacks is looked for in the log, which takes longer; `failed`: it cannot be built at the moment. */
  readonly state: 'ready' | 'behind' | 'failed'
  /** Records that it does not have yet. */
  readonly lag: number
  /** What can be found in it, and its size on the disk. */
  readonly docs: number
  readonly segments: number
  readonly bytes: number
  /** Searches since the start, and how often the thread that searches has begun anew. */
  readonly searches: number
  readonly restarts: number
  /** Why it is `failed`. */
  readonly reason?: string
}

/** Bounds of a search. `conversations`: in which a tag or team is looked for in the index, rather than at each hit. */
export const SEARCH_LIMITS = { hits: 200, context: 20, conversations: 5_000 } as const

/**
 * Finds what was said. Whatever was acknowledged before a search begins is found by it. Not more than a few seconds are spent on a call: it then answers with
 * what it has and with `next`. Throws `KEFU_SEARCH_INVALID`, `KEFU_SEARCH_BUSY`, `KEFU_SEARCH_UNAVAILABLE`, `KEFU_SEARCH_DAMAGED`, `KEFU_STORE_CORRUPT` and
 * `KEFU_ABORTED`.
 */
export type SearchPort = {
  /** At most `limit` hits (`SEARCH_LIMITS.hits`), each with at most `context` lines on either side. */
  search(
    request: SearchRequest,
    page: { readonly limit: number; readonly context: number },
    signal: AbortSignal,
  ): Promise<SearchPage>
  /** Counts from the newest back; `after` is a `next` of an earlier count. */
  count(request: Omit<SearchRequest, 'order'>, signal: AbortSignal): Promise<SearchCount>
  status(): SearchStatus
  /** Begins to build the index anew from the log; meanwhile everything is found as before, more slowly. */
  reindex(): Promise<void>
  /** Removes these records from the index, durably: their texts are not in its files any more. */
  remove(seqs: readonly number[]): Promise<void>
}

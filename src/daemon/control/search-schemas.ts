import { z } from 'zod'
import { SEARCH_DIRECTIONS, SEARCH_KINDS, SEARCH_LIMITS, type SearchKind } from '../core/search.js'

/** What the control socket takes and tells of searches in the history. Channels, teams and agents are named; instants are epoch ms. */

const count = z.int().min(0)
const name = z.string().min(1).max(200)
const names = z.array(name).min(1).max(100)
const kind = z.enum(Object.keys(SEARCH_KINDS) as [SearchKind, ...SearchKind[]])
const direction = z.enum(SEARCH_DIRECTIONS)

/** What is looked for, and where. Fields that are left out hold for everything. */
const sought = {
  /** In the language of queries; its length is checked where it is read. */
  words: z.string().max(4_000).default(''),
  channels: names.exactOptional(),
  /** Names; ids also of agents who were removed. */
  agents: names.exactOptional(),
  /** The team that a conversation is with now. */
  team: name.exactOptional(),
  /** Tags that a conversation has now. */
  tags: names.exactOptional(),
  /** CHANNEL/CONTACT, the id of a conversation, or a contact's id on any channel: all conversations of the same person. */
  contact: z.string().min(1).max(300).exactOptional(),
  /** Ids, or CHANNEL/CONTACT. */
  conversations: z.array(z.string().min(1).max(300)).min(1).max(1_000).exactOptional(),
  kinds: z.array(kind).min(1).exactOptional(),
  directions: z.array(direction).min(1).exactOptional(),
  hasMedia: z.boolean().exactOptional(),
  /** `since` is in it, `until` is not. */
  since: z.int().exactOptional(),
  until: z.int().exactOptional(),
  cursor: z.string().max(200).exactOptional(),
}

/** A search. */
export const searchRequest = z.strictObject({
  ...sought,
  order: z.enum(['newest', 'oldest']).default('newest'),
  limit: z.int().min(1).max(SEARCH_LIMITS.hits).default(50),
  context: z.int().min(0).max(SEARCH_LIMITS.context).default(0),
})

/** A count. */
export const countRequest = z.strictObject(sought)

const lineShape = {
  n: count,
  at: z.int(),
  direction,
  kinds: z.array(kind).readonly(),
  by: z.object({ role: z.string(), id: z.string().exactOptional(), name: z.string().exactOptional() }).readonly(),
  text: z.string(),
}

/** Something that was said. `by.name` of an agent: as it is called now. */
const line = z.object(lineShape).readonly()

/** A hit. `marks`: where in its text, as offsets of UTF-16 units. */
const hit = z
  .object({
    conversation: z.string(),
    channel: z.string(),
    contact: z.string(),
    name: z.string().exactOptional(),
    seq: count,
    ...lineShape,
    marks: z.array(z.tuple([count, count]).readonly()).readonly(),
    before: z.array(line).readonly(),
    after: z.array(line).readonly(),
  })
  .readonly()

/** A page of hits. With `next` unless everything was looked at: also with fewer hits than asked for, when the time was over. */
export const searchPage = z.object({ hits: z.array(hit).readonly(), next: z.string().exactOptional() })

/** How many there are of what was looked at: all unless there is a `next`, from which a further request goes on. */
export const searchCount = z.object({ count, next: z.string().exactOptional() })

/** How the index of the history stands. */
export const searchStatus = z
  .object({
    state: z.enum(['ready', 'behind', 'failed']),
    lag: count,
    docs: count,
    segments: count,
    bytes: count,
    searches: count,
    restarts: count,
    reason: z.string().exactOptional(),
  })
  .readonly()

/** A hit. */
export type SearchHitView = z.infer<typeof hit>
/** What was said around a hit. */
export type SearchLineView = z.infer<typeof line>
/** How the index of the history stands. */
export type SearchStatusView = z.infer<typeof searchStatus>

import type { ConversationId } from '../../codec/conversation-id.js'
import type { Head } from '../core/model.js'
import type { LogPort } from '../core/ports.js'
import { type DocFilter, FACT_BIT, SEARCH_LIMITS, type SearchRequest } from '../core/search.js'
import type { Inquiry } from './inquiry.js'
import { type Fact, factText } from './query/doc.js'
import { foldText } from './query/fold.js'

/** A filter with what a conversation has to have now resolved. `isNow`: what is left to be asked of the conversation of each hit. */
export type Narrowed = { readonly filter: DocFilter; readonly isNow?: (head: Head) => boolean }

const HEADS_AT_ONCE = 256

/**
 * Finds the conversations with certain tags, or of a team, now: those that ever had one are in the index, and how they stand is in their heads. Where they are too
 * many, or not found in the time, each hit is asked instead. `inquire` looks through everything for half of the time that is left.
 */
export async function narrow(
  { filter, standing }: Pick<SearchRequest, 'filter' | 'standing'>,
  log: Pick<LogPort, 'head'>,
  inquire: () => Inquiry,
): Promise<Narrowed> {
  const { tags = [], team } = standing ?? {}
  const facts = [...tags.map(tag => ['tag', tag] as const), ...(team === undefined ? [] : [['team', team] as const])]
  if (facts.length === 0) return { filter }
  const isNow = ({ details }: Head): boolean =>
    tags.every(tag => details.tags.includes(tag)) && (team === undefined || details.team === team)
  const kept = async (ids: readonly ConversationId[]): Promise<Narrowed> => ({
    filter: { ...filter, conversations: await standingOf(log, ids, isNow) },
  })
  if (filter.conversations !== undefined) return kept(filter.conversations)
  for (const [fact, value] of facts) {
    const found = await havingHad(inquire(), fact, value)
    if (found !== undefined) return kept([...found])
  }
  return { filter, isNow }
}

/** The conversations that ever had it; undefined when they are too many, or not all were found. */
async function havingHad(
  inquiry: Inquiry,
  fact: Fact,
  value: string,
): Promise<ReadonlySet<ConversationId> | undefined> {
  const found = new Set<ConversationId>()
  const sought = {
    text: { type: 'literal', text: foldText(factText(fact, value)) },
    filter: { kinds: FACT_BIT },
  } as const
  const next = await inquiry.places(sought, ({ conversation }) => {
    found.add(conversation)
    return found.size > SEARCH_LIMITS.conversations
  })
  return next === undefined ? found : undefined
}

async function standingOf(
  log: Pick<LogPort, 'head'>,
  ids: readonly ConversationId[],
  isNow: (head: Head) => boolean,
): Promise<ConversationId[]> {
  const kept: ConversationId[] = []
  for (let at = 0; at < ids.length; at += HEADS_AT_ONCE) {
    const heads = await Promise.all(ids.slice(at, at + HEADS_AT_ONCE).map(id => log.head(id)))
    for (const head of heads) if (head !== null && isNow(head)) kept.push(head.conversation)
  }
  return kept
}

import { isConversationId } from '../../../codec/conversation-id.js'
import { encodeRawFrame, packRawArray, packWithRaw } from '../../../codec/frame.js'
import { pack } from '../../../codec/msgpack.js'
import { WIRE_LIMITS } from '../../../codec/wire.js'
import {
  type SearchFilter,
  type SearchHitEntry,
  type SearchRequestBody,
  WIRE_SEARCH_KINDS,
} from '../../../codec/wire-search.js'
import { KefuError } from '../../../errors.js'
import { formatCursor, parseCursor } from '../../core/cursor.js'
import type { Head } from '../../core/model.js'
import type { Clock } from '../../core/ports.js'
import {
  type DocFilter,
  SEARCH_KINDS,
  SEARCH_LIMITS,
  type SearchHit,
  type SearchPort,
  type SearchRequest,
} from '../../core/search.js'
import type { Outbound } from '../delivery/outbound.js'
import { createRateLimiter, type RateLimiter } from '../limits/rate-limit.js'
import type { AgentSession } from '../session/session.js'
import { excerptOf } from './excerpt.js'
import { type ReadingPorts, ReadingScope } from './reading-scope.js'

/** What searching for agents stands on. */
export type SearchesPorts = ReadingPorts & {
  readonly search: Pick<SearchPort, 'search'>
  readonly clock: Clock
  readonly outbound: Outbound
}

/** Searches of an agent: at once, and over time. */
const RATE = { burst: 20, perSecond: 2, keyLimit: 10_000 } as const
const AT_ONCE = 2
const HITS = 20
/** A request does not begin another look for hits that the agent may see after this time. */
const REQUEST_MS = 3_000
const BUDGET_BYTES = WIRE_LIMITS.serverFrameBytes - 128

type Collected = { readonly items: readonly Uint8Array[]; readonly next: number | undefined }

/** Answers agents who search, from the conversations that they may read. Nothing else of a session waits for a search. */
export class Searches {
  readonly #ports: SearchesPorts
  readonly #limit: RateLimiter
  readonly #underWay = new Map<AgentSession, Set<AbortController>>()

  constructor(ports: SearchesPorts) {
    this.#ports = ports
    this.#limit = createRateLimiter(ports.clock, RATE)
  }

  /** Begins a search, whose answer (or error) is sent when it is there. */
  begin(session: AgentSession, correlation: number, body: SearchRequestBody): void {
    const { outbound } = this.#ports
    const running = this.#underWay.get(session) ?? new Set()
    const isBusy = running.size >= AT_ONCE
    const retryAfterMs = isBusy ? REQUEST_MS : this.#limit.take(session.agent.id)
    if (retryAfterMs > 0) {
      outbound.fail(session, correlation, new KefuError('KEFU_RATE_LIMITED', { what: 'searches' }), { retryAfterMs })
      return
    }
    const controller = new AbortController()
    running.add(controller)
    this.#underWay.set(session, running)
    void this.#answer(session, correlation, body, controller.signal)
      .catch((error: unknown) => {
        if (!controller.signal.aborted) outbound.fail(session, correlation, error)
      })
      .finally(() => {
        running.delete(controller)
        if (running.size === 0) this.#underWay.delete(session)
      })
  }

  /** Nobody waits for the searches of this session any more. */
  end(session: AgentSession): void {
    for (const controller of this.#underWay.get(session) ?? []) controller.abort()
  }

  /** Ends all of them. */
  close(): void {
    for (const session of this.#underWay.keys()) this.end(session)
  }

  async #answer(
    session: AgentSession,
    correlation: number,
    body: SearchRequestBody,
    signal: AbortSignal,
  ): Promise<void> {
    const scope = new ReadingScope(this.#ports, session)
    const request = requestOf(body)
    const named = body.filter?.conversation
    const conversations = await scope.listed(named !== undefined && isConversationId(named) ? named : undefined)
    const filter = conversations === undefined ? request.filter : { ...request.filter, conversations }
    const { items, next } = await this.#collect(scope, { ...request, filter }, body.limit ?? HITS, signal)
    const fields = next === undefined ? {} : { next: formatCursor(next) }
    this.#ports.outbound.push(
      session,
      encodeRawFrame(0, 'search', correlation, packWithRaw(fields, 'hits', packRawArray(items))),
    )
  }

  /** Hits that may be shown, packed: as many as are wanted, as have room, and as are found in the time. */
  async #collect(scope: ReadingScope, asked: SearchRequest, limit: number, signal: AbortSignal): Promise<Collected> {
    const { search, clock } = this.#ports
    const until = clock.monotonicMs() + REQUEST_MS
    const items: Uint8Array[] = []
    let bytes = 0
    let request = asked
    for (;;) {
      // Where hardly any hit may be shown, pages of as many as are wanted would go on for long.
      const count = asked.filter.conversations === undefined ? SEARCH_LIMITS.hits : limit - items.length
      const page = await search.search(request, { limit: count, context: 0 }, signal)
      for (const [at, hit] of page.hits.entries()) {
        const head = await scope.readable(hit.conversation)
        if (head === undefined) continue
        const item = pack(entryOf(hit, head))
        bytes += item.length
        if (bytes > BUDGET_BYTES) return { items, next: page.hits[at - 1]?.seq ?? request.after }
        items.push(item)
        const isLast = at === page.hits.length - 1 && page.next === undefined
        if (items.length === limit) return { items, next: isLast ? undefined : hit.seq }
      }
      const { next } = page
      if (next === undefined || clock.monotonicMs() >= until) return { items, next }
      request = { ...request, after: next }
    }
  }
}

function requestOf({ query, filter = {}, order = 'newest', after }: SearchRequestBody): SearchRequest {
  const { tags, team } = filter
  const standing = { ...(tags !== undefined && { tags }), ...(team !== undefined && { team }) }
  return {
    words: query,
    filter: filterOf(filter),
    ...((tags !== undefined || team !== undefined) && { standing }),
    order,
    ...(after !== undefined && { after: parseCursor(after) }),
  }
}

function filterOf({ conversation: _, tags: __, team: ___, kinds, ...filter }: SearchFilter): DocFilter {
  if (kinds === undefined) return filter
  return { ...filter, kinds: kinds.reduce((bits, kind) => bits | SEARCH_KINDS[kind].bit, 0) }
}

function entryOf(hit: SearchHit, { contact, name }: Head): SearchHitEntry {
  const { text, marks, isCut } = excerptOf(hit.text, hit.marks, WIRE_LIMITS.hitText)
  return {
    conversation: hit.conversation,
    n: hit.n,
    at: hit.at,
    channel: hit.channel,
    contact,
    ...(name !== undefined && { name }),
    by: hit.by,
    direction: hit.direction,
    kinds: WIRE_SEARCH_KINDS.filter(kind => (hit.kinds & SEARCH_KINDS[kind].bit) !== 0),
    text,
    marks,
    ...(isCut && { cut: true }),
  }
}

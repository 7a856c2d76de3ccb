import { encodeRawFrame, packRawArray, packWithRaw } from '../../../codec/frame.js'
import { pack } from '../../../codec/msgpack.js'
import { WIRE_LIMITS } from '../../../codec/wire.js'
import type { CannedEntry, CannedRequestBody } from '../../../codec/wire-canned.js'
import { type CannedReply, cannedLanguage, filledText } from '../../core/canned.js'
import type { Channel, Head } from '../../core/model.js'
import type { Outbound } from '../delivery/outbound.js'
import type { CannedRegistry } from '../registry/canned.js'
import type { TeamRegistry } from '../registry/teams.js'
import type { AgentSession, KnownSession } from '../session/session.js'
import type { Target } from './conversations.js'

/** What offering canned replies stands on. */
export type CannedOfferPorts = {
  readonly canned: Pick<CannedRegistry, 'list' | 'onChange'>
  readonly teams: Pick<TeamRegistry, 'ofAgent'>
  readonly outbound: Outbound
  channel(head: Head): Channel | undefined
}

const BUDGET_BYTES = WIRE_LIMITS.serverFrameBytes - 64

/** What is looked through, in small letters. */
type Indexed = { readonly reply: CannedReply; readonly shortcut: string; readonly texts: string }

/** Offers agents the canned replies that they may use: those of everybody, and those of their teams. */
export class CannedOffers {
  readonly #ports: CannedOfferPorts
  #index: readonly Indexed[] | undefined

  constructor(ports: CannedOfferPorts) {
    this.#ports = ports
    ports.canned.onChange(() => {
      this.#index = undefined
    })
  }

  /** Answers an agent who may see the conversation. */
  answer(session: KnownSession, { channel, head }: Target, correlation: number, body: CannedRequestBody): void {
    if (session.role !== 'agent' || head === null) return
    const found = this.#find(session, body.query ?? '')
    const items: Uint8Array[] = []
    let bytes = 0
    let at = body.from ?? 0
    for (; at < found.length; at++) {
      const entry = this.#entry(found[at]!, session, head)
      if (entry === undefined) continue
      const item = pack(entry)
      bytes += item.length
      if (bytes > BUDGET_BYTES) break
      items.push(item)
    }
    const fields = at < found.length ? { next: at } : {}
    const frame = encodeRawFrame(channel, 'canned', correlation, packWithRaw(fields, 'replies', packRawArray(items)))
    this.#ports.outbound.push(session, frame)
  }

  /** Those whose shortcut begins with the query, then those that have it in their texts, each by shortcut. */
  #find({ agent }: AgentSession, query: string): CannedReply[] {
    const wanted = query.toLowerCase()
    const teams = new Set(this.#ports.teams.ofAgent(agent.id).map(({ id }) => id))
    const begin: CannedReply[] = []
    const have: CannedReply[] = []
    this.#index ??= this.#ports.canned.list().map(indexed)
    for (const { reply, shortcut, texts } of this.#index) {
      if (reply.team !== undefined && !teams.has(reply.team)) continue
      if (shortcut.startsWith(wanted)) begin.push(reply)
      else if (texts.includes(wanted)) have.push(reply)
    }
    return [...begin, ...have]
  }

  #entry(reply: CannedReply, { agent }: AgentSession, head: Head): CannedEntry | undefined {
    const language = cannedLanguage(reply, head.details.language, this.#ports.channel(head)?.language)
    const text = filledText(reply.texts[language] ?? '', { contact: head.name ?? '', agent: agent.name })
    if (text === undefined) return undefined
    return { shortcut: reply.name, text, ...(language === '' ? {} : { language }) }
  }
}

function indexed(reply: CannedReply): Indexed {
  return {
    reply,
    shortcut: reply.name.toLowerCase(),
    texts: Object.values(reply.texts).join('\n').toLowerCase(),
  }
}

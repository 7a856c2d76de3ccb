import type {
  Author,
  ClientFrame,
  HistoryBody,
  MediaRequestBody,
  ReceiptBody,
  TypingBody,
} from '../../../codec/wire.js'
import { KefuError } from '../../../errors.js'
import type { LogRecord } from '../../core/log-record.js'
import { isMediaId } from '../../core/media.js'
import type { AgentRole, Head } from '../../core/model.js'
import type { LogPort } from '../../core/ports.js'
import type { Notices } from '../delivery/notices.js'
import type { Outbound } from '../delivery/outbound.js'
import { buildPage, pageReadBytes, readBackwards } from '../delivery/pages.js'
import type { Receipts } from '../delivery/receipts.js'
import type { KnownSession } from '../session/session.js'
import type { Tokens } from '../session/tokens.js'
import type { Target } from './conversations.js'

/** What the smaller requests stand on. */
export type RequestPorts = {
  readonly log: LogPort
  readonly outbound: Outbound
  readonly notices: Notices
  readonly receipts: Receipts
  readonly tokens: Tokens
  /** Tells a contact behind a platform that its agent is typing. */
  typing(head: Head, isTyping: boolean): void
  /** What an agent may do at this moment. */
  roleOf(agent: string): AgentRole | undefined
}

/** Frames about a conversation that append nothing. */
export type RequestFrame = Extract<ClientFrame, { readonly kind: 'ack' | 'read' | 'typing' | 'history' | 'media' }>

const HISTORY_LIMIT = 100

/** Answers requests about a conversation that the sender may touch. */
export class Requests {
  readonly #ports: RequestPorts

  constructor(ports: RequestPorts) {
    this.#ports = ports
  }

  answer(session: KnownSession, target: Target, frame: RequestFrame): Promise<void> | undefined {
    switch (frame.kind) {
      case 'ack':
        this.#receipt(session, target, 'acknowledged', frame.body)
        return undefined
      case 'read':
        this.#receipt(session, target, 'read', frame.body)
        return undefined
      case 'typing':
        this.#typing(session, target, frame.body)
        return undefined
      case 'history':
        return this.#history(session, target, frame.correlation, frame.body)
      case 'media':
        this.#media(session, target, frame.correlation, frame.body)
        return undefined
    }
  }

  #receipt(session: KnownSession, { head }: Target, mark: 'acknowledged' | 'read', { n }: ReceiptBody): void {
    if (head === null || n > head.n) return
    // Nobody has read what only a program has.
    const isBot = session.role === 'agent' && this.#ports.roleOf(session.agent.id) === 'bot'
    this.#ports.receipts.note(head, authorOf(session), isBot ? 'acknowledged' : mark, n)
  }

  #typing(session: KnownSession, { conversation, head }: Target, { on }: TypingBody): void {
    if (head === null) return
    this.#ports.notices.publish(head, audienceOf(session), 'typing', { conversation, by: authorOf(session), on })
    if (session.role === 'agent' && head.egress === 'outbox') this.#ports.typing(head, on)
  }

  async #history(
    session: KnownSession,
    { conversation, channel, head }: Target,
    correlation: number,
    body: HistoryBody,
  ): Promise<void> {
    const { log, outbound } = this.#ports
    const limit = body.limit ?? HISTORY_LIMIT
    const limitBytes = pageReadBytes(session.acceptsZstd)
    const last = head?.n ?? 0
    const isForwards = body.after !== undefined
    const before = Math.min(body.before ?? last + 1, last + 1)
    const after = isForwards ? Math.min(body.after, last) : Math.max(0, before - 1)
    let records: LogRecord[] = []
    // What is written from here on may be after the conversation was taken from who asks.
    if (isForwards && after < last)
      records = await log.read(conversation, after, Math.min(limit, last - after), limitBytes)
    else if (!isForwards) records = await readBackwards(log, conversation, before, limit, limitBytes)
    const { frame } = await buildPage(records, after, {
      channel,
      correlation,
      conversation,
      head: last,
      isContactSide: session.role !== 'agent',
      acceptsZstd: session.acceptsZstd,
      keep: isForwards ? 'first' : 'last',
    })
    outbound.push(session, frame)
  }

  #media(
    session: KnownSession,
    { conversation, channel }: Target,
    correlation: number,
    { media }: MediaRequestBody,
  ): void {
    if (!isMediaId(media)) throw new KefuError('KEFU_MEDIA_NOT_FOUND')
    const { url, expiresAt } = this.#ports.tokens.mediaUrl(conversation, media)
    this.#ports.outbound.send(session, channel, 'media', correlation, { media, url, expiresAt })
  }
}

function authorOf(session: KnownSession): Author {
  return session.role === 'agent' ? session.author : { role: 'contact' }
}

function audienceOf(session: KnownSession): 'contact' | 'agent' {
  return session.role === 'agent' ? 'contact' : 'agent'
}

import type { ConversationId } from '../../../codec/conversation-id.js'
import { encodeAck } from '../../../codec/message-bytes.js'
import { type Author, type MessageBody, type Part, WIRE_LIMITS } from '../../../codec/wire.js'
import { KefuError, toKefuError } from '../../../errors.js'
import type { MediaPort } from '../../core/media.js'
import { CHANNEL_KINDS } from '../../core/model.js'
import type { Appended, AppendOptions, LogPort } from '../../core/ports.js'
import type { OpenedBody } from '../../core/records.js'
import type { Meters, Taken } from '../delivery/meters.js'
import type { Outbound } from '../delivery/outbound.js'
import { forgetOwn, rememberOwn } from '../delivery/own-messages.js'
import type { RateLimiter } from '../limits/rate-limit.js'
import type { KnownSession } from '../session/session.js'
import type { Opening, Target } from './conversations.js'

/** What accepting messages stands on. */
export type MessagePorts = {
  readonly log: LogPort
  readonly outbound: Outbound
  readonly meters: Meters
  readonly media: Pick<MediaPort, 'keep'>
  /** Id of the team for a channel's conversations. */
  defaultTeam(channel: number): string | undefined
  /** Per address, for conversations that do not exist yet. */
  readonly openingLimit: RateLimiter
}

const CONTACT: Author = { role: 'contact' }

/** Takes messages in: bounded, appended, and acknowledged once they are on disk. */
export class Messages {
  readonly #ports: MessagePorts
  #inFlight = 0
  #whenIdle: (() => void) | undefined

  constructor(ports: MessagePorts) {
    this.#ports = ports
  }

  /**
   * Accepts a message or answers with an error frame. The promise, if any, is of a step before the append (looking for named files): messages of
   * the session that follow must wait for it to keep their order. It does not wait for the disk.
   */
  accept(session: KnownSession, target: Target, correlation: number, body: MessageBody): Promise<void> | undefined {
    if (session.role !== 'agent' && body.parts.some(({ type }) => type === 'choices')) {
      const error = new KefuError('KEFU_FRAME_INVALID', { reason: 'message: contacts do not send choices' })
      this.#ports.outbound.fail(session, correlation, error, { id: body.id })
      return undefined
    }
    const opens = opensConversation(session, target)
    const retryAfterMs = opens ? this.#ports.openingLimit.take(session.address) : 0
    if (retryAfterMs > 0) {
      const error = new KefuError('KEFU_RATE_LIMITED', { what: 'new conversations' })
      this.#ports.outbound.fail(session, correlation, error, { id: body.id, retryAfterMs })
      return undefined
    }
    if (inFlightOf(session, target.conversation) >= WIRE_LIMITS.unacknowledged) {
      const error = new KefuError('KEFU_RATE_LIMITED', { what: 'unacknowledged messages' })
      this.#ports.outbound.fail(session, correlation, error, { id: body.id, retryAfterMs: 0 })
      return undefined
    }
    const files = mediaOf(body.parts)
    if (files === undefined) {
      this.#append(session, target, correlation, body, opens)
      return undefined
    }
    return this.#appendWithMedia(session, target, correlation, body, files, opens)
  }

  /** Resolves when nothing is on its way to disk. */
  async idle(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>(resolve => (this.#whenIdle = resolve))
  }

  async #appendWithMedia(
    session: KnownSession,
    target: Target,
    correlation: number,
    body: MessageBody,
    files: readonly string[],
    opens: boolean,
  ): Promise<void> {
    try {
      for (const media of files)
        if (!(await this.#ports.media.keep(target.conversation, media))) throw new KefuError('KEFU_MEDIA_NOT_FOUND')
    } catch (error) {
      if (opens) this.#giveOpeningBack(session)
      throw error
    }
    this.#append(session, target, correlation, body, opens)
  }

  /** Nothing was opened: who tries again must not use up what everybody behind the address has. */
  #giveOpeningBack(session: KnownSession): void {
    if (session.role === 'visitor') this.#ports.openingLimit.give(session.address, 1)
  }

  #append(
    session: KnownSession,
    target: Target,
    correlation: number,
    { id, parts }: MessageBody,
    opens: boolean,
  ): void {
    const by = session.role === 'agent' ? session.author : CONTACT
    const { conversation } = target
    const options: AppendOptions =
      target.opening === undefined ? { id } : { id, opening: this.#opening(target.opening) }
    countInFlight(session, conversation, 1)
    rememberOwn(session, conversation, id)
    const taken = this.#ports.meters.take(this.#inFlight++)
    this.#ports.log.append(conversation, [{ type: 'message', by, id, parts }], options).then(
      appended => this.#acknowledge(session, target, correlation, id, appended, taken),
      (error: unknown) => {
        this.#settle(session, conversation)
        forgetOwn(session, conversation, id)
        // Only for what the sender cannot bring about: messages behind this one, which cost nothing, may open the conversation all the same.
        if (opens && toKefuError(error).retryable) this.#giveOpeningBack(session)
        this.#ports.outbound.fail(session, correlation, error, { id })
      },
    )
  }

  #acknowledge(
    session: KnownSession,
    { conversation, channel }: Target,
    correlation: number,
    id: string,
    { n, duplicate }: Appended,
    taken: Taken,
  ): void {
    this.#settle(session, conversation)
    // A duplicate does not come by in the log again, so nothing else would take the id off.
    if (duplicate) forgetOwn(session, conversation, id)
    const { outbound, meters } = this.#ports
    if (duplicate) {
      outbound.send(session, channel, 'ack', correlation, { id, conversation, n, duplicate })
      return
    }
    outbound.push(session, encodeAck(channel, correlation, id, conversation, n))
    meters.accept(session.role, taken)
  }

  /** The team as it is now: the session may have begun before the channel had it. */
  #opening({ channel, contact, name, language }: Opening): OpenedBody {
    const { kind, number } = channel
    const team = this.#ports.defaultTeam(number)
    return {
      type: 'opened',
      channel: number,
      kind,
      egress: CHANNEL_KINDS[kind].egress,
      contact,
      ...(name === undefined ? {} : { name }),
      ...(language === undefined ? {} : { language }),
      ...(team === undefined ? {} : { team }),
    }
  }

  #settle(session: KnownSession, conversation: ConversationId): void {
    countInFlight(session, conversation, -1)
    if (--this.#inFlight === 0) this.#whenIdle?.()
  }
}

/** A conversation is opened once: messages that follow the first before it is on disk cost nothing more. */
function opensConversation(session: KnownSession, { head }: Target): boolean {
  return session.role === 'visitor' && head === null && session.inFlight === 0
}

function mediaOf(parts: readonly Part[]): string[] | undefined {
  let files: string[] | undefined
  for (const part of parts) {
    if (!('media' in part)) continue
    files ??= []
    files.push(part.media)
  }
  return files
}

function inFlightOf(session: KnownSession, conversation: ConversationId): number {
  return session.role === 'visitor' ? session.inFlight : (session.inFlight.get(conversation) ?? 0)
}

function countInFlight(session: KnownSession, conversation: ConversationId, change: number): void {
  if (session.role === 'visitor') {
    session.inFlight += change
    return
  }
  const count = (session.inFlight.get(conversation) ?? 0) + change
  if (count === 0) session.inFlight.delete(conversation)
  else session.inFlight.set(conversation, count)
}

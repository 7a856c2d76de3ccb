import type { ConversationId } from '../../../codec/conversation-id.js'
import type { Author, MediaPart, Part } from '../../../codec/wire.js'
import { isKefuError, KefuError } from '../../../errors.js'
import type { ContactEvent, FailureEvent, InboundEvent, InboundPart } from '../../core/channel-adapter.js'
import { takenOver } from '../../core/echo.js'
import { boundedName, boundedParts, checkEvent } from '../../core/inbound-parts.js'
import type { MediaId, MediaPort } from '../../core/media.js'
import type { Appended, AppendOptions, LogPort } from '../../core/ports.js'
import type { OpenedBody, Permission, RecordBody } from '../../core/records.js'
import { SYSTEM } from '../../core/records.js'
import { permissionOf } from '../../core/reply-window.js'
import type { Tokens } from '../session/tokens.js'
import type { Connection } from './connection.js'
import type { FileFetches } from './file-fetches.js'

/** What taking events in stands on. */
export type InboundPorts = {
  readonly log: LogPort
  readonly tokens: Pick<Tokens, 'conversationId'>
  readonly media: Pick<MediaPort, 'put'>
  readonly files: FileFetches
  /** The contact of a conversation may be written to again. */
  permitted(connection: Connection, conversation: ConversationId): void
}

const CONTACT: Author = { role: 'contact' }
/** An event that comes so much later than it happened is shown, but nobody greets for it. */
const LATE_MS = 10 * 60_000
/** A text above this goes into a file, with its beginning in the message. */
const TEXT_BYTES = 8 * 1024
const PREVIEW_LENGTH = 1_000
/** How often an answer given elsewhere is tried while the conversation moves under it. */
const ECHO_ATTEMPTS = 10

/** Turns what platforms tell into records: each event once, in the order in which the events of a conversation come. */
export class Inbound {
  readonly #ports: InboundPorts
  /** Conversations of which an event needs something before it can be appended: those that follow wait for it. */
  readonly #chains = new Map<ConversationId, Promise<unknown>>()

  constructor(ports: InboundPorts) {
    this.#ports = ports
  }

  /**
   * Takes an event; on disk when it resolves. Throws `KEFU_CALLBACK_INVALID` for one that cannot be used, and what an append throws: then it may come again, and
   * is stored once.
   */
  async take(connection: Connection, event: InboundEvent, arrivedAtMs: number): Promise<void> {
    checkEvent(event)
    const conversation = this.#ports.tokens.conversationId(connection.number, event.contact)
    const before = this.#chains.get(conversation)
    if (before === undefined && isPlain(event)) return this.#appendPlain(connection, conversation, event, arrivedAtMs)
    const turn = (before ?? Promise.resolve()).then(() => this.#append(connection, conversation, event, arrivedAtMs))
    const settled = turn.catch(() => undefined)
    this.#chains.set(conversation, settled)
    try {
      await turn
    } finally {
      if (this.#chains.get(conversation) === settled) this.#chains.delete(conversation)
    }
  }

  /** As `#append`, of an event for which nothing has to be looked up or stored before. */
  async #appendPlain(
    connection: Connection,
    conversation: ConversationId,
    event: PlainEvent,
    arrivedAtMs: number,
  ): Promise<void> {
    const window = permissionOf(event, connection.capabilities.grants, arrivedAtMs)
    const parts = boundedParts(event.parts) as readonly Part[]
    if (parts.length === 0) throw empty()
    const options: AppendOptions = { platformKey: event.key, opening: openingOf(connection, event) }
    const { duplicate } = await this.#ports.log.append(
      conversation,
      recordsOf(event, parts, window, arrivedAtMs),
      options,
    )
    this.#appended(connection, conversation, event, duplicate, window)
  }

  #appended(
    connection: Connection,
    conversation: ConversationId,
    event: ContactEvent,
    duplicate: boolean,
    window: Permission | undefined,
  ): void {
    connection.counts[duplicate ? 'duplicates' : 'received']++
    // Where kefu knows of no windows the platform may have refused one: that ends when the contact writes.
    if (!duplicate && (window !== undefined || event.type === 'message'))
      this.#ports.permitted(connection, conversation)
  }

  async #append(
    connection: Connection,
    conversation: ConversationId,
    event: InboundEvent,
    arrivedAtMs: number,
  ): Promise<void> {
    if (event.type === 'failure') return this.#appendFailure(connection, conversation, event)
    const reserved: MediaId[] = []
    const { files } = this.#ports
    const { duplicate, window } = await this.#store(connection, conversation, event, arrivedAtMs, reserved)
    this.#appended(connection, conversation, event, duplicate, window)
    if (duplicate) for (const media of reserved) await files.forget(media)
    else for (const media of reserved) files.start(media)
  }

  async #store(
    connection: Connection,
    conversation: ConversationId,
    event: ContactEvent,
    arrivedAtMs: number,
    reserved: MediaId[],
  ): Promise<{ readonly duplicate: boolean; readonly window: Permission | undefined }> {
    const { log, files } = this.#ports
    try {
      const parts = await this.#stored(connection, conversation, event, reserved)
      const window = permissionOf(event, connection.capabilities.grants, arrivedAtMs)
      const bodies = [...recordsOf(event, parts, window, arrivedAtMs), ...(await this.#facts(conversation, event))]
      const options: AppendOptions = { platformKey: event.key, opening: openingOf(connection, event) }
      const { duplicate } =
        event.type === 'echo'
          ? await this.#appendEcho(conversation, authorOf(event), bodies, options, arrivedAtMs)
          : await log.append(conversation, bodies, options)
      return { duplicate, window }
    } catch (error) {
      if (isKefuError(error, 'KEFU_STORE_UNAVAILABLE')) for (const media of reserved) files.settle(media)
      else for (const media of reserved) await files.forget(media)
      throw error
    }
  }

  /** Somebody answered elsewhere: a bot that has the conversation at this very moment loses it by that. */
  async #appendEcho(
    conversation: ConversationId,
    by: Author,
    bodies: readonly RecordBody[],
    options: AppendOptions,
    arrivedAtMs: number,
  ): Promise<Appended> {
    const { log } = this.#ports
    for (let attempt = 1; attempt <= ECHO_ATTEMPTS; attempt++) {
      const head = await log.head(conversation)
      const queued = takenOver(head, by, Math.floor(arrivedAtMs))
      try {
        return await log.append(conversation, queued === undefined ? bodies : [queued, ...bodies], {
          ...options,
          expect: head?.n ?? 0,
        })
      } catch (error) {
        if (!isKefuError(error, 'KEFU_STORE_CONFLICT')) throw error
      }
    }
    throw new KefuError('KEFU_LANE_CLOSED', { reason: 'the conversation does not stand still', retryAfterMs: 1_000 })
  }

  async #appendFailure(
    { counts }: Connection,
    conversation: ConversationId,
    { key, n, reason }: FailureEvent,
  ): Promise<void> {
    const body: RecordBody = { type: 'delivery', by: SYSTEM, message: n, state: 'failed', reason: reason.slice(0, 500) }
    try {
      // An id of our form that is not ours.
      const [sent] = n < 1 ? [] : await this.#ports.log.read(conversation, n - 1, 1)
      if (sent?.body.type !== 'message' || sent.body.by.role === 'contact') return
      const { duplicate } = await this.#ports.log.append(conversation, [body], { platformKey: key })
      counts[duplicate ? 'duplicates' : 'failed']++
    } catch (error) {
      // About a message that was never ours.
      if (!isKefuError(error, 'KEFU_CONVERSATION_NOT_FOUND')) throw error
    }
  }

  /** The parts as they are stored: files under ids of their own, which are fetched, or kept, when the event is on disk. */
  async #stored(
    connection: Connection,
    conversation: ConversationId,
    event: ContactEvent,
    reserved: MediaId[],
  ): Promise<readonly Part[]> {
    const stored: Part[] = []
    for (const part of boundedParts(event.parts)) {
      if ('source' in part) stored.push(await this.#reserve(connection, conversation, part, reserved))
      else if (part.type === 'text' && Buffer.byteLength(part.text) > TEXT_BYTES)
        stored.push(...(await this.#asFile(connection, conversation, part.text, reserved)))
      else stored.push(part)
    }
    if (stored.length === 0) throw empty()
    return stored
  }

  async #reserve(
    connection: Connection,
    conversation: ConversationId,
    { type, name, source }: Extract<InboundPart, { readonly source: string }>,
    reserved: MediaId[],
  ): Promise<MediaPart> {
    const media = await this.#ports.files.reserve({ channel: connection.number, conversation, source })
    reserved.push(media)
    return { type, media, ...(name === undefined ? {} : { name }) }
  }

  async #asFile(
    { number: channel }: Connection,
    conversation: ConversationId,
    text: string,
    reserved: MediaId[],
  ): Promise<Part[]> {
    const media = await this.#ports.files.reserve({ channel, conversation })
    reserved.push(media)
    const bytes = new TextEncoder().encode(text)
    await this.#ports.media.put({ conversation, media, uploader: 'platform', declaredType: 'text/plain', bytes })
    return [
      { type: 'text', text: `${text.slice(0, PREVIEW_LENGTH).toWellFormed()}…` },
      { type: 'file', media, name: 'message.txt' },
    ]
  }

  /** What the event says of the contact that was not known. */
  async #facts(conversation: ConversationId, { name, attributes, type }: ContactEvent): Promise<RecordBody[]> {
    if (attributes === undefined && name === undefined) return []
    const head = await this.#ports.log.head(conversation)
    const newName = boundedName(name)
    // A name that comes with the first event is in the opening.
    const isRenamed = head !== null && newName !== undefined && newName !== head.name && type !== 'echo'
    const news = Object.entries(attributes ?? {}).filter(([key, value]) => head?.details.attributes[key] !== value)
    if (!isRenamed && news.length === 0) return []
    return [
      {
        type: 'updated',
        by: SYSTEM,
        ...(isRenamed ? { name: newName } : {}),
        ...(news.length > 0 ? { attributes: Object.fromEntries(news) } : {}),
      },
    ]
  }
}

/** An event that is appended without anything being looked up or stored before: no echo, no files and long texts, nothing else of the contact. */
type PlainEvent = ContactEvent & {
  readonly type: 'message' | 'sign'
  readonly name?: never
  readonly attributes?: never
}

function isPlain(event: InboundEvent): event is PlainEvent {
  if (event.type === 'failure' || event.type === 'echo') return false
  if (event.name !== undefined || event.attributes !== undefined) return false
  return event.parts.every(part => !('source' in part) && (part.type !== 'text' || part.text.length <= TEXT_BYTES / 3))
}

function recordsOf(
  event: ContactEvent,
  parts: readonly Part[],
  window: Permission | undefined,
  arrivedAtMs: number,
): RecordBody[] {
  const permission = window === undefined ? {} : { window }
  switch (event.type) {
    case 'message': {
      const isLate = arrivedAtMs - event.sentAtMs > LATE_MS
      const writtenAt = isLate ? { writtenAt: Math.floor(event.sentAtMs) } : {}
      return [{ type: 'message', by: CONTACT, parts, ...permission, ...writtenAt }]
    }
    case 'echo':
      return [{ type: 'message', by: authorOf(event), parts, isEcho: true }]
    case 'sign': {
      const first = parts.find(part => part.type === 'event')
      if (first === undefined) throw new KefuError('KEFU_CALLBACK_INVALID', { reason: 'a sign without an event' })
      const { name, data } = first
      return [{ type: 'event', by: CONTACT, name, ...(data === undefined ? {} : { data }), ...permission }]
    }
  }
}

/** Who speaks in an echo. */
function authorOf({ name }: ContactEvent): Author {
  return { role: 'agent', ...named(name) }
}

function openingOf({ channel }: Connection, { contact, name, language, type }: ContactEvent): OpenedBody {
  const { number, kind, team } = channel
  return {
    type: 'opened',
    channel: number,
    kind,
    egress: 'outbox',
    contact,
    ...(type === 'echo' ? {} : named(name)),
    ...(language === undefined ? {} : { language }),
    ...(team === undefined ? {} : { team }),
    ...(type === 'message' ? {} : { isQuiet: true }),
  }
}

function empty(): KefuError {
  return new KefuError('KEFU_CALLBACK_INVALID', { reason: 'an event without content' })
}

function named(text: string | undefined): { readonly name?: string } {
  const name = boundedName(text)
  return name === undefined ? {} : { name }
}

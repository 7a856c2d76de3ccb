import {
  decodeBody,
  decodeFrame,
  decodeHeader,
  decodeJsonFrame,
  FRAME_HEADER_BYTES,
  type Frame,
} from '../codec/frame.js'
import type { ServerFrame, ServerKind } from '../codec/wire.js'
import { KefuError } from '../errors.js'

/**
 * Validation of what servers send, by hand: it runs in browsers and for every frame. Only the fields that the client relies on are looked at; fields that
 * it does not know are left alone, so that servers may grow.
 */

type Fields = Readonly<Record<string, unknown>>

const CHECKS: { readonly [K in ServerKind]: (body: Fields) => boolean } = {
  welcome: body =>
    (body.role === 'visitor' || body.role === 'agent' || body.role === 'app') &&
    isText(body.session) &&
    isListOf(body.channels, isChannel) &&
    isOptional(body.conversation, isConversation) &&
    isOptional(body.n, isPosition) &&
    isOptional(body.marks, isMarks) &&
    isOptional(body.cursor, isText) &&
    isOptional(body.token, isText) &&
    isOptional(body.agent, isNamed),
  inbox: body => isListOf(body.entries, isInboxEntry) && typeof body.more === 'boolean',
  ack: body => isText(body.id) && isConversation(body.conversation) && isNumber(body.n),
  deliver: body =>
    isConversation(body.conversation) &&
    isEntry(body) &&
    isOptional(body.cursor, isText) &&
    isOptional(body.contact, isText),
  typing: body => isConversation(body.conversation) && isAuthor(body.by) && typeof body.on === 'boolean',
  read: body => isConversation(body.conversation) && isAuthor(body.by) && isNumber(body.n),
  delivered: body => isConversation(body.conversation) && isAuthor(body.by) && isNumber(body.n),
  presence: body => isConversation(body.conversation) && isText(body.agent) && isText(body.state),
  page: isPage,
  error: body =>
    isText(body.code) &&
    isText(body.message) &&
    isText(body.hint) &&
    typeof body.retryable === 'boolean' &&
    isOptional(body.id, isText) &&
    isOptional(body.retryAfterMs, isPosition),
  goAway: body => isText(body.reason) && isPosition(body.reconnectAfterMs),
  media: body => isText(body.media) && isText(body.url) && isPosition(body.expiresAt),
  done: body => isConversation(body.conversation) && isNumber(body.n) && typeof body.changed === 'boolean',
  contact: body =>
    isConversation(body.conversation) &&
    isPosition(body.channel) &&
    isText(body.contact) &&
    isOptional(body.name, isText) &&
    isOptional(body.language, isText) &&
    isFields(body.attributes) &&
    Object.values(body.attributes).every(isText) &&
    isOptional(body.person, isText) &&
    isListOf(body.conversations, isContactEntry) &&
    typeof body.more === 'boolean',
  canned: body =>
    isListOf(
      body.replies,
      reply => isText(reply.shortcut) && isText(reply.text) && isOptional(reply.language, isText),
    ) && isOptional(body.next, isPosition),
  search: body =>
    isListOf(
      body.hits,
      hit =>
        isConversation(hit.conversation) &&
        isPosition(hit.n) &&
        isPosition(hit.at) &&
        isPosition(hit.channel) &&
        isText(hit.contact) &&
        isOptional(hit.name, isText) &&
        isAuthor(hit.by) &&
        isText(hit.direction) &&
        Array.isArray(hit.kinds) &&
        hit.kinds.every(isText) &&
        isText(hit.text) &&
        Array.isArray(hit.marks) &&
        hit.marks.every(mark => Array.isArray(mark) && mark.length === 2 && mark.every(isPosition)),
    ) && isOptional(body.next, isText),
  queue: body =>
    isConversation(body.conversation) && isPosition(body.ahead) && isOptional(body.estimatedWaitMs, isPosition),
}

/** What one WebSocket message holds: a frame, or a frame whose body is still compressed. */
export type Received =
  | { readonly compressed: false; readonly frame: Frame }
  | { readonly compressed: true; readonly header: Omit<Frame, 'body'>; readonly body: Uint8Array }

/** Decodes one message of either subprotocol. Throws `KEFU_FRAME_INVALID`. */
export function receive(data: Uint8Array | string): Received {
  if (typeof data === 'string') return { compressed: false, frame: decodeJsonFrame(data) }
  // Byte 3 holds the flags: a frame without any takes the short way.
  if (data.length <= FRAME_HEADER_BYTES || data[3] === 0) return { compressed: false, frame: decodeFrame(data) }
  return { compressed: true, header: decodeHeader(data), body: data.subarray(FRAME_HEADER_BYTES) }
}

/** The frame whose body has been inflated. Throws `KEFU_FRAME_INVALID`. */
export function inflated(header: Omit<Frame, 'body'>, body: Uint8Array): Frame {
  return { ...header, body: decodeBody(body) }
}

/** A decoded frame as one that a server may send. Throws `KEFU_FRAME_UNEXPECTED` or `KEFU_FRAME_INVALID`; never echoes content. */
export function parseServerFrame(frame: Frame): ServerFrame {
  if (!Object.hasOwn(CHECKS, frame.kind))
    throw new KefuError('KEFU_FRAME_UNEXPECTED', { kind: frame.kind, reason: 'only clients send it' })
  if (!CHECKS[frame.kind as ServerKind](frame.body))
    throw new KefuError('KEFU_FRAME_INVALID', {
      reason: `${frame.kind} from the server lacks a field or has a wrong one`,
    })
  return frame as Frame & ServerFrame
}

function isWindow(window: unknown): boolean {
  return isFields(window) && isPosition(window.until) && isPosition(window.messages)
}

function isPage(body: Fields): boolean {
  const { records, after } = body
  if (!isConversation(body.conversation) || !isPosition(after) || !isPosition(body.head) || !Array.isArray(records))
    return false
  let n = after
  for (const record of records) {
    if (!isFields(record) || !isEntry(record) || record.n !== ++n) return false
  }
  return true
}

function isEntry(entry: Fields): boolean {
  const { record } = entry
  if (!isNumber(entry.n) || typeof entry.at !== 'number' || !isFields(record) || typeof record.type !== 'string')
    return false
  if (record.type === 'message') return isListOf(record.parts, isPart) && isAuthor(record.by)
  return record.by === undefined || isAuthor(record.by)
}

function isPart(part: Fields): boolean {
  if (part.type === 'text') return isText(part.text)
  if (part.type === 'choices') return isText(part.text) && isListOf(part.choices, isChoice)
  return isText(part.type)
}

function isChoice(choice: Fields): boolean {
  return isText(choice.id) && isText(choice.label)
}

function isAuthor(value: unknown): boolean {
  return isFields(value) && isText(value.role) && isOptional(value.id, isText) && isOptional(value.name, isText)
}

function isChannel(channel: Fields): boolean {
  return isPosition(channel.number) && isText(channel.name) && isText(channel.kind)
}

function isNamed(value: unknown): boolean {
  return isFields(value) && isText(value.id) && isText(value.name)
}

function isInboxEntry(entry: Fields): boolean {
  return (
    isConversation(entry.conversation) &&
    isPosition(entry.channel) &&
    isText(entry.contact) &&
    isOptional(entry.name, isText) &&
    isNumber(entry.n) &&
    typeof entry.at === 'number' &&
    isText(entry.state) &&
    isOptional(entry.agent, isText) &&
    isOptional(entry.marks, isMarks) &&
    isOptional(entry.unread, isPosition) &&
    isOptional(entry.window, isWindow) &&
    isText(entry.cursor)
  )
}

function isMarks(value: unknown): boolean {
  return isFields(value) && isPosition(value.delivered) && isPosition(value.read)
}

function isContactEntry(entry: Fields): boolean {
  return (
    isConversation(entry.conversation) &&
    isPosition(entry.channel) &&
    isText(entry.contact) &&
    isOptional(entry.name, isText) &&
    isText(entry.state) &&
    isNumber(entry.episode) &&
    typeof entry.openedAt === 'number' &&
    isNumber(entry.n) &&
    typeof entry.at === 'number' &&
    isOptional(entry.agent, isText) &&
    isOptional(entry.agentName, isText) &&
    isOptional(entry.rating, isNumber)
  )
}

function isListOf(value: unknown, check: (item: Fields) => boolean): boolean {
  if (!Array.isArray(value)) return false
  for (const item of value) if (!isFields(item) || !check(item)) return false
  return true
}

function isOptional(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isConversation(value: unknown): boolean {
  return typeof value === 'string' && value.length === 28 && value.startsWith('c_')
}

function isPosition(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isNumber(value: unknown): boolean {
  return isPosition(value) && value > 0
}

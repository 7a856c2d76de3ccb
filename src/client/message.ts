import { toBase32 } from '../codec/base32.js'
import { pack } from '../codec/msgpack.js'
import { type MessageBody, type Part, WIRE_LIMITS } from '../codec/wire.js'
import type { CommandBody } from '../codec/wire-commands.js'
import { KefuError } from '../errors.js'

/** What can be sent: parts, or a text that becomes one. */
export type Content = string | readonly Part[]

const ID = /^[\x21-\x7e]+$/
/** A body of at most this many characters cannot pass the limit, whatever they are. */
const SURELY_SHORT = (WIRE_LIMITS.messageBytes - 2_048) / 3

/** The parts of a content. */
export function toParts(content: Content): readonly Part[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content
}

/**
 * Checks what a server would refuse, so that the caller hears of it at once. Throws `KEFU_USAGE` (no parts, too many, an id or a text that cannot be sent) and
 * `KEFU_MESSAGE_TOO_LARGE`.
 */
export function checkMessage(body: MessageBody): void {
  if (body.id.length > WIRE_LIMITS.idLength || !ID.test(body.id))
    throw usage(`a message id has 1 to ${WIRE_LIMITS.idLength} printable ASCII characters`)
  if (!Array.isArray(body.parts) || body.parts.length < 1 || body.parts.length > WIRE_LIMITS.parts)
    throw usage(`a message has 1 to ${WIRE_LIMITS.parts} parts`)
  const [part] = body.parts as readonly Part[]
  for (const each of body.parts as readonly Part[]) {
    if (each.type !== 'text') continue
    if (typeof each.text !== 'string' || each.text === '') throw usage('a text part has a text')
    if (!each.text.isWellFormed()) throw usage('a text must be well-formed Unicode')
  }
  if (body.parts.length === 1 && part?.type === 'text' && part.text.length <= SURELY_SHORT) return
  checkSize(body)
}

/**
 * Checks what would end the connection, or what no record could hold, so that the caller hears of it at once. Throws `KEFU_USAGE` (a text that cannot be sent)
 * and `KEFU_MESSAGE_TOO_LARGE`.
 */
export function checkCommand(body: CommandBody): void {
  if (!isWellFormed(body)) throw usage('a text must be well-formed Unicode')
  checkSize(body)
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, field]) => name.isWellFormed() && isWellFormed(field))
}

function checkSize(body: object): void {
  const bytes = pack(body).length
  if (bytes > WIRE_LIMITS.messageBytes)
    throw new KefuError('KEFU_MESSAGE_TOO_LARGE', { bytes, limit: WIRE_LIMITS.messageBytes })
}

/** Makes ids that no other client makes: 80 random bits for the client, then a number. */
export function createMessageIds(): () => string {
  const client = toBase32(crypto.getRandomValues(new Uint8Array(10)))
  let count = 0
  return () => `${client}-${(++count).toString(36)}`
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}

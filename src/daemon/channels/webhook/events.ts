import { z } from 'zod'
import { attributesSchema, languageTag } from '../../../codec/command-schema.js'
import { firstComplaint } from '../../../codec/complaint.js'
import { boundedText, CONTENT_PARTS, contactId, fileName, webUrl } from '../../../codec/part-schema.js'
import { WIRE_LIMITS } from '../../../codec/wire.js'
import { KefuError } from '../../../errors.js'
import { jsonFields } from '../../../platform/json-fields.js'
import { parseLosslessJson } from '../../../platform/lossless-json.js'
import type { ContactEvent, FailureEvent, InboundEvent, InboundPart } from '../../core/channel-adapter.js'

/** Events of one body. */
const EVENTS = 100

/** The parts of a message that is more than a text, without the addresses of files, as JSON. */
const PARTS_BYTES = 8 * 1024

/** Ids of others may be numbers, also of 64 bits. */
const eventId = z
  .union([
    z
      .string()
      .min(1)
      .max(200)
      .regex(/^[^\p{C}]+$/u),
    z.int(),
  ])
  .transform(String)

const contactRef = z.union([contactId, z.int()]).transform(String)

const contact = z.strictObject({
  id: contactRef,
  name: boundedText(100).optional(),
  language: languageTag.optional(),
  attributes: attributesSchema.optional(),
})

const file = z.strictObject({
  type: z.enum(['image', 'audio', 'video', 'file']),
  url: webUrl,
  name: fileName.optional(),
})

const part = z.discriminatedUnion('type', [
  CONTENT_PARTS.text,
  file,
  CONTENT_PARTS.location,
  CONTENT_PARTS.card,
  CONTENT_PARTS.event,
])

const parts = z
  .array(part)
  .min(1)
  .max(WIRE_LIMITS.parts)
  .refine(list => (list.length === 1 && list[0]?.type === 'text') || sizeOf(list) <= PARTS_BYTES, {
    message: `must have at most ${PARTS_BYTES} bytes of JSON when there is more than a text: send several messages`,
  })

const common = { id: eventId, at: z.int().min(0) }

const event = z.discriminatedUnion('type', [
  z.strictObject({ ...common, type: z.literal('message'), contact, parts }),
  z.strictObject({ ...common, type: z.literal('sign'), contact, parts: z.tuple([CONTENT_PARTS.event]) }),
  z.strictObject({ ...common, type: z.literal('echo'), contact, parts, agent: boundedText(100).optional() }),
  z.strictObject({
    ...common,
    type: z.literal('failure'),
    contact: z.strictObject({ id: contactRef }),
    message: z.strictObject({ n: z.int().min(1), piece: z.int().min(0) }),
    reason: boundedText(500).min(1),
  }),
])

/** A sender that tries out whether it signs well. */
const ping = z.strictObject({ type: z.literal('ping'), id: eventId.optional() })

const batch = z.strictObject({ events: z.array(event).min(1).max(EVENTS) })

type Event = z.output<typeof event>

/** The events in a body: one, or a list of them, or none in a ping. Throws `KEFU_CALLBACK_INVALID`, which names the field that is wrong and repeats nothing. */
export function readEvents(bytes: Uint8Array): readonly InboundEvent[] {
  const body = parse(bytes)
  const { type, events } = jsonFields(body)
  if (type === 'ping') {
    check(ping, body)
    return []
  }
  return events === undefined ? [eventOf(check(event, body))] : check(batch, body).events.map(eventOf)
}

/** The body as a schema wants it. */
function check<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw invalid(firstComplaint(parsed.error, body))
  return parsed.data
}

function parse(bytes: Uint8Array): unknown {
  try {
    return parseLosslessJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // Errors of parsers repeat what they were given.
    throw invalid('it is not JSON in UTF-8')
  }
}

function eventOf(from: Event): InboundEvent {
  return from.type === 'failure' ? failureOf(from) : contactEventOf(from)
}

function failureOf({
  id,
  at,
  contact: { id: to },
  message,
  reason,
}: Extract<Event, { type: 'failure' }>): FailureEvent {
  return { key: id, contact: to, sentAtMs: at, type: 'failure', n: message.n, piece: message.piece, reason }
}

function contactEventOf(from: Exclude<Event, { type: 'failure' }>): ContactEvent {
  const { language, attributes } = from.contact
  // Whoever speaks in an echo is not the contact.
  const name = from.type === 'echo' ? from.agent : from.contact.name
  return {
    key: from.id,
    contact: from.contact.id,
    ...(name !== undefined && { name }),
    ...(language !== undefined && { language }),
    sentAtMs: from.at,
    type: from.type,
    parts: from.parts.map(partOf),
    ...(attributes !== undefined && { attributes }),
  }
}

function partOf(from: z.output<typeof part>): InboundPart {
  if (!('url' in from) || from.type === 'card') return from as InboundPart
  const { type, url, name } = from
  return { type, source: url, ...(name !== undefined && { name }) }
}

function sizeOf(list: readonly z.output<typeof part>[]): number {
  return Buffer.byteLength(JSON.stringify(list.map(one => ({ ...one, ...(one.type === 'card' ? {} : { url: '' }) }))))
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_CALLBACK_INVALID', { reason })
}

import { z } from 'zod'
import { KefuError } from '../errors.js'
import { commandSchema, languageTag } from './command-schema.js'
import { firstComplaint } from './complaint.js'
import { isConversationId } from './conversation-id.js'
import type { Frame } from './frame.js'
import { boundedText, CONTENT_PARTS, contactId as contact, fileName, wordId as messageId } from './part-schema.js'
import { type ClientBodies, type ClientFrame, type ClientKind, WIRE_LIMITS } from './wire.js'
import { WIRE_DIRECTIONS, WIRE_SEARCH_KINDS } from './wire-search.js'

/** Validation of what clients send. Unknown fields are refused, every text is bounded and well-formed Unicode. */

const name = boundedText(100)
const conversation = z.string().refine(isConversationId, 'must be a conversation id')
const position = z.int().min(0)
const cursor = z.string().max(40)
const mediaId = z
  .string()
  .max(40)
  .regex(/^md_[0-9A-Z]+$/)

const entityId = boundedText(WIRE_LIMITS.wordLength).min(1)
const some = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(WIRE_LIMITS.facts).optional()

/** A part of a message. */
export const partSchema = z.discriminatedUnion('type', [
  CONTENT_PARTS.text,
  z.strictObject({ type: z.enum(['image', 'audio', 'video', 'file']), media: mediaId, name: fileName.optional() }),
  CONTENT_PARTS.location,
  CONTENT_PARTS.card,
  CONTENT_PARTS.choices,
  CONTENT_PARTS.event,
])

const receipt = z.strictObject({
  conversation: conversation.optional(),
  contact: contact.optional(),
  n: z.int().min(1),
})

const SCHEMAS: { readonly [K in ClientKind]: z.ZodType } = {
  hello: z.strictObject({
    token: z.string().min(1).max(1024).optional(),
    channel: z.string().min(1).max(64).optional(),
    identity: z
      .strictObject({
        id: contact,
        expiresAt: position,
        signature: z.string().regex(/^[0-9a-f]{64}$/),
        name: name.optional(),
      })
      .optional(),
    name: name.optional(),
    language: languageTag.optional(),
    resume: z.strictObject({ n: position.optional(), cursor: cursor.optional() }).optional(),
    zstd: z.boolean().optional(),
    client: boundedText(100).optional(),
  }),
  inbox: z.strictObject({ before: cursor }),
  message: z.strictObject({
    id: messageId,
    conversation: conversation.optional(),
    contact: contact.optional(),
    name: name.optional(),
    language: languageTag.optional(),
    parts: z.array(partSchema).min(1).max(WIRE_LIMITS.parts),
  }),
  ack: receipt,
  read: receipt,
  typing: z.strictObject({ conversation: conversation.optional(), contact: contact.optional(), on: z.boolean() }),
  presence: z.strictObject({ state: z.enum(['online', 'away']) }),
  history: z
    .strictObject({
      conversation: conversation.optional(),
      contact: contact.optional(),
      after: position.optional(),
      before: position.optional(),
      limit: z.int().min(1).max(500).optional(),
    })
    .refine(body => body.after === undefined || body.before === undefined, 'must have after or before, not both'),
  media: z.strictObject({ conversation: conversation.optional(), contact: contact.optional(), media: mediaId }),
  contact: z.strictObject({ conversation }),
  canned: z.strictObject({
    conversation,
    query: boundedText(100).optional(),
    from: position.optional(),
  }),
  search: z.strictObject({
    query: boundedText(WIRE_LIMITS.query),
    filter: z
      .strictObject({
        conversation: conversation.optional(),
        channels: some(z.int().min(1).max(0xffff)),
        agents: some(entityId),
        kinds: some(z.enum(WIRE_SEARCH_KINDS)),
        directions: some(z.enum(WIRE_DIRECTIONS)),
        hasMedia: z.boolean().optional(),
        since: position.optional(),
        until: position.optional(),
        tags: some(boundedText(WIRE_LIMITS.wordLength).min(1)),
        team: entityId.optional(),
      })
      .optional(),
    order: z.enum(['newest', 'oldest']).optional(),
    after: cursor.optional(),
    limit: z.int().min(1).max(WIRE_LIMITS.hits).optional(),
  }),
  listen: z.strictObject({ conversation, on: z.boolean() }),
  command: z.strictObject({
    conversation: conversation.optional(),
    contact: contact.optional(),
    command: commandSchema,
  }),
}

/**
 * A decoded frame as one that a client may send. Throws `KEFU_FRAME_UNEXPECTED` for a kind that only servers send and
 * `KEFU_FRAME_INVALID` naming the field that is wrong; never echoes its content.
 */
export function parseClientFrame(frame: Frame): ClientFrame {
  const { channel, kind, correlation } = frame
  if (!Object.hasOwn(SCHEMAS, kind))
    throw new KefuError('KEFU_FRAME_UNEXPECTED', { kind, reason: 'only servers send it' })
  const parsed = SCHEMAS[kind as ClientKind].safeParse(frame.body)
  if (!parsed.success)
    throw new KefuError('KEFU_FRAME_INVALID', { reason: `${kind}: ${firstComplaint(parsed.error, frame.body)}` })
  return { channel, kind, correlation, body: parsed.data as ClientBodies[ClientKind] } as ClientFrame
}

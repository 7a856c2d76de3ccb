import { z } from 'zod'
import { KefuError } from '../errors.js'
import { commandSchema, languageTag } from './command-schema.js'
import { isConversationId } from './conversation-id.js'
import type { Frame } from './frame.js'
import { type ClientBodies, type ClientFrame, type ClientKind, WIRE_LIMITS } from './wire.js'

/** Validation of what clients send. Unknown fields are refused, every text is bounded and well-formed Unicode. */

const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine(value => value.isWellFormed(), 'must be well-formed Unicode')

const name = text(100)
const conversation = z.string().refine(isConversationId, 'must be a conversation id')
/** An app's own id of a contact: any printable text without control characters. */
const contact = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{C}]+$/u)
const messageId = z
  .string()
  .min(1)
  .max(WIRE_LIMITS.idLength)
  .regex(/^[\x21-\x7e]+$/)
const position = z.int().min(0)
const cursor = z.string().max(40)
const mediaId = z
  .string()
  .max(40)
  .regex(/^md_[0-9A-Z]+$/)
const webUrl = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\s\p{C}]+$/u)

const part = z.discriminatedUnion('type', [
  // As long as a frame can be: whether the message is too large is said when all of it is known, with a code of its own.
  z.strictObject({ type: z.literal('text'), text: text(WIRE_LIMITS.clientFrameBytes).min(1) }),
  z.strictObject({ type: z.enum(['image', 'audio', 'video', 'file']), media: mediaId, name: text(255).optional() }),
  z.strictObject({
    type: z.literal('location'),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    label: text(200).optional(),
  }),
  z.strictObject({
    type: z.literal('card'),
    title: text(200).min(1),
    text: text(2000).optional(),
    url: webUrl.optional(),
  }),
  z.strictObject({
    type: z.literal('choices'),
    text: text(1000).min(1),
    choices: z
      .array(z.strictObject({ id: messageId, label: text(40).min(1) }))
      .min(1)
      .max(WIRE_LIMITS.choices)
      .refine(choices => new Set(choices.map(({ id }) => id)).size === choices.length, 'must have ids of their own'),
  }),
  z.strictObject({
    type: z.literal('event'),
    name: z.string().regex(/^[a-z][a-z0-9._-]{0,63}$/),
    // Counted first: the schema of a record visits every key before it tells anything, which takes 100 ms for the 13,000 that fit into a frame.
    data: z
      .custom(hasFewKeys, 'must be a map of at most 32 fields')
      .pipe(z.record(z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]{0,39}$/), z.union([text(1000), z.number(), z.boolean()])))
      .optional(),
  }),
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
    client: text(100).optional(),
  }),
  inbox: z.strictObject({ before: cursor }),
  message: z.strictObject({
    id: messageId,
    conversation: conversation.optional(),
    contact: contact.optional(),
    name: name.optional(),
    language: languageTag.optional(),
    parts: z.array(part).min(1).max(WIRE_LIMITS.parts),
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
    query: text(100).optional(),
    from: position.optional(),
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
    throw new KefuError('KEFU_FRAME_INVALID', { reason: `${kind}: ${describe(parsed.error, frame.body)}` })
  return { channel, kind, correlation, body: parsed.data as ClientBodies[ClientKind] } as ClientFrame
}

function hasFewKeys(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length <= 32
}

/** The first thing that is wrong, in words of the protocol: neither the validator's own nor any of the sender's. */
function describe(error: z.ZodError, body: unknown): string {
  const issue = error.issues[0]
  if (issue === undefined) return 'does not fit the protocol'
  const fields = issue.path.map(String)
  // Names in an event's data are the sender's text.
  const data = fields.indexOf('data')
  const path = (data < 0 ? fields : fields.slice(0, data + 1)).join('.').slice(0, 60)
  const complaint = complaintOf(issue, issue.path.reduce(fieldOf, body) === undefined)
  return path === '' ? complaint : `${path} ${complaint}`
}

function complaintOf(issue: z.core.$ZodIssue, isMissing: boolean): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'has a field that is not in the protocol'
    case 'invalid_type':
      return isMissing ? 'is missing' : `must be ${TYPE_WORDS[issue.expected] ?? 'of another type'}`
    case 'invalid_value':
      return isMissing ? 'is missing' : `must be ${issue.values.join(' or ')}`
    case 'invalid_union':
      return isMissing ? 'is missing' : 'has a value that is not allowed there'
    case 'too_small':
      return SIZED.has(issue.origin) ? 'must not be empty' : `must be at least ${issue.minimum}`
    case 'too_big':
      return SIZED.has(issue.origin)
        ? `must have at most ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'entries'}`
        : `must be at most ${issue.maximum}`
    case 'custom':
      return issue.message
    default:
      return 'is not in the form that the protocol asks for'
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

/** Things whose smallest allowed size is 1 wherever one is asked for. */
const SIZED: ReadonlySet<string> = new Set(['string', 'array'])

function fieldOf(value: unknown, name: PropertyKey): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<PropertyKey, unknown>>)[name]
    : undefined
}

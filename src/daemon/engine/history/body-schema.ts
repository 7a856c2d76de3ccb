import { z } from 'zod'
import { attributesSchema, languageTag } from '../../../codec/command-schema.js'
import { boundedText, CONTENT_PARTS, wordId } from '../../../codec/part-schema.js'
import { REPLY_OCCASIONS, WIRE_LIMITS } from '../../../codec/wire.js'
import { PRIORITIES } from '../../../codec/wire-commands.js'
import { partSchema } from '../../../codec/wire-schema.js'
import { CHANNEL_KIND_NAMES } from '../../core/model.js'
import { DELIVERY_STATES, type RecordBody } from '../../core/records.js'

/** Validation of record bodies that come from outside. Unknown fields are refused, every text is bounded; whether the whole is too large is for the log to say. */

const instant = z.int().min(0).max(Date.UTC(9999, 0))
const count = z.int().min(0)
const name = boundedText(100)
const word = boundedText(WIRE_LIMITS.wordLength)
const few = <T extends z.ZodType>(entry: T) => z.array(entry).max(WIRE_LIMITS.facts)
/** Also those that stand in a namespace of kefu's own. */
const contact = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\p{C}]+$/u)
const reasons = few(boundedText(200))
const yes = z.literal(true).exactOptional()

const by = z.strictObject({
  role: z.enum(['contact', 'agent', 'system', 'operator']),
  id: word.exactOptional(),
  name: name.exactOptional(),
})
const permission = z.strictObject({ until: instant, messages: count }).exactOptional()

const BODIES = [
  z.strictObject({
    type: z.literal('opened'),
    channel: count,
    kind: z.enum(CHANNEL_KIND_NAMES),
    egress: z.enum(['socket', 'outbox']),
    contact,
    name: name.exactOptional(),
    language: languageTag.exactOptional(),
    team: word.exactOptional(),
    isQuiet: yes,
  }),
  z.strictObject({
    type: z.literal('message'),
    by,
    id: wordId.exactOptional(),
    parts: z.array(partSchema).min(1).max(WIRE_LIMITS.parts),
    reply: z.enum(Object.keys(REPLY_OCCASIONS) as [keyof typeof REPLY_OCCASIONS]).exactOptional(),
    window: permission,
    writtenAt: instant.exactOptional(),
    isEcho: yes,
  }),
  z.strictObject({
    type: z.literal('event'),
    by,
    name: CONTENT_PARTS.event.shape.name,
    data: CONTENT_PARTS.event.shape.data,
    window: permission,
  }),
  z.strictObject({
    type: z.literal('delivery'),
    by,
    message: count,
    state: z.enum(Object.keys(DELIVERY_STATES) as [keyof typeof DELIVERY_STATES]),
    reason: boundedText(500).exactOptional(),
    pieces: count.exactOptional(),
  }),
  z.strictObject({
    type: z.literal('queued'),
    by,
    since: instant,
    reasons,
    from: word.exactOptional(),
    team: word.exactOptional(),
    declinedBy: word.exactOptional(),
    asksAgain: yes,
  }),
  z.strictObject({
    type: z.literal('assigned'),
    by,
    agent: word,
    name,
    reasons,
    from: word.exactOptional(),
    bot: yes,
  }),
  z.strictObject({
    type: z.literal('transferred'),
    by,
    agent: word.exactOptional(),
    team: word.exactOptional(),
    note: boundedText(WIRE_LIMITS.messageBytes).exactOptional(),
  }),
  z.strictObject({ type: z.literal('snoozed'), by, until: instant }),
  z.strictObject({ type: z.literal('woken'), by, since: instant, from: word.exactOptional() }),
  z.strictObject({
    type: z.literal('closed'),
    by,
    reason: word,
    asksRating: z.boolean().exactOptional(),
    from: word.exactOptional(),
  }),
  z.strictObject({ type: z.literal('reopened'), by }),
  z.strictObject({
    type: z.literal('updated'),
    by,
    name: name.exactOptional(),
    language: z.union([languageTag, z.literal('')]).exactOptional(),
    attributes: attributesSchema.exactOptional(),
    priority: z.enum(PRIORITIES).exactOptional(),
    subject: boundedText(200).exactOptional(),
    team: word.exactOptional(),
    addTags: few(word).exactOptional(),
    removeTags: few(word).exactOptional(),
    requires: z.record(word, z.int().min(1).max(5)).exactOptional(),
    prefers: few(word).exactOptional(),
  }),
  z.strictObject({ type: z.literal('note'), by, text: boundedText(WIRE_LIMITS.messageBytes) }),
  z.strictObject({
    type: z.literal('rated'),
    by,
    episode: count,
    score: z.int().min(1).max(5),
    comment: boundedText(1_000).exactOptional(),
  }),
  z.strictObject({
    type: z.literal('overdue'),
    by,
    timer: z.enum(['firstResponse', 'nextResponse']),
    dueAt: instant,
    agent: word.exactOptional(),
    team: word.exactOptional(),
  }),
  z.strictObject({ type: z.literal('linked'), by, person: word.exactOptional() }),
] as const

/** A line of an export that is a record, as it is read back. */
export const importedRecord = z.object({
  type: z.literal('record'),
  conversation: z.string().max(40),
  n: z.int().min(1),
  at: instant,
  channel: z.string().min(1).max(64),
  kind: z.enum(CHANNEL_KIND_NAMES),
  contact,
  forgotten: z.literal(true).exactOptional(),
  body: z.discriminatedUnion('type', BODIES),
})

/** A record that was read back. */
export type ImportedRecord = Omit<z.infer<typeof importedRecord>, 'body'> & { readonly body: RecordBody }

import { z } from 'zod'
import { WIRE_LIMITS } from './wire.js'

/** Validation of what messages are made of, from clients and from systems that sign what they send. Unknown fields are refused, every text is bounded. */

/** A text of so many characters at most, well-formed Unicode. */
export const boundedText = (max: number) =>
  z
    .string()
    .max(max)
    .refine(value => value.isWellFormed(), 'must be well-formed Unicode')

/** Somebody else's own id of a contact: any printable text without control characters. */
export const contactId = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{C}]+$/u)

/** A client's own id of a message, or of an answer to pick. */
export const wordId = z
  .string()
  .min(1)
  .max(WIRE_LIMITS.idLength)
  .regex(/^[\x21-\x7e]+$/)

/** The name of a file. */
export const fileName = boundedText(255)

/** A link to the web. */
export const webUrl = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\s\p{C}]+$/u)

/** Parts that are no files, by type. */
export const CONTENT_PARTS = {
  // As long as a frame can be: whether the message is too large is said when all of it is known, with a code of its own.
  text: z.strictObject({ type: z.literal('text'), text: boundedText(WIRE_LIMITS.clientFrameBytes).min(1) }),
  location: z.strictObject({
    type: z.literal('location'),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    label: boundedText(200).optional(),
  }),
  card: z.strictObject({
    type: z.literal('card'),
    title: boundedText(200).min(1),
    text: boundedText(2000).optional(),
    url: webUrl.optional(),
  }),
  choices: z.strictObject({
    type: z.literal('choices'),
    text: boundedText(1000).min(1),
    choices: z
      .array(z.strictObject({ id: wordId, label: boundedText(40).min(1) }))
      .min(1)
      .max(WIRE_LIMITS.choices)
      .refine(choices => new Set(choices.map(({ id }) => id)).size === choices.length, 'must have ids of their own'),
  }),
  event: z.strictObject({
    type: z.literal('event'),
    name: z.string().regex(/^[a-z][a-z0-9._-]{0,63}$/),
    // Counted first: the schema of a record visits every key before it tells anything, which takes 100 ms for the 13,000 that fit into a frame.
    data: z
      .custom(hasFewKeys, 'must be a map of at most 32 fields')
      .pipe(
        z.record(
          z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]{0,39}$/),
          z.union([boundedText(1000), z.number(), z.boolean()]),
        ),
      )
      .optional(),
  }),
} as const

function hasFewKeys(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length <= 32
}

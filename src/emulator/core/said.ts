import { z } from 'zod'
import { KefuError } from '../../errors.js'

const WORDS_LENGTH = 100

const text = (max: number) => z.string().max(max)
/** A small file in base64; without one a sample is taken. */
const file = { bytes: z.base64().max(4_000_000).optional(), name: text(200).optional() }

/** What a user of a platform can say or do; which of it, is for each platform to say. */
export const SAID = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: text(20_000).min(1), menuId: text(200).optional() }),
  z.strictObject({ type: z.literal('image'), ...file }),
  z.strictObject({ type: z.literal('voice'), ...file, recognition: text(2_000).optional() }),
  z.strictObject({ type: z.literal('video'), ...file }),
  z.strictObject({ type: z.literal('file'), ...file }),
  z.strictObject({
    type: z.literal('location'),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    label: text(500).default(''),
  }),
  z.strictObject({
    type: z.literal('link'),
    title: text(500),
    description: text(2_000).default(''),
    url: text(2_000),
  }),
  z.strictObject({ type: z.literal('card'), title: text(500), path: text(2_000) }),
  z.strictObject({
    type: z.literal('event'),
    event: z.string().regex(/^[A-Za-z0-9_]{1,64}$/),
    /** Fields beside those that every event has, by the platform's names. */
    fields: z.record(z.string().regex(/^[A-Za-z0-9_]{1,64}$/), z.union([text(4_000), z.number()])).default({}),
  }),
])

/** What a user said or did. */
export type Said = z.output<typeof SAID>

/** The same before defaults. */
export type SaidInput = z.input<typeof SAID>

/** An id that a platform may give its users. */
export const USER_ID = /^[A-Za-z0-9_@.-]{1,64}$/

/** Throws `KEFU_USAGE` for what is no id of a user. */
export function checkUser(user: string): string {
  if (!USER_ID.test(user))
    throw new KefuError('KEFU_USAGE', { reason: 'a user has 1 to 64 letters, digits and any of _ @ . -' })
  return user
}

/** Throws `KEFU_USAGE` for what nobody can say. */
export function parseSaid(value: unknown): Said {
  const parsed = SAID.safeParse(value)
  if (parsed.success) return parsed.data
  throw new KefuError('KEFU_USAGE', { reason: firstIssue(parsed.error) })
}

/** What was said, in a line: `text: hello`, the name of an event, else its type. */
export function wordsOfSaid(said: Said): string {
  if (said.type === 'event') return said.event
  if (said.type !== 'text') return said.type
  const characters = [...said.text.replace(/\s+/g, ' ')]
  const isShort = characters.length <= WORDS_LENGTH
  return `text: ${isShort ? characters.join('') : `${characters.slice(0, WORDS_LENGTH - 1).join('')}…`}`
}

/** The first thing wrong, with its place. */
export function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues
  const path = issue?.path.join('.') ?? ''
  return path === '' ? (issue?.message ?? 'not valid') : `${path}: ${issue?.message ?? 'not valid'}`
}

import { z } from 'zod'
import { isConversationId } from './conversation-id.js'
import { WIRE_LIMITS } from './wire.js'
import { type Changes, type Command, PRIORITIES } from './wire-commands.js'

/** Validation of commands, from sockets and from the control socket: unknown fields are refused, every text is bounded and well-formed Unicode. */

const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine(value => value.isWellFormed(), 'must be well-formed Unicode')
const word = text(WIRE_LIMITS.wordLength).regex(/^[^\p{C}]+$/u, 'must be some text without control characters')
/** An agent or a team by id or name. */
const reference = word
/** As BCP 47 writes it: `zh`, `pt-BR`. */
export const languageTag = z
  .string()
  .max(35)
  .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language such as zh or pt-BR')
const few = <T extends z.ZodType>(entry: T) => z.array(entry).max(WIRE_LIMITS.facts)
const noteText = text(WIRE_LIMITS.messageBytes / 4).min(1)

/** Facts by name; counted first, because a record's schema visits every key before it tells anything. */
const facts = <T extends z.ZodType>(value: T) =>
  z.custom(hasFewKeys, `must be a map of at most ${WIRE_LIMITS.facts} fields`).pipe(z.record(word, value))

/** What is known of a contact, by name. */
export const attributesSchema = facts(text(500))

const contactFields = {
  name: text(100),
  language: z.union([languageTag, z.literal('')]),
  attributes: attributesSchema,
}

const hasSome = (set: object): boolean => Object.keys(set).length > 0
const SOME = 'must name something to change'

/** What is known of a contact, to be changed. */
export const contactChangesSchema: z.ZodType<Pick<Changes, 'name' | 'language' | 'attributes'>> = z
  .strictObject(contactFields)
  .partial()
  .refine(hasSome, SOME) as z.ZodType<Pick<Changes, 'name' | 'language' | 'attributes'>>

const changes = z
  .strictObject({
    ...contactFields,
    priority: z.enum(PRIORITIES),
    subject: text(200),
    team: z.union([reference, z.literal('')]),
    addTags: few(word),
    removeTags: few(word),
    requires: facts(z.int().min(1).max(5)),
    prefers: few(word),
  })
  .partial()
  .refine(hasSome, SOME)

/** A command as clients and operators may give it. */
export const commandSchema: z.ZodType<Command> = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('accept') }),
  z.strictObject({ do: z.literal('decline') }),
  z.strictObject({ do: z.literal('takeOver') }),
  z.strictObject({ do: z.literal('assign'), agent: reference }),
  z
    .strictObject({
      do: z.literal('transfer'),
      agent: reference.exactOptional(),
      team: reference.exactOptional(),
      note: noteText.exactOptional(),
    })
    .refine(
      body => (body.agent === undefined) !== (body.team === undefined),
      'must name an agent or a team, one of them',
    ),
  z.strictObject({ do: z.literal('requeue') }),
  z.strictObject({ do: z.literal('snooze'), until: z.int().min(0) }),
  z.strictObject({ do: z.literal('wake') }),
  z.strictObject({ do: z.literal('close'), asksRating: z.boolean().exactOptional() }),
  z.strictObject({ do: z.literal('reopen') }),
  z.strictObject({ do: z.literal('note'), text: noteText }),
  z.strictObject({ do: z.literal('rate'), score: z.int().min(1).max(5), comment: text(1000).exactOptional() }),
  z.strictObject({ do: z.literal('link'), with: z.string().refine(isConversationId, 'must be a conversation id') }),
  z.strictObject({ do: z.literal('unlink') }),
  z.strictObject({ do: z.literal('update'), set: changes as z.ZodType<Extract<Command, { do: 'update' }>['set']> }),
])

function hasFewKeys(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length <= WIRE_LIMITS.facts
}

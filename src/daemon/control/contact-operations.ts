import { z } from 'zod'
import { contactChangesSchema } from '../../codec/command-schema.js'
import { queueRow } from './queue-schemas.js'

const since = '0.1.0'

/** A conversation's id, or the channel's name, `/` and the contact's id there. */
const ref = z.string().min(3).max(300)
const instant = z.int()
const count = z.int().min(0)

const conversation = z
  .object({
    ...queueRow
      .unwrap()
      .pick({ conversation: true, channel: true, contact: true, name: true, state: true, agent: true }).shape,
    /** How many episodes it has had, when the last one began, and how it was rated. */
    episode: count,
    openedAt: instant,
    rating: z.int().exactOptional(),
    n: count,
    at: instant,
  })
  .readonly()

/** A contact as the outside sees it: who it is on its channel, and the conversations of the same person, the latest activity first. */
const contactView = z
  .object({
    conversation: z.string(),
    channel: z.string(),
    contact: z.string(),
    name: z.string().exactOptional(),
    language: z.string().exactOptional(),
    attributes: z.record(z.string(), z.string()).readonly(),
    person: z.string().exactOptional(),
    conversations: z.array(conversation).readonly(),
  })
  .readonly()

/** The operations on contacts: part of the one table. */
export const CONTACT_OPERATIONS = {
  'contact.show': {
    summary: 'who a contact is, and the conversations of the same person',
    request: z.strictObject({ ref }),
    answer: z.object({ contact: contactView }),
    mutates: false,
    stream: false,
    since,
  },
  'contact.set': {
    summary: 'changes the name, the language or the attributes of a contact',
    request: z.strictObject({ ref, set: contactChangesSchema }),
    answer: z.object({ contact: contactView, changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'contact.merge': {
    summary: 'makes contacts the same person',
    request: z.strictObject({ refs: z.array(ref).min(2).max(64) }),
    answer: z.object({ contact: contactView, changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'contact.split': {
    summary: 'makes a contact somebody of its own again',
    request: z.strictObject({ ref }),
    answer: z.object({ contact: contactView, changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
} as const

/** A contact as the outside sees it. */
export type ContactView = z.infer<typeof contactView>
/** One conversation of the person. */
export type ContactConversationView = z.infer<typeof conversation>

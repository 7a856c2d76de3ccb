import { z } from 'zod'
import { CANNED_LIMITS } from '../core/canned.js'
import { named, pageRequest } from './schemas.js'

const since = '0.1.0'

const name = z.string().min(1).max(200)
const instant = z.int()
/** Looked at in full where it is stored. */
const text = z.string().max(8 * CANNED_LIMITS.textLength)
const language = z.string().max(60)
const texts = z.array(z.strictObject({ language, text })).max(CANNED_LIMITS.languages)
const changes = z.array(z.strictObject({ language, text: text.nullable() })).max(2 * CANNED_LIMITS.languages)

const facts = {
  name: z.string(),
  /** Name of the team whose members are offered it; the id of one that is no more. */
  team: z.string().exactOptional(),
  /** Nobody is offered it: its team was removed. */
  teamRemoved: z.literal(true).exactOptional(),
  createdAt: instant,
}

/** A canned reply as the outside sees it: texts by language, under `''` the one of no language. */
const cannedView = z.object({ ...facts, texts: z.record(z.string(), z.string()).readonly() }).readonly()

/** A canned reply in a list: the languages of its texts, and the beginning of the first. */
const cannedRow = z.object({ ...facts, languages: z.array(z.string()).readonly(), preview: z.string() }).readonly()

/** The operations on canned replies: part of the one table. */
export const CANNED_OPERATIONS = {
  'canned.add': {
    summary: 'makes a canned reply, or finds the same one',
    request: z.strictObject({ name, texts, team: name.exactOptional() }),
    answer: z.object({ reply: cannedView, changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'canned.set': {
    summary: 'changes the texts or the team of a canned reply',
    request: z.strictObject({ name, texts: changes.exactOptional(), team: name.nullable().exactOptional() }),
    answer: z.object({ reply: cannedView, changed: z.boolean() }),
    mutates: true,
    stream: false,
    since,
  },
  'canned.show': {
    summary: 'one canned reply',
    request: named,
    answer: z.object({ reply: cannedView }),
    mutates: false,
    stream: false,
    since,
  },
  'canned.list': {
    summary: 'a page of the canned replies',
    request: pageRequest(['name', '-name', 'created', '-created']),
    answer: z.object({ replies: z.array(cannedRow), next: z.string().exactOptional() }),
    mutates: false,
    stream: false,
    since,
  },
  'canned.remove': {
    summary: 'removes a canned reply',
    request: named,
    answer: z.object({ reply: cannedView }),
    mutates: true,
    stream: false,
    since,
  },
} as const

/** A canned reply as the outside sees it. */
export type CannedView = z.infer<typeof cannedView>
/** A canned reply in a list. */
export type CannedRowView = z.infer<typeof cannedRow>

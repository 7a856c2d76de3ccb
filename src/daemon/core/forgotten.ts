import type { Author } from '../../codec/wire.js'
import type { Head } from './model.js'
import { idHash } from './recent-ids.js'
import type { ForgottenBody, RecordBody } from './records.js'

/**
 * What is left of a record that was forgotten. Its number, its place and its time stay, and of its body what the conversation's standing follows from, so that
 * any replay of the log gives the same heads as before: who did it, never what was said, nor to whom.
 */

type Original = Exclude<RecordBody, ForgottenBody>

/** Fields that stay, besides the author's role and an agent's id. All others go: what is not named here is content, or tells who the contact is. */
const KEPT_FIELDS = {
  opened: ['channel', 'kind', 'egress', 'team', 'isQuiet'],
  message: ['reply', 'window', 'writtenAt', 'isEcho'],
  event: ['window'],
  delivery: ['message', 'state', 'pieces'],
  queued: ['since', 'from', 'team', 'declinedBy', 'asksAgain'],
  assigned: ['agent', 'from', 'bot'],
  transferred: ['agent', 'team'],
  snoozed: ['until'],
  woken: ['since', 'from'],
  closed: ['reason', 'asksRating', 'from'],
  reopened: [],
  updated: ['priority', 'team', 'requires', 'prefers'],
  note: [],
  rated: ['episode', 'score'],
  overdue: ['timer', 'dueAt', 'agent', 'team'],
  linked: [],
} as const satisfies { readonly [Type in Original['type']]: readonly (keyof Extract<Original, { type: Type }>)[] }

/** What a body must have to be reduced, where that is among what goes. */
const EMPTY: { readonly [Type in Original['type']]?: object } = {
  opened: { contact: '' },
  message: { parts: [] },
  event: { name: '' },
  queued: { reasons: [] },
  assigned: { name: '', reasons: [] },
  note: { text: '' },
}

/** The body that replaces another one, at an instant (epoch ms). One that was forgotten already stays as it is. */
export function forgotten(body: RecordBody, at: number): ForgottenBody {
  if (body.type === 'forgotten') return body
  const given = body as unknown as Readonly<Record<string, unknown>>
  const kept: Record<string, unknown> = {}
  for (const field of KEPT_FIELDS[body.type]) if (given[field] !== undefined) kept[field] = given[field]
  const by = 'by' in body ? { by: withoutName(body.by) } : {}
  const id = body.type === 'message' && body.id !== undefined ? { idHash: idHash(body.id) } : {}
  return { type: 'forgotten', was: body.type, at, ...by, ...id, kept }
}

/** A body as the conversation's standing follows from it: of one that was forgotten, the original with nothing in it. */
export function standingBody(body: RecordBody): Original {
  if (body.type !== 'forgotten') return body
  // Made by `forgotten` from a body of this type, and filled up with what that must have.
  return { ...EMPTY[body.was], ...body.kept, ...(body.by && { by: body.by }), type: body.was } as unknown as Original
}

/** Whether a record can be forgotten by itself: nothing follows from what goes of it. */
export function isForgettable(body: RecordBody): boolean {
  const { type } = standingBody(body)
  return type === 'message' || type === 'note' || type === 'event'
}

/** Whether nothing is known any more of whom a conversation is with: the next word of the contact begins it anew. */
export function isForgotten(head: Head): boolean {
  return head.contact === ''
}

/** Where a conversation stands when all of its records up to this head are forgotten: the same as when they are reduced. */
export function forgottenHead(head: Head): Head {
  const { details } = head
  return {
    ...head,
    contact: '',
    name: undefined,
    details: { ...details, tags: [], subject: undefined, language: undefined, attributes: {}, person: undefined },
  }
}

/** An agent is named by id only: names are told by those who have them. A contact has none. */
function withoutName({ role, id }: Author): Author {
  return role === 'agent' && id !== undefined ? { role, id } : { role }
}

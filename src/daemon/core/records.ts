import { RECORD_FLAGS } from '../../codec/record.js'
import type { Author, Part, ReplyOccasion } from '../../codec/wire.js'
import type { Changes } from '../../codec/wire-commands.js'
import type { ChannelKind, Egress } from './model.js'

/**
 * What can be appended to a conversation. Every change of a conversation is one of these, with its author; the envelope adds the time. `conversation.ts`
 * reduces them to where the conversation stands.
 */

/** First record of every conversation: who writes, through what. */
export type OpenedBody = {
  readonly type: 'opened'
  readonly channel: number
  readonly kind: ChannelKind
  readonly egress: Egress
  readonly contact: string
  readonly name?: string
  /** The contact's language: a tag such as `zh` or `pt-BR`. */
  readonly language?: string
  /** Id of the team that the channel sends conversations to. */
  readonly team?: string
  /** Somebody who has not said anything yet: nobody has to answer, so it begins as `closed`. */
  readonly isQuiet?: true
}

/** What a contact's act permits to be sent on its platform: so many messages until an instant (epoch ms). */
export type Permission = { readonly until: number; readonly messages: number }

/** A message. `id` is the writer's own id of it, the key of idempotent resending. One of a contact wakes or reopens the conversation. */
export type MessageRecordBody = {
  readonly type: 'message'
  readonly by: Author
  readonly id?: string
  readonly parts: readonly Part[]
  /** Which automatic reply it is, of those that kefu writes by itself. */
  readonly reply?: ReplyOccasion
  /** A contact's, on a platform that permits answers only for a while. */
  readonly window?: Permission
  /** A contact's, when the platform delivered it only long after it was written (epoch ms by the platform's clock). */
  readonly writtenAt?: number
  /** An answer that somebody gave on the platform itself: it does not go out once more. */
  readonly isEcho?: true
}

/** A contact did something on its platform that nobody has to answer: followed, entered the chat, pressed a key of a menu. */
export type EventRecordBody = {
  readonly type: 'event'
  readonly by: Author
  readonly name: string
  readonly data?: Readonly<Record<string, string | number | boolean>>
  readonly window?: Permission
}

/** What became of a message on its platform, where that is not what one expects. */
export type DeliveryBody = {
  readonly type: 'delivery'
  readonly by: Author
  /** Number of the message. */
  readonly message: number
  readonly state: DeliveryState
  readonly reason?: string
  /** Of one that is `sent` in a reply window that opened after it was written: how many of the platform's messages it took in that window. */
  readonly pieces?: number
}

/** What can become of a message on its way to a platform. */
export const DELIVERY_STATES = {
  held: 'goes out when the contact writes again',
  failed: 'was given up',
  unknown: 'may have arrived',
  sent: 'has gone out after all',
} as const satisfies Record<string, string>

/** One of `DELIVERY_STATES`. */
export type DeliveryState = keyof typeof DELIVERY_STATES

/** Nobody could take the conversation, or the agent who had it is gone or gave it back. `since` keeps its place in the line. */
export type QueuedBody = {
  readonly type: 'queued'
  readonly by: Author
  readonly since: number
  readonly reasons: readonly string[]
  /** The agent it was taken from. */
  readonly from?: string
  /** The team whose line it waits in from here on; without one, that stays as it is. */
  readonly team?: string
  /** An agent who is not asked again for a while. */
  readonly declinedBy?: string
  /** From here on those who declined it are asked again. */
  readonly asksAgain?: true
}

/** The conversation belongs to this agent from here on. */
export type AssignedBody = {
  readonly type: 'assigned'
  readonly by: Author
  readonly agent: string
  readonly name: string
  readonly reasons: readonly string[]
  /** The agent it was taken from. */
  readonly from?: string
  /** The agent is a program that answers first. */
  readonly bot?: true
}

/** Somebody sent it on, to an agent or a team; the record behind it says who has it now. */
export type TransferredBody = {
  readonly type: 'transferred'
  readonly by: Author
  readonly agent?: string
  readonly team?: string
  /** For the colleague, never for the contact. */
  readonly note?: string
}

/** It stays with its agent, out of the line, until an instant (epoch ms) or until the contact writes. */
export type SnoozedBody = { readonly type: 'snoozed'; readonly by: Author; readonly until: number }

/** It needs an agent again, since an instant. */
export type WokenBody = { readonly type: 'woken'; readonly by: Author; readonly since: number; readonly from?: string }

/** The episode is over. */
export type ClosedBody = {
  readonly type: 'closed'
  readonly by: Author
  /** A word: `agent`, `contact`, `idle`, `operator`. */
  readonly reason: string
  /** Whether the contact is asked for a rating. */
  readonly asksRating?: boolean
  /** The agent who had it. */
  readonly from?: string
}

/** A new episode, begun by an agent. */
export type ReopenedBody = { readonly type: 'reopened'; readonly by: Author }

/** Facts about the conversation and its contact that were changed; teams by id. */
export type UpdatedBody = Changes & { readonly type: 'updated'; readonly by: Author }

/** A text for colleagues. */
export type NoteBody = { readonly type: 'note'; readonly by: Author; readonly text: string }

/** The contact's opinion (1 to 5) of an episode. */
export type RatedBody = {
  readonly type: 'rated'
  readonly by: Author
  readonly episode: number
  readonly score: number
  readonly comment?: string
}

/** An answer did not come within the time that the team promises. */
export type OverdueBody = {
  readonly type: 'overdue'
  readonly by: Author
  readonly timer: 'firstResponse' | 'nextResponse'
  /** When it was due (epoch ms). */
  readonly dueAt: number
  readonly agent?: string
  readonly team?: string
}

/** The contact is the same person as those of other conversations: `person` is the id that all of them have from here on. Without one: somebody of its own again. */
export type LinkedBody = { readonly type: 'linked'; readonly by: Author; readonly person?: string }

/** What is left of a record whose content was forgotten (`forgotten.ts`): that it was there, and what the conversation's standing follows from. */
export type ForgottenBody = {
  readonly type: 'forgotten'
  /** Type of the record that it was. */
  readonly was: Exclude<RecordBody['type'], 'forgotten'>
  /** When it was forgotten (epoch ms). */
  readonly at: number
  readonly by?: Author
  /** Of a message with an id: the hash that the window of recent ids has of it. */
  readonly idHash?: number
  /** The original's fields that stay. */
  readonly kept: Readonly<Record<string, unknown>>
}

/** Anything that a conversation consists of. */
export type RecordBody =
  | OpenedBody
  | MessageRecordBody
  | EventRecordBody
  | DeliveryBody
  | QueuedBody
  | AssignedBody
  | TransferredBody
  | SnoozedBody
  | WokenBody
  | ClosedBody
  | ReopenedBody
  | UpdatedBody
  | NoteBody
  | RatedBody
  | OverdueBody
  | LinkedBody
  | ForgottenBody

/** Each record type: the envelope flags it is stored with, and for those that contacts get in part, the fields they get. */
export const RECORD_TYPES = {
  opened: { flags: RECORD_FLAGS.internal },
  message: { flags: 0 },
  event: { flags: RECORD_FLAGS.internal },
  delivery: { flags: RECORD_FLAGS.internal },
  queued: { flags: RECORD_FLAGS.internal },
  assigned: { flags: RECORD_FLAGS.partial, contactFields: ['agent', 'name', 'bot'] },
  transferred: { flags: RECORD_FLAGS.internal },
  snoozed: { flags: RECORD_FLAGS.internal },
  woken: { flags: RECORD_FLAGS.internal },
  closed: { flags: RECORD_FLAGS.partial, contactFields: ['asksRating'] },
  reopened: { flags: RECORD_FLAGS.internal },
  updated: { flags: RECORD_FLAGS.internal },
  note: { flags: RECORD_FLAGS.internal },
  rated: { flags: 0 },
  overdue: { flags: RECORD_FLAGS.internal },
  linked: { flags: RECORD_FLAGS.internal },
  forgotten: { flags: RECORD_FLAGS.tombstone | RECORD_FLAGS.internal },
} as const satisfies Record<RecordBody['type'], { readonly flags: number; readonly contactFields?: readonly string[] }>

/** The author of what kefu itself appends. */
export const SYSTEM: Author = { role: 'system' }

/** What contacts get of a record that is told to them in part: who has the conversation, not why. */
export function contactView(body: RecordBody): object {
  const row = RECORD_TYPES[body.type]
  if (!('contactFields' in row)) return body
  const given = body as unknown as Readonly<Record<string, unknown>>
  const view: Record<string, unknown> = { type: given.type, by: given.by }
  for (const field of row.contactFields) if (given[field] !== undefined) view[field] = given[field]
  return view
}

import type { ConversationId } from './conversation-id.js'

/** The vocabulary of commands: where a conversation stands, what can be done to it, and the frames that carry it. Types only; `command-schema.ts` validates. */

/** Where a conversation stands. */
export type ConversationState = 'new' | 'waiting' | 'bot' | 'active' | 'snoozed' | 'closed'

/** How urgent a conversation is. In a line the more urgent come first. */
export const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const

/** One of `PRIORITIES`. */
export type Priority = (typeof PRIORITIES)[number]

/** Facts about a conversation and its contact, to be changed; what is not named stays, an empty text takes away. */
export type Changes = {
  readonly priority?: Priority
  readonly subject?: string
  readonly language?: string
  readonly team?: string
  readonly addTags?: readonly string[]
  readonly removeTags?: readonly string[]
  /** Skills that an agent must have, with the level (1 to 5): all of them, in place of those before. */
  readonly requires?: Readonly<Record<string, number>>
  /** Skills that are welcome, in place of those before. */
  readonly prefers?: readonly string[]
  /** The contact's name and attributes. */
  readonly name?: string
  readonly attributes?: Readonly<Record<string, string>>
}

/** Something that is to be done to a conversation. Agents and teams are named by id or name; instants are epoch ms. */
export type Command =
  | { readonly do: 'accept' }
  | { readonly do: 'decline' }
  | { readonly do: 'takeOver' }
  | { readonly do: 'assign'; readonly agent: string }
  | { readonly do: 'transfer'; readonly agent?: string; readonly team?: string; readonly note?: string }
  | { readonly do: 'requeue' }
  | { readonly do: 'snooze'; readonly until: number }
  | { readonly do: 'wake' }
  | { readonly do: 'close'; readonly asksRating?: boolean }
  | { readonly do: 'reopen' }
  | { readonly do: 'note'; readonly text: string }
  | { readonly do: 'rate'; readonly score: number; readonly comment?: string }
  | { readonly do: 'update'; readonly set: Changes }
  | { readonly do: 'link'; readonly with: string }
  | { readonly do: 'unlink' }

/** `command`: an app names the `contact`, an agent the `conversation`, a visitor neither. */
export type CommandBody = { readonly conversation?: string; readonly contact?: string; readonly command: Command }
/** `done`: the command holds, and is on disk up to `n`; `changed` is false when it held before. */
export type DoneBody = { readonly conversation: ConversationId; readonly n: number; readonly changed: boolean }

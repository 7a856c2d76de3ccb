import type { ConversationId } from '../../codec/conversation-id.js'
import { RECORD_FLAGS } from '../../codec/record.js'
import type { Author, ConversationState, Part } from '../../codec/wire.js'

/** The domain's nouns. Everything here is plain data. */

/** What a channel can be. `web`: visitors' sockets; `app`: an app server that brings its own contacts over one socket. */
export const CHANNEL_KINDS = {
  web: { egress: 'socket', summary: 'a web page: visitors connect themselves' },
  app: { egress: 'socket', summary: 'an app server: one connection carries all of its contacts' },
} as const satisfies Record<string, { readonly egress: Egress; readonly summary: string }>

/** How answers reach contacts: over sockets that read the log, or through the outbox and a platform's API. */
export type Egress = 'socket' | 'outbox'

/** A kind of channel. */
export type ChannelKind = keyof typeof CHANNEL_KINDS

/** A configured connection. `number` is the frame header's channel: allotted once, never reused. */
export type Channel = {
  readonly number: number
  readonly name: string
  readonly kind: ChannelKind
  /** Page origins that may connect (`https://shop.example`); none means that no browser page may. */
  readonly origins: readonly string[]
  /** Tokens of an app server; none for other kinds. */
  readonly tokens: readonly TokenEntry[]
  /** Key (base64url of 256 random bits) of the HMAC over `id|expiresAt` with which a site asserts its known users; web channels only. Shown once. */
  readonly identitySecret?: string
  readonly createdAt: number
}

/** A person who answers. Tokens are stored as SHA-256 (hex). */
export type Agent = {
  readonly id: string
  readonly name: string
  readonly tokens: readonly TokenEntry[]
  readonly createdAt: number
}

/** A token's digest and when it was made; the token itself is shown once and kept nowhere. */
export type TokenEntry = { readonly sha256: string; readonly createdAt: number }

/** First record of every conversation: who writes, through what. */
export type OpenedBody = {
  readonly type: 'opened'
  readonly channel: number
  readonly kind: ChannelKind
  readonly egress: Egress
  readonly contact: string
  readonly name?: string
}

/** A message. `id` is the writer's own id of it, the key of idempotent resending. */
export type MessageRecordBody = {
  readonly type: 'message'
  readonly by: Author
  readonly id?: string
  readonly parts: readonly Part[]
}

/** Nobody could take the conversation, or the agent who had it is gone. `since` keeps its place in the line. */
export type QueuedBody = {
  readonly type: 'queued'
  readonly by: Author
  readonly since: number
  readonly reasons: readonly string[]
  /** The agent it was taken from. */
  readonly from?: string
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
}

/** Anything that can be appended to a conversation. */
export type RecordBody = OpenedBody | MessageRecordBody | QueuedBody | AssignedBody

/** Each record type: the envelope flags it is stored with. */
export const RECORD_TYPES = {
  opened: { flags: RECORD_FLAGS.internal },
  message: { flags: 0 },
  queued: { flags: RECORD_FLAGS.internal },
  assigned: { flags: RECORD_FLAGS.partial },
} as const satisfies Record<RecordBody['type'], { readonly flags: number }>

/** Where a conversation stands: the reduction of its records. Immutable. */
export type Head = {
  readonly conversation: ConversationId
  /** Number and log position of its last record. */
  readonly n: number
  readonly seq: number
  readonly at: number
  readonly channel: number
  readonly kind: ChannelKind
  readonly egress: Egress
  readonly contact: string
  readonly name: string | undefined
  readonly state: ConversationState
  /** The agent it is assigned to while `active`. */
  readonly agent: string | undefined
  /** Epoch ms since which it waits for an agent, while `new` or `waiting`. */
  readonly waitingSince: number | undefined
}

/** The author of what kefu itself appends. */
export const SYSTEM: Author = { role: 'system' }

/** What contacts get of a record that is told to them in part: who has the conversation, not why. */
export function contactView(body: RecordBody): object {
  if (body.type !== 'assigned') return body
  const { type, by, agent, name } = body
  return { type, by, agent, name }
}

import type { ConversationId } from './conversation-id.js'
import type { Author } from './wire-author.js'
import type { CannedBody, CannedRequestBody } from './wire-canned.js'
import type { CommandBody, ConversationState, DoneBody } from './wire-commands.js'
import type { ContactBody, ContactRequestBody } from './wire-contacts.js'
import type { SearchBody, SearchRequestBody } from './wire-search.js'

export type { Author }

/**
 * The vocabulary of the wire protocol (docs/protocol.md): frame kinds, their bodies, message parts and limits.
 * Types only; `wire-schema.ts` validates what clients send, `frame.ts` turns frames into bytes.
 */

/** WebSocket path of the protocol. */
export const SOCKET_PATH = '/v1/socket'

/** Subprotocol names: binary frames, and the same fields as JSON text. */
export const SUBPROTOCOLS = { binary: 'kefu.v1', json: 'kefu.v1.json' } as const

/** Frame kinds and their codes in the binary header. Codes are never reused. */
export const FRAME_KINDS = {
  hello: 1,
  welcome: 2,
  inbox: 3,
  message: 4,
  ack: 5,
  deliver: 6,
  typing: 7,
  read: 8,
  presence: 9,
  history: 10,
  page: 11,
  error: 12,
  goAway: 13,
  media: 14,
  command: 15,
  done: 16,
  queue: 17,
  listen: 18,
  contact: 19,
  canned: 20,
  delivered: 21,
  search: 22,
} as const satisfies Record<string, number>

/** The name of a frame kind. */
export type FrameKind = keyof typeof FRAME_KINDS

/** Header flags. A frame with any other bit is refused. */
export const FRAME_FLAGS = { zstd: 1 } as const

/** Bounds that both sides keep. */
export const WIRE_LIMITS = {
  /** Largest frame a client may send. */
  clientFrameBytes: 64 * 1024,
  /** Largest WebSocket frame a server sends; larger JSON text is fragmented by the transport. */
  serverFrameBytes: 15 * 1024,
  /** Largest stored record body (msgpack). */
  messageBytes: 12 * 1024,
  /** Messages a client may have unacknowledged in one conversation. */
  unacknowledged: 64,
  /** Parts of one message. */
  parts: 16,
  /** Answers of one `choices` part. */
  choices: 10,
  /** Characters of a client's message id. */
  idLength: 64,
  /** Characters of a tag, a skill, the name of an attribute, an agent or a team. */
  wordLength: 64,
  /** Tags, skills or attributes that one command names. */
  facts: 32,
  /** All attributes of a contact, in msgpack. */
  attributeBytes: 8 * 1024,
  /** Conversations that one connection may listen to. */
  listens: 64,
  /** Characters of a query. */
  query: 512,
  /** Hits of a page. */
  hits: 50,
  /** Characters of a hit's words that are shown. */
  hitText: 400,
  /** Unread messages of a conversation that are counted. */
  unread: 100,
  /** An agent sends `presence` at least this often. */
  heartbeatMs: 5_000,
} as const

/** A piece of a message's content. Media parts name an uploaded file. */
export type Part =
  | { readonly type: 'text'; readonly text: string }
  | MediaPart
  | { readonly type: 'location'; readonly latitude: number; readonly longitude: number; readonly label?: string }
  | { readonly type: 'card'; readonly title: string; readonly text?: string; readonly url?: string }
  | ChoicesPart
  | {
      readonly type: 'event'
      readonly name: string
      readonly data?: Readonly<Record<string, string | number | boolean>>
    }

/**
 * A question with answers to pick from. Contacts are asked, they do not ask. Who picks one sends a message of a text part, the label, and an event part
 * `{name: 'choice', data: {id}}`.
 */
export type ChoicesPart = { readonly type: 'choices'; readonly text: string; readonly choices: readonly Choice[] }

/** An answer to pick: its `id` is unlike the others of its part. */
export type Choice = { readonly id: string; readonly label: string }

/** A part whose bytes are an uploaded file of the same conversation. */
export type MediaPart = {
  readonly type: 'image' | 'audio' | 'video' | 'file'
  /** Id that the upload answered with. */
  readonly media: string
  readonly name?: string
}

/** What a socket is allowed to be. */
export type Role = 'visitor' | 'agent' | 'app'

/** A record as clients see it; its `type` says which other fields it has (docs/protocol.md). What a contact may not see is `{type: 'internal'}`. */
export type WireRecord = {
  readonly type: string
  readonly by?: Author
  readonly id?: string
  readonly parts?: readonly Part[]
  readonly [field: string]: unknown
}

/** One record with its place, as `deliver` and `page` carry it. */
export type WireEntry = { readonly n: number; readonly at: number; readonly record: WireRecord }

/** How far one side of a conversation has got: what it has received, and of that what a person has read. 0: nothing. */
export type Marks = { readonly delivered: number; readonly read: number }

/** What a contact's platform takes since the contact did something last: so many messages until an instant (epoch ms). */
export type ReplyPermission = { readonly until: number; readonly messages: number }

/** First frame of every client. */
export type HelloBody = {
  /** Visitor, agent or app token. A new visitor has none and names its `channel`. */
  readonly token?: string
  /** Channel name, for a visitor without a token. */
  readonly channel?: string
  /** A known user of the site, asserted by it: HMAC-SHA256 hex over `id|expiresAt` with the channel's identity secret. */
  readonly identity?: {
    readonly id: string
    readonly expiresAt: number
    readonly signature: string
    readonly name?: string
  }
  /** A visitor's display name. */
  readonly name?: string
  /** A visitor's language: a tag such as `zh` or `pt-BR`. */
  readonly language?: string
  /** Where to go on: a visitor's last `n`, an agent's or app's last `cursor`. */
  readonly resume?: { readonly n?: number; readonly cursor?: string }
  /** Whether history pages may come compressed. */
  readonly zstd?: boolean
  /** Name and version of the client program. */
  readonly client?: string
}

/** One row of the channel table. */
export type WireChannel = { readonly number: number; readonly name: string; readonly kind: string }

/** The answer to `hello`. */
export type WelcomeBody = {
  readonly role: Role
  readonly session: string
  readonly serverTime: number
  readonly channels: readonly WireChannel[]
  /** Agents and apps: the log position up to which the inbox speaks; later records are delivered. */
  readonly cursor?: string
  /** Visitors: their only conversation and its last `n`. */
  readonly conversation?: ConversationId
  readonly n?: number
  /** Visitors: how far the agents have got in it. */
  readonly marks?: Marks
  /** Visitors: the token to keep for the next hello, when a new one was made. */
  readonly token?: string
  /** Agents: who they are. */
  readonly agent?: { readonly id: string; readonly name: string }
}

/** A conversation in an agent's or app's inbox. */
export type InboxEntry = {
  readonly conversation: ConversationId
  readonly channel: number
  readonly contact: string
  readonly name?: string
  readonly n: number
  readonly at: number
  readonly state: ConversationState
  /** The agent it is assigned to. */
  readonly agent?: string
  /** How far the other side has got: the contact for the agent who has it, the agents for an app. */
  readonly marks?: Marks
  /** For the agent who has it: messages of the contact that nobody has read or answered, counted up to 100. */
  readonly unread?: number
  /** What the contact's platform takes; absent: anything. */
  readonly window?: ReplyPermission
  /** Opaque position of its last activity. */
  readonly cursor: string
}

/** `inbox` from a client: the next older page. */
export type InboxRequestBody = { readonly before: string }
/** `inbox` from the server: newest activity first, down to the resume cursor; `more` says that older ones follow. Pushed with one entry when a conversation is assigned. */
export type InboxBody = { readonly entries: readonly InboxEntry[]; readonly more: boolean }

/** `message`: an app names the `contact`, an agent the `conversation`, a visitor neither. The same `id` again is answered with the first result. */
export type MessageBody = {
  readonly id: string
  readonly conversation?: string
  readonly contact?: string
  readonly name?: string
  readonly language?: string
  readonly parts: readonly Part[]
}

/** `ack` from the server: the message is on disk as number `n`. */
export type AckBody = {
  readonly id: string
  readonly conversation: ConversationId
  readonly n: number
  readonly duplicate?: boolean
}
/** `ack` and `read` from a client: it has (its person has read) everything up to `n`. */
export type ReceiptBody = { readonly conversation?: string; readonly contact?: string; readonly n: number }
/** `delivered` and `read` from the server: how far somebody has received, or read. */
export type ReadBody = { readonly conversation: ConversationId; readonly by: Author; readonly n: number }

/** `deliver`: one record of the log. `cursor` for agents and apps, `contact` for apps and agents. */
export type DeliverBody = WireEntry & {
  readonly conversation: ConversationId
  readonly contact?: string
  readonly cursor?: string
}

/** `typing` from a client. */
export type TypingBody = { readonly conversation?: string; readonly contact?: string; readonly on: boolean }
/** `typing` from the server. */
export type TypingNoticeBody = { readonly conversation: ConversationId; readonly by: Author; readonly on: boolean }

/** `presence` from an agent: its heartbeat. */
export type PresenceBody = { readonly state: 'online' | 'away' }
/** `presence` from the server to a contact: its agent's state. */
export type PresenceNoticeBody = {
  readonly conversation: ConversationId
  readonly agent: string
  readonly state: 'online' | 'away' | 'offline'
}

/** `history`: records after (ascending from there) or before (the last ones before it) a number, never both. */
export type HistoryBody = {
  readonly conversation?: string
  readonly contact?: string
  readonly after?: number
  readonly before?: number
  readonly limit?: number
}
/** `page`: contiguous records in ascending order from `after` + 1; `head` is the conversation's last `n`. */
export type PageBody = {
  readonly conversation: ConversationId
  readonly after: number
  readonly head: number
  readonly records: readonly WireEntry[]
}

/** `error`: `message` and `hint` are for whoever uses the client; `id` names the message that was refused. */
export type ErrorBody = {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly retryable: boolean
  readonly id?: string
  readonly retryAfterMs?: number
}

/** `goAway`: the server is going; connect again after the delay (with jitter). */
export type GoAwayBody = { readonly reason: string; readonly reconnectAfterMs: number }

/** `media` from a client: asks for a link to a file of the conversation. */
export type MediaRequestBody = { readonly conversation?: string; readonly contact?: string; readonly media: string }
/** `media` from the server: a path with a signature, valid until `expiresAt` (epoch ms). */
export type MediaBody = { readonly media: string; readonly url: string; readonly expiresAt: number }

/** The occasions on which kefu answers by itself. */
export const REPLY_OCCASIONS = {
  welcome: 'an episode begins',
  waiting: 'nobody can take the conversation yet',
  offHours: 'its team is not at work',
  idleWarning: 'both sides have been silent for a while',
  idleClose: 'it is closed because of that silence',
} as const satisfies Record<string, string>

/** One of `REPLY_OCCASIONS`. */
export type ReplyOccasion = keyof typeof REPLY_OCCASIONS

/** `listen`: a supervisor gets the records of a conversation as they come, or no more. */
export type ListenBody = { readonly conversation: string; readonly on: boolean }

/** `queue` to a contact who waits: how many of the same team have their turn before, and how long that may take, where that can be said. */
export type QueueBody = {
  readonly conversation: ConversationId
  readonly ahead: number
  readonly estimatedWaitMs?: number
}

/** What clients send, by kind. */
export type ClientBodies = {
  readonly hello: HelloBody
  readonly inbox: InboxRequestBody
  readonly message: MessageBody
  readonly ack: ReceiptBody
  readonly typing: TypingBody
  readonly read: ReceiptBody
  readonly presence: PresenceBody
  readonly history: HistoryBody
  readonly media: MediaRequestBody
  readonly command: CommandBody
  readonly listen: ListenBody
  readonly contact: ContactRequestBody
  readonly canned: CannedRequestBody
  readonly search: SearchRequestBody
}

/** What servers send, by kind. */
export type ServerBodies = {
  readonly welcome: WelcomeBody
  readonly inbox: InboxBody
  readonly ack: AckBody
  readonly deliver: DeliverBody
  readonly typing: TypingNoticeBody
  readonly read: ReadBody
  readonly delivered: ReadBody
  readonly presence: PresenceNoticeBody
  readonly page: PageBody
  readonly error: ErrorBody
  readonly goAway: GoAwayBody
  readonly media: MediaBody
  readonly done: DoneBody
  readonly queue: QueueBody
  readonly contact: ContactBody
  readonly canned: CannedBody
  readonly search: SearchBody
}

/** Kinds a client may send. */
export type ClientKind = keyof ClientBodies
/** Kinds a server may send. */
export type ServerKind = keyof ServerBodies

/** A frame from a client, validated. */
export type ClientFrame = {
  readonly [K in ClientKind]: {
    readonly channel: number
    readonly kind: K
    readonly correlation: number
    readonly body: ClientBodies[K]
  }
}[ClientKind]

/** A frame from a server. */
export type ServerFrame = {
  readonly [K in ServerKind]: {
    readonly channel: number
    readonly kind: K
    readonly correlation: number
    readonly body: ServerBodies[K]
  }
}[ServerKind]

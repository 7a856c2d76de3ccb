import type { ConversationId } from '../../codec/conversation-id.js'
import type { ReplyOccasion } from '../../codec/wire.js'
import type { ConversationState, Priority } from '../../codec/wire-commands.js'
import type { RetentionDays } from './retention-kinds.js'

/** The domain's nouns. Everything here is plain data. */

/** What a channel can be. `web`: visitors' sockets; `app`: an app server that brings its own contacts over one socket. */
export const CHANNEL_KINDS = {
  web: { egress: 'socket', summary: 'a web page: visitors connect themselves' },
  app: { egress: 'socket', summary: 'an app server: one connection carries all of its contacts' },
  webhook: { egress: 'outbox', summary: 'any other system: signed JSON in, signed JSON out' },
  'wechat-mp': { egress: 'outbox', summary: '微信公众号: an official account' },
  'wechat-mini': { egress: 'outbox', summary: '微信小程序: the customer messages of a mini program' },
  'wecom-kf': { egress: 'outbox', summary: '微信客服: customer service of 企业微信' },
} as const satisfies Record<string, { readonly egress: Egress; readonly summary: string }>

/** How answers reach contacts: over sockets that read the log, or through the outbox and a platform's API. */
export type Egress = 'socket' | 'outbox'

/** A kind of channel. */
export type ChannelKind = keyof typeof CHANNEL_KINDS

/** All kinds, in the order of the table. */
export const CHANNEL_KIND_NAMES = Object.keys(CHANNEL_KINDS) as [ChannelKind, ...ChannelKind[]]

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
  /** What kefu says by itself, by language tag. */
  readonly replies?: Readonly<Record<string, Replies>>
  /** The language of contacts of whom none is known. */
  readonly language?: string
  /** After how long a silence of both sides the contact is warned, and the conversation closed. */
  readonly idle?: IdleTimes
  /** Id of the team whose line its conversations wait in, unless they were sent to another. */
  readonly team?: string
  /** Id of the bot that gets what is new first, while it is there. */
  readonly bot?: string
  /** What was set of the settings that its kind has; none of them is a secret. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** What of its lane is otherwise than usual. */
  readonly lane?: Partial<LaneSettings>
  /** For how many days it keeps what was said; what is not named, for ever. */
  readonly retain?: RetentionDays
  readonly createdAt: number
}

/** How much of a platform's channel goes in and out at once. `in`: callbacks; `out`: messages to the platform. */
export type LaneSettings = {
  /** Callbacks that are on their way to disk; more are told to come again. */
  readonly inLimit: number
  readonly inPerSecond: number
  /** Conversations that are sent to at once. */
  readonly outConcurrency: number
  readonly outPerSecond: number
  readonly isInPaused: boolean
  readonly isOutPaused: boolean
}

/** The usual lane. */
export const USUAL_LANE: LaneSettings = {
  inLimit: 512,
  inPerSecond: 10_000,
  outConcurrency: 16,
  outPerSecond: 200,
  isInPaused: false,
  isOutPaused: false,
}

/** After how long a silence of both sides the contact is warned, and the conversation closed. */
export type IdleTimes = { readonly warnAfterMs?: number; readonly closeAfterMs: number }

/** Texts by occasion. */
export type Replies = Readonly<Partial<Record<ReplyOccasion, string>>>

/** What an agent may do. */
export const AGENT_ROLES = {
  agent: 'answers what they are given or take',
  supervisor: 'also looks after the conversations of others',
  bot: 'a program that answers first what is new on a channel, and hands over to people',
} as const satisfies Record<string, string>

/** One of `AGENT_ROLES`. */
export type AgentRole = keyof typeof AGENT_ROLES

/** Who answers: a person, or a program. Tokens are stored as SHA-256 (hex). */
export type Agent = {
  readonly id: string
  readonly name: string
  readonly role: AgentRole
  readonly tokens: readonly TokenEntry[]
  /** Levels from 1 to 5. */
  readonly skills: Readonly<Record<string, number>>
  /** Language tags, such as `zh` or `en`. */
  readonly languages: readonly string[]
  /** Absent: as the configuration says. */
  readonly capacity?: Capacity
  /** Of a bot that is an HTTP endpoint: where it is called. */
  readonly endpoint?: string
  readonly createdAt: number
}

/** How many conversations an agent may have at once: in all, and of a kind of channel where that is less. */
export type Capacity = {
  readonly total: number
  readonly perKind: Readonly<Partial<Record<ChannelKind, number>>>
}

/** A token's digest and when it was made; the token itself is shown once and kept nowhere. */
export type TokenEntry = { readonly sha256: string; readonly createdAt: number }

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
  /** The agent it is assigned to, while `bot`, `active` or `snoozed`. */
  readonly agent: string | undefined
  /** Epoch ms since which it waits for an agent, while `new` or `waiting`. */
  readonly waitingSince: number | undefined
  /** Epoch ms of the contact's first message that nobody has answered; undefined when all are. */
  readonly unansweredSince: number | undefined
  /** Epoch ms of the last message of a contact or an agent. */
  readonly saidAt: number | undefined
  /** What changes rarely: the same object until it does. */
  readonly details: Details
}

/** What is known of a conversation besides its place. */
export type Details = {
  /** Spans from open to close, counted from 1. */
  readonly episode: number
  /** When this episode began, and when somebody first answered in it (epoch ms). */
  readonly openedAt: number
  readonly answeredAt: number | undefined
  /** Its place in the line (epoch ms) when it waited last: it goes back to it when its agent is lost. */
  readonly lineSince: number
  /** Id of the team that it was sent to. */
  readonly team: string | undefined
  /** Since when it waits for that team, or did last: overflow counts from here. */
  readonly teamSince: number
  /** The `unansweredSince` of which an `overdue` was recorded last. */
  readonly overdueSince: number | undefined
  /** The `saidAt` after which the contact was warned of the end. */
  readonly idleWarnedAt: number | undefined
  readonly priority: Priority
  readonly tags: readonly string[]
  readonly subject: string | undefined
  readonly language: string | undefined
  readonly requires: Readonly<Record<string, number>>
  readonly prefers: readonly string[]
  /** While `snoozed`. */
  readonly snoozedUntil: number | undefined
  /** Since it woke and until somebody gets it: the agent who had put it aside. */
  readonly wokenFor: string | undefined
  /** Agents who gave it back, one after the other, and are not asked again yet. */
  readonly declinedBy: readonly string[]
  /** Who served the contact last, and until when (epoch ms). */
  readonly lastAgent: { readonly id: string; readonly at: number } | undefined
  /** The contact's score of this episode. */
  readonly rating: number | undefined
  readonly attributes: Readonly<Record<string, string>>
  /** Id of the person that the contact was merged into. */
  readonly person: string | undefined
  /** What the platform permits to be sent since the contact did something, in conversations that answers leave through an outbox. */
  readonly window: ReplyWindow | undefined
}

/** A permission to answer: by record `n`, so many messages until an instant (epoch ms). */
export type ReplyWindow = { readonly n: number; readonly until: number; readonly messages: number }

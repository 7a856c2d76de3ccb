import type { ConversationId } from '../../codec/conversation-id.js'
import { RECORD_TYPES, type RecordBody } from './records.js'

/** Outgoing webhooks: programs of others that are told what is appended to conversations. */

/** A type of record. */
export type RecordType = RecordBody['type']

/** Types of records that a hook can be told of: what is forgotten was told when it was said, if at all. */
export const HOOK_EVENTS: readonly RecordType[] = (Object.keys(RECORD_TYPES) as RecordType[]).filter(
  type => type !== 'forgotten',
)

/** Why a hook does not deliver: somebody has switched it off; its endpoint has answered 410; it has too many dead letters. */
export const HOOK_STOPS = {
  operator: 'switched off',
  gone: 'its endpoint has answered 410: it wants no more',
  'dead-letters': 'it has as many dead letters as are kept: resend or forget some',
} as const satisfies Record<string, string>

/** One of `HOOK_STOPS`. */
export type HookStop = keyof typeof HOOK_STOPS

/** An endpoint that is told of records, in order per conversation, each at least once. */
export type Hook = {
  readonly id: string
  readonly name: string
  readonly url: string
  /** Types of records it is told of; absent: all. */
  readonly events?: readonly RecordType[]
  /** Numbers of the channels it is told of; absent: all. */
  readonly channels?: readonly number[]
  /** While it does not deliver; it stays where it stands. */
  readonly stopped?: { readonly at: number; readonly why: HookStop }
  /** The log position behind which it begins. */
  readonly begin: number
  readonly createdAt: number
}

/** How much there is of hooks. */
export const HOOK_LIMITS = { hooks: 32, channels: 100, deadLetters: 1_000 } as const

/** The name under which the vault has what calls to a hook or a bot are signed with. */
export const SIGNING_SECRET = 'secret'

/** A record that a hook has given up on. */
export type DeadLetter = {
  readonly seq: number
  readonly conversation: ConversationId
  readonly n: number
  readonly type: RecordType
  /** When it was given up, epoch ms. */
  readonly at: number
  readonly attempts: number
  readonly reason: string
}

/**
 * How a hook does: it delivers; some conversations wait for another attempt; nothing goes through, and it tries again from time to time; what comes next in
 * the log cannot be read, and it tries that again from time to time; it is stopped.
 */
export const HOOK_STATES = ['running', 'retrying', 'down', 'unreadable', 'stopped'] as const

/** How a hook does. */
export type HookState = (typeof HOOK_STATES)[number]

/** How a hook does, in numbers; those of deliveries since the daemon's start, or since the hook was changed. */
export type HookStatus = {
  readonly state: HookState
  /** Everything of the log up to here is done. */
  readonly cursor: number
  /** Records of the log behind that. */
  readonly lag: number
  readonly delivered: number
  /** Attempts that failed. */
  readonly failed: number
  readonly dead: number
  readonly deliveredAt?: number
  readonly lastError?: { readonly at: number; readonly reason: string }
}

/** What became of one call. */
export type CallReport = {
  readonly ok: boolean
  readonly status?: number
  readonly reason?: string
  readonly ms: number
}

/** The hooks at work. */
export type HooksPort = {
  status(hook: Hook): HookStatus
  /** Calls the endpoint once with a record of the type `test`, also while the hook is stopped. */
  test(hook: Hook, abort: AbortSignal): Promise<CallReport>
  /** In log order. */
  deadLetters(hook: Hook): readonly DeadLetter[]
  /** Delivers a dead letter once; when that succeeds it is one no more. Throws `KEFU_DEAD_LETTER_NOT_FOUND`, and what reading the log throws. */
  resend(hook: Hook, seq: number, abort: AbortSignal): Promise<CallReport>
  /** Removes dead letters for good, all of them without `seqs`; how many there were. */
  forget(hook: Hook, seqs?: readonly number[]): Promise<number>
}

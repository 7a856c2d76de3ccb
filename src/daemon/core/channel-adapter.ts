import type { Part } from '../../codec/wire.js'
import type { KefuError } from '../../errors.js'
import type { ChannelKind } from './model.js'
import type { Credential } from './vault.js'

/**
 * The contract between the engine and a platform. An adapter verifies what a platform sends, turns it into channel-neutral events, and sends what agents write.
 * It stores nothing and decides nothing: what is a duplicate, when to try again and what to tell the agent is for the engine. `test/conformance/channel.suite.ts`
 * holds every adapter to it.
 */

/** A kind of channel as a table: what `channel kinds` shows, and what `channel add` and `credential set` accept. */
export type KindTable = {
  readonly kind: ChannelKind
  /** The platform's own name. */
  readonly title: { readonly zh: string; readonly en: string }
  readonly settings: Readonly<Record<string, SettingRow>>
  readonly credentials: Readonly<Record<string, CredentialRow>>
  readonly capabilities: Capabilities
}

/** A setting of a channel, by a name in kebab-case. None is a secret. */
export type SettingRow = {
  readonly summary: string
  /** Has to be given before the channel can work. */
  readonly isRequired?: true
  readonly example?: string
} & (
  | { readonly type: 'text'; readonly pattern?: never; readonly default?: string }
  /** `form`: the pattern in words, as what the value is. */
  | { readonly type: 'text'; readonly pattern: RegExp; readonly form: string; readonly default?: string }
  /** An address below which others are: without query, and without a slash at its end. */
  | { readonly type: 'url'; readonly default?: string }
  /** A whole address, which is called as it is written. */
  | { readonly type: 'endpoint'; readonly default?: never }
  | { readonly type: 'choice'; readonly choices: readonly string[]; readonly default: string }
  | { readonly type: 'boolean'; readonly default: boolean }
  | { readonly type: 'integer'; readonly min: number; readonly max: number; readonly default: number }
)

/** A secret of a channel, by a name in kebab-case. */
export type CredentialRow = {
  readonly summary: string
  /** Without it nothing can be received (`inbound`) or sent (`outbound`). */
  readonly neededFor: 'inbound' | 'outbound'
  readonly isRequired: boolean
  readonly pattern?: RegExp
}

/** What a platform can do. */
export type Capabilities = {
  /** Types of parts that its users can send. */
  readonly inbound: readonly Part['type'][]
  /** Types of parts that it takes; others become text. */
  readonly outbound: readonly Part['type'][]
  /** The longest text of one message. */
  readonly text: { readonly unit: 'bytes' | 'utf16' | 'characters'; readonly max: number }
  /** Files that it takes, by type of part. */
  readonly mediaLimitBytes: Readonly<Partial<Record<MediaPartType, number>>>
  /** What an act of the user permits to be sent, by name of the act; none when anything may be sent at any time. Settings may change the numbers. */
  readonly grants: Readonly<Record<string, Grant>>
  /** Whether the platform recognises a message that is sent a second time. */
  readonly recognisesRepeats: boolean
}

/** A type of part that is a file. */
export type MediaPartType = 'image' | 'audio' | 'video' | 'file'

/** A permission to send: so many messages within a time. The newest one replaces those before it. */
export type Grant = { readonly messages: number; readonly windowMs: number }

/** The values of a channel's settings: those that were set, and the defaults of the others. */
export type SettingValues = Readonly<Record<string, string | number | boolean>>

/** What an adapter is opened with. It is opened anew when a setting or a secret changes. */
export type AdapterInput = {
  readonly settings: SettingValues
  readonly secrets: ReadonlyMap<string, Credential>
}

/** A request to the channel's callback address. */
export type Callback = {
  readonly method: 'GET' | 'POST'
  readonly query: URLSearchParams
  header(name: string): string | undefined
  /** The body as it came; longer ones than a MiB have been refused. */
  readonly bytes: Uint8Array
  /** Epoch ms. */
  readonly arrivedAtMs: number
}

/** What a request means. `answer` is the platform's word for success: it is given only when all events are on disk. */
export type Reception = {
  readonly answer: CallbackAnswer
  readonly events: readonly InboundEvent[]
  /** The platform only signals that there is something to fetch: from which account, and with what pass. */
  readonly signal?: PullSignal
}

/** The answer to a callback. */
export type CallbackAnswer = { readonly status: number; readonly contentType: string; readonly body: string }

/** Something happened on the platform. */
export type InboundEvent = ContactEvent | FailureEvent

/** The user did something, or somebody answered the user elsewhere. */
export type ContactEvent = {
  /** The platform's id of it: the same again within 8 days is the same event, and is stored once. */
  readonly key: string
  /** The platform's id of the user: an opaque text of at most 128 characters. */
  readonly contact: string
  readonly name?: string
  /** A tag such as `zh`. */
  readonly language?: string
  /** By the platform's clock, epoch ms. */
  readonly sentAtMs: number
  /**
   * `message`: the user says something, which somebody has to answer. `sign`: the user did something (followed, entered, pressed a menu key): known to
   * agents, but nobody has to answer. `echo`: somebody answered the user elsewhere.
   */
  readonly type: 'message' | 'sign' | 'echo'
  readonly parts: readonly InboundPart[]
  /** Name of the grant (of `Capabilities.grants`) that it brings. */
  readonly grant?: string
  /** What is known of the contact by it. */
  readonly attributes?: Readonly<Record<string, string>>
}

/** A piece that the platform had taken did not arrive after all: for a `delivery` record, not for a message. Only for pieces that carried an id of ours. */
export type FailureEvent = {
  readonly key: string
  readonly contact: string
  readonly sentAtMs: number
  readonly type: 'failure'
  /** `n` and `piece` of its `Recipient`. */
  readonly n: number
  readonly piece: number
  /** As of a `SendOutcome`. */
  readonly reason: string
}

/** A part of a message as the platform has it: files are still there. */
export type InboundPart =
  | Exclude<Part, { readonly media: string }>
  | { readonly type: MediaPartType; readonly name?: string; readonly source: MediaSource }

/** Where a file is: a text that only the adapter understands. Not a secret; kept until the file is fetched. */
export type MediaSource = string

/** A signal to fetch. */
export type PullSignal = { readonly account: string; readonly pass?: string }

/** What a pull brought. */
export type Pulled = { readonly events: readonly InboundEvent[]; readonly cursor: string; readonly hasMore: boolean }

/** Whom a message goes to. */
export type Recipient = {
  readonly contact: string
  /** `n` of the message in its conversation, and of the piece in the message, from 0: for platforms that take an id. The same for every attempt. */
  readonly n: number
  readonly piece: number
  /** The piece's own id: the same for every attempt, unlike every other one of this daemon. */
  readonly id: string
}

/** A file to send. */
export type OutboundFile = { readonly bytes: Uint8Array; readonly type: string; readonly name: string | undefined }

/** One message of the platform: a part, with the file that it names. */
export type OutboundPiece = { readonly part: Part; readonly file?: OutboundFile }

/** What became of sending a piece, in the words of the outbox. `reason` is shown to agents and operators: it says what to do, and holds no secret. */
export type SendOutcome =
  | { readonly type: 'sent' }
  /** It was certainly not taken; the same again may be. */
  | { readonly type: 'retry'; readonly reason: string; readonly afterMs?: number }
  /** The platform wants less for a while: nothing is wrong with this message. */
  | { readonly type: 'throttled'; readonly reason: string; readonly afterMs: number }
  /** Not until the contact writes again. */
  | { readonly type: 'window-closed'; readonly reason: string }
  /** Never. */
  | { readonly type: 'give-up'; readonly reason: string }
  /** No message of this channel can be sent until somebody changes something. */
  | { readonly type: 'channel-down'; readonly reason: string; readonly afterMs?: number }
  /** It may have been taken. */
  | { readonly type: 'unknown'; readonly reason: string }

/** One step of `channel test`: what was tried, and on failure what to change. */
export type CheckStep = {
  readonly step: string
  readonly result: 'ok' | 'failed' | 'skipped'
  readonly reason?: string
  readonly nextStep?: string
}

/** A file that was fetched. `type`: what the platform says it is. */
export type FetchedFile = { readonly bytes: Uint8Array; readonly type: string | undefined; readonly name?: string }

/** An adapter of one configured channel. */
export type Adapter = {
  /**
   * Verifies a request over its raw bytes and reads it; nothing waits, nothing is sent. Throws `KEFU_CALLBACK_REFUSED` (a signature that does not fit: nothing was
   * parsed), `KEFU_CALLBACK_INVALID` (signed, but not as the platform writes it) and `KEFU_CREDENTIAL_MISSING`.
   */
  receive(callback: Callback): Reception
  /** Fetches what a signal was about, after a cursor. Throws as `fetchFile` does. */
  pull?(signal: PullSignal, cursor: string | undefined, abort: AbortSignal): Promise<Pulled>
  /** Sends one piece. Every failure is an outcome; it throws only when it is aborted before anything was written. */
  send(to: Recipient, piece: OutboundPiece, abort: AbortSignal): Promise<SendOutcome>
  /** Fetches a file that an event named. Throws `KEFU_PLATFORM_UNAVAILABLE` (may be tried again) or `KEFU_PLATFORM_REFUSED` (never), `KEFU_BODY_TOO_LARGE`. */
  fetchFile(source: MediaSource, limitBytes: number, abort: AbortSignal): Promise<FetchedFile>
  /** Tells the contact that an agent is typing. Best effort: its failure is nobody's business. */
  typing?(contact: string, isTyping: boolean, abort: AbortSignal): Promise<void>
  /** Checks itself: a signature made and verified, a token fetched; each as a step. */
  check(abort: AbortSignal): Promise<readonly CheckStep[]>
}

/** What adapters need from outside. */
export type AdapterPorts = {
  readonly http: PlatformHttp
  readonly clock: { now(): number; monotonicMs(): number }
  random(length: number): Uint8Array
}

/** A call to a platform. */
export type PlatformRequest = {
  readonly method: 'GET' | 'POST'
  /** May hold a token in its query: it is never logged and no error names it. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  readonly timeoutMs: number
  readonly limitBytes: number
  /** Only public addresses: for links that come from outside. Redirects are not followed. */
  readonly isForeign?: boolean
}

/** A platform's answer, whatever its status. */
export type PlatformResponse = {
  readonly status: number
  header(name: string): string | undefined
  readonly bytes: Uint8Array
}

/**
 * Calls to platforms over HTTP: connections kept, one deadline for the whole call, bounded answers, no redirects. Throws `KEFU_PLATFORM_UNAVAILABLE`, of which
 * `isUnwritten` says whether the platform certainly has not got the request; `KEFU_BODY_TOO_LARGE` for an answer above its limit; `KEFU_ABORTED` when it was aborted
 * before anything was written (afterwards it is `KEFU_PLATFORM_UNAVAILABLE`); `KEFU_PLATFORM_REFUSED` for a foreign link to where it must not lead, and for a URL or
 * header that HTTP cannot carry.
 */
export type PlatformHttp = {
  call(request: PlatformRequest, abort: AbortSignal): Promise<PlatformResponse>
}

/** Whether the request of a failed call certainly did not reach the platform. */
export function isUnwritten(error: KefuError): boolean {
  return error.code === 'KEFU_PLATFORM_UNAVAILABLE' && error.detail.written === 'no'
}

/** A kind of channel: its table, and the maker of adapters. */
export type ChannelDriver = {
  readonly table: KindTable
  /** Throws `KEFU_USAGE` for settings that do not fit together. Missing secrets throw only when they are needed. */
  open(ports: AdapterPorts, input: AdapterInput): Adapter
}

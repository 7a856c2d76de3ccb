import assert from 'node:assert/strict'
import type {
  Adapter,
  Callback,
  CallbackAnswer,
  ChannelDriver,
  CheckStep,
  FetchedFile,
  InboundEvent,
  OutboundPiece,
  PlatformHttp,
  PlatformRequest,
  PlatformResponse,
  SendOutcome,
  SettingValues,
} from '../../src/daemon/core/channel-adapter.js'
import type { Credential } from '../../src/daemon/core/vault.js'
import { KefuError } from '../../src/errors.js'
import { createManualClock, type ManualClock } from '../helpers/manual-clock.js'
import { Random } from '../helpers/random.js'

/** What the channel cases are made of: what a kit of a kind tells about its platform, and an adapter opened against a scripted one. */

/** The instant at which the cases begin. Samples say `AT_MS` where they need a time. */
export const AT_MS = Date.UTC(2026, 0, 5, 8, 0, 0)

/** A question that a kind has no answer to, and why. */
export type None = { readonly none: string }

/** A callback as a platform sends it. */
export type WireCallback = {
  readonly method: 'GET' | 'POST'
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** How a callback is signed: with which secrets (by name), for which settings, and when. */
export type Signing = {
  readonly secrets: Readonly<Record<string, string>>
  readonly settings: SettingValues
  readonly atMs: number
  readonly random: Random
}

/** What the platform pushes, in the clear: `format` tells the kit how to wrap it. */
export type Payload = { readonly format: 'xml' | 'json'; readonly body: Uint8Array | string }

/** What becomes of a payload. With `platform`, the events are fetched from it after the signal. */
export type InboundSample = {
  readonly payload: Payload
  readonly events: readonly InboundEvent[]
  readonly platform?: PlatformScript
}

/** What kinds of things have to be sampled. Each is a list: one case each. */
export type InboundSamples = {
  /** Every type of part and event that the platform has. */
  readonly known: Readonly<Record<string, InboundSample>>
  /** What kefu does not know yet: no event, or a sign that is named by it. */
  readonly unknown: Readonly<Record<string, InboundSample>>
  /** Ids above 2^53 in numbers. */
  readonly bigIds: Readonly<Record<string, InboundSample>> | None
  /** Sent an hour before `AT_MS`: `sentAtMs` is the platform's. */
  readonly late: Readonly<Record<string, InboundSample>>
  /** Signed, but a trap: entities, `__proto__`, markup in texts. What comes of it is told. */
  readonly hostile: Readonly<Record<string, InboundSample>>
  /** Signed, but not as the platform writes it: refused with `KEFU_CALLBACK_INVALID`. */
  readonly invalid: Readonly<Record<string, Payload>>
}

/** A scripted answer; an object is sent as JSON. */
export type Answer =
  | {
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body: string | Uint8Array | object
    }
  /** No answer: `unwritten` before anything was sent, `written` after. */
  | { readonly fails: 'unwritten' | 'written' | 'too-large' }
  /** Nothing at all until the call is aborted. */
  | { readonly hangs: true }

/** The platform's side of calls. Called once per request, in order. */
export type PlatformScript = (request: PlatformRequest) => Answer

/** An answer of the platform's send API and what it means. */
export type Refusal = {
  readonly answer: Answer
  readonly outcome: SendOutcome['type']
  /** How often the same message has to be sent until it is said; once when absent. */
  readonly attempts?: number
  /** Must be in the reason. */
  readonly reason?: RegExp
  readonly afterMs?: number
}

/** A piece and the requests that carry it to a healthy platform, token calls left out. */
export type OutboundSample = {
  readonly piece: OutboundPiece
  /** Asserts what the platform was asked. */
  readonly check: (requests: readonly PlatformRequest[]) => void
}

/** The token calls of a platform. */
export type TokenKit = {
  readonly is: (request: PlatformRequest) => boolean
  /** A good answer with this token. */
  readonly answer: (token: string) => Answer
  /** The token that a request carries. */
  readonly of: (request: PlatformRequest) => string | undefined
  /** What the send API says of a token that is no longer good. */
  readonly refused: readonly Answer[]
}

/** What a kit tells about sending. */
export type OutboundKit = {
  readonly contact: string
  /** A piece that takes one call, and the answers of the platform when all is well; its tokens begin with `healthy-token`. */
  readonly text: OutboundPiece
  readonly healthy: PlatformScript
  readonly isSend: (request: PlatformRequest) => boolean
  /** False: the platform says by the status alone whether it has taken a message; a web page is of somebody else. */
  readonly readsAnswers?: false
  readonly token: TokenKit | None
  readonly samples: Readonly<Record<string, OutboundSample>>
  /** Every row of the kind's table of errors. */
  readonly refusals: Readonly<Record<string, Refusal>>
  readonly windowClosed: Refusal | None
  readonly channelDown: Refusal
  readonly giveUp: Refusal
  /** Files: a source as events have it, and what fetching it brings. */
  readonly files: Readonly<Record<string, FileSample>> | None
  /** How checking goes wrong: which step, with what platform, and what the next step must say. */
  readonly checks: Readonly<Record<string, CheckSample>>
}

/** A file to fetch. `platform` stands in for the healthy one. */
export type FileSample = {
  readonly source: string
  readonly platform?: PlatformScript
  readonly limitBytes?: number
  readonly result: Partial<FetchedFile> | { readonly code: KefuError['code'] }
}

/** A check against a platform that says no. */
export type CheckSample = {
  readonly platform: PlatformScript
  readonly secrets?: Readonly<Record<string, string>>
  /** The step that fails, and what to do about it. */
  readonly failed: { readonly step: string | RegExp; readonly nextStep: RegExp }
}

/** All that the suite has to know of a kind of channel. */
export type ChannelKit = {
  readonly driver: ChannelDriver
  /** Those that are set; the rest have their defaults. */
  readonly settings: SettingValues
  readonly secrets: Readonly<Record<string, string>>
  /** Of another account of the same platform: other values of all of them. */
  readonly otherSecrets: Readonly<Record<string, string>>
  /** Settings of another account that what is signed names, when it names one: with the right secrets, still refused. */
  readonly otherSettings: SettingValues | None
  /** The handshake of a new callback address. */
  readonly handshake: { readonly callback: (signing: Signing) => WireCallback; readonly answer: CallbackAnswer } | None
  /** A payload as the platform pushes it. */
  readonly callback: (payload: Payload, signing: Signing) => WireCallback
  /** The platform's word for success. */
  readonly success: CallbackAnswer
  /** How old a signature may be; none when the platform signs no time. */
  readonly maxAgeMs: number | None
  readonly inbound: InboundSamples
  readonly outbound: OutboundKit
}

/** Takes the cases one by one. */
export type Register = {
  (name: string, run: () => void | Promise<void>): void
  (name: string, options: { readonly skip: string | false }, run: () => void | Promise<void>): void
}

/** An adapter under test, and what it has asked the platform. */
export type ChannelSubject = {
  readonly adapter: Adapter
  readonly clock: ManualClock
  readonly requests: readonly PlatformRequest[]
}

/** How a subject differs from the kit's. */
export type SubjectOptions = {
  readonly settings?: SettingValues
  readonly secrets?: Readonly<Record<string, string | Credential>>
  readonly platform?: PlatformScript
}

/** The kit's adapter, at `AT_MS`. */
export function openSubject(kit: ChannelKit, options: SubjectOptions = {}): ChannelSubject {
  const clock = createManualClock(AT_MS)
  const { http, requests } = scriptedHttp(options.platform ?? kit.outbound.healthy)
  const random = new Random(7)
  const secrets = Object.entries(options.secrets ?? kit.secrets).map(([name, value]): [string, Credential] => [
    name,
    typeof value === 'string' ? { value } : value,
  ])
  const adapter = kit.driver.open(
    { http, clock, random: length => Uint8Array.from({ length }, () => random.integer(0, 255)) },
    { settings: { ...withDefaults(kit), ...options.settings }, secrets: new Map(secrets) },
  )
  return { adapter, clock, requests }
}

/** The kit's settings with the defaults of its table. */
export function withDefaults({ driver, settings }: Pick<ChannelKit, 'driver' | 'settings'>): SettingValues {
  const values: Record<string, string | number | boolean> = {}
  for (const [name, row] of Object.entries(driver.table.settings))
    if (row.default !== undefined) values[name] = row.default
  return { ...values, ...settings }
}

/** How the kit's platform signs at `AT_MS`. */
export function signing(kit: ChannelKit, changes: Partial<Signing> = {}): Signing {
  return { secrets: kit.secrets, settings: withDefaults(kit), atMs: AT_MS, random: new Random(11), ...changes }
}

/** A callback as the daemon hands it on. */
export function arrival(wire: WireCallback, arrivedAtMs = AT_MS): Callback {
  const headers = new Map(Object.entries(wire.headers).map(([name, value]) => [name.toLowerCase(), value]))
  return {
    method: wire.method,
    query: new URLSearchParams(wire.query),
    header: name => headers.get(name.toLowerCase()),
    bytes: wire.body,
    arrivedAtMs,
  }
}

/** A platform that answers by a script, and the list of what it was asked. */
export function scriptedHttp(script: PlatformScript): {
  readonly http: PlatformHttp
  readonly requests: PlatformRequest[]
} {
  const requests: PlatformRequest[] = []
  const http: PlatformHttp = {
    async call(request, abort) {
      if (abort.aborted) throw new KefuError('KEFU_ABORTED')
      requests.push(request)
      const answer = script(request)
      // As over a network: not before the others have had their turn.
      await new Promise(resolve => setImmediate(resolve))
      if ('hangs' in answer) return await hang(abort)
      if ('fails' in answer) throw failure(answer.fails, request.limitBytes)
      const response = respond(answer)
      if (response.bytes.length > request.limitBytes)
        throw new KefuError('KEFU_BODY_TOO_LARGE', { limit: request.limitBytes })
      return response
    },
  }
  return { http, requests }
}

/** Whether a kit has no answer. */
export function isNone(value: unknown): value is None {
  return typeof value === 'object' && value !== null && 'none' in value
}

/** Receives a callback and fetches what it signals: all events that it brings. */
export async function take(
  { adapter }: ChannelSubject,
  callback: Callback,
): Promise<{ readonly answer: CallbackAnswer; readonly events: readonly InboundEvent[] }> {
  const { answer, events, signal } = adapter.receive(callback)
  if (signal === undefined) return { answer, events }
  assert.ok(adapter.pull, 'who signals can be asked')
  const all = [...events]
  let cursor: string | undefined
  for (let pages = 0; pages < 20; pages++) {
    const pulled = await adapter.pull(signal, cursor, new AbortController().signal)
    all.push(...pulled.events)
    cursor = pulled.cursor
    if (!pulled.hasMore) return { answer, events: all }
  }
  return assert.fail('the pull has no end')
}

/** All texts in an outcome, steps or error that somebody may read. */
export function wordsOf(value: SendOutcome | readonly CheckStep[] | unknown): string {
  if (!(value instanceof Error)) return JSON.stringify(value) ?? ''
  const own = value instanceof KefuError ? JSON.stringify(value.report()) + JSON.stringify(value.detail) : ''
  return `${value.message}\n${value.stack}\n${own}\n${value.cause === undefined ? '' : wordsOf(value.cause)}`
}

function respond({ status = 200, headers = {}, body }: Extract<Answer, { body: unknown }>): PlatformResponse {
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array)
  const bytes = body instanceof Uint8Array ? body : Buffer.from(isJson ? JSON.stringify(body) : body)
  const type = isJson ? { 'content-type': 'application/json; charset=utf-8' } : {}
  const named = new Map(
    Object.entries({ ...type, ...headers }).map(([name, value]) => [name.toLowerCase(), value] as const),
  )
  return { status, header: name => named.get(name.toLowerCase()), bytes }
}

function failure(fails: 'unwritten' | 'written' | 'too-large', limitBytes: number): KefuError {
  if (fails === 'too-large') return new KefuError('KEFU_BODY_TOO_LARGE', { limit: limitBytes })
  const written = fails === 'unwritten' ? 'no' : 'perhaps'
  return new KefuError('KEFU_PLATFORM_UNAVAILABLE', { reason: 'no answer', written })
}

function hang(abort: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(failure('written', 0))
    if (abort.aborted) end()
    else abort.addEventListener('abort', end, { once: true })
  })
}

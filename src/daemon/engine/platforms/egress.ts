import { setMaxListeners } from 'node:events'
import { buffer } from 'node:stream/consumers'
import type { ConversationId } from '../../../codec/conversation-id.js'
import type { Author, Part } from '../../../codec/wire.js'
import { isKefuError, toKefuError } from '../../../errors.js'
import type { OutboundFile, OutboundPiece, Recipient, SendOutcome } from '../../core/channel-adapter.js'
import { channelOwner } from '../../core/conversation.js'
import type { MediaPort } from '../../core/media.js'
import type { Head } from '../../core/model.js'
import { pause } from '../../core/pause.js'
import { piecesOf } from '../../core/pieces.js'
import {
  type Clock,
  type LogPort,
  OUTBOX_HOLD_MS,
  type OutboxJob,
  type OutboxPort,
  type OutboxProgress,
  type OutboxResult,
} from '../../core/ports.js'
import { windowClosed } from '../../core/reply-window.js'
import { retryAfter } from '../../core/send-policy.js'
import { createRateLimiter, type RateLimiter } from '../limits/rate-limit.js'
import type { Connection } from './connection.js'
import { DeliveryNews } from './delivery-news.js'
import { takeUpLeftovers } from './leftovers.js'
import type { Quota } from './quota.js'
import { Suspects } from './suspects.js'

/** What sending stands on. */
export type EgressPorts = {
  readonly outbox: Pick<OutboxPort, 'work' | 'resume' | 'retry' | 'rows'>
  readonly log: Pick<LogPort, 'append' | 'head' | 'read'>
  readonly media: Pick<MediaPort, 'open'>
  readonly clock: Clock
  readonly quota: Quota
  /** A message of a conversation has arrived on the platform. */
  delivered(head: Head, by: Author, n: number): void
  /** An error that no caller waits for. */
  report(error: unknown): void
}

const CONTACT: Author = { role: 'contact' }
const KEY = 'out'
/** Behind the adapters' own limits, uploads included: a call that is cut by it may have arrived. */
const SEND_TIMEOUT_MS = 150_000
/** How long a channel that is down rests before it is tried again, at first and at most. */
const FIRST_REST_MS = 15_000
const LAST_REST_MS = 10 * 60_000
/** What operators read of a message at which a platform behaves as if the channel were down, though it takes others. */
const OWN_REFUSAL = 'the platform has taken other messages since, but not this one'
const RESUME_AGAIN_MS = 1_000
/** How long calls that run may take when the daemon stops. */
const STOP_MS = 4_000

/** A message that is being sent: the how-maniest attempt, and what of it has gone so far. */
type Sending = { readonly job: OutboxJob; readonly attempt: number; progress: OutboxProgress }

/** The way out of a channel: works through its outbox while it is neither paused nor obstructed, so many conversations at once, so many messages a second. */
export class Egress {
  readonly #ports: EgressPorts
  readonly #connection: Connection
  readonly #rate: RateLimiter
  readonly #closing = new AbortController()
  readonly #calls = new AbortController()
  /** Conversations that are being sent to, and whether their contact has permitted more meanwhile. */
  readonly #sendingTo = new Map<ConversationId, boolean>()
  readonly #parked = new Set<ConversationId>()
  readonly #suspects = new Suspects()
  readonly #news: DeliveryNews
  #working: AbortController | undefined
  #done: Promise<void> = Promise.resolve()
  #cancelRest: (() => void) | undefined
  #restMs = FIRST_REST_MS
  /** Since when nothing has gone out, of rests between which nothing did. */
  #restingSince: number | undefined

  constructor(ports: EgressPorts, connection: Connection) {
    this.#ports = ports
    this.#connection = connection
    this.#news = new DeliveryNews(ports)
    this.#rate = createRateLimiter(ports.clock, { ...rateOf(connection), keyLimit: 1 })
  }

  /** Conversations that are being sent to. */
  get sending(): number {
    return this.#sendingTo.size
  }

  /** Begins, and takes up what an earlier process left. */
  start(): Promise<void> {
    const { outbox, clock, report } = this.#ports
    const begin = (): void => this.#run()
    return takeUpLeftovers({ outbox, clock, news: this.#news, report }, this.#connection, begin, this.#closing.signal)
  }

  /** Settings, secrets or the lane are others now: what was in the way may not be any more. */
  changed(): void {
    this.#rate.setRate(rateOf(this.#connection))
    this.#rested()
    this.#suspects.clear()
    this.#cancelRest?.()
    this.#run()
  }

  /** A contact has done what permits messages again. */
  permitted(conversation: ConversationId): void {
    if (this.#sendingTo.has(conversation)) this.#sendingTo.set(conversation, true)
    if (!this.#parked.delete(conversation)) return
    const { outbox, clock, report } = this.#ports
    const resume = (): void => {
      if (this.#closing.signal.aborted) return
      outbox.resume(conversation).catch((error: unknown) => {
        // The contact's next message tries again.
        this.#parked.add(conversation)
        report(error)
      })
    }
    resume()
    // That it is parked may be on its way to disk.
    clock.after(RESUME_AGAIN_MS, resume)
  }

  /** Takes nothing more, and waits for what runs; calls that take too long are cut. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#cancelRest?.()
    this.#working?.abort()
    const cancel = this.#ports.clock.after(STOP_MS, () => this.#calls.abort())
    await this.#done
    cancel()
  }

  get #lane(): string {
    return channelOwner(this.#connection.number)
  }

  /** Works while nothing is in the way, as the settings now are: a worker of before ends, and is waited for. */
  #run(): void {
    this.#working?.abort()
    const { lane, obstruction } = this.#connection
    if (this.#closing.signal.aborted || lane.isOutPaused || obstruction !== undefined) return
    const working = new AbortController()
    // Every worker listens to it.
    setMaxListeners(2 * lane.outConcurrency + 10, working.signal)
    this.#working = working
    const { outbox, report } = this.#ports
    this.#done = this.#done
      .then(() =>
        working.signal.aborted
          ? undefined
          : outbox.work(
              this.#lane,
              lane.outConcurrency,
              (job, attempt, progress) => this.#attempt(job, attempt, progress),
              working.signal,
              signal => this.#admit(signal),
            ),
      )
      .catch(report)
  }

  async #admit(signal: AbortSignal): Promise<void> {
    for (;;) {
      const waitMs = this.#rate.take(KEY)
      if (waitMs === 0 || signal.aborted) return
      await pause(this.#ports.clock, waitMs, signal)
    }
  }

  /** Nothing goes out until then: the platform wants less, or something has to be changed. */
  #rest(reason: string, afterMs: number): void {
    const { clock } = this.#ports
    const nowMs = clock.now()
    const until = nowMs + afterMs
    const present = this.#connection.obstruction
    if (present !== undefined && present.until >= until) return
    this.#restingSince ??= nowMs
    this.#connection.obstruction = { reason, since: this.#restingSince, until }
    this.#working?.abort()
    this.#cancelRest?.()
    this.#cancelRest = clock.after(afterMs, () => {
      this.#connection.obstruction = undefined
      this.#run()
    })
  }

  /** It works again, or may. */
  #rested(): void {
    this.#restMs = FIRST_REST_MS
    this.#restingSince = undefined
  }

  async #attempt(job: OutboxJob, attempt: number, before: OutboxProgress): Promise<OutboxResult> {
    const giveWayMs = this.#suspects.giveWayMs(job, this.#connection.lane.outPerSecond)
    if (giveWayMs !== undefined) return { type: 'retry', retryMs: giveWayMs, isFree: true }
    const so: Sending = { job, attempt, progress: before }
    const result = await this.#tried(so)
    if (result.type !== 'retry') this.#suspects.forget(job)
    return result.type === 'sent' ? result : { ...result, progress: so.progress }
  }

  async #tried(so: Sending): Promise<OutboxResult> {
    const { job, attempt } = so
    this.#sendingTo.set(job.conversation, false)
    try {
      return await this.#send(so)
    } catch (error) {
      // Before the next piece went to the platform: what cannot be read or opened now may be later.
      const { message: reason } = toKefuError(error)
      this.#ports.report(error)
      const retryMs = retryAfter(attempt)
      return retryMs === undefined ? await this.#dead(job, reason) : { type: 'retry', retryMs, reason }
    } finally {
      this.#sendingTo.delete(job.conversation)
    }
  }

  async #send(so: Sending): Promise<OutboxResult> {
    const { log, clock, quota, delivered } = this.#ports
    const { job } = so
    const { conversation, n } = job
    const connection = this.#connection
    const begun = this.#suspects.begin()
    const [record] = await log.read(conversation, n - 1, 1)
    const head = await log.head(conversation)
    if (record?.body.type !== 'message' || head === null) return { type: 'sent' }
    if (connection.problem !== undefined) return this.#down(connection.problem.message)
    const hasWindows = Object.keys(connection.capabilities.grants).length > 0
    for (const { part, end } of piecesOf(record.body.parts, connection.capabilities, so.progress)) {
      const piece = so.progress.pieces
      const used = hasWindows ? await quota.used(head, { n, pieces: piece }, connection.capabilities) : 0
      const closed = hasWindows && windowClosed(head.details.window, used, clock.now())
      if (closed) return this.#park(head, job, closed)
      const to: Recipient = { contact: head.contact, n, piece, id: `${conversation.slice(2)}-${n}-${piece}` }
      const outcome = await this.#sendPiece(to, head, part)
      if (outcome.type !== 'sent') return this.#result(outcome, head, so)
      so.progress = { pieces: piece + 1, place: end }
      this.#rested()
      quota.add(head, n)
    }
    connection.counts.sent++
    this.#suspects.arrived(begun)
    delivered(head, CONTACT, n)
    const pieces = quota.late(head, n)
    if (pieces > 0 || (await this.#hasNews(head, job))) await this.#news.tell(job, 'sent', pieces > 0 ? { pieces } : {})
    return { type: 'sent' }
  }

  /** Whether agents were told of a message, or may have been: then they have to hear that it went. Mostly nothing has been appended since. */
  async #hasNews({ n }: Head, job: OutboxJob): Promise<boolean> {
    if (n === job.n) return false
    const { state, isSure } = await this.#news.last(job)
    return state !== undefined || !isSure
  }

  async #sendPiece(to: Recipient, head: Head, part: Part): Promise<SendOutcome> {
    const { adapter, capabilities } = this.#connection
    let piece: OutboundPiece = { part }
    if ('media' in part) {
      const limitBytes = capabilities.mediaLimitBytes[part.type]
      const file = await this.#file(head, part.media, part.name, limitBytes)
      if (typeof file === 'string') return { type: 'give-up', reason: file }
      piece = { part, file }
    }
    const abort = AbortSignal.any([this.#calls.signal, AbortSignal.timeout(SEND_TIMEOUT_MS)])
    try {
      return await adapter.send(to, piece, abort)
    } catch (error) {
      // As the contract says, nothing was written.
      if (isKefuError(error, 'KEFU_ABORTED')) return { type: 'retry', reason: 'kefu stopped before it was sent' }
      if (isKefuError(error, 'KEFU_CREDENTIAL_MISSING')) return { type: 'channel-down', reason: error.message }
      this.#ports.report(error)
      return { type: 'unknown', reason: toKefuError(error).message }
    }
  }

  /** The file's bytes, or why it cannot be sent. */
  async #file(
    { conversation }: Head,
    media: string,
    name: string | undefined,
    limitBytes = 0,
  ): Promise<OutboundFile | string> {
    try {
      const file = await this.#ports.media.open(conversation, media)
      const { sizeBytes, type } = file.meta
      if (sizeBytes > limitBytes) return `the file has ${sizeBytes} bytes, the platform takes at most ${limitBytes}`
      const content = await file.read({ type: 'whole' })
      return { bytes: content instanceof Uint8Array ? content : await buffer(content), type, name }
    } catch (error) {
      if (isKefuError(error, 'KEFU_MEDIA_NOT_FOUND')) return 'the file is not here any more'
      throw error
    }
  }

  async #result(
    outcome: Exclude<SendOutcome, { readonly type: 'sent' }>,
    head: Head,
    so: Sending,
  ): Promise<OutboxResult> {
    const { counts, capabilities } = this.#connection
    const { job } = so
    const { reason } = outcome
    switch (outcome.type) {
      case 'window-closed':
        return this.#park(head, job, reason)
      case 'throttled':
        this.#rest(reason, outcome.afterMs)
        return afterRest(reason)
      case 'channel-down':
        if (this.#suspects.isOwn(job)) return this.#again(so, `${OWN_REFUSAL}: ${reason}`)
        return this.#down(reason, outcome.afterMs)
      case 'give-up':
        return this.#dead(job, reason)
      case 'unknown':
        if (!capabilities.recognisesRepeats) {
          counts.unknown++
          await this.#news.tell(job, 'unknown', { reason })
          return { type: 'unknown', reason, holdMs: OUTBOX_HOLD_MS }
        }
        break
      case 'retry':
        break
    }
    return this.#again(so, reason, outcome.type === 'retry' ? outcome.afterMs : undefined)
  }

  /** By the policy, or when the platform says. */
  async #again({ job, attempt }: Sending, reason: string, afterMs?: number): Promise<OutboxResult> {
    const retryMs = retryAfter(attempt)
    if (retryMs === undefined) return this.#dead(job, reason)
    this.#connection.counts.retried++
    return { type: 'retry', retryMs: afterMs ?? retryMs, reason }
  }

  async #park(head: Head, job: OutboxJob, reason: string): Promise<OutboxResult> {
    if ((await this.#news.last(job)).state === undefined) await this.#news.tell(job, 'held', { reason })
    // The contact may have written while this was decided: then nothing else would let it go.
    if (this.#sendingTo.get(head.conversation)) return { type: 'retry', retryMs: 0, reason, isFree: true }
    this.#parked.add(head.conversation)
    return { type: 'park', reason, isFree: true }
  }

  async #dead(job: OutboxJob, reason: string): Promise<OutboxResult> {
    this.#connection.counts.failed++
    await this.#news.tell(job, 'failed', { reason })
    return { type: 'dead', reason }
  }

  #down(reason: string, afterMs?: number): OutboxResult {
    // Of calls that fail at once only the first one makes the rest longer.
    if (afterMs !== undefined || this.#connection.obstruction === undefined) {
      this.#rest(reason, afterMs ?? this.#restMs)
      this.#restMs = Math.min(this.#restMs * 2, LAST_REST_MS)
      this.#suspects.rested()
    }
    return afterRest(reason)
  }
}

function rateOf({ lane }: Connection): { readonly burst: number; readonly perSecond: number } {
  return { burst: Math.max(1, lane.outPerSecond), perSecond: lane.outPerSecond }
}

/** The lane waits, not the message: when somebody has mended what was wrong it goes at once. */
function afterRest(reason: string): OutboxResult {
  return { type: 'retry', retryMs: 0, reason, isFree: true }
}

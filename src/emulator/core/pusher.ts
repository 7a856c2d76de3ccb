import { setMaxListeners } from 'node:events'
import { KefuError, toKefuError } from '../../errors.js'
import { type Clock, pause } from './clock.js'
import type { Faults } from './faults.js'
import { createPushCaller, type PushAnswer, type PushRequest } from './push-call.js'
import { Recent } from './recent.js'

/** How a platform pushes, and how it tries again. */
export type PushPolicy = {
  /** How long it waits for an answer. */
  readonly deadlineMs: number
  /** From the start of a failed attempt to the next one, at the soonest when it has failed: one entry for each attempt after the first. */
  readonly retryAfterMs: readonly number[]
  /** Whether an answer means that the push was taken. */
  accepts(answer: PushAnswer): boolean
}

/** Something that is pushed. */
export type Push = {
  readonly user: string
  /** What it is, in a word or two: for whoever looks on. */
  readonly what: string
  /** The request of an attempt (the first is 0), signed anew. */
  build(attempt: number): PushRequest
  /** Called when the first attempt has failed and another one follows. */
  failedOnce?: ((delivery: Delivery) => void) | undefined
}

/** One attempt: the answer, or why there is none. */
export type PushAttempt = {
  readonly at: number
  readonly ms: number
  readonly status?: number
  readonly answer?: string
  readonly failure?: string
}

/** What became of a push. `waiting` also between attempts. */
export type DeliveryState = 'waiting' | 'delivered' | 'failed' | 'dropped'

/** A push with its attempts. */
export type Delivery = {
  readonly n: number
  readonly at: number
  readonly user: string
  readonly what: string
  /** The fault that it met. */
  readonly fault?: string
  readonly state: DeliveryState
  readonly attempts: readonly PushAttempt[]
}

/** What a pusher needs. */
export type PusherPorts = { readonly clock: Clock; readonly faults: Faults }

type Entry = { -readonly [K in keyof Delivery]: Delivery[K] } & { attempts: PushAttempt[] }

const KNOWN_LIMIT = 1_000
const WAITING_LIMIT = 10_000
const AT_ONCE_LIMIT = 64
/** A push that is to be overtaken goes on alone after this. */
const REORDER_LIMIT_MS = 2_000
const ANSWER_SHOWN = 200

/**
 * Pushes to the channel's callback address, as a platform does it.
 *
 * 1. Pushes of one user begin in their order, each when the first attempt of the one before has ended; at most 64 attempts run at once.
 * 2. An attempt that fails or is not accepted is repeated by the policy; meanwhile the next ones of the user go on.
 * 3. A waiting fault changes a push: it is sent twice, overtaken by the next one of its user, delayed, or never sent.
 */
export class Pusher {
  readonly #clock: Clock
  readonly #faults: Faults
  readonly #policy: PushPolicy
  readonly #caller = createPushCaller()
  readonly #known = new Recent<Entry>(KNOWN_LIMIT)
  readonly #closed = new AbortController()
  /** The end of the last first attempt, by user. */
  readonly #tails = new Map<string, Promise<void>>()
  /** Pushes that wait to be overtaken, by user. */
  readonly #overtaken = new Map<string, Set<() => void>>()
  readonly #waitingSlots: (() => void)[] = []
  readonly #listeners = new Set<(delivery: Delivery) => void>()
  #freeSlots = AT_ONCE_LIMIT
  #waiting = 0
  #target: URL | undefined

  constructor({ clock, faults }: PusherPorts, policy: PushPolicy) {
    this.#clock = clock
    this.#faults = faults
    this.#policy = policy
    // Every push that waits listens; how many that are is bounded.
    setMaxListeners(0, this.#closed.signal)
  }

  /** The callback address. */
  get target(): string | undefined {
    return this.#target?.href
  }

  /** Pushes go to this address from now on. Throws `KEFU_USAGE` for what is no http address. */
  setTarget(address: string): void {
    const url = URL.canParse(address) ? new URL(address) : undefined
    if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
      throw new KefuError('KEFU_USAGE', { reason: 'a callback address begins with http:// or https://' })
    this.#target = url
  }

  /** The last 1,000 pushes after a number, oldest first. */
  list(after?: number): readonly Delivery[] {
    return this.#known.after(after)
  }

  /** How many there were. */
  get total(): number {
    return this.#known.total
  }

  /** How many are on their way, or wait for their next attempt. */
  get waiting(): number {
    return this.#waiting
  }

  /** Calls for every push whose fate is known from now on; what is returned ends that. */
  listen(listener: (delivery: Delivery) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Pushes; resolves with what became of it. Throws `KEFU_USAGE` without a callback address, `KEFU_RATE_LIMITED` while 10,000 wait. */
  push(push: Push): Promise<Delivery> {
    this.#targetOrThrow()
    if (this.#waiting >= WAITING_LIMIT) throw new KefuError('KEFU_RATE_LIMITED', { what: 'pushes that wait' })
    const fault = this.#faults.nextPush()
    const entry = this.#enter(push, fault?.fault)
    if (fault?.fault === 'drop') {
      return Promise.resolve(this.#settle(entry, 'dropped'))
    }
    if (fault?.fault === 'delay') return this.#run(entry, push, pause(this.#clock, fault.ms, this.#closed.signal))
    if (fault?.fault === 'reorder') return this.#run(entry, push, this.#overtaking(push.user))
    const turn = this.#tails.get(push.user) ?? Promise.resolve()
    let ended: () => void = () => {}
    const tail = new Promise<void>(resolve => {
      ended = resolve
    }).then(() => {
      if (this.#tails.get(push.user) === tail) this.#tails.delete(push.user)
      for (const release of this.#overtaken.get(push.user) ?? []) release()
    })
    this.#tails.set(push.user, tail)
    const done = this.#run(entry, push, turn, ended)
    if (fault?.fault === 'duplicate') void this.#run(this.#enter(push, 'duplicate'), push, turn)
    return done
  }

  /** One call without any repetition. Throws `KEFU_USAGE` without a callback address, `KEFU_PLATFORM_UNAVAILABLE`. */
  async callOnce(request: PushRequest): Promise<PushAnswer> {
    if (this.#closed.signal.aborted) throw new KefuError('KEFU_ABORTED')
    return this.#withDeadline(abort => this.#caller.call(this.#targetOrThrow(), request, abort))
  }

  /** Ends everything; pushes that wait have failed. */
  close(): void {
    this.#closed.abort()
    for (const resume of this.#waitingSlots.splice(0)) resume()
    this.#caller.close()
  }

  #targetOrThrow(): URL {
    if (this.#target !== undefined) return this.#target
    throw new KefuError('KEFU_USAGE', {
      reason: 'there is no callback address: start the emulator with --callback or --connect',
    })
  }

  #enter({ user, what }: Push, fault: string | undefined): Entry {
    const at = this.#clock.now()
    return this.#known.add(n => ({
      ...{ n, at, user, what },
      ...(fault !== undefined && { fault }),
      state: 'waiting',
      attempts: [],
    }))
  }

  #settle(entry: Entry, state: Exclude<DeliveryState, 'waiting'>): Delivery {
    entry.state = state
    for (const listener of this.#listeners) listener(entry)
    return entry
  }

  /** Resolves when the next push of the user has gone, or none came. */
  #overtaking(user: string): Promise<void> {
    const held = this.#overtaken.get(user) ?? new Set()
    this.#overtaken.set(user, held)
    return new Promise(resolve => {
      const release = (): void => {
        cancel()
        this.#closed.signal.removeEventListener('abort', release)
        held.delete(release)
        if (held.size === 0 && this.#overtaken.get(user) === held) this.#overtaken.delete(user)
        resolve()
      }
      const cancel = this.#clock.after(REORDER_LIMIT_MS, release)
      held.add(release)
      this.#closed.signal.addEventListener('abort', release)
    })
  }

  async #run(entry: Entry, push: Push, turn: Promise<void>, firstEnded: () => void = () => {}): Promise<Delivery> {
    const { signal } = this.#closed
    const { retryAfterMs } = this.#policy
    this.#waiting++
    try {
      await turn
      for (let attempt = 0; attempt <= retryAfterMs.length && !signal.aborted; attempt++) {
        const startedMs = this.#clock.monotonicMs()
        const isAccepted = await this.#attempt(entry, push, attempt)
        firstEnded()
        if (isAccepted) return this.#settle(entry, 'delivered')
        const retryMs = retryAfterMs[attempt]
        if (attempt === 0 && retryMs !== undefined) push.failedOnce?.(entry)
        if (retryMs !== undefined) await pause(this.#clock, startedMs + retryMs - this.#clock.monotonicMs(), signal)
      }
      return this.#settle(entry, 'failed')
    } finally {
      firstEnded()
      this.#waiting--
    }
  }

  async #attempt(entry: Entry, push: Push, attempt: number): Promise<boolean> {
    await this.#takeSlot()
    const at = this.#clock.now()
    const startedMs = this.#clock.monotonicMs()
    const elapsed = (): number => Math.round(this.#clock.monotonicMs() - startedMs)
    try {
      const answer = await this.callOnce(push.build(attempt))
      entry.attempts.push({ at, ms: elapsed(), status: answer.status, answer: answer.body.slice(0, ANSWER_SHOWN) })
      return this.#policy.accepts(answer)
    } catch (error) {
      entry.attempts.push({ at, ms: elapsed(), failure: reasonOf(error) })
      return false
    } finally {
      this.#freeSlot()
    }
  }

  async #withDeadline<T>(call: (abort: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#closed
    const over = new AbortController()
    const end = (): void => over.abort()
    const cancel = this.#clock.after(this.#policy.deadlineMs, end)
    // Not `AbortSignal.any`: the signal of the pusher would remember every call.
    signal.addEventListener('abort', end)
    try {
      return await call(over.signal)
    } finally {
      cancel()
      signal.removeEventListener('abort', end)
    }
  }

  #takeSlot(): Promise<void> {
    if (this.#freeSlots > 0) {
      this.#freeSlots--
      return Promise.resolve()
    }
    return new Promise(resolve => this.#waitingSlots.push(resolve))
  }

  #freeSlot(): void {
    const next = this.#waitingSlots.shift()
    if (next === undefined) this.#freeSlots++
    else next()
  }
}

function reasonOf(error: unknown): string {
  const { message, detail } = toKefuError(error)
  return String(detail.reason ?? message)
}

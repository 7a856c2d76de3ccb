import type { Clock } from '../core/clock.js'
import { RecentMap } from '../core/recent.js'

/** States of a session: new, with the robot, in the pool, with a human agent, ended (or none yet). */
export const STATE = { new: 0, bot: 1, pool: 2, human: 3, ended: 4 } as const

/** A right to send one message: to whom, as which types, until when, and in which state of the session (in any without one). */
export type Code = {
  readonly user: string
  readonly types: readonly string[]
  readonly untilMs: number
  readonly state: number | undefined
}

const HOUR_MS = 3_600_000
/** A session lasts so long after what the user wrote last. */
const SESSION_MS = 48 * HOUR_MS
const QUICK_MS = 20_000
const SLOW_MS = 48 * HOUR_MS
const USERS = 10_000

/** Into which state a session may be brought from each. */
const NEXT: Readonly<Record<number, readonly number[]>> = {
  [STATE.new]: [STATE.bot, STATE.pool, STATE.human],
  [STATE.bot]: [STATE.pool, STATE.human, STATE.ended],
  [STATE.pool]: [STATE.human, STATE.ended],
  [STATE.human]: [STATE.human, STATE.ended],
  [STATE.ended]: [],
}

type Session = { readonly state: number; readonly servicer: string | undefined; readonly wroteMs: number }

/** The sessions of an account's users, and the codes that give the right to one message at their turns. Both for 10,000 users. */
export class Sessions {
  readonly #clock: Pick<Clock, 'now' | 'monotonicMs'>
  readonly #make: () => string
  readonly #sessions = new RecentMap<Session>(USERS)
  readonly #codes = new RecentMap<Code>(USERS)
  readonly #receiving = new RecentMap<true>(USERS)

  /** `make`: a new code, unlike every one before. */
  constructor(clock: Pick<Clock, 'now' | 'monotonicMs'>, make: () => string) {
    this.#clock = clock
    this.#make = make
  }

  /** The state of a user's session, and who has it. */
  of(user: string): { readonly state: number; readonly servicer: string | undefined } {
    const session = this.#sessions.get(user)
    if (session === undefined || session.wroteMs + SESSION_MS <= this.#clock.now())
      return { state: STATE.ended, servicer: undefined }
    return session
  }

  /** The user writes: an ended session begins anew. */
  wrote(user: string): void {
    const { state, servicer } = this.of(user)
    const next = state === STATE.ended ? STATE.new : state
    this.#sessions.set(user, { state: next, servicer, wroteMs: this.#clock.now() })
  }

  /** An agent receives sessions, or does so no more. */
  setReceiving(servicer: string, isReceiving: boolean): void {
    if (isReceiving) this.#receiving.set(servicer, true)
    else this.#receiving.delete(servicer)
  }

  /** Why a session cannot be brought into a state; undefined when it can. A human needs an agent who is receiving. */
  refusal(user: string, state: number, servicer: string | undefined): string | undefined {
    if (NEXT[this.of(user).state]?.includes(state) !== true) return 'this state does not follow'
    if (state !== STATE.human) return undefined
    if (servicer === undefined || servicer === '') return 'servicer_userid is missing'
    return this.#receiving.get(servicer) ? undefined : 'the servicer is not receiving'
  }

  /** Brings a session into a state; the code that comes with it, where one does. */
  move(user: string, state: number, servicer?: string): string | undefined {
    const before = this.of(user).state
    const { wroteMs = this.#clock.now() } = this.#sessions.get(user) ?? {}
    this.#sessions.set(user, { state, servicer, wroteMs })
    if (state === STATE.pool) return this.#give(user, ['text'], SLOW_MS, state)
    if (state === STATE.human && before === STATE.pool) return this.#give(user, ['text'], SLOW_MS, state)
    if (state === STATE.ended) return this.#give(user, ['text', 'msgmenu'], QUICK_MS, state)
    return undefined
  }

  /** A code to welcome a user with. */
  welcome(user: string): string {
    return this.#give(user, ['text', 'msgmenu'], QUICK_MS, undefined)
  }

  /** The right that a code gives; undefined when it was used, is too old, or was never given. */
  code(code: string): Code | undefined {
    const found = this.#codes.get(code)
    return found !== undefined && found.untilMs > this.#clock.monotonicMs() ? found : undefined
  }

  /** A code was used. */
  used(code: string): void {
    this.#codes.delete(code)
  }

  #give(user: string, types: readonly string[], lifeMs: number, state: number | undefined): string {
    const code = this.#make()
    this.#codes.set(code, { user, types, untilMs: this.#clock.monotonicMs() + lifeMs, state })
    return code
  }
}

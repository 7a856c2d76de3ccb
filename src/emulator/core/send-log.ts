import type { Clock } from './clock.js'
import { Recent, RecentMap } from './recent.js'

/** A permission that an act of a user gives: so many messages within a time. */
export type Allowance = { readonly messages: number; readonly windowMs: number }

/** Whether something may be sent to a user: `never`: the user has not acted, or left; `closed`: too late; `used`: too many. */
export type Permission = 'open' | 'never' | 'closed' | 'used'

/** A message that the channel sent to a user. */
export type SentMessage = {
  readonly n: number
  readonly at: number
  readonly user: string
  readonly type: string
  /** What the user sees of it, in words. */
  readonly text: string
  /** The call's body. */
  readonly body: unknown
}

/** What reaches a user: a message, or that somebody types. */
export type SendEvent =
  | { readonly type: 'sent'; readonly message: SentMessage }
  | { readonly type: 'typing'; readonly user: string; readonly isTyping: boolean }

/** What a user's window looks like. */
export type WindowView = {
  readonly user: string
  /** Name of the act that opened it. */
  readonly grant: string
  readonly left: number
  readonly messages: number
  readonly endsAt: number
  readonly isOpen: boolean
}

type Window = { readonly grant: string; readonly messages: number; left: number; readonly endsAt: number }

const SENT_LIMIT = 1_000
const USER_LIMIT = 100_000
const LISTENER_LIMIT = 100

/** What the channel sent, and how much more it may send to whom. The newest grant replaces the one before. */
export class SendLog {
  readonly #clock: Pick<Clock, 'now'>
  readonly #sent = new Recent<SentMessage>(SENT_LIMIT)
  readonly #windows = new RecentMap<Window>(USER_LIMIT)
  readonly #listeners = new Set<(event: SendEvent) => void>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Opens a user's window anew. */
  grant(user: string, name: string, { messages, windowMs }: Allowance): void {
    this.#windows.set(user, { grant: name, messages, left: messages, endsAt: this.#clock.now() + windowMs })
  }

  /** Nothing may be sent to a user any more. */
  revoke(user: string): void {
    this.#windows.delete(user)
  }

  /** Whether one more message may be sent. */
  permission(user: string): Permission {
    const window = this.#windows.get(user)
    if (window === undefined) return 'never'
    if (window.endsAt <= this.#clock.now()) return 'closed'
    return window.left > 0 ? 'open' : 'used'
  }

  /** Keeps a message and counts it against the user's window, if there is one. */
  record(user: string, type: string, text: string, body: unknown): SentMessage {
    const window = this.#windows.get(user)
    if (window !== undefined && window.left > 0) window.left--
    const message = this.#sent.add(n => ({ n, at: this.#clock.now(), user, type, text, body }))
    this.#tell({ type: 'sent', message })
    return message
  }

  /** Somebody begins or ends to type for a user. */
  typing(user: string, isTyping: boolean): void {
    this.#tell({ type: 'typing', user, isTyping })
  }

  /** How many were sent. */
  get total(): number {
    return this.#sent.total
  }

  /** The last 1,000 messages, oldest first; of one user, after a number. */
  list({ user, after }: { readonly user?: string | undefined; readonly after?: number } = {}): readonly SentMessage[] {
    const messages = this.#sent.after(after)
    return user === undefined ? messages : messages.filter(message => message.user === user)
  }

  /** Windows, those opened last first. */
  windows(limit: number): readonly WindowView[] {
    const nowMs = this.#clock.now()
    return this.#windows.newest(limit).map(([user, { grant, messages, left, endsAt }]) => ({
      ...{ user, grant, left, messages, endsAt },
      isOpen: left > 0 && endsAt > nowMs,
    }))
  }

  /** Calls for everything from now on; what is returned ends that. Undefined when 100 listen already. */
  listen(listener: (event: SendEvent) => void): (() => void) | undefined {
    if (this.#listeners.size >= LISTENER_LIMIT) return undefined
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(event: SendEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

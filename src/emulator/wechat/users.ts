import type { Clock } from '../core/clock.js'
import { RecentMap } from '../core/recent.js'

/** What the platform knows of a user. */
export type WechatUser = {
  readonly since: number
  /** Follows no more. */
  hasLeft: boolean
  lastActMs: number
  typingUntilMs: number
}

const USER_LIMIT = 100_000

/** Users that have ever acted on an account: at most 100,000, those not seen for longest are forgotten. */
export class WechatUsers {
  readonly #clock: Clock
  readonly #users = new RecentMap<WechatUser>(USER_LIMIT)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(id: string): WechatUser | undefined {
    return this.#users.get(id)
  }

  /** A user acts. */
  acted(id: string): WechatUser {
    const user = this.#users.get(id) ?? {
      ...{ since: this.#clock.now(), hasLeft: false },
      ...{ lastActMs: 0, typingUntilMs: Number.NEGATIVE_INFINITY },
    }
    user.lastActMs = this.#clock.monotonicMs()
    this.#users.set(id, user)
    return user
  }
}

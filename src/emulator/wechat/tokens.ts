import type { ApiAnswer, ApiRequest } from '../core/api.js'
import { jsonAnswer, jsonObject } from '../core/api.js'
import type { Clock } from '../core/clock.js'
import type { IssuedToken, TokenService } from '../core/token-service.js'
import type { WechatAccount } from './account.js'
import type { Answers } from './error-codes.js'

const MINUTE_MS = 60_000

/** Tokens live two hours; a stable one is replaced five minutes before its end, and the one before works five minutes more. */
export const WECHAT_TOKENS = {
  stable: { lifetimeMs: 120 * MINUTE_MS, overlapMs: 5 * MINUTE_MS, renewBeforeMs: 5 * MINUTE_MS },
  // Every call makes a new one, and the one before is called back: whoever still uses it gets 40001.
  classic: { lifetimeMs: 120 * MINUTE_MS, overlapMs: 0, renewBeforeMs: 0 },
} as const

const FORCED_PER_DAY = 20
const FORCED_APART_MS = 30_000
const CLASSIC_PER_DAY = 2_000
const BEIJING_MS = 8 * 60 * MINUTE_MS
const DAY_MS = 24 * 60 * MINUTE_MS

/** Parts of the token API. */
export type TokenParts = {
  readonly account: WechatAccount
  readonly stable: TokenService
  readonly classic: TokenService
  readonly clock: Clock
  readonly answers: Answers
}

/** The APIs that give tokens, and the check of one. */
export type TokenApi = {
  /** `GET /cgi-bin/token`. */
  classic(request: ApiRequest): ApiAnswer
  /** `POST /cgi-bin/stable_token`. */
  stable(request: ApiRequest): ApiAnswer
  /** The error of a call with such an `access_token`; undefined when it works. */
  refusal(request: ApiRequest): ApiAnswer | undefined
}

/** The token APIs of an account. */
export function createTokenApi({ account, stable, classic, clock, answers }: TokenParts): TokenApi {
  const classicCalls = dailyCount(clock)
  const forcedCalls = dailyCount(clock)
  let lastForcedMs = Number.NEGATIVE_INFINITY

  function wrongCredential(grant: unknown, appId: unknown, secret: unknown): ApiAnswer | undefined {
    if (grant !== 'client_credential') return answers.failure(40002)
    if (appId === undefined || appId === null || appId === '') return answers.failure(41002)
    if (appId !== account.appId) return answers.failure(40013)
    if (secret === undefined || secret === null || secret === '') return answers.failure(41004)
    return secret === account.appSecret ? undefined : answers.failure(40125)
  }

  return {
    classic({ query }) {
      const wrong = wrongCredential(query.get('grant_type'), query.get('appid'), query.get('secret'))
      if (wrong !== undefined) return wrong
      return classicCalls() > CLASSIC_PER_DAY ? answers.failure(45009) : issued(classic.renew())
    },
    stable({ method, bytes }) {
      if (method !== 'POST') return answers.failure(43002)
      const body = jsonObject(bytes)
      if (body === undefined) return answers.failure(47001)
      const wrong = wrongCredential(body.grant_type, body.appid, body.secret)
      if (wrong !== undefined) return wrong
      if (body.force_refresh !== true) return issued(stable.current())
      if (clock.monotonicMs() - lastForcedMs < FORCED_APART_MS) return answers.failure(45011)
      if (forcedCalls() > FORCED_PER_DAY) return answers.failure(45009)
      lastForcedMs = clock.monotonicMs()
      return issued(stable.renew(0))
    },
    refusal({ query }) {
      const token = query.get('access_token') ?? ''
      if (token === '') return answers.failure(41001)
      const states = [stable.stateOf(token), classic.stateOf(token)]
      if (states.includes('valid')) return undefined
      return answers.failure(states.includes('expired') ? 42001 : 40001)
    },
  }
}

function issued({ token, remainingMs }: IssuedToken): ApiAnswer {
  return jsonAnswer({ access_token: token, expires_in: Math.floor(remainingMs / 1000) })
}

/** Counts calls of a day in Beijing. */
function dailyCount(clock: Clock): () => number {
  let day = 0
  let count = 0
  return () => {
    const today = Math.floor((clock.now() + BEIJING_MS) / DAY_MS)
    if (today !== day) count = 0
    day = today
    return ++count
  }
}

import { isKefuError, KefuError } from '../../../errors.js'
import type { AdapterInput, AdapterPorts, PlatformRequest, PlatformResponse } from '../../core/channel-adapter.js'
import { createAccessTokens, type FetchedToken } from '../access-token.js'
import { credentialOf, type WechatAccount } from './account.js'
import { ANSWER_BYTES, readAnswer, type WechatAnswer } from './answer.js'
import { TOKEN_ERRCODES, TOKEN_REFUSED } from './errcodes.js'
import { refusal } from './outcome.js'

const TOKEN_TIMEOUT_MS = 10_000

/** How long the platform may take for a message, and for a file. */
export const CALL_TIMEOUT_MS = 15_000
/** See `CALL_TIMEOUT_MS`. */
export const FILE_TIMEOUT_MS = 60_000

/** A call that needs a token. */
export type WechatCall = Omit<PlatformRequest, 'url' | 'limitBytes' | 'timeoutMs'> & {
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly limitBytes?: number
  readonly timeoutMs?: number
}

/** What a call brought: the answer as it came, and as JSON. */
export type CallResult = { readonly response: PlatformResponse; readonly answer: WechatAnswer }

/** The API of one account. */
export type WechatApi = {
  /**
   * Makes a call with the token, and again with another one when that is refused: twice at most, the second time with one that was forced. Throws as `PlatformHttp`
   * does; what went wrong with getting a token is `KEFU_PLATFORM_UNAVAILABLE` with nothing written, or `KEFU_PLATFORM_REFUSED` (see `refusal`).
   */
  call(call: WechatCall, abort: AbortSignal): Promise<CallResult>
  /** Asks for a token past the cache: to see whether the platform gives one. Throws as `call`. */
  tryToken(abort: AbortSignal): Promise<PlatformResponse>
}

/** Speaks to the platform in the name of an account. */
export function createWechatApi(
  { http, clock }: AdapterPorts,
  account: WechatAccount,
  input: Pick<AdapterInput, 'secrets'>,
): WechatApi {
  const { appId, baseUrl } = account

  async function askForToken(isForced: boolean, abort: AbortSignal): Promise<PlatformResponse> {
    const { value } = credentialOf(input, 'app-secret')
    const body = JSON.stringify({
      ...{ grant_type: 'client_credential', appid: appId, secret: value },
      force_refresh: isForced,
    })
    const request = { method: 'POST', url: `${baseUrl}/cgi-bin/stable_token`, headers: JSON_HEADERS, body } as const
    try {
      return await http.call({ ...request, timeoutMs: TOKEN_TIMEOUT_MS, limitBytes: ANSWER_BYTES }, abort)
    } catch (error) {
      if (isKefuError(error, 'KEFU_PLATFORM_UNAVAILABLE')) throw untaken(String(error.detail.reason))
      if (isKefuError(error, 'KEFU_BODY_TOO_LARGE')) throw untaken('the answer is too large')
      throw error
    }
  }

  const tokens = createAccessTokens({
    clock,
    fetch: async (isForced, abort) => tokenOf(await askForToken(isForced, abort)),
  })

  return {
    async call({ path, query = {}, limitBytes = ANSWER_BYTES, timeoutMs = CALL_TIMEOUT_MS, ...request }, abort) {
      for (let refusals = 0; ; refusals++) {
        const token = await tokens.get(abort)
        const url = `${baseUrl}${path}?${new URLSearchParams({ access_token: token, ...query })}`
        const response = await http.call({ ...request, url, limitBytes, timeoutMs }, abort)
        const answer = readAnswer(response)
        if (answer.errcode === undefined || !TOKEN_REFUSED.has(answer.errcode)) return { response, answer }
        if (refusals === 0) tokens.drop(token)
        else if (refusals > 1 || !tokens.dropForced(token)) return { response, answer }
      }
    },

    async tryToken(abort) {
      const response = await askForToken(false, abort)
      tokenOf(response)
      return response
    },
  }
}

/** Headers of a call in JSON. */
export const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' } as const

/** The platform did not do what it was asked, and nothing that a user could see has happened. */
export function untaken(reason: string): KefuError {
  return new KefuError('KEFU_PLATFORM_UNAVAILABLE', { reason, written: 'no' })
}

function tokenOf(response: PlatformResponse): FetchedToken {
  const answer = readAnswer(response)
  const { errcode, fields } = answer
  const { access_token: token, expires_in: seconds } = fields
  if (errcode !== undefined && errcode !== 0) throw refusal(answer, TOKEN_ERRCODES)
  if (typeof token !== 'string' || !/^[!-~]{1,2048}$/.test(token))
    throw untaken(`it answered status ${answer.status} and no token`)
  return { token, expiresInMs: typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : 7_200_000 }
}

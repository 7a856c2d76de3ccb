import { isKefuError, KefuError } from '../../../errors.js'
import { type JsonFields, jsonFields, jsonNumber, jsonText } from '../../../platform/json-fields.js'
import { parseLosslessJson } from '../../../platform/lossless-json.js'
import type { AdapterInput, AdapterPorts, PlatformRequest, PlatformResponse } from '../../core/channel-adapter.js'
import { createAccessTokens, type FetchedToken } from '../access-token.js'
import { credentialOf } from '../wechat/account.js'
import { JSON_HEADERS, untaken } from '../wechat/api.js'
import type { KfCompany } from './account.js'
import { errcodeOf, refusalOf } from './errcodes.js'

const TIMEOUT_MS = 15_000
const ANSWER_BYTES = 1024 * 1024
const TOKEN_REFUSED: ReadonlySet<number | undefined> = new Set([40014, 42001])

/** A call that needs a token. */
export type KfCall = Pick<PlatformRequest, 'method' | 'headers' | 'body'> & {
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly limitBytes?: number
  readonly timeoutMs?: number
}

/** The API of one company. A refused token is replaced once. */
export type KfApi = {
  /** Posts JSON; the answer, whose errcode is 0. Throws as `PlatformHttp` and `refusalOf`; `KEFU_PLATFORM_UNAVAILABLE` for what is no answer of the platform. */
  post(path: string, body: object, abort: AbortSignal, limitBytes?: number): Promise<JsonFields>
  /** Makes a call; the answer as it came, unless it is an errcode. Throws as `post`. */
  call(call: KfCall, abort: AbortSignal): Promise<PlatformResponse>
  /** Fetches a token past the cache: to see whether the platform gives one; its answer. Throws as `post`. */
  tryToken(abort: AbortSignal): Promise<PlatformResponse>
}

/** Speaks to the platform in the name of a company. */
export function createKfApi(
  { http, clock }: AdapterPorts,
  { corpId, baseUrl }: KfCompany,
  input: Pick<AdapterInput, 'secrets'>,
): KfApi {
  async function fetchToken(abort: AbortSignal): Promise<FetchedToken & { readonly response: PlatformResponse }> {
    const query = new URLSearchParams({ corpid: corpId, corpsecret: credentialOf(input, 'secret').value })
    const request = { method: 'GET', url: `${baseUrl}/cgi-bin/gettoken?${query}` } as const
    let response: PlatformResponse
    let fields: JsonFields
    try {
      response = await http.call({ ...request, timeoutMs: TIMEOUT_MS, limitBytes: ANSWER_BYTES }, abort)
      fields = readAnswer(response)
    } catch (error) {
      // Whatever became of it: the message for which it is needed was not sent.
      if (isKefuError(error, 'KEFU_BODY_TOO_LARGE')) throw untaken('the answer with the token is too large')
      if (isKefuError(error, 'KEFU_PLATFORM_UNAVAILABLE'))
        throw new KefuError(error.code, { ...error.detail, written: 'no' })
      throw error
    }
    const token = jsonText(fields, 'access_token') ?? ''
    const seconds = jsonNumber(fields, 'expires_in') ?? 0
    if (!/^[!-~]{1,2048}$/.test(token)) throw untaken('it answered no token')
    return { token, expiresInMs: seconds > 0 ? seconds * 1_000 : 7_200_000, response }
  }

  const tokens = createAccessTokens({ clock, fetch: (_, abort) => fetchToken(abort) })

  async function withToken<T>(abort: AbortSignal, use: (token: string) => Promise<T>): Promise<T> {
    const token = await tokens.get(abort)
    try {
      return await use(token)
    } catch (error) {
      if (!TOKEN_REFUSED.has(errcodeOf(error))) throw error
      tokens.drop(token)
    }
    const another = await tokens.get(abort)
    try {
      return await use(another)
    } catch (error) {
      if (TOKEN_REFUSED.has(errcodeOf(error))) tokens.drop(another)
      throw error
    }
  }

  function request(
    { path, query = {}, limitBytes = ANSWER_BYTES, timeoutMs = TIMEOUT_MS, ...call }: KfCall,
    token: string,
  ) {
    const url = `${baseUrl}${path}?${new URLSearchParams({ access_token: token, ...query })}`
    return { ...call, url, limitBytes, timeoutMs }
  }

  return {
    post(path, body, abort, limitBytes = ANSWER_BYTES) {
      const call = { method: 'POST', path, headers: JSON_HEADERS, body: JSON.stringify(body), limitBytes } as const
      return withToken(abort, async token => readAnswer(await http.call(request(call, token), abort)))
    },
    call: (call, abort) =>
      withToken(abort, async token => {
        const response = await http.call(request(call, token), abort)
        assertNoErrcode(response)
        return response
      }),
    async tryToken(abort) {
      return (await fetchToken(abort)).response
    },
  }
}

/** The fields of a good answer. Throws as `KfApi.post`. */
export function readAnswer(response: PlatformResponse): JsonFields {
  const fields = fieldsOf(response)
  const errcode = jsonNumber(fields, 'errcode')
  if (errcode === undefined)
    throw new KefuError('KEFU_PLATFORM_UNAVAILABLE', {
      reason: `it answered status ${response.status} and no errcode: look at base-url if this goes on`,
      written: 'perhaps',
    })
  if (errcode !== 0) throw refusalOf(errcode, jsonText(fields, 'errmsg'))
  return fields
}

/** A file has a disposition, also one that is JSON itself. */
function assertNoErrcode(response: PlatformResponse): void {
  if (response.header('content-disposition') !== undefined || response.bytes.length > ANSWER_BYTES) return
  const fields = fieldsOf(response)
  const errcode = jsonNumber(fields, 'errcode') ?? 0
  if (errcode !== 0) throw refusalOf(errcode, jsonText(fields, 'errmsg'))
}

function fieldsOf({ bytes }: PlatformResponse): JsonFields {
  try {
    return jsonFields(parseLosslessJson(Buffer.from(bytes).toString()))
  } catch {
    return {}
  }
}

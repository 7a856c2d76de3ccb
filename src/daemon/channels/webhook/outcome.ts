import { isKefuError, type KefuError } from '../../../errors.js'
import { isUnwritten, type PlatformResponse, type SendOutcome } from '../../core/channel-adapter.js'

const UNSAID_AFTER_MS = 30_000
const LEAST_AFTER_MS = 1_000
const MOST_AFTER_MS = 3_600_000
const REASON_LENGTH = 200
/** Of an answer, in which it is seen whether it is a page. */
const PAGE_BYTES = 1024
const HTML_TYPE = /^\s*(text\/html|application\/xhtml\+xml)\s*(;|$)/i
const PAGE = /^(<\?xml[^>]{0,200}>\s*)?<(!doctype html|html)\b/i

/**
 * What an answer of the other system means. It says so by its status; with a status from 400 to 499 also by `windowClosed` and `reason` in a JSON body. A web page is
 * no answer of it, whatever its status says.
 */
export function outcomeOf(response: PlatformResponse, nowMs: number, secrets: readonly string[]): SendOutcome {
  const { status } = response
  if (status >= 200 && status < 300) return isPage(response) ? pageInstead(status) : { type: 'sent' }
  if (status === 409) return { type: 'sent' }
  const said = status >= 400 && status < 500 ? wordsIn(response) : undefined
  const reason = reasonOf(status, said?.reason, secrets)
  if (said?.isWindowClosed) return { type: 'window-closed', reason }
  const afterMs = retryAfterMs(response, nowMs)
  if (status === 401 || status === 403)
    return {
      type: 'channel-down',
      reason: `${reason}: compare outbound-secret with what it verifies with, and the clocks`,
    }
  if (status >= 300 && status < 400)
    return { type: 'channel-down', reason: `${reason}: set endpoint to the address that it leads to` }
  if (status === 429) return { type: 'throttled', reason, afterMs: afterMs ?? UNSAID_AFTER_MS }
  if (status === 503 && afterMs !== undefined) return { type: 'throttled', reason, afterMs }
  if (status === 408 || status === 425 || status >= 500)
    return { type: 'retry', reason, ...(afterMs !== undefined && { afterMs }) }
  return { type: 'give-up', reason }
}

/** What a call means that has no answer. Throws what it is given when that is an abort before anything was written. */
export function outcomeOfFailure(error: KefuError): SendOutcome {
  if (error.code === 'KEFU_ABORTED') throw error
  const reason = error.message.slice(0, 2 * REASON_LENGTH)
  if (isKefuError(error, 'KEFU_PLATFORM_REFUSED'))
    return { type: 'channel-down', reason: `the setting endpoint cannot be used: ${reason}` }
  return isUnwritten(error) ? { type: 'retry', reason } : { type: 'unknown', reason }
}

/** Whether somebody else answers: a proxy, a captive portal, the front page of a site. Programs that answer with a word, or with JSON, may call that HTML. */
function isPage(response: PlatformResponse): boolean {
  const text = Buffer.from(response.bytes.subarray(0, PAGE_BYTES)).toString().trimStart()
  if (PAGE.test(text)) return true
  return HTML_TYPE.test(response.header('content-type') ?? '') && text.startsWith('<')
}

function pageInstead(status: number): SendOutcome {
  const reason = `the endpoint answers ${status} with a web page: what stands before it, or another address, takes no messages`
  return { type: 'channel-down', reason }
}

function reasonOf(status: number, said: string | undefined, secrets: readonly string[]): string {
  const answers = `the endpoint answers ${status}`
  return said === undefined || secrets.some(secret => said.includes(secret)) ? answers : `${answers} (${said})`
}

function wordsIn({ bytes }: PlatformResponse): {
  readonly isWindowClosed: boolean
  readonly reason: string | undefined
} {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return { isWindowClosed: false, reason: undefined }
  }
  const fields: { readonly windowClosed?: unknown; readonly reason?: unknown } =
    typeof value === 'object' && value !== null ? value : {}
  const { windowClosed, reason } = fields
  const text = typeof reason === 'string' ? reason.toWellFormed().replace(/\p{C}/gu, ' ').trim() : ''
  return { isWindowClosed: windowClosed === true, reason: text === '' ? undefined : text.slice(0, REASON_LENGTH) }
}

/** `Retry-After` in seconds or as a date, within bounds; undefined without one. */
function retryAfterMs(response: PlatformResponse, nowMs: number): number | undefined {
  const text = response.header('retry-after')?.trim() ?? ''
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, LEAST_AFTER_MS), MOST_AFTER_MS)
}

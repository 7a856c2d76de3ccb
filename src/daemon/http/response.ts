import { KefuError } from '../../errors.js'
import type { HttpResponse } from '../transport/port.js'

/** Headers of every answer, unless the answer says otherwise. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** An answer in JSON. */
export function json(status: number, value: object, headers?: Readonly<Record<string, string>>): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: `${JSON.stringify(value)}\n`,
  }
}

/**
 * The answer for an error: `{"error": {code, message, hint, retryable}}` with the error's status, and `retryAfterMs` with a `Retry-After` header when waiting helps.
 * What an internal failure was about is not told.
 */
export function errorResponse(error: KefuError, status = error.status): HttpResponse {
  const told = (error.code === 'KEFU_INTERNAL' ? UNTOLD : error).peerReport()
  const { retryAfterMs } = error.detail
  const headers: Record<string, string> = {}
  if (status === 401) headers['www-authenticate'] = 'Bearer'
  if (typeof retryAfterMs === 'number') headers['retry-after'] = String(Math.ceil(retryAfterMs / 1000))
  else if (status === 503 || status === 507) headers['retry-after'] = '1'
  return json(status, { error: typeof retryAfterMs === 'number' ? { ...told, retryAfterMs } : told }, headers)
}

const UNTOLD = new KefuError('KEFU_INTERNAL', { reason: 'the log says more' })

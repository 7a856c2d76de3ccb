import { CLOSE } from '../codec/close-codes.js'
import type { ErrorBody } from '../codec/wire.js'
import { ERRORS, type ErrorCode, type ErrorDetail, KefuError } from '../errors.js'

/** An `error` frame as an error with the server's sentence, and its `retryAfterMs` in `detail`. A code that this version does not know becomes `KEFU_INTERNAL` naming it. */
export function fromErrorBody(body: ErrorBody): KefuError {
  const error = Object.hasOwn(ERRORS, body.code)
    ? new KefuError(body.code as ErrorCode, waitOf(body.retryAfterMs))
    : new KefuError('KEFU_INTERNAL', { reason: body.code.slice(0, 60) })
  error.message = body.message
  return error
}

/** The detail of a refusal that says when to try again: `retryAfterMs`, if that is whole milliseconds. */
export function waitOf(retryAfterMs: unknown): ErrorDetail {
  return Number.isSafeInteger(retryAfterMs) && Number(retryAfterMs) >= 0 ? { retryAfterMs: Number(retryAfterMs) } : {}
}

/** The connection is gone, with what is known of the reason. */
export function disconnected(reason: string): KefuError {
  return new KefuError('KEFU_DISCONNECTED', { reason })
}

/** What a close code refuses for good; undefined where another attempt may succeed. */
export function refusalOf(code: number, why: string): KefuError | undefined {
  switch (code) {
    case CLOSE.unauthorised:
      return new KefuError('KEFU_UNAUTHORISED')
    case CLOSE.originRefused:
      return new KefuError('KEFU_ORIGIN_REFUSED', { origin: 'of this page' })
    case CLOSE.channelNotFound:
      return new KefuError('KEFU_CHANNEL_NOT_FOUND', { name: 'in the hello', suggestion: '' })
    case CLOSE.protocolError:
      return new KefuError('KEFU_FRAME_INVALID', { reason: why })
    default:
      return undefined
  }
}

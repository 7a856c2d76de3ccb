import { validateHeaderName, validateHeaderValue } from 'node:http'
import { Readable } from 'node:stream'
import { KefuError } from '../../errors.js'
import type { HttpResponse } from './port.js'

/** A response as it goes out, the same for every transport. At most one of `bytes` and `stream` is set. */
export type ResponsePlan = {
  readonly status: number
  /** Names in lower case; none that says how the message is framed. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** `undefined`: the length is not known (chunked) or no length is told (204, 304). */
  readonly contentLength: number | undefined
  readonly bytes: Uint8Array | undefined
  readonly stream: Readable | undefined
}

const FRAMING = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'upgrade',
  'date',
  'trailer',
])
const NOTHING = new Uint8Array(0)

/**
 * The plan of a handler's response. Connection headers are the transport's own; `content-length` counts only for a stream or for HEAD.
 * Throws `KEFU_INTERNAL` for a status or header that cannot be sent. A stream that has no place (HEAD, 204, 304) is destroyed.
 */
export function planResponse(response: HttpResponse, method: string): ResponsePlan {
  const { status, body } = response
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new KefuError('KEFU_INTERNAL', { reason: `${status} is not the status of a response` })
  }
  const headers: [string, string][] = []
  let declared: number | undefined
  for (const [key, value] of Object.entries(response.headers ?? {})) {
    const name = key.toLowerCase()
    checkHeader(name, value)
    if (name === 'content-length' && /^\d{1,15}$/.test(value)) declared = Number(value)
    if (!FRAMING.has(name)) headers.push([name, value])
  }
  const stream = body instanceof Readable ? body : undefined
  // Whoever reads it looks at `errored` first; until then an error must not count as unhandled.
  stream?.on('error', ignore)
  const bytes = body instanceof Readable ? undefined : toBytes(body)
  const contentLength =
    bytes === undefined || (method === 'HEAD' && declared !== undefined) ? declared : bytes.byteLength
  if (status === 204 || status === 304) {
    destroyQuietly(stream)
    return { status, headers, contentLength: undefined, bytes: undefined, stream: undefined }
  }
  if (method === 'HEAD') {
    destroyQuietly(stream)
    return { status, headers, contentLength, bytes: undefined, stream: undefined }
  }
  return { status, headers, contentLength, bytes, stream }
}

/** The plan of an answer that the transport gives itself: a short text. */
export function plainPlan(status: number, message: string, method: string): ResponsePlan {
  return planResponse({ status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: message }, method)
}

/** Destroys a stream that nobody will read; its own errors concern nobody any more. */
export function destroyQuietly(stream: Readable | undefined): void {
  if (stream === undefined) return
  stream.on('error', ignore)
  stream.destroy()
}

/** Gives up a response that cannot be sent. */
export function abandonResponse(response: HttpResponse | undefined): void {
  if (response?.body instanceof Readable) destroyQuietly(response.body)
}

/** A chunk of a response stream as bytes. Throws `KEFU_INTERNAL` for one that is neither bytes nor text. */
export function chunkBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'string') return Buffer.from(chunk)
  throw new KefuError('KEFU_INTERNAL', { reason: 'a response stream gave something that is not bytes' })
}

/** The fault of a stream that was destroyed before its end. */
export function endedEarly(): KefuError {
  return new KefuError('KEFU_INTERNAL', { reason: 'a response stream was destroyed before its end' })
}

/** The fault of a stream that does not keep to its content-length. */
export function wrongLength(): KefuError {
  return new KefuError('KEFU_INTERNAL', { reason: 'a response stream has another length than its content-length' })
}

function toBytes(body: Uint8Array | string | undefined): Uint8Array {
  if (body === undefined) return NOTHING
  return typeof body === 'string' ? Buffer.from(body) : body
}

function checkHeader(name: string, value: string): void {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  } catch (cause) {
    throw new KefuError('KEFU_INTERNAL', { reason: `the response header "${name}" cannot be sent` }, { cause })
  }
}

function ignore(): void {}

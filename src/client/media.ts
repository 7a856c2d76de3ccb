import { ERRORS, type ErrorCode, KefuError } from '../errors.js'
import { disconnected, waitOf } from './failure.js'

/** A signed link to a file. */
export type MediaLink = { readonly url: string; readonly expiresAt: number }

/** An uploaded file: `media` goes into a message's part. */
export type Uploaded = { readonly media: string; readonly type: string; readonly sizeBytes: number }

/** How long an upload may take. */
const UPLOAD_TIMEOUT_MS = 120_000
/** Longest answer of the server that is read. */
const ANSWER_LIMIT_BYTES = 64 * 1024

/**
 * Stores a file on the server, for messages of one conversation. Throws what the server refused it with (`KEFU_BODY_TOO_LARGE`, `KEFU_UNAUTHORISED`, …;
 * `detail.retryAfterMs` where waiting helps), `KEFU_DISCONNECTED` when the server is not reached, `KEFU_TIMEOUT` after two minutes.
 */
export async function upload(
  httpUrl: string,
  token: string,
  file: Blob | Uint8Array<ArrayBuffer>,
  type: string,
  conversation: string | undefined,
): Promise<Uploaded> {
  const url = new URL('v1/media', httpUrl)
  if (conversation !== undefined) url.searchParams.set('conversation', conversation)
  let status: number
  let answer: unknown
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body: file,
      credentials: 'omit',
      redirect: 'error',
      signal: AbortSignal.timeout(UPLOAD_TIMEOUT_MS),
    })
    status = response.status
    answer = parse(await readStart(response))
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'TimeoutError')
      throw new KefuError('KEFU_TIMEOUT', { what: 'the upload', timeoutMs: UPLOAD_TIMEOUT_MS }, { cause })
    throw new KefuError('KEFU_DISCONNECTED', { reason: 'the upload did not reach the server' }, { cause })
  }
  if (isUploaded(answer)) return { media: answer.media, type: answer.type, sizeBytes: answer.sizeBytes }
  throw refusal(status, answer)
}

/** The text of an answer; of one that is too long, nothing. */
async function readStart(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let bytes = 0; ; ) {
    const chunk = await reader?.read()
    if (chunk?.value === undefined) return text + decoder.decode()
    bytes += chunk.value.length
    if (bytes > ANSWER_LIMIT_BYTES) {
      await reader?.cancel()
      return ''
    }
    text += decoder.decode(chunk.value, { stream: true })
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A proxy's page, most likely: the status says what there is to say.
    return undefined
  }
}

/** The address of a file at the server whose HTTP side is `httpUrl`. Throws `KEFU_FRAME_INVALID` for one anywhere else: nobody should follow that. */
export function mediaUrl(path: string, httpUrl: string): string {
  const url = URL.canParse(path, httpUrl) ? new URL(path, httpUrl) : undefined
  if (url?.origin !== new URL(httpUrl).origin)
    throw new KefuError('KEFU_FRAME_INVALID', { reason: 'the address of a file is of another server' })
  return url.href
}

function isUploaded(value: unknown): value is Uploaded {
  const { media, type, sizeBytes } = (value ?? {}) as Partial<Record<keyof Uploaded, unknown>>
  return typeof media === 'string' && typeof type === 'string' && typeof sizeBytes === 'number'
}

type Refusal = { readonly code?: unknown; readonly message?: unknown; readonly retryAfterMs?: unknown }

function refusal(status: number, answer: unknown): KefuError {
  const { code, message, retryAfterMs } = (answer as { readonly error?: Refusal } | undefined)?.error ?? {}
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code))
    return disconnected(`the upload was answered with status ${status}`)
  const error = new KefuError(code as ErrorCode, waitOf(retryAfterMs))
  if (typeof message === 'string') error.message = message
  return error
}

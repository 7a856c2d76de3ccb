import { decompress } from '../../codec/zstd.js'
import { isKefuError, KefuError } from '../../errors.js'
import type { MediaPort } from '../core/media.js'
import type { UploadAdmission } from '../engine/media/upload-admission.js'
import type { UploadGrant, UploadRequest } from '../engine/media/uploads.js'
import type { HttpRequest, HttpResponse } from '../transport/port.js'
import { errorResponse, json } from './response.js'
import type { Route, RouteRequest } from './route.js'

/** What uploads need from outside. */
export type UploadPorts = {
  readonly media: Pick<MediaPort, 'put'>
  /**
   * Where the owner of a token may upload to: a visitor to its own conversation (named or not), an agent or app to one that it names and may see. What is
   * named may be any text. Throws `KEFU_UNAUTHORISED`, `KEFU_RATE_LIMITED` (too many refused tokens from this address), `KEFU_CONVERSATION_NOT_FOUND` for a
   * foreign, unknown or missing conversation alike, `KEFU_ORIGIN_REFUSED` when the origin is not among those of the token's own channel.
   */
  readonly authorise: (request: UploadRequest) => Promise<UploadGrant>
  /** Which uploads may begin. */
  readonly admission: UploadAdmission
}

/** Bounds of uploads. */
export type UploadLimits = {
  /** Largest file, compressed and uncompressed. */
  readonly fileBytes: number
  /** How long a body may take to arrive. */
  readonly timeoutMs: number
}

const ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
const BEARER = /^Bearer ([\x21-\x7e]{1,1024})$/i

/** `POST /v1/media[?conversation=]`: keeps a file and answers 201 `{media, type, sizeBytes, sha256}`. The token is in `Authorization: Bearer`. */
export function uploadRoute(ports: UploadPorts, limits: UploadLimits): Route {
  return {
    method: 'POST',
    path: '/v1/media',
    isForPages: true,
    handle: request => upload(ports, limits, request),
  }
}

async function upload(ports: UploadPorts, limits: UploadLimits, { http, origin }: RouteRequest): Promise<HttpResponse> {
  const grant = await identify(ports, http, origin)
  const encoding = readEncoding(http)
  const bodyBytes = expectedBytes(http, limits.fileBytes)
  const isCompressed = encoding === 'zstd'
  const admitted = ports.admission.admit({
    ...grant,
    remoteAddress: http.remoteAddress,
    memoryBytes: isCompressed ? bodyBytes + limits.fileBytes : bodyBytes,
    fileBytes: isCompressed ? limits.fileBytes : bodyBytes,
  })
  let fileBytes = 0
  try {
    const body = await http.body({ limitBytes: limits.fileBytes, timeoutMs: limits.timeoutMs })
    const bytes = isCompressed
      ? await decompress(body, { outputLimitBytes: limits.fileBytes, windowLimitBytes: ZSTD_WINDOW_BYTES })
      : body
    fileBytes = bytes.length
    if (bytes.length === 0) throw new KefuError('KEFU_REQUEST_INVALID', { reason: 'the body is empty' })
    const { conversation, uploader } = grant
    const declaredType = http.header('content-type')
    const { media, type, sizeBytes, sha256 } = await ports.media.put({ conversation, uploader, declaredType, bytes })
    return json(201, { media, type, sizeBytes, sha256 })
  } catch (error) {
    if (isKefuError(error, 'KEFU_TIMEOUT')) return errorResponse(error, 408)
    throw error
  } finally {
    // One that breaks off counts as far as it came.
    admitted.end(Math.max(http.bodyBytes, fileBytes))
  }
}

async function identify(ports: UploadPorts, http: HttpRequest, origin: string | undefined): Promise<UploadGrant> {
  const token = BEARER.exec(http.header('authorization') ?? '')?.[1]
  if (token === undefined) throw new KefuError('KEFU_UNAUTHORISED')
  const conversation = http.query.get('conversation') ?? undefined
  const grant = await ports.authorise({ token, conversation, origin, remoteAddress: http.remoteAddress })
  if (conversation !== undefined && conversation !== grant.conversation)
    throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
  return grant
}

function readEncoding(http: HttpRequest): 'identity' | 'zstd' {
  const encoding = (http.header('content-encoding') ?? 'identity').trim().toLowerCase()
  if (encoding === 'identity' || encoding === '') return 'identity'
  if (encoding === 'zstd') return 'zstd'
  throw new KefuError('KEFU_ENCODING_UNSUPPORTED')
}

/** The length that the request declares, or the most that it may have. */
function expectedBytes(http: HttpRequest, limitBytes: number): number {
  const declared = http.header('content-length')
  if (declared === undefined || !/^\d{1,15}$/.test(declared)) return limitBytes
  if (Number(declared) > limitBytes) throw new KefuError('KEFU_BODY_TOO_LARGE', { limit: limitBytes })
  return Number(declared)
}

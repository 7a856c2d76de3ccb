import { Readable } from 'node:stream'
import { isConversationId } from '../../codec/conversation-id.js'
import { KefuError } from '../../errors.js'
import { MEDIA_TYPES, type MediaFile, type MediaMeta, type MediaPort, type MediaRead } from '../core/media.js'
import type { Clock } from '../core/ports.js'
import type { DownloadAdmission } from '../engine/media/download-admission.js'
import type { Tokens } from '../engine/session/tokens.js'
import type { HttpRequest, HttpResponse } from '../transport/port.js'
import { acceptsZstd, matchesEtag, parseRange } from './conditional.js'
import { errorResponse } from './response.js'
import type { Route, RouteRequest } from './route.js'

/** What downloads need from outside. */
export type DownloadPorts = {
  readonly media: Pick<MediaPort, 'open'>
  readonly tokens: Pick<Tokens, 'verifyMedia'>
  readonly clock: Pick<Clock, 'now'>
  /** Which downloads may begin. */
  readonly downloads: DownloadAdmission
}

/**
 * `GET /v1/media/<conversation>/<media>?expires=…&signature=…`: the file, for whoever has a link that is ours and not expired. A bad link and a file that is not
 * there are the same `KEFU_MEDIA_NOT_FOUND`; one of too many at the same time is `KEFU_RATE_LIMITED`.
 */
export function downloadRoute(ports: DownloadPorts): Route {
  return {
    method: 'GET',
    path: '/v1/media/:conversation/:media',
    isForPages: true,
    handle: request => download(ports, request),
  }
}

async function download(ports: DownloadPorts, request: RouteRequest): Promise<HttpResponse> {
  const { http, params } = request
  const { conversation = '', media: id = '' } = params
  const expires = http.query.get('expires') ?? ''
  const signature = http.query.get('signature') ?? ''
  if (!isConversationId(conversation) || !/^\d{1,15}$/.test(expires)) throw new KefuError('KEFU_MEDIA_NOT_FOUND')
  const expiresAt = Number(expires)
  if (!ports.tokens.verifyMedia({ conversation, media: id, expiresAt }, signature))
    throw new KefuError('KEFU_MEDIA_NOT_FOUND')

  const end = ports.downloads.admit(http.remoteAddress)
  try {
    const response = await answer(await ports.media.open(conversation, id), expiresAt - ports.clock.now(), request)
    const { body } = response
    if (!(body instanceof Uint8Array || body instanceof Readable)) {
      end()
      return response
    }
    // A stream says when the peer has taken it, or has gone.
    const stream = body instanceof Readable ? body : Readable.from([body], { objectMode: false })
    stream.once('close', end)
    return { ...response, body: stream }
  } catch (error) {
    end()
    throw error
  }
}

async function answer(file: MediaFile, maxAgeMs: number, { http, isHead }: RouteRequest): Promise<HttpResponse> {
  const choice = choose(file, http)
  const headers = commonHeaders(file.meta, choice.etag, maxAgeMs)
  if (matchesEtag(http.header('if-none-match'), choice.etag)) return { status: 304, headers }
  if (choice.read === 'none') {
    const { sizeBytes } = file.meta
    const refused = errorResponse(new KefuError('KEFU_RANGE_INVALID', { sizeBytes }))
    return { ...refused, headers: { ...refused.headers, 'content-range': `bytes */${sizeBytes}` } }
  }
  headers['content-length'] = String(choice.lengthBytes)
  if (choice.read.type === 'zstd') headers['content-encoding'] = 'zstd'
  if (choice.read.type === 'range')
    headers['content-range'] = `bytes ${choice.read.first}-${choice.read.last}/${file.meta.sizeBytes}`
  const status = choice.read.type === 'range' ? 206 : 200
  return isHead || choice.lengthBytes === 0
    ? { status, headers }
    : { status, headers, body: await file.read(choice.read, http.signal) }
}

type Choice = { readonly etag: string; readonly read: MediaRead | 'none'; readonly lengthBytes: number }

function choose({ meta, zstdBytes }: MediaFile, http: HttpRequest): Choice {
  const { sizeBytes, sha256 } = meta
  const etag = `"${sha256.slice(0, 32)}"`
  if (zstdBytes !== undefined && acceptsZstd(http.header('accept-encoding')))
    return { etag: `"${sha256.slice(0, 32)}-zstd"`, read: { type: 'zstd' }, lengthBytes: zstdBytes }
  const ifRange = http.header('if-range')
  const range =
    takesRanges(meta) && (ifRange === undefined || ifRange === etag)
      ? parseRange(http.header('range'), sizeBytes)
      : 'whole'
  if (range === 'whole') return { etag, read: { type: 'whole' }, lengthBytes: sizeBytes }
  if (range === 'none') return { etag, read: 'none', lengthBytes: 0 }
  return { etag, read: { type: 'range', ...range }, lengthBytes: range.last - range.first + 1 }
}

/** A file never becomes a document with rights: sandboxed, without sniffing, and saved unless it is a picture, a sound or a film. */
function commonHeaders(meta: MediaMeta, etag: string, maxAgeMs: number): Record<string, string> {
  const { isInline, extension } = MEDIA_TYPES[meta.type]
  const headers: Record<string, string> = {
    'content-type': meta.type.startsWith('text/') ? `${meta.type}; charset=utf-8` : meta.type,
    'content-disposition': `${isInline ? 'inline' : 'attachment'}; filename="${meta.media}.${extension}"`,
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'cross-origin',
    'cache-control': `private, max-age=${Math.max(0, Math.floor(maxAgeMs / 1000))}, immutable`,
    vary: 'accept-encoding',
    etag,
  }
  if (takesRanges(meta)) headers['accept-ranges'] = 'bytes'
  return headers
}

function takesRanges({ type }: MediaMeta): boolean {
  return type.startsWith('audio/') || type.startsWith('video/')
}

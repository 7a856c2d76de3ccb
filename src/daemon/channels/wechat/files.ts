import { isKefuError, KefuError } from '../../../errors.js'
import type { AdapterPorts, FetchedFile, OutboundFile, PlatformResponse } from '../../core/channel-adapter.js'
import type { WechatAccount } from './account.js'
import { type CallResult, FILE_TIMEOUT_MS, untaken, type WechatApi } from './api.js'
import type { ErrcodeRows } from './errcodes.js'
import { refusal } from './outcome.js'
import { parseSource } from './source.js'

/** Types of files that the platform keeps for three days. */
export type UploadType = 'image' | 'voice' | 'video' | 'thumb'

/** What files are fetched and stored with. */
export type FilePorts = {
  readonly http: AdapterPorts['http']
  readonly api: WechatApi
  readonly account: WechatAccount
  readonly errcodes: ErrcodeRows
  random(length: number): Uint8Array
}

/**
 * Stores a file on the platform; its media id. No user sees anything of it: what the call may have done does not matter. Throws `KEFU_PLATFORM_UNAVAILABLE` with
 * nothing written and `KEFU_PLATFORM_REFUSED` (see `refusal`).
 */
export async function uploadFile(ports: FilePorts, type: UploadType, file: OutboundFile, abort: AbortSignal) {
  const { answer } = await withoutTrace(() => ports.api.call(uploadCall(ports, type, file), abort))
  const id = answer.fields.media_id ?? answer.fields.thumb_media_id
  if (answer.errcode !== undefined && answer.errcode !== 0) throw refusal(answer, ports.errcodes)
  if (typeof id !== 'string') throw untaken(`it answered status ${answer.status} and no media id`)
  return id
}

function uploadCall({ random }: FilePorts, type: UploadType, { bytes, type: contentType, name }: OutboundFile) {
  const boundary = `kefu${Buffer.from(random(16)).toString('hex')}`
  // The name is nobody's but the platform's: it only looks at the ending.
  const filename = (name ?? type).replace(/[^\w.-]/g, '_').slice(-80)
  const safeType = /^[a-z]+\/[a-z0-9.+-]{1,80}$/.test(contentType) ? contentType : 'application/octet-stream'
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="media"; filename="${filename}"\r\ncontent-type: ${safeType}\r\n\r\n`
  return {
    method: 'POST',
    path: '/cgi-bin/media/upload',
    query: { type },
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]),
    timeoutMs: FILE_TIMEOUT_MS,
  } as const
}

/** Fetches what a source names: by its id, a video by the link that this brings, a picture by its own link when the id is no longer known. Throws as `Adapter.fetchFile`. */
export async function fetchFile(
  ports: FilePorts,
  text: string,
  limitBytes: number,
  abort: AbortSignal,
): Promise<FetchedFile> {
  const { id, url } = parseSource(text)
  if (id === undefined) {
    if (url === undefined) throw new KefuError('KEFU_PLATFORM_REFUSED', { reason: 'the message names no file' })
    return await fetchLink(ports, url, limitBytes, abort)
  }
  try {
    return await fetchById(ports, id, limitBytes, abort)
  } catch (error) {
    if (isOfChannel(error)) throw untaken(String(error.detail.reason))
    if (url === undefined || !isKefuError(error, 'KEFU_PLATFORM_REFUSED')) throw error
    return await fetchLink(ports, url, limitBytes, abort)
  }
}

/** Whether it is the channel that is refused, and not the file: that is kept for days, and can be fetched when somebody has mended it. */
function isOfChannel(error: unknown): error is KefuError {
  if (!isKefuError(error, 'KEFU_PLATFORM_REFUSED')) return false
  return error.detail.outcome !== undefined && error.detail.outcome !== 'give-up'
}

async function fetchById(ports: FilePorts, id: string, limitBytes: number, abort: AbortSignal): Promise<FetchedFile> {
  const call = { method: 'GET', path: '/cgi-bin/media/get', query: { media_id: id } } as const
  const result = await ports.api.call({ ...call, limitBytes, timeoutMs: FILE_TIMEOUT_MS }, abort)
  const link = result.answer.fields.video_url
  if (typeof link === 'string') return await fetchLink(ports, link, limitBytes, abort)
  return fileOf(ports, result)
}

/** The platform says with status 200 and JSON that there is no file. */
function fileOf({ errcodes }: FilePorts, { response, answer }: CallResult): FetchedFile {
  if (answer.errcode !== undefined && answer.errcode !== 0) {
    const error = refusal(answer, errcodes)
    const { outcome, reason } = error.detail
    throw outcome === 'retry' || outcome === 'throttled' ? untaken(String(reason)) : error
  }
  const type = typeOf(response)
  // Whoever answers in its place writes pages; users cannot send any.
  const isFile = response.status === 200 && response.bytes.length > 0
  if (!isFile || /^text\/|^application\/json/.test(type ?? ''))
    throw untaken(`it answered status ${response.status} and no file`)
  const name = /filename="?([^";\r\n]{1,200})"?/.exec(response.header('content-disposition') ?? '')?.[1]
  return { bytes: response.bytes, type, ...(name !== undefined && { name }) }
}

async function fetchLink(
  { http, account }: FilePorts,
  link: string,
  limitBytes: number,
  abort: AbortSignal,
): Promise<FetchedFile> {
  const url = URL.canParse(link) ? new URL(link) : undefined
  const isOwn = url !== undefined && url.origin === new URL(account.baseUrl).origin
  if (url === undefined || (!isOwn && !isAllowed(url, account.mediaHosts)))
    throw new KefuError('KEFU_PLATFORM_REFUSED', {
      reason: `the file is on ${url?.hostname.slice(0, 100) || 'no host'}, which is not among media-hosts`,
    })
  const request = { method: 'GET', url: url.href, timeoutMs: FILE_TIMEOUT_MS, limitBytes, isForeign: !isOwn } as const
  const response = await http.call(request, abort)
  if (response.status >= 500 || response.status === 429) throw untaken(`the file server answered ${response.status}`)
  if (response.status !== 200 || response.bytes.length === 0)
    throw new KefuError('KEFU_PLATFORM_REFUSED', { reason: `the file server answered ${response.status} and no file` })
  return { bytes: response.bytes, type: typeOf(response) }
}

function isAllowed({ protocol, hostname }: URL, hosts: readonly string[]): boolean {
  return /^https?:$/.test(protocol) && hosts.some(host => hostname === host || hostname.endsWith(`.${host}`))
}

function typeOf(response: PlatformResponse): string | undefined {
  return response.header('content-type')?.split(';')[0]?.trim().toLowerCase() || undefined
}

async function withoutTrace<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (isKefuError(error, 'KEFU_PLATFORM_UNAVAILABLE')) throw untaken(String(error.detail.reason))
    if (isKefuError(error, 'KEFU_BODY_TOO_LARGE')) throw untaken('the answer to an upload is too large')
    throw error
  }
}

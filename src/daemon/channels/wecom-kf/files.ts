import { isKefuError, KefuError, toKefuError } from '../../../errors.js'
import { jsonText } from '../../../platform/json-fields.js'
import type { FetchedFile, OutboundFile } from '../../core/channel-adapter.js'
import { untaken } from '../wechat/api.js'
import { type KfApi, readAnswer } from './api.js'
import { errcodeOf, errcodeRow } from './errcodes.js'

const TIMEOUT_MS = 60_000
const MEGABYTE = 1024 * 1024

/** Types of files that the platform shows as what they are: what they begin with (hex, from an offset), and up to which size. */
const TYPES = {
  image: { begins: ['ffd8ff', '89504e47'], from: 0, limitBytes: 10 * MEGABYTE },
  voice: { begins: ['2321414d52'], from: 0, limitBytes: 2 * MEGABYTE },
  video: { begins: ['66747970'], from: 4, limitBytes: 10 * MEGABYTE },
} as const

/** A type of file on the platform. */
export type KfFileType = keyof typeof TYPES | 'file'

const NAMES: Readonly<Record<KfFileType, string>> = {
  image: 'image.jpg',
  voice: 'voice.amr',
  video: 'video.mp4',
  file: 'file.bin',
}

/** As what a file goes: as itself when the platform can show it, else as a file to download. */
export function fileTypeOf(wanted: KfFileType, { bytes }: OutboundFile): KfFileType {
  if (wanted === 'file') return 'file'
  const { begins, from, limitBytes } = TYPES[wanted]
  const start = Buffer.from(bytes.subarray(from, from + 8)).toString('hex')
  return bytes.length <= limitBytes && begins.some(beginning => start.startsWith(beginning)) ? wanted : 'file'
}

/** Stores a file for three days; its media id. The user sees nothing of it: every failure is one in which nothing was written. Throws as `KfApi.post`. */
export async function uploadFile(
  api: KfApi,
  type: KfFileType,
  { bytes, type: contentType, name }: OutboundFile,
  random: (length: number) => Uint8Array,
  abort: AbortSignal,
): Promise<string> {
  const boundary = `kefu${Buffer.from(random(16)).toString('hex')}`
  // The name is what the contact sees of a file.
  const filename = (name ?? NAMES[type])
    .replace(/[\p{C}"\\/:*?<>|]/gu, '_')
    .slice(-120)
    .toWellFormed()
  const safeType = /^[a-z]+\/[a-z0-9.+-]{1,80}$/.test(contentType) ? contentType : 'application/octet-stream'
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="media"; filename="${filename}"; filelength=${bytes.length}\r\ncontent-type: ${safeType}\r\n\r\n`
  const call = {
    method: 'POST',
    path: '/cgi-bin/media/upload',
    query: { type },
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]),
    timeoutMs: TIMEOUT_MS,
  } as const
  try {
    const id = jsonText(readAnswer(await api.call(call, abort)), 'media_id')
    if (id === undefined) throw untaken('it answered no media_id')
    return id
  } catch (error) {
    if (isKefuError(error, 'KEFU_BODY_TOO_LARGE')) throw untaken('the answer to an upload is too large')
    if (isKefuError(error, 'KEFU_PLATFORM_UNAVAILABLE'))
      throw new KefuError(error.code, { ...error.detail, written: 'no' })
    throw error
  }
}

/** Fetches a file by its media id. Throws as `Adapter.fetchFile`. */
export async function fetchFile(api: KfApi, id: string, limitBytes: number, abort: AbortSignal): Promise<FetchedFile> {
  const call = { method: 'GET', path: '/cgi-bin/media/get', query: { media_id: id } } as const
  const response = await api.call({ ...call, limitBytes, timeoutMs: TIMEOUT_MS }, abort).catch((error: unknown) => {
    const errcode = errcodeOf(error)
    const outcome = errcode === undefined ? undefined : errcodeRow(errcode)?.outcome
    // It is the channel that is refused, not the file: that is kept for days.
    if (outcome === 'channel-down') throw untaken(toKefuError(error).message)
    throw error
  })
  const disposition = response.header('content-disposition')
  const type = response.header('content-type')?.split(';')[0]?.trim().toLowerCase() || undefined
  const isPage = disposition === undefined && /^text\/|^application\/json/.test(type ?? '')
  if (response.status !== 200 || response.bytes.length === 0 || isPage)
    throw untaken(`it answered status ${response.status} and no file`)
  const name = nameIn(disposition)
  return { bytes: response.bytes, type, ...(name !== undefined && { name }) }
}

function nameIn(disposition = ''): string | undefined {
  const encoded = /filename\*=utf-8''([^;\s]{1,600})/i.exec(disposition)?.[1]
  if (encoded !== undefined) {
    try {
      return decodeURIComponent(encoded).slice(0, 200)
    } catch {
      // The plain name is as good.
    }
  }
  const plain = /filename="?([^";\r\n]{1,200})"?/.exec(disposition)?.[1]
  // Headers are read as Latin-1; the platform writes UTF-8.
  return plain === undefined ? undefined : Buffer.from(plain, 'latin1').toString().toWellFormed()
}

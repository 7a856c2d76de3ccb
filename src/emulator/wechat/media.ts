import type { ApiAnswer, ApiRequest } from '../core/api.js'
import { jsonAnswer } from '../core/api.js'
import type { EmulatorCore } from '../core/platform-emulator.js'
import type { Answers } from './error-codes.js'
import { formFile } from './multipart.js'

const MEGABYTE = 1024 * 1024

/** Files that can be uploaded: up to which size, what they begin with, and the error of one that is too large. */
export const MEDIA_TYPES = {
  image: { limitBytes: 10 * MEGABYTE, tooLarge: 40009, begins: ['ffd8ff', '89504e47', '47494638'] },
  voice: { limitBytes: 2 * MEGABYTE, tooLarge: 40010, begins: ['2321414d52', '494433', 'fff'] },
  video: { limitBytes: 10 * MEGABYTE, tooLarge: 40011, begins: ['000000'] },
  thumb: { limitBytes: 64 * 1024, tooLarge: 40012, begins: ['ffd8ff'] },
} as const

/** A type of file that can be uploaded. */
export type MediaType = keyof typeof MEDIA_TYPES

/** Files live three days. */
export const MEDIA_LIFETIME_MS = 3 * 24 * 3_600_000

/** Where the video of a `video_url` is. */
export const VIDEO_PATH = '/emulated-video'

/** Where the picture of a `PicUrl` is. */
export const PICTURE_PATH = '/emulated-picture'

/** `POST /cgi-bin/media/upload`. */
export function upload(
  { media }: EmulatorCore,
  answers: Answers,
  types: readonly MediaType[],
  { method, query, header, bytes }: ApiRequest,
): ApiAnswer {
  if (method !== 'POST') return answers.failure(43002)
  const type = types.find(known => known === query.get('type'))
  if (type === undefined) return answers.failure(40004)
  const file = formFile(header('content-type'), bytes, 'media')
  if (file === undefined || file.bytes.length === 0) return answers.failure(41005)
  const { limitBytes, tooLarge, begins } = MEDIA_TYPES[type]
  if (file.bytes.length > limitBytes) return answers.failure(tooLarge)
  const start = file.bytes.toString('hex', 0, 8)
  if (!begins.some(beginning => start.startsWith(beginning))) return answers.failure(40005)
  const { id, createdAt } = media.put(file.bytes, file.contentType, file.name)
  return jsonAnswer({ type, media_id: id, created_at: Math.floor(createdAt / 1000) })
}

/** `GET /cgi-bin/media/get`: the file, for a video a link to it. */
export function download({ media, origin }: EmulatorCore, answers: Answers, { query }: ApiRequest): ApiAnswer {
  const file = media.get(query.get('media_id') ?? '')
  if (file === undefined) return answers.failure(40007)
  if (file.contentType.startsWith('video/')) return jsonAnswer({ video_url: `${origin}${VIDEO_PATH}?id=${file.id}` })
  return fileAnswer(file.contentType, file.name, file.bytes)
}

/** What the links of `PicUrl` and `video_url` lead to. */
export function linkedFile({ media }: EmulatorCore, { query }: ApiRequest): ApiAnswer | undefined {
  const file = media.get(query.get('id') ?? '')
  return file === undefined ? undefined : fileAnswer(file.contentType, file.name, file.bytes)
}

/** A file as the platform hands it out. */
export function fileAnswer(contentType: string, name: string, body: Uint8Array): ApiAnswer {
  const disposition = `attachment; filename="${name.replace(/[^\w.-]/g, '_')}"`
  const isPlain = /^[a-z]+\/[a-z0-9.+-]+$/.test(contentType)
  return {
    status: 200,
    contentType: isPlain ? contentType : 'application/octet-stream',
    body,
    headers: { 'content-disposition': disposition, 'content-security-policy': "default-src 'none'; sandbox" },
  }
}

import { type JsonFields, jsonFields } from '../../../platform/json-fields.js'
import type { PlatformResponse } from '../../core/channel-adapter.js'

/** What the API answered. `errcode`: 0 for success; undefined when the body is not the platform's JSON. */
export type WechatAnswer = {
  readonly status: number
  readonly errcode: number | undefined
  readonly fields: JsonFields
  /** What may be shown of the platform's words: its number of the call, and the address that it saw. */
  readonly note: string | undefined
}

/** Bytes of an answer in JSON. */
export const ANSWER_BYTES = 256 * 1024

/** Answers that say something have no errcode, as the platform's documentation has it. */
const RESULTS = ['access_token', 'media_id', 'thumb_media_id', 'video_url', 'ip_list'] as const

/** Reads an answer: status 200 even for errors, and pages of proxies in between. */
export function readAnswer({ status, bytes }: PlatformResponse): WechatAnswer {
  const nothing = { status, errcode: undefined, fields: {}, note: undefined }
  if (status !== 200 || bytes.length > ANSWER_BYTES) return nothing
  let value: JsonFields
  try {
    value = jsonFields(JSON.parse(Buffer.from(bytes).toString()))
  } catch {
    return nothing
  }
  const { errcode, errmsg } = value
  const isResult =
    errcode === undefined && RESULTS.some(name => typeof value[name] === 'string' || Array.isArray(value[name]))
  return {
    status,
    errcode: isResult ? 0 : Number.isSafeInteger(errcode) ? Number(errcode) : undefined,
    fields: value,
    note: typeof errmsg === 'string' ? noteOf(errmsg) : undefined,
  }
}

/** The rest of the message is not repeated: it may hold anything. */
function noteOf(errmsg: string): string | undefined {
  const rid = /\brid: ?([0-9a-f]{4,12}(?:-[0-9a-f]{4,12}){1,4})\b/.exec(errmsg)?.[1]
  const address = /\binvalid ip ([0-9a-f.:]{3,45})(?![0-9a-z])/.exec(errmsg)?.[1]
  const notes = [address && `address ${address}`, rid && `rid ${rid}`].filter(Boolean)
  return notes.length > 0 ? notes.join(', ') : undefined
}

import { hash } from 'node:crypto'
import { KefuError } from '../../../errors.js'
import { type JsonFields, jsonText } from '../../../platform/json-fields.js'
import type { ContactEvent, InboundPart } from '../../core/channel-adapter.js'
import { boundedText, fieldLink } from './fields.js'
import { formatSource } from './source.js'

/** A pushed message or event, and who sent it when. */
export type Envelope = {
  readonly fields: JsonFields
  readonly from: string
  readonly sentAtMs: number
  readonly msgType: string
}

/** Reads what all pushes have in common. Throws `KEFU_CALLBACK_INVALID`. */
export function readEnvelope(fields: JsonFields): Envelope {
  const from = jsonText(fields, 'FromUserName') ?? ''
  const seconds = jsonText(fields, 'CreateTime') ?? ''
  const msgType = jsonText(fields, 'MsgType') ?? ''
  const isSound = /^[^\p{C}]{1,128}$/u.test(from) && from.length <= 128 && /^\d{1,11}$/.test(seconds)
  if (!isSound || !/^[a-zA-Z0-9_]{1,64}$/.test(msgType))
    throw new KefuError('KEFU_CALLBACK_INVALID', { reason: 'FromUserName, CreateTime or MsgType is missing or wrong' })
  return { fields, from, sentAtMs: Number(seconds) * 1000, msgType: msgType.toLowerCase() }
}

/** Something that a user said. `prefix`: of the kind and the account. A message without an id is known by all of its bytes. */
export function messageEvent(
  prefix: string,
  { fields, from, sentAtMs }: Envelope,
  bytes: Uint8Array,
  parts: readonly InboundPart[],
): ContactEvent {
  const id = jsonText(fields, 'MsgId') ?? hash('sha1', bytes)
  const key = `${prefix}:${id.length <= 64 ? id : hash('sha1', id)}`
  return { key, contact: from, sentAtMs, type: 'message', parts, grant: 'message' }
}

/** Data of an event part. */
export type SignData = Readonly<Record<string, string | undefined>>

/** Something that a user did. Values that are absent are left out. */
export function signEvent(
  key: string,
  { from, sentAtMs }: Envelope,
  name: string,
  data: SignData = {},
): Omit<ContactEvent, 'grant'> {
  const known = Object.entries(data).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const part = { type: 'event' as const, name, ...(known.length > 0 && { data: Object.fromEntries(known) }) }
  return { key, contact: from, sentAtMs, type: 'sign', parts: [part] }
}

/** The key of an event, which has no id. */
export function eventKey(prefix: string, { from, sentAtMs }: Envelope, ...words: readonly string[]): string {
  const rest = words.join(':')
  return `${prefix}:${from}:${sentAtMs / 1000}:${rest.length <= 200 ? rest : hash('sha1', rest)}`
}

/** The part of a text message. */
export function textParts(fields: JsonFields): readonly InboundPart[] | undefined {
  const text = jsonText(fields, 'Content')
  return text === undefined ? undefined : [{ type: 'text', text }]
}

/** The part of a picture: it can be fetched by id, and while that fails by link. */
export function imageParts(fields: JsonFields): readonly InboundPart[] | undefined {
  const source = formatSource({ id: jsonText(fields, 'MediaId'), url: fieldLink(fields, 'PicUrl') })
  return source === undefined ? undefined : [{ type: 'image', source }]
}

/** The part of a page of a mini program. */
export function pageParts(fields: JsonFields): readonly InboundPart[] | undefined {
  const title = boundedText(fields, 'Title', 200)
  const path = boundedText(fields, 'PagePath', 2_000)
  if (title === undefined && path === undefined) return undefined
  return [{ type: 'card', title: title ?? '小程序', ...(path !== undefined && { text: path }) }]
}

/** What stands for a message that kefu cannot show: somebody has to look at it on the platform. */
export function unsupportedParts({ msgType }: Envelope): readonly InboundPart[] {
  return [{ type: 'event', name: 'unsupported', data: { type: msgType } }]
}

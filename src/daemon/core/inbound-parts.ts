import type { Part } from '../../codec/wire.js'
import { WIRE_LIMITS } from '../../codec/wire.js'
import { KefuError } from '../../errors.js'
import type { InboundEvent, InboundPart } from './channel-adapter.js'

/** Bounds on what comes from platforms, which write what they like: what is too long is cut, what cannot be is refused. Pure. */

const NAME_LENGTH = 100
const LABEL_LENGTH = 200
const CARD_TEXT_LENGTH = 2_000
const URL_LENGTH = 2_048
const EVENT_NAME = /^[a-z][a-z0-9._-]{0,63}$/
const DATA_KEY = /^[a-zA-Z][a-zA-Z0-9_]{0,39}$/
const DATA_FIELDS = 32
const DATA_LENGTH = 1_000
const KEY_LENGTH = 500
const CONTACT = /^[^\p{C}]{1,128}$/u

/** Throws `KEFU_CALLBACK_INVALID` for an event without a usable key, contact or content. */
export function checkEvent(event: InboundEvent): void {
  const { key, contact } = event
  if (key.length === 0 || key.length > KEY_LENGTH) throw invalid('an event without an id')
  if (!CONTACT.test(contact)) throw invalid('the id of the contact has 1 to 128 printable characters')
  if (event.type !== 'failure' && event.parts.length === 0) throw invalid('an event without content')
}

/** A display name that fits; undefined for none. */
export function boundedName(name: string | undefined): string | undefined {
  const text = name === undefined ? '' : cut(name.replace(/\p{C}/gu, ' ').trim(), NAME_LENGTH)
  return text === '' ? undefined : text
}

/** The parts within the bounds of the wire. Of the first `WIRE_LIMITS.parts` only; texts stay whole. */
export function boundedParts(parts: readonly InboundPart[]): readonly InboundPart[] {
  return parts.slice(0, WIRE_LIMITS.parts).flatMap(part => bounded(part) ?? [])
}

function bounded(part: InboundPart): InboundPart | undefined {
  if ('source' in part) return part.name === undefined ? part : { ...part, name: cut(part.name, 255) }
  switch (part.type) {
    case 'text': {
      const text = part.text.toWellFormed()
      return text === '' ? undefined : { type: 'text', text }
    }
    case 'location': {
      const { latitude, longitude, label } = part
      if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return undefined
      return { type: 'location', latitude, longitude, ...(label ? { label: cut(label, LABEL_LENGTH) } : {}) }
    }
    case 'card':
      return boundedCard(part)
    case 'event': {
      if (!EVENT_NAME.test(part.name)) return undefined
      const data = boundedData(part.data)
      return { type: 'event', name: part.name, ...(data === undefined ? {} : { data }) }
    }
    default:
      return undefined
  }
}

function boundedCard({ title, text, url }: Extract<Part, { readonly type: 'card' }>): InboundPart {
  const link = url !== undefined && url.length <= URL_LENGTH && /^https?:\/\/[^\s\p{C}]+$/u.test(url) ? { url } : {}
  return {
    type: 'card',
    title: cut(title, LABEL_LENGTH) || '…',
    ...(text ? { text: cut(text, CARD_TEXT_LENGTH) } : {}),
    ...link,
  }
}

type Data = Readonly<Record<string, string | number | boolean>>

/** Facts of an event within the bounds of the wire; undefined for none. */
export function boundedData(data: Data | undefined): Data | undefined {
  const fields = Object.entries(data ?? {})
    .filter(([name, value]) => DATA_KEY.test(name) && (typeof value !== 'number' || Number.isFinite(value)))
    .slice(0, DATA_FIELDS)
    .map(([name, value]) => [name, typeof value === 'string' ? cut(value, DATA_LENGTH) : value] as const)
  return fields.length === 0 ? undefined : Object.fromEntries(fields)
}

function cut(text: string, length: number): string {
  return text.slice(0, length).toWellFormed()
}

function invalid(reason: string): KefuError {
  return new KefuError('KEFU_CALLBACK_INVALID', { reason })
}

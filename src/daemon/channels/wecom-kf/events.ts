import { type JsonFields, jsonFields, jsonNumber, jsonText } from '../../../platform/json-fields.js'
import type { InboundEvent } from '../../core/channel-adapter.js'
import { contactOf } from './contact.js'
import { failureReason } from './errcodes.js'
import { pieceOf } from './message-id.js'
import { readParts } from './parts.js'

/** Who sent an entry of `sync_msg`, by its `origin`. */
const CUSTOMER = 3

/** The fields of events that agents see. Whatever gives the right to send (`welcome_code`, `msg_code`) is never among them. */
const EVENT_FIELDS: Readonly<Record<string, readonly string[]>> = {
  enter_session: ['scene', 'scene_param'],
  session_status_change: ['change_type', 'old_servicer_userid', 'new_servicer_userid'],
  user_recall_msg: ['recall_msgid'],
  servicer_recall_msg: ['recall_msgid', 'servicer_userid'],
  reject_customer_msg_switch_change: ['reject_switch', 'servicer_userid'],
}

const EVENT_NAME = /^[a-z][a-z0-9._-]{0,63}$/
const FIELD_CHARACTERS = 256

/** An entry of `sync_msg` that is about a contact. `welcomeCode`: the right to send one message now; it is for `WelcomeCodes` only. */
export type KfEntry = { readonly event: InboundEvent; readonly welcomeCode?: string }

/**
 * An entry of the list of `sync_msg`; undefined when it is not about a contact (an agent of 企业微信 comes or goes) or has no usable id.
 * `arrivedAtMs` stands in for a time that is missing.
 */
export function readEntry(value: unknown, arrivedAtMs: number): KfEntry | undefined {
  const entry = jsonFields(value)
  const key = jsonText(entry, 'msgid')
  const type = jsonText(entry, 'msgtype')
  if (key === undefined || type === undefined) return undefined
  const seconds = jsonNumber(entry, 'send_time')
  const sentAtMs = seconds === undefined || seconds <= 0 ? arrivedAtMs : Math.floor(seconds * 1_000)
  const content = jsonFields(entry[type])
  if (type === 'event') return readEvent(key, sentAtMs, entry, content)
  const contact = contactOf(jsonText(entry, 'open_kfid'), jsonText(entry, 'external_userid'))
  if (contact === undefined) return undefined
  const parts = readParts(type, content)
  // Whoever is not the customer is somebody on our side: nobody has to answer, and no robot may.
  return (jsonNumber(entry, 'origin') ?? CUSTOMER) === CUSTOMER
    ? { event: { key, contact, sentAtMs, type: 'message', parts, grant: 'message' } }
    : { event: { key, contact, sentAtMs, type: 'echo', parts } }
}

function readEvent(key: string, sentAtMs: number, entry: JsonFields, event: JsonFields): KfEntry | undefined {
  const about = (name: string) => jsonText(event, name) ?? jsonText(entry, name)
  const contact = contactOf(about('open_kfid'), about('external_userid'))
  const name = jsonText(event, 'event_type')
  if (contact === undefined || name === undefined) return undefined
  if (name === 'msg_send_fail') return readFailure(key, contact, sentAtMs, event)
  const parts = [eventPart(name, event)]
  const welcomeCode = name === 'enter_session' ? jsonText(event, 'welcome_code') : undefined
  return welcomeCode === undefined
    ? { event: { key, contact, sentAtMs, type: 'sign', parts } }
    : { event: { key, contact, sentAtMs, type: 'sign', parts, grant: 'welcome' }, welcomeCode }
}

/** A message that another program sent through the account is nobody's here. */
function readFailure(key: string, contact: string, sentAtMs: number, event: JsonFields): KfEntry | undefined {
  const piece = pieceOf(jsonText(event, 'fail_msgid') ?? '')
  if (piece === undefined) return undefined
  const reason = failureReason(jsonNumber(event, 'fail_type') ?? 0)
  return { event: { key, contact, sentAtMs, type: 'failure', ...piece, reason } }
}

function eventPart(name: string, event: JsonFields) {
  if (!EVENT_NAME.test(name)) return { type: 'event', name: 'unsupported', data: { type: name.slice(0, 100) } } as const
  const data: Record<string, string> = {}
  for (const field of (Object.hasOwn(EVENT_FIELDS, name) ? EVENT_FIELDS[name] : undefined) ?? []) {
    const value = jsonText(event, field)
    if (value !== undefined) data[field] = value.slice(0, FIELD_CHARACTERS).toWellFormed()
  }
  return { type: 'event', name, ...(Object.keys(data).length === 0 ? {} : { data }) } as const
}

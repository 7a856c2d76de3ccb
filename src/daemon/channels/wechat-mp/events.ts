import { type JsonFields, jsonFields, jsonText } from '../../../platform/json-fields.js'
import type { ContactEvent, InboundPart } from '../../core/channel-adapter.js'
import {
  type Envelope,
  eventKey,
  imageParts,
  messageEvent,
  pageParts,
  readEnvelope,
  type SignData,
  signEvent,
  textParts,
  unsupportedParts,
} from '../wechat/envelope.js'
import { boundedText, fieldLink, fieldNumber } from '../wechat/fields.js'
import { formatSource } from '../wechat/source.js'

/** Reports of the platform about itself or about the phone: nobody did anything. */
const NOISE: ReadonlySet<string> = new Set([
  ...['location', 'templatesendjobfinish', 'masssendjobfinish', 'publishjobfinish'],
  ...['kf_create_session', 'kf_close_session', 'kf_switch_session'],
])

const SCENE_PREFIX = 'qrscene_'
const WORD = 64

/** What a push to an account means: at most one event. Throws `KEFU_CALLBACK_INVALID`. */
export function readMpEvents(appId: string, fields: JsonFields, bytes: Uint8Array): readonly ContactEvent[] {
  const envelope = readEnvelope(fields)
  const prefix = `mp:${appId}`
  if (envelope.msgType !== 'event')
    return [messageEvent(prefix, envelope, bytes, partsOf(envelope) ?? unsupportedParts(envelope))]
  const sign = readSign(prefix, envelope)
  return sign === undefined ? [] : [sign]
}

/** The parts of a message; undefined for a type that is not known or lacks what it needs. */
function partsOf({ fields, msgType }: Envelope): readonly InboundPart[] | undefined {
  switch (msgType) {
    case 'text':
      return withChoice(fields, textParts(fields))
    case 'image':
      return imageParts(fields)
    case 'voice':
      return audioParts(fields)
    case 'video':
    case 'shortvideo': {
      const source = formatSource({ id: jsonText(fields, 'MediaId') })
      return source === undefined ? undefined : [{ type: 'video', source }]
    }
    case 'location':
      return locationParts(fields)
    case 'link':
      return linkParts(fields)
    case 'miniprogrampage':
      return pageParts(fields)
    default:
      return undefined
  }
}

/** A tapped item of a menu comes as its text, with its id beside it. */
function withChoice(fields: JsonFields, parts: readonly InboundPart[] | undefined) {
  const id = boundedText(fields, 'bizmsgmenuid', WORD)
  if (parts === undefined || id === undefined) return parts
  return [...parts, { type: 'event' as const, name: 'choice', data: { id } }]
}

function audioParts(fields: JsonFields): readonly InboundPart[] | undefined {
  const source = formatSource({ id: jsonText(fields, 'MediaId') })
  const words = jsonText(fields, 'Recognition')
  if (source === undefined) return undefined
  return [{ type: 'audio', source }, ...(words === undefined ? [] : [{ type: 'text' as const, text: words }])]
}

function locationParts(fields: JsonFields): readonly InboundPart[] | undefined {
  const latitude = fieldNumber(fields, 'Location_X', -90, 90)
  const longitude = fieldNumber(fields, 'Location_Y', -180, 180)
  if (latitude === undefined || longitude === undefined) return undefined
  const label = boundedText(fields, 'Label', 200)
  return [{ type: 'location', latitude, longitude, ...(label !== undefined && { label }) }]
}

function linkParts(fields: JsonFields): readonly InboundPart[] | undefined {
  const url = fieldLink(fields, 'Url')
  const title = boundedText(fields, 'Title', 200) ?? url?.slice(0, 200)
  if (title === undefined) return undefined
  const text = boundedText(fields, 'Description', 2_000)
  return [{ type: 'card', title, ...(text !== undefined && { text }), ...(url !== undefined && { url }) }]
}

function readSign(prefix: string, envelope: Envelope): ContactEvent | undefined {
  const { fields } = envelope
  const event = jsonText(fields, 'Event')
  const name = event?.toLowerCase() ?? ''
  if (event === undefined || NOISE.has(name)) return undefined
  const value = jsonText(fields, 'EventKey')
  const key = eventKey(prefix, envelope, event, value ?? '')
  const word = boundedText(fields, 'EventKey', WORD)
  const sign = (as: string, data: SignData = {}) => signEvent(key, envelope, as, data)

  switch (name) {
    case 'subscribe': {
      const scene = word?.startsWith(SCENE_PREFIX) ? word.slice(SCENE_PREFIX.length) : word
      return { ...sign('follow', { scene }), grant: 'follow' }
    }
    case 'unsubscribe':
      return sign('unfollow')
    case 'scan':
      return { ...sign('scan', { scene: word }), grant: 'scan' }
    case 'click':
      return { ...sign('menu', { key: boundedText(fields, 'EventKey', 128) }), grant: 'menu' }
    case 'scancode_push':
    case 'scancode_waitmsg': {
      const result = boundedText(jsonFields(fields.ScanCodeInfo), 'ScanResult', 1_000)
      return { ...sign('menu', { key: boundedText(fields, 'EventKey', 128), result }), grant: 'menu' }
    }
    case 'view':
    case 'view_miniprogram':
      return sign('view', { url: boundedText(fields, 'EventKey', 1_000) })
    case 'user_authorization_revoke': {
      // It is sent in the name of the platform: whose data has to go is said inside.
      const contact = jsonText(fields, 'OpenID')
      return { ...sign('authorization-revoked'), ...(contact && contact.length <= 128 && { contact }) }
    }
    default:
      return /^[a-z][a-z0-9._-]{0,63}$/.test(name)
        ? sign(name, { key: boundedText(fields, 'EventKey', 1_000) })
        : undefined
  }
}

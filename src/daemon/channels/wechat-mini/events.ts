import { type JsonFields, jsonText } from '../../../platform/json-fields.js'
import type { ContactEvent, InboundPart } from '../../core/channel-adapter.js'
import {
  type Envelope,
  eventKey,
  imageParts,
  messageEvent,
  pageParts,
  readEnvelope,
  signEvent,
  textParts,
  unsupportedParts,
} from '../wechat/envelope.js'
import { boundedText } from '../wechat/fields.js'

/** What a push to a mini program means: at most one event. Throws `KEFU_CALLBACK_INVALID`. */
export function readMiniEvents(appId: string, fields: JsonFields, bytes: Uint8Array): readonly ContactEvent[] {
  const envelope = readEnvelope(fields)
  const prefix = `mini:${appId}`
  if (envelope.msgType !== 'event')
    return [messageEvent(prefix, envelope, bytes, partsOf(envelope) ?? unsupportedParts(envelope))]
  // The same address gets subscriptions, orders, reviews of the program and more: none of them is about the chat.
  const event = jsonText(fields, 'Event') ?? ''
  if (event.toLowerCase() !== 'user_enter_tempsession') return []
  const from = boundedText(fields, 'SessionFrom', 1_000)
  return [{ ...signEvent(eventKey(prefix, envelope, event), envelope, 'enter', { from }), grant: 'enter' }]
}

function partsOf({ fields, msgType }: Envelope): readonly InboundPart[] | undefined {
  switch (msgType) {
    case 'text':
      return textParts(fields)
    case 'image':
      return imageParts(fields)
    case 'miniprogrampage':
      return pageParts(fields)
    default:
      return undefined
  }
}

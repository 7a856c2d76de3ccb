import { type JsonFields, jsonFields, jsonList, jsonNumber, jsonText } from '../../../platform/json-fields.js'
import { parseLosslessJson } from '../../../platform/lossless-json.js'
import type { InboundPart } from '../../core/channel-adapter.js'

/** How each type of message becomes parts; `undefined` when it has not got what its type needs. */
const READERS: Readonly<Record<string, (fields: JsonFields) => InboundPart | undefined>> = {
  text: fields => text(jsonText(fields, 'content')),
  image: fields => media('image', fields),
  voice: fields => media('audio', fields),
  video: fields => media('video', fields),
  file: fields => media('file', fields),
  location,
  link: fields =>
    card(jsonText(fields, 'title') ?? jsonText(fields, 'url'), jsonText(fields, 'desc'), jsonText(fields, 'url')),
  business_card: fields => card('名片', jsonText(fields, 'userid')),
  miniprogram: fields => card(jsonText(fields, 'title') ?? '小程序', joined(fields, ['appid', 'pagepath'])),
  msgmenu: fields => text(menuText(fields)),
  channels_shop_product: fields =>
    card(jsonText(fields, 'title') ?? '视频号商品', joined(fields, ['shop_nickname', 'product_id'])),
  channels_shop_order: fields =>
    card(
      jsonText(fields, 'product_titles') ?? '视频号订单',
      joined(fields, ['order_id', 'price_wording', 'state', 'shop_nickname']),
    ),
  channels: fields => card(jsonText(fields, 'title') ?? '视频号', jsonText(fields, 'nickname')),
  merged_msg: fields => text(mergedText(fields)),
}

const LABEL_CHARACTERS = 200
const TITLE_CHARACTERS = 200
const CARD_TEXT_CHARACTERS = 2_000
const MERGED_ITEMS = 100

/**
 * The content of a message of `sync_msg`: always one part at least. What has no form of its own is an event that names its type, so that agents know of it;
 * a tap on a menu is its label and its id.
 */
export function readParts(type: string, fields: JsonFields): readonly InboundPart[] {
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined
  const part = reader?.(fields)
  if (part === undefined) return [{ type: 'event', name: 'unsupported', data: { type: type.slice(0, 100) } }]
  const choice = type === 'text' ? jsonText(fields, 'menu_id') : undefined
  return choice === undefined ? [part] : [part, { type: 'event', name: 'choice', data: { id: choice.slice(0, 100) } }]
}

function text(content: string | undefined): InboundPart | undefined {
  return content === undefined || content === '' ? undefined : { type: 'text', text: content }
}

function media(type: 'image' | 'audio' | 'video' | 'file', fields: JsonFields): InboundPart | undefined {
  const source = jsonText(fields, 'media_id')
  return source === undefined ? undefined : { type, source }
}

function location(fields: JsonFields): InboundPart | undefined {
  const latitude = jsonNumber(fields, 'latitude')
  const longitude = jsonNumber(fields, 'longitude')
  if (latitude === undefined || longitude === undefined) return undefined
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return undefined
  const label = clipped(joined(fields, ['name', 'address']), LABEL_CHARACTERS)
  return { type: 'location', latitude, longitude, ...(label === undefined ? {} : { label }) }
}

function card(title: string | undefined, about: string | undefined, url?: string): InboundPart | undefined {
  if (title === undefined) return undefined
  const body = clipped(about, CARD_TEXT_CHARACTERS)
  return {
    type: 'card',
    title: clipped(title, TITLE_CHARACTERS)!,
    ...(body === undefined ? {} : { text: body }),
    ...(url !== undefined && /^https?:\/\/[^\s\p{C}]{1,2000}$/u.test(url) ? { url } : {}),
  }
}

/** A menu as its lines. */
function menuText(fields: JsonFields): string {
  const items = jsonList(fields, 'list').map(value => {
    const item = jsonFields(value)
    return jsonText(jsonFields(item[jsonText(item, 'type') ?? '']), 'content')
  })
  return lines([jsonText(fields, 'head_content'), ...items, jsonText(fields, 'tail_content')])
}

/** A chat history that was sent on: who said what, a line each. */
function mergedText(fields: JsonFields): string {
  const said = jsonList(fields, 'item')
    .slice(0, MERGED_ITEMS)
    .map(value => {
      const item = jsonFields(value)
      const type = jsonText(item, 'msgtype') ?? ''
      return `${jsonText(item, 'sender_name') ?? '?'}: ${mergedContent(item, type) ?? `[${type}]`}`
    })
  return lines([jsonText(fields, 'title'), ...said])
}

function mergedContent(item: JsonFields, type: string): string | undefined {
  try {
    return jsonText(jsonFields(jsonFields(parseLosslessJson(jsonText(item, 'msg_content') ?? ''))[type]), 'content')
  } catch {
    // Its type is said instead.
    return undefined
  }
}

function joined(fields: JsonFields, names: readonly string[]): string | undefined {
  const found = names.map(name => jsonText(fields, name)).filter(value => value !== undefined)
  return found.length === 0 ? undefined : found.join(' · ')
}

function lines(texts: readonly (string | undefined)[]): string {
  return texts.filter(value => value !== undefined).join('\n')
}

function clipped(value: string | undefined, characters: number): string | undefined {
  return value === undefined || value.length <= characters ? value : `${value.slice(0, characters - 1).toWellFormed()}…`
}

import { isRecord } from '../core/api.js'
import type { MediaStore } from '../core/media-store.js'

type Content = Readonly<Record<string, unknown>>
/** What the user sees of a message, or the platform's error. */
type Checked = { readonly text: string } | { readonly error: number }

const INVALID = { error: 40058 } as const
const MESSAGE_ID = /^[0-9a-zA-Z_-]{1,32}$/

/** The members of an item of a menu that the user sees, with the bytes that they may have. */
const ITEMS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  click: { id: 64, content: 128 },
  view: { content: 1_024 },
  miniprogram: { content: 1_024 },
  text: { content: 1_024 },
}

const CHECKS: Readonly<Record<string, (content: Content, media: MediaStore) => Checked>> = {
  text: ({ content }) => (isText(content, 2_048) && content !== '' ? { text: content } : INVALID),
  image: (content, media) => fileText('image', content.media_id, media),
  voice: (content, media) => fileText('voice', content.media_id, media),
  video: (content, media) => fileText('video', content.media_id, media),
  file: (content, media) => fileText('file', content.media_id, media),
  link({ title, desc = '', url, thumb_media_id: thumb }, media) {
    if (!isText(title, 128) || !isText(desc, 512) || !isText(url, 2_048) || !/^https?:\/\//.test(url)) return INVALID
    return hasFile(thumb, media) ? { text: `[${title}](${url})` } : { error: 40007 }
  },
  miniprogram({ title = '', appid, pagepath, thumb_media_id: thumb }, media) {
    if (!isText(title, 64) || typeof appid !== 'string' || typeof pagepath !== 'string') return INVALID
    return hasFile(thumb, media) ? { text: `[${title}](${pagepath})` } : { error: 40007 }
  },
  msgmenu({ head_content: head = '', list = [], tail_content: tail = '' }) {
    if (!isText(head, 1_024) || !isText(tail, 1_024) || !Array.isArray(list) || list.length > 10) return INVALID
    const items = list.map(itemText)
    return items.includes(undefined) ? INVALID : { text: [head, ...items, tail].filter(line => line !== '').join('\n') }
  },
  location({ name = '', latitude, longitude }) {
    if (!Number.isFinite(latitude) || !Number.isFinite(longitude)) return INVALID
    return { text: `[${String(name)}]` }
  },
  business_card: ({ userid }) => (typeof userid === 'string' ? { text: `[${userid}]` } : INVALID),
  ca_link: ({ link_url: url }) => (typeof url === 'string' ? { text: `[${url}]` } : INVALID),
}

/** Checks a message as the channel sends it, but for the user and the session. */
export function checkKfMessage(body: Content, media: MediaStore): Checked {
  if (body.msgid !== undefined && !MESSAGE_ID.test(String(body.msgid))) return INVALID
  const type = String(body.msgtype)
  const check = Object.hasOwn(CHECKS, type) ? CHECKS[type] : undefined
  const content = body[type]
  return check === undefined || !isRecord(content) ? INVALID : check(content, media)
}

function itemText(value: unknown): string | undefined {
  const type = isRecord(value) ? String(value.type) : ''
  const limits = Object.hasOwn(ITEMS, type) ? ITEMS[type] : undefined
  const item = isRecord(value) ? value[type] : undefined
  if (limits === undefined || !isRecord(item)) return undefined
  if (!Object.entries(limits).every(([name, bytes]) => item[name] === undefined || isText(item[name], bytes)))
    return undefined
  return type === 'click' ? `(${String(item.id ?? '')}) ${String(item.content ?? '')}` : String(item.content ?? '')
}

function fileText(type: string, id: unknown, media: MediaStore): Checked {
  const file = typeof id === 'string' ? media.get(id) : undefined
  return file === undefined ? { error: 40007 } : { text: `[${type}: ${file.name}]` }
}

function hasFile(id: unknown, media: MediaStore): boolean {
  return typeof id === 'string' && media.get(id) !== undefined
}

function isText(value: unknown, limitBytes: number): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) <= limitBytes
}

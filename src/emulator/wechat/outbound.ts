import { isRecord } from '../core/api.js'
import type { MediaStore } from '../core/media-store.js'

/** A message as the channel sends it, checked: what the user sees of it, or the platform's error. */
export type Checked = { readonly text: string } | { readonly error: number }

type Content = Readonly<Record<string, unknown>>
type Check = (content: Content, media: MediaStore) => Checked

const TEXT_LIMIT_BYTES = 2_048

const CHECKS = {
  text: ({ content }) => {
    if (typeof content !== 'string' || content === '') return { error: 44004 }
    return Buffer.byteLength(content) > TEXT_LIMIT_BYTES ? { error: 45002 } : { text: content }
  },
  image: fileCheck('image'),
  voice: fileCheck('voice'),
  video: fileCheck('video'),
  news: ({ articles }) => {
    if (!Array.isArray(articles) || articles.length === 0) return { error: 47001 }
    if (articles.length > 1) return { error: 45008 }
    const article: unknown = articles[0]
    if (!isRecord(article) || typeof article.title !== 'string') return { error: 47001 }
    return { text: `[${article.title}](${String(article.url ?? '')})` }
  },
  msgmenu: ({ head_content: head, list, tail_content: tail }) => {
    if (!Array.isArray(list) || list.length === 0 || !list.every(isRecord)) return { error: 47001 }
    const lines = list.map(({ id, content }) => `(${String(id)}) ${String(content)}`)
    return { text: [head, ...lines, tail].filter(line => typeof line === 'string' && line !== '').join('\n') }
  },
  link: ({ title, url }) =>
    typeof title === 'string' && typeof url === 'string' ? { text: `[${title}](${url})` } : { error: 47001 },
  miniprogrampage: ({ title, pagepath, thumb_media_id: thumb }, media) => {
    if (typeof pagepath !== 'string') return { error: 47001 }
    if (typeof thumb !== 'string' || media.get(thumb) === undefined) return { error: 40007 }
    return { text: `[${String(title ?? '')}](${pagepath})` }
  },
} as const satisfies Readonly<Record<string, Check>>

/** A type of message that can be sent. */
export type SentType = keyof typeof CHECKS

/** Checks the body of custom/send, but for the user and the window. */
export function checkMessage(types: readonly SentType[], body: Content, media: MediaStore): Checked {
  const type = types.find(known => known === body.msgtype)
  if (type === undefined) return { error: 40008 }
  const content = body[type]
  return isRecord(content) ? CHECKS[type](content, media) : { error: 47001 }
}

/** The error of a body's form: no JSON, or with escapes in place of characters; undefined when it has none. */
export function formError(bytes: Buffer): number | undefined {
  // Control characters cannot be written otherwise; nothing else may be.
  return /(?<!\\)(?:\\\\)*\\u(?!00[01])[0-9a-f]{4}/i.test(bytes.toString('latin1')) ? 40033 : undefined
}

function fileCheck(type: string): Check {
  return ({ media_id: id }, media) => {
    const file = typeof id === 'string' ? media.get(id) : undefined
    return file === undefined ? { error: 40007 } : { text: `[${type}: ${file.name}]` }
  }
}

import type { OutboundPiece } from '../../core/channel-adapter.js'
import { cardText, textMessage, type WechatMessage } from '../wechat/message.js'
import type { Upload } from '../wechat/sender.js'
import { GREY_JPEG } from './preview.js'

const PREVIEW = { bytes: GREY_JPEG, type: 'image/jpeg', name: 'preview.jpg' } as const

/** The message of 公众号 for a piece; undefined for one that has none. */
export async function composeMp(piece: OutboundPiece, upload: Upload): Promise<WechatMessage | undefined> {
  const { part, file } = piece
  switch (part.type) {
    case 'text':
      return textMessage(part.text)
    case 'image':
      return file && { msgtype: 'image', image: { media_id: await upload('image', file) } }
    case 'audio':
      return file && { msgtype: 'voice', voice: { media_id: await upload('voice', file) } }
    case 'video': {
      if (file === undefined) return undefined
      const video = {
        ...{ media_id: await upload('video', file), thumb_media_id: await upload('thumb', PREVIEW) },
        ...{ title: (part.name ?? file.name ?? 'video').toWellFormed(), description: '' },
      }
      return { msgtype: 'video', video }
    }
    case 'card': {
      const { title, text = '', url } = part
      if (url === undefined) return textMessage(cardText(part))
      const article = { title: title.toWellFormed(), description: text.toWellFormed(), url }
      return { msgtype: 'news', news: { articles: [article] } }
    }
    case 'choices': {
      const list = part.choices.map(({ id, label }) => ({ id, content: label.toWellFormed() }))
      return { msgtype: 'msgmenu', msgmenu: { head_content: part.text.toWellFormed(), list, tail_content: '' } }
    }
    default:
      return undefined
  }
}

/** The same as text, for accounts that may not send the type. */
export function mpAsText({ part }: OutboundPiece): string | undefined {
  if (part.type === 'card') return cardText(part)
  if (part.type !== 'choices') return undefined
  return [part.text, ...part.choices.map(({ label }, index) => `${index + 1}. ${label}`)].join('\n')
}

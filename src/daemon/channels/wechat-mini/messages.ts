import type { OutboundPiece } from '../../core/channel-adapter.js'
import { cardText, textMessage, type WechatMessage } from '../wechat/message.js'
import type { Upload } from '../wechat/sender.js'

/** The message of 小程序 for a piece; undefined for one that has none. */
export async function composeMini({ part, file }: OutboundPiece, upload: Upload): Promise<WechatMessage | undefined> {
  switch (part.type) {
    case 'text':
      return textMessage(part.text)
    case 'image':
      return file && { msgtype: 'image', image: { media_id: await upload('image', file) } }
    case 'card': {
      const { title, text = '', url } = part
      if (url === undefined) return textMessage(cardText(part))
      const link = { title: title.toWellFormed(), description: text.toWellFormed(), url, thumb_url: '' }
      return { msgtype: 'link', link }
    }
    default:
      return undefined
  }
}

/** The same as text, for programs that may not send the type. */
export function miniAsText({ part }: OutboundPiece): string | undefined {
  return part.type === 'card' ? cardText(part) : undefined
}

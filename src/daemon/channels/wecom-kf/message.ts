import type { Part } from '../../../codec/wire.js'
import type { OutboundPiece } from '../../core/channel-adapter.js'
import { cardText, textMessage, type WechatMessage } from '../wechat/message.js'
import type { KfFileType } from './files.js'

/** Limits of the fields of a message, in bytes of UTF-8. */
const HEAD_BYTES = 1_024
const TITLE_BYTES = 128
const ABOUT_BYTES = 512
const URL_BYTES = 2_048

const MEDIA_TYPES = { image: 'image', audio: 'voice', video: 'video', file: 'file' } as const

/** Files that a message needs first. */
export type MessageFiles = {
  /** Stores the piece's file, as what it can be shown; its media id and that type. */
  piece(wanted: KfFileType): Promise<{ readonly id: string; readonly type: KfFileType }>
  /** The media id of the picture beside a link. */
  thumb(): Promise<string>
}

/** The message of the platform for a piece; why there is none as a text. Throws what `files` throws. */
export async function composeKf({ part, file }: OutboundPiece, files: MessageFiles): Promise<WechatMessage | string> {
  switch (part.type) {
    case 'text':
      return textMessage(part.text)
    case 'image':
    case 'audio':
    case 'video':
    case 'file': {
      if (file === undefined) return 'the file is no longer there'
      const { id, type } = await files.piece(MEDIA_TYPES[part.type])
      return { msgtype: type, [type]: { media_id: id } }
    }
    case 'location': {
      const { latitude, longitude, label = '' } = part
      return { msgtype: 'location', location: { name: label, address: label, latitude, longitude } }
    }
    case 'card':
      return part.url !== undefined && Buffer.byteLength(part.url) <= URL_BYTES
        ? linkMessage(part, part.url, await files.thumb())
        : textMessage(cardText(part))
    case 'choices':
      return menuMessage(part)
    default:
      return `微信客服 has no message for: ${part.type}`
  }
}

function linkMessage(
  { title, text = '' }: Extract<Part, { readonly type: 'card' }>,
  url: string,
  thumb: string,
): WechatMessage {
  const link = { title: clipped(title, TITLE_BYTES), desc: clipped(text, ABOUT_BYTES), url, thumb_media_id: thumb }
  return { msgtype: 'link', link }
}

function menuMessage({ text, choices }: Extract<Part, { readonly type: 'choices' }>): WechatMessage | string {
  if (Buffer.byteLength(text) > HEAD_BYTES)
    return `the question has more than ${HEAD_BYTES} bytes: shorten it, or send it as a text before`
  const list = choices.map(({ id, label }) => ({ type: 'click', click: { id, content: label.toWellFormed() } }))
  return { msgtype: 'msgmenu', msgmenu: { head_content: text.toWellFormed(), list } }
}

function clipped(text: string, limitBytes: number): string {
  if (Buffer.byteLength(text) <= limitBytes) return text.toWellFormed()
  let length = 0
  let end = 0
  for (const character of text) {
    length += Buffer.byteLength(character)
    if (length > limitBytes - 3) break
    end += character.length
  }
  return `${text.slice(0, end).toWellFormed()}…`
}

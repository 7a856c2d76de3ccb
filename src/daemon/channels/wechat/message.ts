import type { Part } from '../../../codec/wire.js'

/** The fields of a message beside the user: its type, and its content under the name of the type. */
export type WechatMessage = { readonly msgtype: string; readonly [content: string]: unknown }

/** A text message. */
export function textMessage(text: string): WechatMessage {
  return { msgtype: 'text', text: { content: text.toWellFormed() } }
}

/** A card as text. */
export function cardText({ title, text, url }: Extract<Part, { readonly type: 'card' }>): string {
  return [title, text, url].filter(Boolean).join('\n')
}

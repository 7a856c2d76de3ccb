import { toKefuError } from '../../../errors.js'
import type { AdapterPorts, OutboundPiece, Recipient, SendOutcome } from '../../core/channel-adapter.js'
import type { WechatAnswer } from './answer.js'
import { JSON_HEADERS, type WechatApi } from './api.js'
import { type ErrcodeRows, FILE_UNKNOWN, TYPE_REFUSED } from './errcodes.js'
import { type FilePorts, type UploadType, uploadFile } from './files.js'
import { textMessage, type WechatMessage } from './message.js'
import { outcomeOf, outcomeOfError } from './outcome.js'

/** Stores a file for three days; its media id. */
export type Upload = (type: UploadType, file: NonNullable<OutboundPiece['file']>) => Promise<string>

/** A message of the platform for a piece; undefined when there is none. Throws what `upload` throws. */
export type Compose = (
  piece: OutboundPiece,
  upload: Upload,
) => Promise<WechatMessage | undefined> | WechatMessage | undefined

/** What sending needs. */
export type SenderPorts = FilePorts & {
  readonly api: WechatApi
  readonly clock: AdapterPorts['clock']
  readonly errcodes: ErrcodeRows
  readonly compose: Compose
  /** The same as text, for accounts that may not send the type. */
  readonly asText: (piece: OutboundPiece) => string | undefined
  /** `/cgi-bin/message/custom` or another one with the same `send` and `typing`. */
  readonly path: string
  /** Fields that every call has. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Sends pieces and signs of typing. */
export type Sender = {
  /** See `Adapter.send`. */
  send(to: Recipient, piece: OutboundPiece, abort: AbortSignal): Promise<SendOutcome>
  /** The answer to a sign of typing. Throws as `WechatApi.call`. */
  typing(contact: string, isTyping: boolean, abort: AbortSignal): Promise<WechatAnswer>
}

/** A sender of customer messages (客服消息). */
export function createSender(ports: SenderPorts): Sender {
  const { api, clock, errcodes, compose, asText, path, fields } = ports

  async function post(action: 'send' | 'typing', body: object, abort: AbortSignal): Promise<WechatAnswer> {
    const call = {
      method: 'POST',
      path: `${path}/${action}`,
      headers: JSON_HEADERS,
      body: JSON.stringify(body),
    } as const
    return (await api.call(call, abort)).answer
  }

  async function deliver(contact: string, piece: OutboundPiece, abort: AbortSignal): Promise<SendOutcome> {
    const upload: Upload = (type, file) => uploadFile(ports, type, file, abort)
    const sendAs = (message: WechatMessage) => post('send', { touser: contact, ...message, ...fields }, abort)
    const composed = await compose(piece, upload)
    if (composed === undefined)
      return { type: 'give-up', reason: `the platform has no message for: ${piece.part.type}` }
    let answer = await sendAs(composed)
    const { errcode = 0 } = answer
    if (errcode === FILE_UNKNOWN && piece.file !== undefined)
      answer = await sendAs((await compose(piece, upload)) ?? composed)
    const text = TYPE_REFUSED.has(errcode) && composed.msgtype !== 'text' ? asText(piece) : undefined
    if (text !== undefined) answer = await sendAs(textMessage(text))
    return outcomeOf(answer, clock.now(), errcodes)
  }

  return {
    async send(to, piece, abort) {
      try {
        return await deliver(to.contact, piece, abort)
      } catch (error) {
        return outcomeOfError(toKefuError(error), clock.now())
      }
    },

    typing: (contact, isTyping, abort) =>
      post('typing', { touser: contact, command: isTyping ? 'Typing' : 'CancelTyping', ...fields }, abort),
  }
}

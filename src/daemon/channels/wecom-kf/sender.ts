import { isKefuError } from '../../../errors.js'
import { jsonNumber } from '../../../platform/json-fields.js'
import type { AdapterPorts, OutboundPiece, Recipient, SendOutcome } from '../../core/channel-adapter.js'
import type { WechatMessage } from '../wechat/message.js'
import type { KfApi } from './api.js'
import { type KfContact, readContact } from './contact.js'
import { errcodeOf, outcomeOf, stateOutcome } from './errcodes.js'
import { fileTypeOf, uploadFile } from './files.js'
import { composeKf, type MessageFiles } from './message.js'
import { messageIdOf } from './message-id.js'
import { linkThumbnail } from './thumbnail.js'
import type { WelcomeCodes } from './welcome-codes.js'

const FILE_UNKNOWN = 40007
const STATE_REFUSES = 95018
/** States in which the API may answer: new, and with the robot. */
const ANSWERABLE: ReadonlySet<number | undefined> = new Set([0, 1])
/** Files live three days on the platform. */
const THUMB_LIFE_MS = 2.5 * 24 * 3_600_000
const WELCOME_TYPES: ReadonlySet<string> = new Set(['text', 'msgmenu'])

/** What sending needs. */
export type SenderPorts = Pick<AdapterPorts, 'clock' | 'random'> & { readonly api: KfApi; readonly codes: WelcomeCodes }

/** Sends pieces: see `Adapter.send`. */
export type Sender = (to: Recipient, piece: OutboundPiece, abort: AbortSignal) => Promise<SendOutcome>

/**
 * A sender of messages of 微信客服. The first text to a contact who has entered and not written goes by its welcome code; when the platform does not take that, or
 * there is none, it goes the usual way.
 */
export function createSender({ api, clock, random, codes }: SenderPorts): Sender {
  let thumb: { readonly id: string; readonly untilMs: number } | undefined

  async function thumbId(abort: AbortSignal): Promise<string> {
    if (thumb === undefined || thumb.untilMs <= clock.monotonicMs())
      thumb = {
        id: await uploadFile(api, 'image', linkThumbnail(), random, abort),
        untilMs: clock.monotonicMs() + THUMB_LIFE_MS,
      }
    return thumb.id
  }

  function compose(piece: OutboundPiece, abort: AbortSignal): Promise<WechatMessage | string> {
    const files: MessageFiles = {
      async piece(wanted) {
        const file = piece.file!
        const type = fileTypeOf(wanted, file)
        return { id: await uploadFile(api, type, file, random, abort), type }
      },
      thumb: () => thumbId(abort),
    }
    return composeKf(piece, files)
  }

  /** What became of sending by welcome code; undefined when the usual way has to be tried: the code was certainly not used. */
  async function welcome(to: Recipient, message: WechatMessage, abort: AbortSignal): Promise<SendOutcome | undefined> {
    const code = codes.of(to.contact)
    if (code === undefined || !WELCOME_TYPES.has(message.msgtype)) return undefined
    try {
      await api.post('/cgi-bin/kf/send_msg_on_event', { code, msgid: messageIdOf(to), ...message }, abort)
    } catch (error) {
      const errcode = errcodeOf(error)
      const outcome = outcomeOf(error, true)
      if (outcome.type === 'retry' || outcome.type === 'throttled' || outcome.type === 'channel-down') return outcome
      codes.forget(to.contact)
      return errcode === undefined ? outcome : undefined
    }
    codes.forget(to.contact)
    return { type: 'sent' }
  }

  /** The errcode is what decides about another try; any other failure is thrown. */
  async function attempt(to: Recipient, target: KfContact, message: WechatMessage, abort: AbortSignal) {
    const body = { touser: target.user, open_kfid: target.account, msgid: messageIdOf(to), ...message }
    await api.post('/cgi-bin/kf/send_msg', body, abort)
  }

  async function stateOf({ account, user }: KfContact, abort: AbortSignal): Promise<number | undefined> {
    const body = { open_kfid: account, external_userid: user }
    return jsonNumber(await api.post('/cgi-bin/kf/service_state/get', body, abort), 'service_state')
  }

  async function deliver(to: Recipient, target: KfContact, piece: OutboundPiece, abort: AbortSignal) {
    let isMessage = false
    try {
      const message = await compose(piece, abort)
      if (typeof message === 'string') return { type: 'give-up', reason: message } as const
      const welcomed = await welcome(to, message, abort)
      if (welcomed !== undefined) return welcomed
      isMessage = true
      try {
        await attempt(to, target, message, abort)
      } catch (error) {
        const errcode = errcodeOf(error)
        if (errcode === FILE_UNKNOWN) {
          isMessage = false
          thumb = undefined
          const again = await compose(piece, abort)
          if (typeof again === 'string') return { type: 'give-up', reason: again } as const
          isMessage = true
          await attempt(to, target, again, abort)
        } else if (errcode === STATE_REFUSES) {
          isMessage = false
          const state = await stateOf(target, abort)
          if (!ANSWERABLE.has(state)) return stateOutcome(state)
          isMessage = true
          await attempt(to, target, message, abort)
        } else throw error
      }
      return { type: 'sent' } as const
    } catch (error) {
      // Between two tries nothing was written that a contact could see: what is lost is lost for certain.
      if (isKefuError(error, 'KEFU_ABORTED') && abort.aborted) throw error
      return outcomeOf(error, isMessage)
    }
  }

  return async (to, piece, abort) => {
    const target = readContact(to.contact)
    if (target === undefined) return { type: 'give-up', reason: 'the contact is not one of 微信客服' }
    return await deliver(to, target, piece, abort)
  }
}

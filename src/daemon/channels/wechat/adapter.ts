import { isKefuError } from '../../../errors.js'
import type { JsonFields } from '../../../platform/json-fields.js'
import type { Adapter, AdapterInput, AdapterPorts, ContactEvent } from '../../core/channel-adapter.js'
import { accountOf } from './account.js'
import { createWechatApi } from './api.js'
import { createVerifier, SUCCESS } from './callback.js'
import { checkWechat } from './check.js'
import type { ErrcodeRows } from './errcodes.js'
import type { BodyFormat } from './fields.js'
import { fetchFile } from './files.js'
import { createSender, type SenderPorts } from './sender.js'

/** In what a kind of account differs from the other. */
export type WechatVariant = Pick<SenderPorts, 'compose' | 'asText' | 'path' | 'fields'> & {
  readonly formats: readonly BodyFormat[]
  readonly errcodes: ErrcodeRows
  /** What a verified push means. Throws `KEFU_CALLBACK_INVALID`. */
  readonly readEvents: (appId: string, fields: JsonFields, bytes: Uint8Array) => readonly ContactEvent[]
}

/** An adapter of an account of 微信. */
export function openWechat(ports: AdapterPorts, input: AdapterInput, variant: WechatVariant): Adapter {
  const { http, clock, random } = ports
  const { errcodes, formats, readEvents } = variant
  const account = accountOf(input)
  const verify = createVerifier(account, input, formats)
  const api = createWechatApi(ports, account, input)
  const files = { http, api, account, errcodes, random }
  const sender = createSender({ ...files, ...variant, clock })

  return {
    receive(callback) {
      const verified = verify(callback)
      if (verified.type === 'handshake') return { answer: verified.answer, events: [] }
      return { answer: SUCCESS, events: readEvents(account.appId, verified.fields, verified.bytes) }
    },

    send: (to, piece, abort) => sender.send(to, piece, abort),

    fetchFile: (source, limitBytes, abort) => fetchFile(files, source, limitBytes, abort),

    async typing(contact, isTyping, abort) {
      try {
        await sender.typing(contact, isTyping, abort)
      } catch (error) {
        // A sign of typing that did not arrive is nobody's business.
        if (!isKefuError(error)) throw error
      }
    },

    check: abort => checkWechat({ ...files, input, verify, sender, clock }, abort),
  }
}

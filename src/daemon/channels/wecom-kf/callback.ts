import { KefuError } from '../../../errors.js'
import { ENCODING_AES_KEY, isWechatSignature, WechatCipher, WechatCryptError } from '../../../platform/wechat/crypt.js'
import { parseXml, type XmlFields, xmlText } from '../../../platform/xml.js'
import type { AdapterInput, Callback, PullSignal, Reception } from '../../core/channel-adapter.js'
import { createRefuseCallback, type RefuseCallback } from '../../core/refuse-callback.js'
import { credentialOf, valuesOf } from '../wechat/account.js'
import { SUCCESS } from '../wechat/callback.js'
import type { KfCompany } from './account.js'

/** The account of a signal that names none: all are asked for at once. */
export const EVERY_ACCOUNT = '*'

const ACCOUNT = /^[0-9a-zA-Z_-]{1,63}$/
const PASS = /^[!-~]{1,128}$/

/**
 * The reader of callbacks of a company: keys are decoded once. A new address is checked with an encrypted `echostr`; a message only says that an account has
 * something to fetch. What is for other accounts, or about something else, is taken and means nothing. Throws as `Adapter.receive`.
 */
export function createReceiver(
  company: KfCompany,
  input: Pick<AdapterInput, 'secrets'>,
): (callback: Callback) => Reception {
  const tokens = input.secrets.has('token') ? valuesOf(credentialOf(input, 'token')) : undefined
  const ciphers = input.secrets.has('encoding-aes-key')
    ? valuesOf(credentialOf(input, 'encoding-aes-key'))
        .filter(key => ENCODING_AES_KEY.test(key))
        .map(key => new WechatCipher(key, company.corpId))
    : undefined

  const refuse: RefuseCallback = createRefuseCallback()

  function assertSigned({ query, arrivedAtMs }: Callback, encrypted: string): void {
    if (tokens === undefined) throw new KefuError('KEFU_CREDENTIAL_MISSING', { name: 'token' })
    const [signature, timestamp, nonce] = [query.get('msg_signature'), query.get('timestamp'), query.get('nonce')]
    if (!signature || !timestamp || !nonce) refuse('msg_signature, timestamp or nonce is missing')
    if (!tokens.some(token => isWechatSignature(signature, token, timestamp, nonce, encrypted)))
      refuse('the signature is wrong')
    const atMs = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) * 1_000 : Number.NaN
    if (!(Math.abs(arrivedAtMs - atMs) <= company.maxAgeMs))
      refuse('its timestamp is too far from the clock of this server')
  }

  function open(callback: Callback, encrypted: string): string {
    if (ciphers === undefined) throw new KefuError('KEFU_CREDENTIAL_MISSING', { name: 'encoding-aes-key' })
    assertSigned(callback, encrypted)
    for (const cipher of ciphers) {
      try {
        return cipher.open(encrypted).toString()
      } catch (error) {
        if (!(error instanceof WechatCryptError)) throw error
      }
    }
    refuse('it cannot be opened: encoding-aes-key or corp-id is of another company')
  }

  return callback => {
    if (callback.method === 'GET') {
      // A plus that was not escaped has become a space; base64 has none of its own.
      const encrypted = (callback.query.get('echostr') ?? '').replaceAll(' ', '+')
      if (encrypted === '') refuse('echostr is missing')
      return { answer: { ...SUCCESS, body: open(callback, encrypted) }, events: [] }
    }
    const encrypted = encryptedText(callback.bytes)
    if (encrypted === undefined) refuse('it is not encrypted')
    const signal = signalOf(company, readMessage(open(callback, encrypted)))
    return { answer: SUCCESS, events: [], ...(signal !== undefined && { signal }) }
  }
}

function signalOf({ openKfId }: KfCompany, fields: XmlFields): PullSignal | undefined {
  if (xmlText(fields, 'Event')?.toLowerCase() !== 'kf_msg_or_event') return undefined
  const named = xmlText(fields, 'OpenKfId') || undefined
  const pass = xmlText(fields, 'Token') ?? ''
  if (named !== undefined && !ACCOUNT.test(named)) invalid('OpenKfId is not one')
  if (openKfId !== undefined && named !== undefined && named !== openKfId) return undefined
  return { account: named ?? openKfId ?? EVERY_ACCOUNT, ...(PASS.test(pass) && { pass }) }
}

function readMessage(text: string): XmlFields {
  let fields: XmlFields
  try {
    fields = parseXml(text)
  } catch {
    return invalid('the message is not XML of the platform')
  }
  if (!xmlText(fields, 'MsgType')) invalid('MsgType is missing')
  return fields
}

function encryptedText(bytes: Uint8Array): string | undefined {
  try {
    return xmlText(parseXml(Buffer.from(bytes).toString()), 'Encrypt') || undefined
  } catch {
    // Nobody has signed this: what is wrong with it is nobody's business.
    return undefined
  }
}

function invalid(reason: string): never {
  throw new KefuError('KEFU_CALLBACK_INVALID', { reason })
}

import { KefuError } from '../../../errors.js'
import { type JsonFields, jsonText } from '../../../platform/json-fields.js'
import { ENCODING_AES_KEY, isWechatSignature, WechatCipher, WechatCryptError } from '../../../platform/wechat/crypt.js'
import type { AdapterInput, Callback, CallbackAnswer } from '../../core/channel-adapter.js'
import { createRefuseCallback, type RefuseCallback } from '../../core/refuse-callback.js'
import { credentialOf, valuesOf, type WechatAccount } from './account.js'
import { type BodyFormat, readFields } from './fields.js'

/** The platform's word for success: nothing is said to the user, and nothing comes again. */
export const SUCCESS: CallbackAnswer = { status: 200, contentType: 'text/plain; charset=utf-8', body: 'success' }

/** What the platform makes up to see it again. */
const ECHO = /^[!-~]{1,256}$/

/** What a verified request holds: what has to be said again for a new address, or a message. */
export type Verified =
  | { readonly type: 'handshake'; readonly answer: CallbackAnswer }
  | { readonly type: 'message'; readonly fields: JsonFields; readonly bytes: Uint8Array }

/** A verifier of callbacks: throws as `Adapter.receive` does. */
export type Verifier = (callback: Callback) => Verified

/** Verifies and opens callbacks of an account. Keys are decoded once. */
export function createVerifier(
  account: WechatAccount,
  input: Pick<AdapterInput, 'secrets'>,
  formats: readonly BodyFormat[],
): Verifier {
  const tokens = input.secrets.has('token') ? valuesOf(credentialOf(input, 'token')) : undefined
  const ciphers = input.secrets.has('encoding-aes-key') ? ciphersOf(account, input) : undefined

  const refuse: RefuseCallback = createRefuseCallback()

  /** The signature over token, timestamp, nonce, and the encrypted text if there is one. */
  function assertSigned(name: 'signature' | 'msg_signature', { query, arrivedAtMs }: Callback, encrypted = ''): void {
    if (tokens === undefined) throw new KefuError('KEFU_CREDENTIAL_MISSING', { name: 'token' })
    const [signature, timestamp, nonce] = [query.get(name), query.get('timestamp'), query.get('nonce')]
    if (!signature || !timestamp || !nonce) refuse(`${name}, timestamp or nonce is missing`)
    const texts = encrypted === '' ? [timestamp, nonce] : [timestamp, nonce, encrypted]
    if (!tokens.some(token => isWechatSignature(signature, token, ...texts))) refuse('the signature is wrong')
    const atMs = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) * 1000 : Number.NaN
    if (!(Math.abs(arrivedAtMs - atMs) <= account.maxAgeMs))
      refuse('its timestamp is too far from the clock of this server')
  }

  function readEncrypted(callback: Callback): Uint8Array {
    if (ciphers === undefined) throw new KefuError('KEFU_CREDENTIAL_MISSING', { name: 'encoding-aes-key' })
    const encrypted = encryptedText(callback.bytes, formats)
    if (encrypted === undefined) refuse('it is not encrypted, and the setting mode says that it has to be')
    assertSigned('msg_signature', callback, encrypted)
    for (const cipher of ciphers) {
      try {
        return cipher.open(encrypted)
      } catch (error) {
        if (!(error instanceof WechatCryptError)) throw error
      }
    }
    refuse('it cannot be opened: encoding-aes-key or app-id is of another account')
  }

  function readPlain(callback: Callback): Uint8Array {
    assertSigned('signature', callback)
    return callback.bytes
  }

  return callback => {
    if (callback.method === 'GET') {
      assertSigned('signature', callback)
      return { type: 'handshake', answer: { ...SUCCESS, body: echoOf(callback) } }
    }
    const bytes = account.mode === 'plain' ? readPlain(callback) : readEncrypted(callback)
    let fields: JsonFields
    try {
      fields = readFields(bytes, formats)
    } catch {
      throw new KefuError('KEFU_CALLBACK_INVALID', { reason: 'the message is neither XML nor JSON of the platform' })
    }
    if (account.mode === 'plain' && jsonText(fields, 'Encrypt') !== undefined && !jsonText(fields, 'MsgType'))
      throw new KefuError('KEFU_CALLBACK_INVALID', { reason: 'it is encrypted, and the setting mode says plain' })
    const { originalId } = account
    if (originalId !== undefined && jsonText(fields, 'ToUserName') !== originalId)
      refuse('it is meant for another account than original-id says')
    return { type: 'message', fields, bytes }
  }
}

/** The ciphers of the present key and the one before: those that are keys at all. */
function ciphersOf({ appId }: WechatAccount, input: Pick<AdapterInput, 'secrets'>): readonly WechatCipher[] {
  const keys = valuesOf(credentialOf(input, 'encoding-aes-key'))
  return keys.filter(key => ENCODING_AES_KEY.test(key)).map(key => new WechatCipher(key, appId))
}

function encryptedText(bytes: Uint8Array, formats: readonly BodyFormat[]): string | undefined {
  try {
    return jsonText(readFields(bytes, formats), 'Encrypt')
  } catch {
    // Nobody has signed this: what is wrong with it is nobody's business.
    return undefined
  }
}

function echoOf({ query }: Callback): string {
  const echo = query.get('echostr') ?? ''
  if (!ECHO.test(echo)) throw new KefuError('KEFU_CALLBACK_INVALID', { reason: 'echostr is missing' })
  return echo
}

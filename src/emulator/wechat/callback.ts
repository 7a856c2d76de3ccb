import { WechatCipher, wechatSignature } from '../../platform/wechat/crypt.js'
import { formatXml } from '../../platform/xml.js'
import type { PushRequest } from '../core/push-call.js'
import type { WechatAccount } from './account.js'

/** How bodies are written. */
export type BodyFormat = 'xml' | 'json'

/** The fields of a push, in their order; 64-bit ids as bigints. */
export type Fields = Readonly<Record<string, string | number | bigint>>

/** What differs from push to push. */
export type Stamp = {
  /** Unix seconds. */
  readonly timestamp: string
  readonly nonce: string
  /** 16 bytes. */
  readonly random: Uint8Array
}

/** A push of fields to the callback address, signed and as the account's mode says encrypted. */
export function wechatPush(account: WechatAccount, format: BodyFormat, fields: Fields, stamp: Stamp): PushRequest {
  const { token, mode, encodingAesKey, appId } = account
  const { timestamp, nonce, random } = stamp
  const query = {
    signature: wechatSignature(token, timestamp, nonce),
    ...{ timestamp, nonce },
    openid: String(fields.FromUserName ?? ''),
  }
  const headers = { 'content-type': format === 'xml' ? 'text/xml' : 'application/json' }
  const body = bodyOf(format, fields)
  if (mode === 'plain') return { method: 'POST', query, headers, body }
  const encrypted = new WechatCipher(encodingAesKey, appId).seal(body, random)
  return {
    method: 'POST',
    query: { ...query, encrypt_type: 'aes', msg_signature: wechatSignature(token, timestamp, nonce, encrypted) },
    headers,
    body: bodyOf(
      format,
      mode === 'compat'
        ? { ...fields, Encrypt: encrypted }
        : { ToUserName: String(fields.ToUserName ?? ''), Encrypt: encrypted },
    ),
  }
}

/** The check of a callback address when it is entered in the console. */
export function wechatVerification({ token }: WechatAccount, echo: string, stamp: Omit<Stamp, 'random'>): PushRequest {
  const { timestamp, nonce } = stamp
  return {
    method: 'GET',
    query: { signature: wechatSignature(token, timestamp, nonce), echostr: echo, timestamp, nonce },
  }
}

/** Fields as XML, or as JSON in which 64-bit numbers are bare. */
export function bodyOf(format: BodyFormat, fields: Fields): string {
  if (format === 'xml') return formatXml(fields)
  const members = Object.entries(fields).map(
    ([name, value]) => `${JSON.stringify(name)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`,
  )
  return `{${members.join(',')}}`
}

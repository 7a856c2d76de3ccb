import { randomBytes } from 'node:crypto'
import { WechatCipher, wechatSignature } from '../../src/platform/wechat/crypt.js'
import { formatXml } from '../../src/platform/xml.js'
import type { KefuServer } from './kefu.js'

/** A channel of 公众号 in safe mode, and what its callbacks are signed and encrypted with. */
export type CallbackChannel = { readonly name: string; readonly token: string; readonly key: string }

/** A callback as it goes out. */
export type CallbackRequest = {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const APP_ID = 'wx0123456789abcdef'
const CREATED = 1_000_000_000

/** Makes a channel with credentials of its own, whose lane takes what comes. */
export async function addCallbackChannel({ control }: KefuServer, name: string): Promise<CallbackChannel> {
  const token = randomBytes(8).toString('hex')
  const key = randomBytes(40).toString('hex').slice(0, 43)
  await control.call('channel.add', { kind: 'wechat-mp', name, origins: [], settings: { 'app-id': APP_ID } })
  const credentials = { token, 'encoding-aes-key': key, 'app-secret': randomBytes(16).toString('hex') }
  for (const [credential, value] of Object.entries(credentials))
    await control.call('credential.set', { owner: name, name: credential, value })
  await control.call('channel.lane', { name, change: { inPerSecond: 100_000 } })
  return { name, token, key }
}

/** Makes callbacks of contacts who write in turn, each with a message id of its own, and hands them out: the same again from the beginning when they are used up. */
export function createCallbacks(
  { name, token, key }: CallbackChannel,
  options: { readonly count: number; readonly contacts: number; readonly textBytes: number },
): () => CallbackRequest {
  const cipher = new WechatCipher(key, APP_ID)
  const run = randomBytes(3).readUIntBE(0, 3)
  const callbacks = Array.from({ length: options.count }, (_, at) => callback(at))
  let at = 0
  return () => callbacks[at++ % callbacks.length]!

  function callback(at: number): CallbackRequest {
    const now = Math.floor(Date.now() / 1000)
    const message = formatXml({
      ToUserName: 'gh_bench',
      FromUserName: `oBench_${at % options.contacts}`,
      CreateTime: now,
      MsgType: 'text',
      Content: '字'.repeat(Math.ceil(options.textBytes / 3)),
      MsgId: `${CREATED + at}${String(run).padStart(8, '0')}`,
    })
    const encrypted = cipher.seal(message, randomBytes(16))
    const body = formatXml({ ToUserName: 'gh_bench', Encrypt: encrypted })
    const [timestamp, nonce] = [String(now), randomBytes(5).toString('hex')]
    const query = new URLSearchParams({
      signature: wechatSignature(token, timestamp, nonce),
      timestamp,
      nonce,
      openid: `oBench_${at % options.contacts}`,
      encrypt_type: 'aes',
      msg_signature: wechatSignature(token, timestamp, nonce, encrypted),
    })
    return {
      method: 'POST',
      path: `/v1/channels/${name}/callback?${query}`,
      headers: { 'content-type': 'text/xml' },
      body,
    }
  }
}

import { WechatCipher, wechatSignature } from '../../platform/wechat/crypt.js'
import { formatXml } from '../../platform/xml.js'
import type { PushRequest } from '../core/push-call.js'
import type { KfEmulatedAccount } from './account.js'

/** What differs from push to push. */
export type KfStamp = {
  /** Unix seconds. */
  readonly timestamp: string
  readonly nonce: string
  /** 16 bytes. */
  readonly random: Uint8Array
}

/** The message that there is something to fetch, with the pass that is good for it. */
export function kfSignal({ corpId, openKfId }: KfEmulatedAccount, pass: string, seconds: number): string {
  return formatXml({
    ...{ ToUserName: corpId, CreateTime: seconds, MsgType: 'event' },
    ...{ Event: 'kf_msg_or_event', Token: pass, OpenKfId: openKfId },
  })
}

/** A push of a message to the callback address, encrypted and signed. */
export function kfPush(account: KfEmulatedAccount, message: string, stamp: KfStamp): PushRequest {
  const { encrypted, query } = sealed(account, message, stamp)
  const body = formatXml({ ToUserName: account.corpId, AgentID: '', Encrypt: encrypted })
  return { method: 'POST', query, headers: { 'content-type': 'text/xml' }, body }
}

/** The check of a callback address when it is entered in the console: the echo is encrypted. */
export function kfVerification(account: KfEmulatedAccount, echo: string, stamp: KfStamp): PushRequest {
  const { encrypted, query } = sealed(account, echo, stamp)
  return { method: 'GET', query: { ...query, echostr: encrypted } }
}

function sealed({ corpId, token, encodingAesKey }: KfEmulatedAccount, message: string, stamp: KfStamp) {
  const { timestamp, nonce, random } = stamp
  const encrypted = new WechatCipher(encodingAesKey, corpId).seal(message, random)
  return {
    encrypted,
    query: { msg_signature: wechatSignature(token, timestamp, nonce, encrypted), timestamp, nonce },
  }
}

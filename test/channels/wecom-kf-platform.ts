import type { PlatformRequest } from '../../src/daemon/core/channel-adapter.js'
import { type Answer, AT_MS, type PlatformScript } from '../conformance/channel-kit.js'

export const CORP_ID = 'ww1234567890abcdef'
export const ACCOUNT = 'wkKefu000000000000'
export const USER = 'wmUser000000000001'
export const CONTACT = `${ACCOUNT}:${USER}`
export const AT_SECONDS = AT_MS / 1_000
export const pathOf = ({ url }: PlatformRequest) => new URL(url).pathname.replace('/cgi-bin/', '')
export const fieldsOf = ({ body }: PlatformRequest) => JSON.parse(String(body)) as Record<string, unknown>
export const errcode = (code: number): Answer => ({
  body: { errcode: code, errmsg: 'words, hint: [1712], from ip: 203.0.113.7, more info at https://example.com' },
})
export const ok: Answer = { body: { errcode: 0, errmsg: 'ok' } }
/** A good answer with a token, by a clock that may be ahead. */
export const tokenAnswer = (token: string, aheadMs = 0): Answer => ({
  body: { errcode: 0, errmsg: 'ok', access_token: token, expires_in: 7_200 },
  headers: { date: new Date(AT_MS + aheadMs).toUTCString() },
})

/** The platform when all is well. */
export const healthy: PlatformScript = request => {
  switch (pathOf(request)) {
    case 'gettoken':
      return tokenAnswer('healthy-token-1')
    case 'media/upload':
      return { body: { errcode: 0, media_id: `media-of-${new URL(request.url).searchParams.get('type')}` } }
    case 'media/get':
      return {
        body: AMR,
        headers: { 'content-type': 'audio/amr', 'content-disposition': 'attachment; filename="v.amr"' },
      }
    case 'kf/account/list':
      return { body: { errcode: 0, account_list: [{ open_kfid: ACCOUNT, name: '客服' }] } }
    case 'kf/service_state/get':
      return { body: { errcode: 0, service_state: 3 } }
    default:
      return ok
  }
}

/** A voice message. */
export const AMR = Buffer.from('2321414d520a0000', 'hex')

/** A platform with these entries, of which the first page is empty. */
export function syncing(...entries: readonly object[]): PlatformScript {
  return request => {
    if (pathOf(request) !== 'kf/sync_msg') return healthy(request)
    const isFirst = fieldsOf(request).cursor === ''
    return {
      body: {
        errcode: 0,
        next_cursor: isFirst ? 'c1' : 'c2',
        has_more: isFirst ? 1 : 0,
        msg_list: isFirst ? [] : entries,
      },
    }
  }
}

let count = 0

/** An entry of sync_msg. */
export function entry(msgtype: string, content: object, changes: object = {}) {
  const msgid = `msg${++count}`
  const head = { open_kfid: ACCOUNT, external_userid: USER, send_time: AT_SECONDS, origin: 3 }
  return { msgid, ...head, msgtype, [msgtype]: content, ...changes }
}

/** An event of sync_msg. */
export const event = (type: string, fields: object = {}) => ({
  ...{ msgid: `event${++count}`, send_time: AT_SECONDS, origin: 4, msgtype: 'event' },
  event: { event_type: type, open_kfid: ACCOUNT, external_userid: USER, ...fields },
})

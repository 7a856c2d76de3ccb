import { KefuError, toKefuError } from '../../errors.js'
import { WechatCipher, wechatSignature } from '../../platform/wechat/crypt.js'
import { formatXml } from '../../platform/xml.js'
import { type ApiAnswer, type ApiRequest, isRecord, jsonAnswer, jsonObject } from '../core/api.js'
import { createEmulatorCore, type EmulatorPorts, type PlatformEmulator } from '../core/platform-emulator.js'
import type { PushRequest } from '../core/push-call.js'
import { RecentMap } from '../core/recent.js'
import { checkUser, type Said } from '../core/said.js'
import { formFile } from '../wechat/multipart.js'
import { Journal } from './journal.js'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** The platform waits five seconds for an answer, and pushes three times in all. */
const PUSH = {
  deadlineMs: 5_000,
  retryAfterMs: [5_000, 5_000],
  accepts: ({ status }: { readonly status: number }) => status === 200,
} as const
const ALLOWANCE = { messages: 5, windowMs: 2 * DAY_MS } as const
const PASS_MS = 10 * MINUTE_MS
const WELCOME_MS = 20_000
const USERS = 10_000
const TEXT_BYTES = 2_048

/** What a company has, with what its console shows. */
export type KfEmulatedAccount = {
  readonly corpId: string
  readonly openKfId: string
  readonly secret: string
  readonly token: string
  readonly encodingAesKey: string
}

/** A company in 企业微信 with one 客服账号: callbacks that only signal, and what they are about by cursor. */
export function createWecomKfEmulator(
  given: { readonly account?: Partial<KfEmulatedAccount> } = {},
  ports: EmulatorPorts = {},
): PlatformEmulator {
  const core = createEmulatorCore(ports, {
    push: PUSH,
    media: { lifetimeMs: 3 * DAY_MS },
    tokens: { access: { lifetimeMs: 120 * MINUTE_MS, overlapMs: 0, renewBeforeMs: 0 } },
  })
  const { clock, pusher, sent, media } = core
  const tokens = core.tokens.access!
  const hex = (bytes: number) => Buffer.from(core.random(bytes)).toString('hex')
  const account: KfEmulatedAccount = {
    corpId: `ww${hex(8)}`,
    openKfId: `wk${hex(15)}`,
    secret: hex(21),
    token: hex(12),
    encodingAesKey: hex(22).slice(0, 43),
    ...given.account,
  }
  const journal = new Journal(clock)
  const passes = new RecentMap<number>(USERS)
  const codes = new RecentMap<{ readonly user: string; readonly untilMs: number }>(USERS)
  const states = new RecentMap<number>(USERS)
  const greetedMs = new RecentMap<number>(USERS)
  const failing = new RecentMap<number>(USERS)

  const failure = (errcode: number, words = 'refused'): ApiAnswer =>
    jsonAnswer({ errcode, errmsg: `${words}, hint: [${hex(8)}], from ip: 127.0.0.1, more info at https://example.com` })
  const ok = (fields: object = {}): ApiAnswer => jsonAnswer({ errcode: 0, errmsg: 'ok', ...fields })

  function withToken(route: (request: ApiRequest) => ApiAnswer) {
    return (request: ApiRequest): ApiAnswer => {
      const token = request.query.get('access_token') ?? ''
      if (token === '') return failure(41001)
      const state = tokens.stateOf(token)
      return state === 'valid' ? route(request) : failure(state === 'expired' ? 42001 : 40014)
    }
  }

  function withBody(route: (body: Readonly<Record<string, unknown>>) => ApiAnswer) {
    return withToken(({ bytes }) => {
      const body = jsonObject(bytes)
      return body === undefined ? failure(40058) : route(body)
    })
  }

  const routes: Readonly<Record<string, (request: ApiRequest) => ApiAnswer>> = {
    '/cgi-bin/gettoken': ({ query }) => {
      if (query.get('corpid') !== account.corpId) return failure(40013)
      if (query.get('corpsecret') !== account.secret) return failure(40001)
      const { token, remainingMs } = tokens.current()
      return ok({ access_token: token, expires_in: Math.floor(remainingMs / 1_000) })
    },
    '/cgi-bin/kf/account/list': withBody(() => ok({ account_list: [{ open_kfid: account.openKfId, name: '客服' }] })),
    '/cgi-bin/kf/sync_msg': withBody(({ cursor = '', token, limit, open_kfid: kfid }) => {
      if (kfid !== undefined && kfid !== account.openKfId) return failure(95000)
      if (token !== undefined && !((passes.get(String(token)) ?? 0) > clock.monotonicMs())) return failure(95007)
      const page = journal.page(String(cursor), Math.min(Number(limit) || 1_000, 1_000))
      if (page === undefined) return failure(40058)
      return ok({ next_cursor: page.next, has_more: page.hasMore ? 1 : 0, msg_list: page.list })
    }),
    '/cgi-bin/kf/service_state/get': withBody(body => ok({ service_state: stateOf(String(body.external_userid)) })),
    '/cgi-bin/kf/send_msg': withBody(send),
    '/cgi-bin/kf/send_msg_on_event': withBody(sendOnEvent),
    '/cgi-bin/media/upload': withToken(({ query, header, bytes }) => {
      const file = formFile(header('content-type'), bytes, 'media')
      if (file === undefined || file.bytes.length <= 5) return failure(40006)
      const { id } = media.put(file.bytes, file.contentType, file.name)
      return ok({ type: query.get('type'), media_id: id })
    }),
    '/cgi-bin/media/get': withToken(({ query }) => {
      const file = media.get(query.get('media_id') ?? '')
      if (file === undefined) return failure(40007)
      const disposition = `attachment; filename="${file.name.replace(/[^\w.-]/g, '_')}"`
      const contentType = /^[a-z]+\/[a-z0-9.+-]+$/.test(file.contentType)
        ? file.contentType
        : 'application/octet-stream'
      return { status: 200, contentType, body: file.bytes, headers: { 'content-disposition': disposition } }
    }),
  }

  const stateOf = (user: string): number => states.get(user) ?? 4

  function send(body: Readonly<Record<string, unknown>>): ApiAnswer {
    const user = String(body.touser ?? '')
    if (body.open_kfid !== account.openKfId) return failure(95000)
    const checked = check(body)
    if (typeof checked === 'number') return failure(checked)
    if (sent.permission(user) === 'never') return failure(95001)
    if (stateOf(user) > 1) return failure(95018)
    if (sent.permission(user) !== 'open') return failure(95001)
    return record(user, body, checked)
  }

  /** A code is good once, and for its time. */
  function sendOnEvent(body: Readonly<Record<string, unknown>>): ApiAnswer {
    const code = codes.get(String(body.code ?? ''))
    if (code === undefined || code.untilMs <= clock.monotonicMs()) return failure(40058, 'invalid code')
    if (body.msgtype !== 'text' && body.msgtype !== 'msgmenu') return failure(40058)
    const checked = check(body)
    if (typeof checked === 'number') return failure(checked)
    codes.delete(String(body.code))
    return record(code.user, body, checked)
  }

  function record(user: string, body: Readonly<Record<string, unknown>>, text: string): ApiAnswer {
    const msgid = typeof body.msgid === 'string' ? body.msgid : `msg${core.nextId()}`
    const failType = failing.get(user)
    if (failType === undefined) sent.record(user, String(body.msgtype), text, body)
    else {
      failing.delete(user)
      addEvent(user, 'msg_send_fail', { fail_msgid: msgid, fail_type: failType })
      // Whoever asked has to have its answer first.
      clock.after(0, () => void signal(user, 'msg_send_fail').catch(() => undefined))
    }
    return ok({ msgid })
  }

  /** What the user sees of a message, or the errcode. */
  function check(body: Readonly<Record<string, unknown>>): string | number {
    if (body.msgid !== undefined && !/^[0-9a-zA-Z_-]{1,32}$/.test(String(body.msgid))) return 40058
    const type = String(body.msgtype)
    const content = body[type]
    if (!isRecord(content)) return 40058
    if (type === 'text') {
      const text = String(content.content ?? '')
      return text === '' || Buffer.byteLength(text) > TEXT_BYTES ? 40058 : text
    }
    if (type === 'msgmenu')
      return Array.isArray(content.list) && content.list.length <= 10 ? String(content.head_content) : 40058
    if (type === 'location') return `[${String(content.name)}]`
    const file = media.get(String(content.media_id ?? content.thumb_media_id ?? ''))
    if (file === undefined) return 40007
    return type === 'link' ? `[${String(content.title)}](${String(content.url)})` : `[${type}: ${file.name}]`
  }

  const seconds = () => Math.floor(clock.now() / 1_000)

  function add(user: string, origin: number, msgtype: string, content: object): void {
    const head = { msgid: `msg${core.nextId()}`, open_kfid: account.openKfId, external_userid: user }
    journal.add({ ...head, send_time: seconds(), origin, msgtype, [msgtype]: content })
  }

  function addEvent(user: string, type: string, fields: object): void {
    const event = { event_type: type, open_kfid: account.openKfId, external_userid: user, ...fields }
    journal.add({ msgid: `msg${core.nextId()}`, send_time: seconds(), origin: 4, msgtype: 'event', event })
  }

  function signal(user: string, what: string) {
    const pass = `ENC${hex(20)}`
    passes.set(pass, clock.monotonicMs() + PASS_MS)
    const message = formatXml({
      ...{ ToUserName: account.corpId, CreateTime: seconds(), MsgType: 'event' },
      ...{ Event: 'kf_msg_or_event', Token: pass, OpenKfId: account.openKfId },
    })
    return pusher.push({ user, what, build: () => signed(message, 'POST') })
  }

  function signed(message: string, method: 'GET' | 'POST'): PushRequest {
    const [timestamp, nonce] = [String(seconds()), String(Buffer.from(core.random(4)).readUInt32BE())]
    const sealed = new WechatCipher(account.encodingAesKey, account.corpId).seal(message, Buffer.from(hex(8)))
    const query = { msg_signature: wechatSignature(account.token, timestamp, nonce, sealed), timestamp, nonce }
    if (method === 'GET') return { method, query: { ...query, echostr: sealed } }
    const body = formatXml({ ToUserName: account.corpId, AgentID: '', Encrypt: sealed })
    return { method, query, headers: { 'content-type': 'text/xml' }, body }
  }

  function speak(user: string, said: Exclude<Said, { readonly type: 'event' }>): void {
    sent.grant(user, 'message', ALLOWANCE)
    greetedMs.set(user, clock.now())
    // An ended session begins anew.
    if (stateOf(user) === 4) states.set(user, 0)
    add(user, 3, ...contentOf(said))
  }

  function contentOf(said: Exclude<Said, { readonly type: 'event' }>): readonly [string, object] {
    switch (said.type) {
      case 'text':
        return ['text', { content: said.text, ...(said.menuId !== undefined && { menu_id: said.menuId }) }]
      case 'location':
        return ['location', { ...said, name: said.label, address: '' }]
      case 'link':
        return ['link', { title: said.title, desc: said.description, url: said.url, pic_url: '' }]
      case 'card':
        return ['miniprogram', { title: said.title, appid: account.corpId, pagepath: said.path, thumb_media_id: '' }]
      default: {
        const type = said.type === 'image' ? 'image/png' : 'application/octet-stream'
        const bytes = Buffer.from(said.bytes ?? '89504e470d0a1a0a', said.bytes === undefined ? 'hex' : 'base64')
        return [said.type, { media_id: media.put(bytes, type, said.name ?? said.type).id }]
      }
    }
  }

  /** Events of the platform by their names; `servicer_reply`: an agent answers in 企业微信; `fail_next`: the next message is taken and not delivered. */
  function act(user: string, { event, fields }: Extract<Said, { readonly type: 'event' }>): void {
    if (event === 'servicer_reply') add(user, 5, 'text', { content: String(fields.content ?? '') })
    else if (event === 'fail_next') failing.set(user, Number(fields.fail_type ?? 0))
    else if (event === 'session_status_change') {
      states.set(user, Number(fields.service_state ?? 4))
      const { service_state: _, ...told } = fields
      addEvent(user, event, told)
    } else if (event === 'enter_session') {
      const isNew = !((greetedMs.get(user) ?? Number.NEGATIVE_INFINITY) > clock.now() - 2 * DAY_MS)
      const code = `CODE${hex(12)}`
      if (isNew) {
        codes.set(code, { user, untilMs: clock.monotonicMs() + WELCOME_MS })
        greetedMs.set(user, clock.now())
      }
      addEvent(user, event, { scene: '', ...fields, ...(isNew && { welcome_code: code }) })
    } else addEvent(user, event, fields)
  }

  return {
    kind: 'wecom-kf',
    account: {
      settings: { 'corp-id': account.corpId, 'open-kfid': account.openKfId },
      credentials: { token: account.token, 'encoding-aes-key': account.encodingAesKey, secret: account.secret },
    },
    core,
    handle: request => (Object.hasOwn(routes, request.path) ? routes[request.path]!(request) : undefined),
    failure,
    say(id, said) {
      const user = checkUser(id)
      if (pusher.target === undefined) throw new KefuError('KEFU_USAGE', { reason: 'there is no callback address yet' })
      if (said.type === 'event') act(user, said)
      else speak(user, said)
      return signal(user, said.type === 'event' ? said.event : said.type)
    },
    async verify() {
      const echo = Buffer.from(core.random(8)).readBigUInt64BE().toString()
      try {
        const { status, body } = await pusher.callOnce(signed(echo, 'GET'))
        return status === 200 && body === echo
          ? undefined
          : `it answered ${status}, and not with the echostr in the clear`
      } catch (error) {
        return String(toKefuError(error).detail.reason ?? 'it does not answer')
      }
    },
  }
}

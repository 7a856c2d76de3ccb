import { KefuError, toKefuError } from '../../errors.js'
import { type ApiAnswer, type ApiRequest, jsonObject } from '../core/api.js'
import { createEmulatorCore, type EmulatorPorts, type PlatformEmulator } from '../core/platform-emulator.js'
import type { Delivery } from '../core/pusher.js'
import { RecentMap } from '../core/recent.js'
import { checkUser, type Said, wordsOfSaid } from '../core/said.js'
import { fileAnswer } from '../wechat/media.js'
import { formFile } from '../wechat/multipart.js'
import { createKfAccount, type KfEmulatedAccount } from './account.js'
import { createKfAnswers } from './answers.js'
import { type KfStamp, kfPush, kfSignal, kfVerification } from './callback.js'
import { kfContent } from './inbound.js'
import { Journal } from './journal.js'
import { checkKfMessage } from './outbound.js'
import { Sessions, STATE } from './sessions.js'

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
const PAGE_LIMIT = 1_000
const USERS = 10_000
/** To which state a change of `session_status_change` leads: taken from the pool, transferred, ended. */
const CHANGES: Readonly<Record<number, number>> = { 1: STATE.human, 2: STATE.human, 3: STATE.ended }
const RECEIVING = 1

type Body = Readonly<Record<string, unknown>>

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
  const account = createKfAccount(core.random, given.account)
  const { ok, failure } = createKfAnswers(core.random)
  const journal = new Journal(clock)
  const sessions = new Sessions(clock, () => `CODE${hex(12)}`)
  const passes = new RecentMap<number>(USERS)
  /** When a user was welcomed or wrote. Whoever is not in it has nothing to do with the account. */
  const greetedMs = new RecentMap<number>(USERS)
  const failing = new RecentMap<number>(USERS)

  function withToken(route: (request: ApiRequest) => ApiAnswer) {
    return (request: ApiRequest): ApiAnswer => {
      const token = request.query.get('access_token') ?? ''
      if (token === '') return failure(41001)
      const state = tokens.stateOf(token)
      return state === 'valid' ? route(request) : failure(state === 'expired' ? 42001 : 40014)
    }
  }

  function withBody(route: (body: Body) => ApiAnswer) {
    return withToken(({ bytes }) => {
      const body = jsonObject(bytes)
      return body === undefined ? failure(40058) : route(body)
    })
  }

  /** Calls about one user of the account. */
  function withUser(name: 'touser' | 'external_userid', route: (user: string, body: Body) => ApiAnswer) {
    return withBody(body => {
      if (body.open_kfid !== account.openKfId) return failure(kfidError(body.open_kfid))
      const user = String(body[name] ?? '')
      return greetedMs.get(user) === undefined ? failure(84061) : route(user, body)
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
    '/cgi-bin/kf/sync_msg': withBody(sync),
    '/cgi-bin/kf/service_state/get': withUser('external_userid', user => {
      const { state, servicer } = sessions.of(user)
      return ok({ service_state: state, ...(servicer !== undefined && { servicer_userid: servicer }) })
    }),
    '/cgi-bin/kf/service_state/trans': withUser('external_userid', transfer),
    '/cgi-bin/kf/send_msg': withUser('touser', send),
    '/cgi-bin/kf/send_msg_on_event': withBody(sendOnEvent),
    '/cgi-bin/media/upload': withToken(({ query, header, bytes }) => {
      const file = formFile(header('content-type'), bytes, 'media')
      if (file === undefined || file.bytes.length <= 5) return failure(40006)
      const { id, createdAt } = media.put(file.bytes, file.contentType, file.name)
      return ok({ type: query.get('type'), media_id: id, created_at: String(Math.floor(createdAt / 1_000)) })
    }),
    '/cgi-bin/media/get': withToken(({ query }) => {
      const file = media.get(query.get('media_id') ?? '')
      return file === undefined ? failure(40007) : fileAnswer(file.contentType, file.name, file.bytes)
    }),
  }

  function sync({ cursor = '', token, limit = PAGE_LIMIT, open_kfid: kfid }: Body): ApiAnswer {
    if (kfid !== undefined && kfid !== account.openKfId) return failure(kfidError(kfid))
    if (token !== undefined && !((passes.get(String(token)) ?? 0) > clock.monotonicMs())) return failure(95007)
    if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > PAGE_LIMIT) return failure(40058)
    const page = journal.page(String(cursor), limit)
    if (page === undefined) return failure(40058)
    return ok({ next_cursor: page.next, has_more: page.hasMore ? 1 : 0, msg_list: page.list })
  }

  function transfer(user: string, { service_state: state, servicer_userid: servicer }: Body): ApiAnswer {
    const to = typeof servicer === 'string' ? servicer : undefined
    const reason = sessions.refusal(user, Number(state), to)
    if (reason !== undefined) return failure(40058, reason)
    const code = sessions.move(user, Number(state), Number(state) === STATE.human ? to : undefined)
    return ok(code === undefined ? {} : { msg_code: code })
  }

  function send(user: string, body: Body): ApiAnswer {
    const checked = checkKfMessage(body, media)
    if ('error' in checked) return failure(checked.error)
    const permission = sent.permission(user)
    if (permission === 'never' || permission === 'closed') return failure(95001)
    if (sessions.of(user).state > STATE.bot) return failure(95018)
    return permission === 'open' ? record(user, body, checked.text) : failure(95001)
  }

  /** A code is good once, for its time, and while the session is as it was when the code was given. */
  function sendOnEvent(body: Body): ApiAnswer {
    const code = sessions.code(String(body.code ?? ''))
    if (code === undefined) return failure(40058, 'invalid code')
    if (!code.types.includes(String(body.msgtype))) return failure(40058)
    if (code.state !== undefined && code.state !== sessions.of(code.user).state) return failure(95018)
    const checked = checkKfMessage(body, media)
    if ('error' in checked) return failure(checked.error)
    sessions.used(String(body.code))
    return record(code.user, body, checked.text)
  }

  function record(user: string, body: Body, text: string): ApiAnswer {
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

  const seconds = () => Math.floor(clock.now() / 1_000)

  function add(user: string, origin: number, msgtype: string, content: object): void {
    const head = { msgid: `msg${core.nextId()}`, open_kfid: account.openKfId, external_userid: user }
    journal.add({ ...head, send_time: seconds(), origin, msgtype, [msgtype]: content })
  }

  /** An event; `user` undefined for what is about no user. */
  function addEvent(user: string | undefined, type: string, fields: object): void {
    const about = { open_kfid: account.openKfId, ...(user !== undefined && { external_userid: user }) }
    const event = { event_type: type, ...about, ...fields }
    journal.add({ msgid: `msg${core.nextId()}`, send_time: seconds(), origin: 4, msgtype: 'event', event })
  }

  function signal(user: string, what: string, failedOnce?: (delivery: Delivery) => void) {
    const pass = `ENC${hex(20)}`
    passes.set(pass, clock.monotonicMs() + PASS_MS)
    const message = kfSignal(account, pass, seconds())
    return pusher.push({ user, what, failedOnce, build: () => kfPush(account, message, stamp()) })
  }

  function stamp(): KfStamp {
    const nonce = String(Buffer.from(core.random(4)).readUInt32BE())
    return { timestamp: String(seconds()), nonce, random: Buffer.from(hex(8)) }
  }

  function speak(user: string, said: Exclude<Said, { readonly type: 'event' }>): void {
    sent.grant(user, 'message', ALLOWANCE)
    greetedMs.set(user, clock.now())
    sessions.wrote(user)
    add(user, 3, ...kfContent(said, account.corpId, media))
  }

  /** Events of the platform by their names; `servicer_reply`: an agent answers in 企业微信; `fail_next`: the next message is taken and not delivered. */
  function act(user: string, { event, fields }: Extract<Said, { readonly type: 'event' }>): void {
    if (event === 'servicer_reply') add(user, 5, 'text', { content: String(fields.content ?? '') })
    else if (event === 'fail_next') failing.set(user, Number(fields.fail_type ?? 0))
    else if (event === 'session_status_change') {
      const change = { change_type: 3, ...fields }
      const servicer = String(fields.new_servicer_userid ?? '') || undefined
      const code = sessions.move(user, CHANGES[Number(change.change_type)] ?? STATE.ended, servicer)
      addEvent(user, event, { ...change, ...(code !== undefined && { msg_code: code }) })
    } else if (event === 'servicer_status_change') {
      sessions.setReceiving(String(fields.servicer_userid ?? ''), Number(fields.status) === RECEIVING)
      addEvent(undefined, event, fields)
    } else if (event === 'enter_session') {
      const isNew = !((greetedMs.get(user) ?? Number.NEGATIVE_INFINITY) > clock.now() - 2 * DAY_MS)
      if (isNew) greetedMs.set(user, clock.now())
      addEvent(user, event, { scene: '', ...fields, ...(isNew && { welcome_code: sessions.welcome(user) }) })
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
    say(id, said, failedOnce) {
      const user = checkUser(id)
      if (pusher.target === undefined) throw new KefuError('KEFU_USAGE', { reason: 'there is no callback address yet' })
      if (said.type === 'event') act(user, said)
      else speak(user, said)
      return signal(user, wordsOfSaid(said), failedOnce)
    },
    async verify() {
      const echo = Buffer.from(core.random(8)).readBigUInt64BE().toString()
      try {
        const { status, body } = await pusher.callOnce(kfVerification(account, echo, stamp()))
        return status === 200 && body === echo
          ? undefined
          : `it answered ${status}, and not with the echostr in the clear`
      } catch (error) {
        return String(toKefuError(error).detail.reason ?? 'it does not answer')
      }
    },
  }
}

/** Not an id at all, or one of no account. */
function kfidError(value: unknown): number {
  return typeof value === 'string' && /^wk[0-9A-Za-z_-]{1,62}$/.test(value) ? 95004 : 95000
}

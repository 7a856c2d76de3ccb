import { KefuError, toKefuError } from '../../errors.js'
import { type ApiAnswer, type ApiRequest, jsonAnswer, jsonObject } from '../core/api.js'
import { createEmulatorCore, type EmulatorPorts, type PlatformEmulator } from '../core/platform-emulator.js'
import type { PushAnswer } from '../core/push-call.js'
import { checkUser, type Said, wordsOfSaid } from '../core/said.js'
import { createWechatAccount, type WechatAccount } from './account.js'
import { type BodyFormat, type Stamp, wechatPush, wechatVerification } from './callback.js'
import { createAnswers } from './error-codes.js'
import { fieldsOf, type Inbound, MINI_INBOUND, MP_INBOUND } from './inbound.js'
import { download, linkedFile, MEDIA_LIFETIME_MS, type MediaType, PICTURE_PATH, upload, VIDEO_PATH } from './media.js'
import { checkMessage, formError, type SentType } from './outbound.js'
import { createTokenApi, WECHAT_TOKENS } from './tokens.js'
import { WechatUsers } from './users.js'

/** The platform waits five seconds for an answer, and pushes three times in all. */
const PUSH = { deadlineMs: 5_000, retryAfterMs: [5_000, 5_000], accepts: isTaken } as const

const TYPING_MS = 15_000
/** Nothing may be typed to a user with whom nothing was exchanged for so long. */
const TYPING_WITHIN_MS = 30_000
const ECHO_BYTES = 8

/** What an emulator of 微信 can be told. */
export type WechatOptions = {
  readonly account?: Partial<WechatAccount>
  /** 小程序 only: how its callbacks are written; `json` when nothing is said. */
  readonly format?: BodyFormat
}

type Variant = {
  readonly kind: 'wechat-mp' | 'wechat-mini'
  readonly inbound: Inbound
  readonly sends: readonly SentType[]
  readonly uploads: readonly MediaType[]
  /** The API with a `businessid` as well. */
  readonly hasBusiness: boolean
}

const MP: Variant = {
  kind: 'wechat-mp',
  inbound: MP_INBOUND,
  sends: ['text', 'image', 'voice', 'video', 'news', 'msgmenu', 'miniprogrampage'],
  uploads: ['image', 'voice', 'video', 'thumb'],
  hasBusiness: false,
}

const MINI: Variant = {
  kind: 'wechat-mini',
  inbound: MINI_INBOUND,
  sends: ['text', 'image', 'link', 'miniprogrampage'],
  uploads: ['image'],
  hasBusiness: true,
}

/** An official account (公众号, 服务号): callbacks in XML. */
export function createWechatMpEmulator(
  options: Omit<WechatOptions, 'format'> = {},
  ports: EmulatorPorts = {},
): PlatformEmulator {
  return createWechatEmulator(MP, { ...options, format: 'xml' }, ports)
}

/** A mini program (小程序): callbacks in JSON or XML. */
export function createWechatMiniEmulator(options: WechatOptions = {}, ports: EmulatorPorts = {}): PlatformEmulator {
  return createWechatEmulator(MINI, options, ports)
}

function createWechatEmulator(variant: Variant, options: WechatOptions, ports: EmulatorPorts): PlatformEmulator {
  const core = createEmulatorCore(ports, {
    push: PUSH,
    media: { lifetimeMs: MEDIA_LIFETIME_MS },
    tokens: WECHAT_TOKENS,
  })
  const { clock, pusher, sent } = core
  const { inbound, kind } = variant
  const account = createWechatAccount(core.random, options.account)
  const format = options.format ?? 'json'
  const answers = createAnswers(core.random)
  const { stable, classic } = core.tokens
  const tokens = createTokenApi({ account, stable: stable!, classic: classic!, clock, answers })
  const users = new WechatUsers(clock)

  const routes: Readonly<Record<string, (request: ApiRequest) => ApiAnswer | undefined>> = {
    '/cgi-bin/token': request => tokens.classic(request),
    '/cgi-bin/stable_token': request => tokens.stable(request),
    '/cgi-bin/getcallbackip': withToken(() => jsonAnswer({ ip_list: ['127.0.0.1'] })),
    '/cgi-bin/message/custom/send': withToken(request => send(request, false)),
    '/cgi-bin/message/custom/typing': withToken(request => typing(request, false)),
    ...(variant.hasBusiness && {
      '/cgi-bin/message/custom/business/send': withToken(request => send(request, true)),
      '/cgi-bin/message/custom/business/typing': withToken(request => typing(request, true)),
    }),
    '/cgi-bin/media/upload': withToken(request => upload(core, answers, variant.uploads, request)),
    '/cgi-bin/media/get': withToken(request => download(core, answers, request)),
    ...(kind === 'wechat-mp' && {
      '/cgi-bin/user/info': withToken(({ query }) => userInfo(query.get('openid') ?? '')),
    }),
    [PICTURE_PATH]: request => linkedFile(core, request),
    [VIDEO_PATH]: request => linkedFile(core, request),
  }

  function withToken(route: (request: ApiRequest) => ApiAnswer) {
    return (request: ApiRequest) => tokens.refusal(request) ?? route(request)
  }

  function send({ method, bytes }: ApiRequest, isBusiness: boolean): ApiAnswer {
    if (method !== 'POST') return answers.failure(43002)
    const body = jsonObject(bytes)
    const wrongForm = body === undefined ? 47001 : formError(bytes)
    if (body === undefined || wrongForm !== undefined) return answers.failure(wrongForm!)
    if (isBusiness && body.businessid === undefined) return answers.failure(40101)
    const checked = checkMessage(variant.sends, body, core.media)
    if ('error' in checked) return answers.failure(checked.error)
    const to = String(body.touser ?? '')
    const user = users.get(to)
    if (user === undefined) return answers.failure(40003)
    if (user.hasLeft) return answers.failure(43004)
    const permission = sent.permission(to)
    if (permission !== 'open') return answers.failure(permission === 'used' ? 45047 : 45015)
    sent.record(to, String(body.msgtype), checked.text, body)
    user.lastActMs = clock.monotonicMs()
    user.typingUntilMs = Number.NEGATIVE_INFINITY
    return answers.ok()
  }

  function typing({ bytes }: ApiRequest, isBusiness: boolean): ApiAnswer {
    const body = jsonObject(bytes)
    if (body === undefined) return answers.failure(47001)
    if (isBusiness && body.businessid === undefined) return answers.failure(40101)
    const { touser, command } = body
    const user = users.get(String(touser))
    if (command !== 'Typing' && command !== 'CancelTyping') return answers.failure(45072)
    if (user === undefined) return answers.failure(40003)
    const nowMs = clock.monotonicMs()
    if (nowMs - user.lastActMs > TYPING_WITHIN_MS) return answers.failure(45080)
    const isTyping = command === 'Typing'
    if (isTyping && user.typingUntilMs > nowMs) return answers.failure(45081)
    user.typingUntilMs = isTyping ? nowMs + TYPING_MS : Number.NEGATIVE_INFINITY
    sent.typing(String(touser), isTyping)
    return answers.ok()
  }

  function userInfo(openid: string): ApiAnswer {
    const user = users.get(openid)
    if (user === undefined) return answers.failure(40003)
    if (user.hasLeft) return jsonAnswer({ subscribe: 0, openid })
    const subscribe_time = Math.floor(user.since / 1000)
    return jsonAnswer({
      ...{ subscribe: 1, openid, language: 'zh_CN', subscribe_time, remark: '' },
      groupid: 0,
      tagid_list: [],
    })
  }

  function stamp(): Stamp {
    return {
      timestamp: String(Math.floor(clock.now() / 1000)),
      nonce: String(Buffer.from(core.random(4)).readUInt32BE()),
      // Letters and digits, as the platform has it.
      random: Buffer.from(Buffer.from(core.random(8)).toString('hex')),
    }
  }

  function acted(id: string, said: Said): void {
    const user = users.acted(id)
    const event = said.type === 'event' ? said.event.toLowerCase() : undefined
    user.hasLeft = event === 'unsubscribe'
    if (user.hasLeft) sent.revoke(id)
    const grant = event === undefined ? 'message' : inbound.events[event]
    const allowance = grant === undefined ? undefined : inbound.allowances[grant]
    if (grant !== undefined && allowance !== undefined) sent.grant(id, grant, allowance)
  }

  return {
    kind,
    account: {
      settings: { 'app-id': account.appId, 'original-id': account.originalId, mode: account.mode },
      credentials: {
        token: account.token,
        'encoding-aes-key': account.encodingAesKey,
        'app-secret': account.appSecret,
      },
    },
    core,
    handle: request => (Object.hasOwn(routes, request.path) ? routes[request.path]!(request) : undefined),
    failure: (code, message) => answers.failure(code, message),
    say(id, said, failedOnce) {
      if (!inbound.types.includes(said.type))
        throw new KefuError('KEFU_USAGE', { reason: `users of ${kind} say ${inbound.types.join(', ')}` })
      const fields = fieldsOf(core, { user: checkUser(id), originalId: account.originalId, appId: account.appId }, said)
      const what = wordsOfSaid(said)
      const done = pusher.push({
        ...{ user: id, what, failedOnce },
        build: () => wechatPush(account, format, fields, stamp()),
      })
      acted(id, said)
      return done
    },
    async verify() {
      const echo = BigInt(`0x${Buffer.from(core.random(ECHO_BYTES)).toString('hex')}`).toString()
      try {
        const { status, body } = await pusher.callOnce(wechatVerification(account, echo, stamp()))
        return status === 200 && body === echo ? undefined : `it answered ${status}, and not with the echostr`
      } catch (error) {
        return String(toKefuError(error).detail.reason ?? 'it does not answer')
      }
    },
  }
}

/** 200 with nothing, with `success`, or with a message that is the reply. */
function isTaken({ status, body }: PushAnswer): boolean {
  return status === 200 && /^(|success|\s*<xml>.*|\s*\{.*)$/s.test(body)
}

import { isKefuError, KefuError } from '../../../errors.js'
import { isUnwritten, type SendOutcome } from '../../core/channel-adapter.js'

/** What an errcode means for the message that got it, and what somebody has to do about it. */
type ErrcodeRow = {
  readonly outcome: Exclude<SendOutcome['type'], 'sent' | 'unknown'>
  readonly reason: string
  readonly nextStep: string
  readonly afterMs?: number
}

const TOKENS = 'check the clock of this server, and that base-url leads to 企业微信: kefu channel test NAME'
const CONSOLE = 'the 企业微信 console (work.weixin.qq.com)'
const ACCOUNTS = `look for it in ${CONSOLE}, 应用管理 > 微信客服: without it the contact cannot be answered`

/** The errcodes of 企业微信 that kefu knows. 40014, 42001 (token), 40007 (file) and 95018 (session state) get here only when the second try had them, too. */
export const ERRCODES = {
  [-1]: { outcome: 'retry', reason: '企业微信 is busy', nextStep: 'it is tried again' },
  40001: {
    outcome: 'channel-down',
    reason: 'the secret is wrong',
    nextStep: 'copy the Secret of the app that 微信客服 is assigned to: kefu credential set NAME secret',
  },
  40004: { outcome: 'give-up', reason: 'the platform does not take files of this type', nextStep: 'send another one' },
  40006: {
    outcome: 'give-up',
    reason: 'the platform does not take files of this size',
    nextStep: 'send one of 6 bytes to 20 MB',
  },
  40007: {
    outcome: 'give-up',
    reason: 'the platform does not know the file that it was given',
    nextStep: 'send it again',
  },
  40013: {
    outcome: 'channel-down',
    reason: 'the CorpID is wrong',
    nextStep: 'copy 企业ID from 我的企业: kefu channel set NAME --set corp-id=ww…',
  },
  40014: { outcome: 'channel-down', reason: 'new access tokens are refused', nextStep: TOKENS },
  40058: {
    outcome: 'give-up',
    reason: 'the platform does not take the form of this message',
    nextStep: 'send it in another form',
  },
  40096: { outcome: 'give-up', reason: 'the contact does not exist', nextStep: 'nothing can be sent to it' },
  40201: {
    outcome: 'channel-down',
    reason: 'the account is blocked for sensitive content',
    nextStep: `appeal in ${CONSOLE}`,
  },
  41001: {
    outcome: 'give-up',
    reason: 'the access token is missing',
    nextStep: 'this is an error of kefu: please report it',
  },
  42001: { outcome: 'channel-down', reason: 'new access tokens are refused', nextStep: TOKENS },
  45009: { outcome: 'throttled', reason: 'too many calls', nextStep: 'sending pauses', afterMs: 60_000 },
  45033: { outcome: 'throttled', reason: 'too many calls at once', nextStep: 'sending pauses', afterMs: 3_000 },
  48002: {
    outcome: 'channel-down',
    reason: 'the secret is not permitted to use 微信客服',
    nextStep: '应用管理 > 微信客服 > 可调用接口的应用: add the app whose secret this is',
  },
  60020: {
    outcome: 'channel-down',
    reason: 'the address of this server is not trusted',
    nextStep: '应用管理 > the app > 企业可信IP: add the address from which this server calls',
  },
  84061: {
    outcome: 'give-up',
    reason: 'the contact has nothing to do with this account',
    nextStep: 'it has to write to the account first',
  },
  90207: { outcome: 'give-up', reason: 'the 小程序 is not known', nextStep: 'check its AppID' },
  // A channel may be for several accounts: what is wrong with one of them keeps nobody else's messages.
  95000: { outcome: 'give-up', reason: 'the 客服账号 of this contact is not one (open_kfid)', nextStep: ACCOUNTS },
  95001: {
    outcome: 'window-closed',
    reason: 'no more messages may be sent now (5 within 48 hours of what the contact wrote)',
    nextStep: 'it goes out when the contact writes again',
  },
  95004: { outcome: 'give-up', reason: 'the 客服账号 of this contact does not exist (any more)', nextStep: ACCOUNTS },
  95011: {
    outcome: 'channel-down',
    reason: '微信客服 is managed in 企业微信, not where the secret is from',
    nextStep: 'use the Secret of an app in 企业微信, or move 微信客服 to the site of the secret',
  },
  95012: {
    outcome: 'channel-down',
    reason: '微信客服 is managed on kf.weixin.qq.com, not where the secret is from',
    nextStep: 'use the Secret of that site, or move 微信客服 to 企业微信',
  },
  95013: {
    outcome: 'window-closed',
    reason: 'the session has ended on the platform',
    nextStep: 'it goes out when the contact writes again',
  },
  95017: {
    outcome: 'channel-down',
    reason: 'the API of 微信客服 is switched off',
    nextStep: '应用管理 > 微信客服 > API: switch it on, and assign the 客服账号 to the app',
  },
  95018: {
    outcome: 'give-up',
    reason: 'the platform does not let kefu answer in this session',
    nextStep: '微信客服 > the 客服账号 > 接待方式: choose 智能助手接待, so that sessions stay with the API',
  },
} as const satisfies Readonly<Record<number, ErrcodeRow>>

/** 95018, by the state of the session (`service_state/get`). States 0 and 1 permit answers: they have no row. */
export const STATE_ROWS: Readonly<Record<number, ErrcodeRow>> = {
  2: {
    outcome: 'give-up',
    reason: 'the session waits for an agent in 企业微信 (待接入池), where alone it can be answered',
    nextStep: 'answer or end it there; for later ones 微信客服 > the 客服账号 > 接待方式: 智能助手接待',
  },
  3: {
    outcome: 'give-up',
    reason: 'the session was handed to a human agent in 企业微信, who alone can answer it',
    nextStep: 'end it there; for later ones 微信客服 > the 客服账号 > 接待方式: 智能助手接待',
  },
  4: ERRCODES[95013],
}

/** Why a message that the platform had taken did not arrive, by `fail_type`. */
const FAILURES: Readonly<Record<number, string>> = {
  0: 'the platform does not say why',
  1: 'the 客服账号 was deleted',
  2: 'the app is closed: 应用管理 > the app > 启用',
  4: 'the contact wrote more than 48 hours ago: it can be sent when it writes again',
  5: 'the session has ended: it can be sent when the contact writes again',
  6: 'more than 5 messages since the contact wrote: it can be sent when it writes again',
  7: 'the company has no 视频号 bound to it',
  8: 'the company is not verified: 我的企业 > 企业认证',
  9: 'the company is not verified and has no 视频号 bound to it',
  10: 'the contact refuses messages',
}

/**
 * The refusal of a call, with its errcode as `errcode`: `KEFU_PLATFORM_UNAVAILABLE` when the same may work later, `KEFU_PLATFORM_REFUSED` when somebody has to
 * change something first. The platform has done nothing in either case.
 */
export function refusalOf(errcode: number, errmsg: string | undefined): KefuError {
  const row = errcodeRow(errcode)
  const detail = {
    reason: describeErrcode(errcode, errmsg),
    errcode,
    ...(row !== undefined && { nextStep: row.nextStep }),
  }
  return row?.outcome === 'retry' || row?.outcome === 'throttled'
    ? new KefuError('KEFU_PLATFORM_UNAVAILABLE', { ...detail, written: 'no' })
    : new KefuError('KEFU_PLATFORM_REFUSED', detail)
}

/** The errcode of a refusal; undefined for any other error. */
export function errcodeOf(error: unknown): number | undefined {
  const errcode = isKefuError(error) ? error.detail.errcode : undefined
  return typeof errcode === 'number' ? errcode : undefined
}

/**
 * What became of a message whose call failed. `isMessage`: whether it was the call that holds the message; without an answer it may have been taken then. Throws
 * the error when it says that the call was aborted before anything was written, or when it is none of calling a platform.
 */
export function outcomeOf(error: unknown, isMessage: boolean): SendOutcome {
  if (isKefuError(error, 'KEFU_CREDENTIAL_MISSING'))
    return { type: 'channel-down', reason: `${error.message}: ${error.hint}` }
  if (!isKefuError(error) || !isCallError(error)) throw error
  const errcode = errcodeOf(error)
  const reason = String(error.detail.reason ?? error.message)
  if (errcode !== undefined) return rowOutcome(errcodeRow(errcode), reason)
  if (error.code === 'KEFU_PLATFORM_REFUSED') return { type: 'channel-down', reason }
  return isMessage && !isUnwritten(error) ? { type: 'unknown', reason } : { type: 'retry', reason }
}

/** What became of a message that was refused because of the state of its session (95018). */
export function stateOutcome(state: number | undefined): SendOutcome {
  const row = (state === undefined ? undefined : STATE_ROWS[state]) ?? ERRCODES[95018]
  return rowOutcome(row, `${row.reason}: ${row.nextStep} (errcode 95018)`)
}

/** The row of an errcode; undefined for one that kefu does not know. */
export function errcodeRow(errcode: number): ErrcodeRow | undefined {
  return Object.hasOwn(ERRCODES, errcode) ? (ERRCODES as Readonly<Record<number, ErrcodeRow>>)[errcode] : undefined
}

/** An errcode in a sentence: what it means, what to do, and from which address we called when that is what is wrong. The platform's other words are not repeated. */
export function describeErrcode(errcode: number, errmsg: string | undefined): string {
  const row = errcodeRow(errcode)
  if (row === undefined)
    return `errcode ${errcode}, which kefu does not know: https://open.work.weixin.qq.com/devtool/query?e=${errcode}`
  const address = errcode === 60020 ? /\bfrom ip: ([0-9a-f.:]{3,45})/i.exec(errmsg ?? '')?.[1] : undefined
  return `${row.reason}: ${row.nextStep}${address === undefined ? '' : ` (${address})`} (errcode ${errcode})`
}

/** Why a message that the platform had taken did not arrive, in a sentence. */
export function failureReason(failType: number): string {
  return `not delivered: ${FAILURES[failType] ?? FAILURES[0]} (fail_type ${failType})`
}

function isCallError({ code }: KefuError): boolean {
  return code === 'KEFU_PLATFORM_UNAVAILABLE' || code === 'KEFU_PLATFORM_REFUSED' || code === 'KEFU_BODY_TOO_LARGE'
}

function rowOutcome(row: ErrcodeRow | undefined, reason: string): SendOutcome {
  if (row === undefined) return { type: 'give-up', reason }
  if (row.outcome === 'throttled') return { type: row.outcome, reason, afterMs: row.afterMs ?? 60_000 }
  return { type: row.outcome, reason }
}

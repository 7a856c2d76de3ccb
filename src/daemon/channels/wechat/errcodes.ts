import type { SendOutcome } from '../../core/channel-adapter.js'

/** What an errcode means for a message that got it, and what somebody has to do about it. */
export type ErrcodeRow = {
  readonly outcome: Exclude<SendOutcome['type'], 'sent' | 'unknown'>
  readonly reason: string
  readonly nextStep: string
  /** When a throttled one may go on: the next minute, or midnight in Beijing. */
  readonly after?: 'minute' | 'midnight'
}

/** Rows by errcode. */
export type ErrcodeRows = Readonly<Record<number, ErrcodeRow>>

const CONSOLE = 'mp.weixin.qq.com'
const ALLOW_LIST = `on ${CONSOLE}, 设置与开发 > 开发接口管理 > IP白名单, add the address from which this server calls`
const WAITS = 'it goes out when the contact writes again'
const SECRET = 'copy the AppSecret (开发者密码) again: kefu credential set NAME app-secret'

const down = (reason: string, nextStep: string): ErrcodeRow => ({ outcome: 'channel-down', reason, nextStep })
const giveUp = (reason: string, nextStep: string): ErrcodeRow => ({ outcome: 'give-up', reason, nextStep })

const bug = (reason: string): ErrcodeRow => giveUp(reason, 'this is an error of kefu: please report it with the rid')

/** The errcodes of the WeChat API that kefu knows, as they are meant by the call that sends. Those of tokens and of media ids get here only when trying anew did not help. */
export const ERRCODES = {
  [-1]: { outcome: 'retry', reason: 'the platform is busy', nextStep: 'it is tried again' },
  40001: down(
    'the access token is refused again and again',
    `let nobody else force new tokens of this account; ${SECRET}`,
  ),
  40003: giveUp('the contact is no user of this account', 'check app-id when this happens to everybody'),
  40004: giveUp('the platform does not take files of this type', 'send a JPG, PNG, GIF, AMR, MP3 or MP4'),
  40005: giveUp('the platform does not take files of this format', 'send a JPG, PNG, GIF, AMR, MP3 or MP4'),
  40006: giveUp('the file is too large', 'send a smaller one'),
  40007: giveUp('the platform does not know the file that it was given', 'send it again'),
  40008: giveUp('the platform does not take messages of this type', 'send it as text'),
  40009: giveUp('the picture is too large', 'send a smaller one'),
  40010: giveUp('the voice message is too large', 'send at most 2 MB and 60 seconds'),
  40011: giveUp('the video is too large', 'send a smaller one'),
  40012: giveUp('the preview is too large', 'send it without'),
  40013: down('the AppID is wrong', 'kefu channel set NAME --set app-id=wx…'),
  40014: down('the access token is refused again and again', 'look at base-url: it has to lead to the API of 微信'),
  40033: bug('the platform cannot read the characters of the message'),
  40101: bug('a parameter is missing'),
  40164: down('the platform does not trust the address of this server', ALLOW_LIST),
  40200: giveUp('this account may not send messages of this type', 'send it as text'),
  41001: bug('the access token is missing'),
  41002: down('the AppID is missing', 'kefu channel set NAME --set app-id=wx…'),
  41004: down('the AppSecret is missing', SECRET),
  42001: down('the access token runs out at once', 'check base-url, and the clock of this server'),
  43004: giveUp('the contact does not follow the account', 'nothing can be sent until it follows again'),
  43019: giveUp('the contact is on the blacklist of the account', `take it off the list on ${CONSOLE}`),
  44004: bug('the text is empty'),
  45001: giveUp('the file is too large', 'send a smaller one'),
  45002: giveUp(
    'the text is too long',
    'kefu channel set NAME --set text-limit=… to a smaller number, then send it again',
  ),
  45003: giveUp('the title is too long', 'send a shorter one'),
  45004: giveUp('the description is too long', 'send a shorter one'),
  45008: giveUp('a message may hold one article only', 'send it as text'),
  45009: {
    outcome: 'throttled',
    reason: "the day's calls are used up",
    nextStep: 'sending goes on at midnight in Beijing',
    after: 'midnight',
  },
  45011: {
    outcome: 'throttled',
    reason: 'too many calls in this minute',
    nextStep: 'sending goes on with the next',
    after: 'minute',
  },
  45015: {
    outcome: 'window-closed',
    reason: 'the time to reply is over, or the contact has unfollowed',
    nextStep: WAITS,
  },
  45047: { outcome: 'window-closed', reason: 'no more messages may be sent to the contact now', nextStep: WAITS },
  47001: bug('the platform cannot read the message'),
  48001: down(
    'the account may not send customer messages',
    `it has to be verified (认证), with 客服消息 among its permissions on ${CONSOLE}, 设置与开发 > 开发接口管理 > 接口权限`,
  ),
  48002: giveUp('the contact refuses messages', 'nothing can be sent until it writes again'),
  48004: down('the API is blocked for violations', `see the notices on ${CONSOLE}`),
  48008: giveUp('the account may not send messages of this type', 'send it as text'),
  50002: giveUp('the contact or the account is restricted', `see the notices on ${CONSOLE}`),
} as const satisfies ErrcodeRows

/** What differs for 小程序. */
export const MINI_ERRCODES: ErrcodeRows = {
  40003: giveUp('the contact is no user of this mini program', 'check app-id when this happens to everybody'),
  40101: down('a parameter is missing', 'kefu channel set NAME --set send-api=classic, or business'),
  45009: { ...ERRCODES[45011], reason: 'too many calls' },
}

/** What differs when a token is asked for: the message that needs it was certainly not sent. */
export const TOKEN_ERRCODES: ErrcodeRows = {
  40001: down('the AppSecret is wrong', SECRET),
  40125: down('the AppSecret is wrong', SECRET),
  40243: down('the AppSecret is frozen', `unfreeze it on ${CONSOLE}, 设置与开发 > 开发接口管理`),
  89503: down('the administrator has to confirm calls from this server', 'confirm them in 微信, then try again'),
}

/** The token is no longer good. */
export const TOKEN_REFUSED: ReadonlySet<number> = new Set([40001, 40014, 42001])

/** The account cannot send this type; text it can. */
export const TYPE_REFUSED: ReadonlySet<number> = new Set([40008, 40200, 48008])

/** The uploaded file is not known (any more). */
export const FILE_UNKNOWN = 40007

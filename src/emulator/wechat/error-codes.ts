import { type ApiAnswer, jsonAnswer } from '../core/api.js'

/** What the platform says to its error codes. */
const WORDS: Readonly<Record<number, string>> = {
  [-1]: 'system error',
  40001: 'invalid credential, access_token is invalid or not latest',
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40004: 'invalid media type',
  40005: 'invalid file type',
  40007: 'invalid media_id',
  40008: 'invalid message type',
  40009: 'invalid image size',
  40010: 'invalid voice size',
  40011: 'invalid video size',
  40012: 'invalid thumb size',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40033: 'invalid charset. please check your request, if include \\uxxxx will create fail!',
  40101: 'missing parameter',
  40125: 'invalid appsecret',
  40164: 'invalid ip 127.0.0.1, not in whitelist',
  41001: 'access_token missing',
  41002: 'appid missing',
  41004: 'appsecret missing',
  41005: 'media data missing',
  42001: 'access_token expired',
  43002: 'require POST method',
  43004: 'require subscribe',
  43019: 'require remove blacklist',
  44004: 'empty content',
  45002: 'content size out of limit',
  45008: 'article size out of limit',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  45015: 'response out of time limit or subscription is canceled',
  45047: 'out of response count limit',
  45072: 'command field out of range',
  45080: 'client msg id is invalid',
  45081: 'already in typing status',
  47001: 'data format error',
  48001: 'api unauthorized',
  48002: 'user refuse to accept the msg',
  48004: 'api forbidden for irregularities',
  48008: 'no permission for this msgtype',
  50002: 'user limited',
}

/** Answers of the platform's API: status 200 whatever happens. */
export type Answers = {
  ok(fields?: object): ApiAnswer
  failure(code: number, message?: string): ApiAnswer
}

/** Answers whose request ids are made of chance. */
export function createAnswers(random: (length: number) => Uint8Array): Answers {
  return {
    ok: (fields = {}) => jsonAnswer({ errcode: 0, errmsg: 'ok', ...fields }),
    failure(code, message = WORDS[code] ?? 'error') {
      const rid = [4, 4, 4].map(length => Buffer.from(random(length)).toString('hex')).join('-')
      return jsonAnswer({ errcode: code, errmsg: `${message} rid: ${rid}` })
    },
  }
}

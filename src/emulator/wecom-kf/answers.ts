import { type ApiAnswer, jsonAnswer } from '../core/api.js'

/** What the platform says to its error codes. */
const WORDS: Readonly<Record<number, string>> = {
  [-1]: 'system error',
  40001: 'invalid credential',
  40006: 'invalid file size',
  40007: 'invalid media_id',
  40013: 'invalid corpid',
  40014: 'invalid access_token',
  40058: 'invalid parameter',
  41001: 'access_token missing',
  42001: 'access_token expired',
  60020: 'not allow to access from your ip',
  84061: 'not external contact',
  95000: 'invalid open_kfid',
  95001: 'kf send msg count limit',
  95004: 'open_kfid not exist',
  95007: 'invalid msg token',
  95018: 'send msg session status invalid',
}

/** Answers of the platform's API: status 200 whatever happens. */
export type KfAnswers = {
  ok(fields?: object): ApiAnswer
  failure(code: number, message?: string): ApiAnswer
}

/** Answers whose hints are made of chance. */
export function createKfAnswers(random: (length: number) => Uint8Array): KfAnswers {
  return {
    ok: (fields = {}) => jsonAnswer({ errcode: 0, errmsg: 'ok', ...fields }),
    failure(errcode, message = WORDS[errcode] ?? 'refused') {
      const hint = Buffer.from(random(8)).toString('hex')
      const more = `https://open.work.weixin.qq.com/devtool/query?e=${errcode}`
      return jsonAnswer({
        errcode,
        errmsg: `${message}, hint: [${hint}], from ip: 127.0.0.1, more info at ${more}`,
      })
    },
  }
}

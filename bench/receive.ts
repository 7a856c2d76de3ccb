import { randomBytes } from 'node:crypto'
import { WECHAT_MINI_DRIVER } from '../src/daemon/channels/wechat-mini/adapter.js'
import { WECHAT_MP_DRIVER } from '../src/daemon/channels/wechat-mp/adapter.js'
import type { Callback, ChannelDriver } from '../src/daemon/core/channel-adapter.js'
import { WechatCipher, wechatSignature } from '../src/platform/wechat/crypt.js'
import { formatXml } from '../src/platform/xml.js'
import { readFlags } from './lib/arguments.js'
import { median, round } from './lib/latency.js'
import { progress, report } from './lib/report.js'

/** The time that an adapter takes to verify, decrypt and read a callback, without network and disk. Prints one JSON document. */

const flags = readFlags({
  callbacks: { type: 'number', default: 50_000, min: 1_000, max: 10_000_000, doc: 'callbacks of a round' },
  rounds: { type: 'number', default: 5, min: 1, max: 50, doc: 'rounds of each' },
})

const APP_ID = 'wx0123456789abcdef'
const TOKEN = 'kefu-token'
const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
const DIFFERENT = 1_000
const CASES = {
  'wechat-mp, XML, safe': { driver: WECHAT_MP_DRIVER, mode: 'safe', isJson: false },
  'wechat-mp, XML, plain': { driver: WECHAT_MP_DRIVER, mode: 'plain', isJson: false },
  'wechat-mini, JSON, safe': { driver: WECHAT_MINI_DRIVER, mode: 'safe', isJson: true },
} as const

const microseconds: Record<string, number> = {}
for (const [name, { driver, mode, isJson }] of Object.entries(CASES)) {
  const nowMs = Date.now()
  const callbacks = Array.from({ length: DIFFERENT }, (_, index) => createCallback(index, nowMs, mode, isJson))
  const adapter = open(driver, mode)
  const rounds = Array.from({ length: flags.rounds + 1 }, () => {
    const started = performance.now()
    for (let index = 0; index < flags.callbacks; index++)
      if (adapter.receive(callbacks[index % DIFFERENT]!).events.length !== 1) throw new Error('an event was lost')
    return ((performance.now() - started) / flags.callbacks) * 1000
  })
  // The first one is for the compiler.
  microseconds[name] = round(median(rounds.slice(1)))
  progress(`${name}: ${microseconds[name]} µs`)
}
// Median of the rounds, per callback.
report('receive', flags, { receiveUs: microseconds })

function open(driver: ChannelDriver, mode: string) {
  const http = { call: () => Promise.reject(new Error('nothing is sent')) }
  const clock = { now: () => Date.now(), monotonicMs: () => performance.now() }
  const secrets = new Map(Object.entries({ token: { value: TOKEN }, 'encoding-aes-key': { value: KEY } }))
  return driver.open(
    { http, clock, random: length => randomBytes(length) },
    { settings: { 'app-id': APP_ID, mode }, secrets },
  )
}

function createCallback(index: number, nowMs: number, mode: string, isJson: boolean): Callback {
  const [timestamp, nonce] = [String(Math.floor(nowMs / 1000)), String(1_000_000 + index)]
  const fields = {
    ...{ ToUserName: 'gh_kefu', FromUserName: `oUser${index}_kefu-kefu-kefu-kefu` },
    ...{ CreateTime: Math.floor(nowMs / 1000), MsgType: 'text', Content: '你好，我的订单什么时候发货？' },
    MsgId: String(24_300_000_000_000_000n + BigInt(index)),
  }
  const write = (value: Readonly<Record<string, string | number>>) =>
    isJson ? JSON.stringify(value) : formatXml(value)
  const query = new URLSearchParams({ signature: wechatSignature(TOKEN, timestamp, nonce), timestamp, nonce })
  let body = write(fields)
  if (mode !== 'plain') {
    const Encrypt = new WechatCipher(KEY, APP_ID).seal(body, randomBytes(16))
    query.set('msg_signature', wechatSignature(TOKEN, timestamp, nonce, Encrypt))
    body = write({ ToUserName: fields.ToUserName, Encrypt })
  }
  return { method: 'POST', query, header: () => undefined, bytes: Buffer.from(body), arrivedAtMs: nowMs }
}

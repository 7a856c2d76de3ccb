import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decrypt, getSignature } from '@wecom/crypto'
import type { WechatAccount } from '../../src/emulator/wechat/account.js'
import { bodyOf, wechatPush, wechatVerification } from '../../src/emulator/wechat/callback.js'
import { createWechatMiniEmulator, createWechatMpEmulator } from '../../src/emulator/wechat/emulator.js'
import { parseXml, xmlText } from '../../src/platform/xml.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { callbackServer, serve } from './rig.js'

const ZERO_KEY = 'A'.repeat(43)

function account(given: Partial<WechatAccount>): WechatAccount {
  return {
    ...{ appId: 'wx0123456789abcdef', originalId: 'gh_kefu', appSecret: 'secret-of-nobody', token: 'kefu-token' },
    ...{ encodingAesKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG', mode: 'safe' as const },
    ...given,
  }
}

/** Published with the push of mini programs; body and answer in JSON. */
const MINI = {
  timestamp: 1_714_112_445,
  nonce: 415_670_741,
  random: 'a8eedb185eb2fecf',
  user: 'o9AgO5Kd5ggOC-bXrbNODIiE3bGY',
  signature: '6c5c811b55cc85e0e1b54100749188c20beb3f5d',
  messageSignature: '046e02f8204d34f8ba5fa3b1db94908f3df2e9b3',
  encrypted:
    '+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=',
} as const

/** Chance that gives the vector's nonce and random text. */
function chanceOfMini(length: number): Uint8Array {
  if (length === 8) return Buffer.from(MINI.random, 'hex')
  const bytes = Buffer.alloc(length)
  bytes.writeUInt32BE(MINI.nonce)
  return bytes
}

describe('what is pushed is, byte for byte, what the platform publishes', () => {
  test('JSON in safe mode, by the running emulator', async t => {
    const callback = await callbackServer(t)
    const emulator = createWechatMiniEmulator(
      {
        account: account({
          ...{ appId: 'wxba5fad812f8e6fb9', originalId: 'gh_97417a04a28d' },
          ...{ token: 'AAAAA', encodingAesKey: ZERO_KEY },
        }),
      },
      { clock: createManualClock(MINI.timestamp * 1000), random: chanceOfMini },
    )
    await serve(t, emulator)
    emulator.core.pusher.setTarget(callback.url)
    const content = { type: 'event', event: 'debug_demo', fields: { debug_str: 'hello world' } } as const
    assert.equal((await emulator.say(MINI.user, content)).state, 'delivered')
    const { query, body, contentType } = callback.received[0]!
    assert.equal(contentType, 'application/json')
    assert.equal(body, `{"ToUserName":"gh_97417a04a28d","Encrypt":"${MINI.encrypted}"}`)
    assert.deepEqual(Object.fromEntries(query), {
      ...{ channel: 'main', signature: MINI.signature, msg_signature: MINI.messageSignature, encrypt_type: 'aes' },
      ...{ timestamp: String(MINI.timestamp), nonce: String(MINI.nonce), openid: MINI.user },
    })
  })

  test('XML with text in UTF-8 and an id of 64 bits', () => {
    const { query, body } = wechatPush(
      account({}),
      'xml',
      {
        ...{ ToUserName: 'gh_kefu', FromUserName: 'oUser1', CreateTime: 1_700_000_000 },
        ...{ MsgType: 'text', Content: '你好 kefu', MsgId: 24_300_000_000_000_001n },
      },
      { timestamp: '1700000000', nonce: 'nonce123', random: Buffer.from('0123456789abcdef') },
    )
    const encrypted =
      'Q3stYC6hdFzMh9T8HCvyDJ4rESBupRSxsJzqQVNO7y8xX05+JTK6WrzwTuW5Tew+wx3Y4duWdaxOY5ZoNiz85R3GbXBOCytqIRykYnJ0I1cBom1dwZ41cQDCVlBOU1nwQL5abJVupIR15R07fb1cT45g2aq6hgFH1WLlS/Porqcs58EGCzSLb4i8oXw11/I10hyVmwAXOJSjMpeYs+fVnpVuLE3RvC5fOqKwj1d+1FYPFkaLESzi4+doLw8m/nO9x6oluX9ahz3zzvtwr6B+R1KI9Sp0rE3cnQ2WbPDV2JALGsuSO13xFJn03zveWW783jylaHCyRGdH7bkVoFYfu21SqiGz5qMopCRNML6ybrs/40wfxql+5KKh3JF8G5ZQ'
    assert.equal(
      body,
      `<xml><ToUserName><![CDATA[gh_kefu]]></ToUserName><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`,
    )
    assert.equal(query?.signature, '752c3e932208b8a6394a0dd1666327b13b5533c4')
    assert.equal(query?.msg_signature, '65107d5c875c7bf7c112b164b6a0b7dcbadcaa5a')
  })

  test('the check of the callback address', () => {
    const { query, method } = wechatVerification(account({ token: 'AAAAA' }), '4375120948345356249', {
      timestamp: '1714036504',
      nonce: '1514711492',
    })
    assert.deepEqual(query, {
      signature: 'f464b24fc39322e44b38aa78f5edd27bd1441696',
      ...{ echostr: '4375120948345356249', timestamp: '1714036504', nonce: '1514711492' },
    })
    assert.equal(method, 'GET')
  })

  test('numbers of 64 bits are bare in JSON', () => {
    const body = bodyOf('json', { MsgId: 24_300_000_000_000_001n, CreateTime: 5, Content: '"}\n' })
    assert.equal(body, '{"MsgId":24300000000000001,"CreateTime":5,"Content":"\\"}\\n"}')
  })
})

describe("what is pushed opens with somebody else's program", () => {
  for (const mode of ['safe', 'compat'] as const) {
    test(`${mode} mode in XML`, async t => {
      const callback = await callbackServer(t)
      const own = account({ mode })
      const emulator = createWechatMpEmulator({ account: own })
      await serve(t, emulator)
      emulator.core.pusher.setTarget(callback.url)
      await emulator.say('oLi', { type: 'text', text: '在吗？<b>]]></b>&amp;' })
      const { query, body } = callback.received[0]!
      const outer = parseXml(body)
      const encrypted = xmlText(outer, 'Encrypt')!
      const [timestamp, nonce] = [query.get('timestamp')!, query.get('nonce')!]
      assert.equal(getSignature(own.token, timestamp, nonce, encrypted), query.get('msg_signature'))
      const opened = decrypt(own.encodingAesKey, encrypted)
      assert.equal(opened.id, own.appId)
      assert.match(opened.message, /<FromUserName><!\[CDATA\[oLi\]\]><\/FromUserName>/)
      assert.match(opened.message, /<MsgId>\d{17}<\/MsgId>/)
      assert.equal(xmlText(outer, 'FromUserName'), mode === 'compat' ? 'oLi' : undefined)
    })
  }

  test('plain mode is not encrypted, and signed over the token', async t => {
    const callback = await callbackServer(t)
    const own = account({ mode: 'plain' })
    const emulator = createWechatMpEmulator({ account: own })
    await serve(t, emulator)
    emulator.core.pusher.setTarget(callback.url)
    await emulator.say('oLi', { type: 'text', text: 'hello' })
    const { query, body } = callback.received[0]!
    assert.equal(xmlText(parseXml(body), 'Content'), 'hello')
    assert.equal(query.has('encrypt_type') || query.has('msg_signature'), false)
    assert.equal(query.get('signature'), getSignature(own.token, query.get('timestamp')!, query.get('nonce')!, ''))
  })
})

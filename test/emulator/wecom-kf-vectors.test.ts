import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createKfAccount } from '../../src/emulator/wecom-kf/account.js'
import { kfPush, kfSignal, kfVerification } from '../../src/emulator/wecom-kf/callback.js'
import { createWecomKfEmulator } from '../../src/emulator/wecom-kf/emulator.js'
import { WechatCipher } from '../../src/platform/wechat/crypt.js'
import { parseXml, xmlText } from '../../src/platform/xml.js'
import { createManualClock } from '../helpers/manual-clock.js'
import { WECHAT_VECTORS, type WechatVector } from '../helpers/wechat-vectors.js'
import { callbackServer } from './rig.js'

/** The company of a vector, and what its pushes are made of. */
function partsOf({ token, encodingAesKey, receiver, timestamp, nonce, random }: WechatVector) {
  const given = { corpId: receiver, token, encodingAesKey, openKfId: 'wkKefu000000000000' }
  return {
    account: createKfAccount(length => new Uint8Array(length), given),
    stamp: { timestamp, nonce, random: Buffer.from(random) },
  }
}

describe('the emulator of 微信客服 writes, byte for byte, what the vectors say', () => {
  for (const name of ['企业微信, echostr', '微信客服, echostr'] as const)
    test(name, () => {
      const vector = WECHAT_VECTORS[name]
      const { account, stamp } = partsOf(vector)
      const { method, query } = kfVerification(account, vector.message, stamp)
      const { timestamp, nonce, encrypted, signature } = vector
      assert.deepEqual([method, query], ['GET', { msg_signature: signature, timestamp, nonce, echostr: encrypted }])
    })

  for (const name of ['企业微信, received', '企业微信, sent', '微信客服, event'] as const)
    test(name, () => {
      const vector: WechatVector = WECHAT_VECTORS[name]
      const { account, stamp } = partsOf(vector)
      const { timestamp, nonce, encrypted, signature } = vector
      const message =
        vector.message ?? new WechatCipher(vector.encodingAesKey, vector.receiver).open(encrypted).toString()
      const { method, query, body } = kfPush(account, message, stamp)
      assert.deepEqual([method, query], ['POST', { msg_signature: signature, timestamp, nonce }])
      assert.equal(xmlText(parseXml(String(body)), 'Encrypt'), encrypted)
    })

  test('the message of the event', () => {
    const vector = WECHAT_VECTORS['微信客服, event']
    assert.equal(kfSignal(partsOf(vector).account, 'ENCkefuToken0001', Number(vector.timestamp)), vector.message)
  })

  test('the running emulator signs with its clock and its chance', async t => {
    const vector = WECHAT_VECTORS['微信客服, event']
    const callback = await callbackServer(t)
    const chance = (length: number) => Buffer.alloc(length, 7)
    const emulator = createWecomKfEmulator(
      { account: partsOf(vector).account },
      { clock: createManualClock(Number(vector.timestamp) * 1_000), random: chance },
    )
    t.after(() => emulator.core.pusher.close())
    emulator.core.pusher.setTarget(callback.url)
    assert.equal((await emulator.say('li', { type: 'text', text: 'hello' })).state, 'delivered')
    const { query, body } = callback.received[0]!
    const stamp = { timestamp: vector.timestamp, nonce: String(0x07070707), random: Buffer.from('07'.repeat(8)) }
    const message = kfSignal(partsOf(vector).account, `ENC${'07'.repeat(20)}`, Number(vector.timestamp))
    const expected = kfPush(partsOf(vector).account, message, stamp)
    assert.deepEqual(Object.fromEntries(query), { channel: 'main', ...expected.query })
    assert.equal(body, expected.body)
  })
})

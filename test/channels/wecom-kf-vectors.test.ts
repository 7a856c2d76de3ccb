import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decrypt, encrypt, getSignature } from '@wecom/crypto'
import { isKefuError } from '../../src/errors.js'
import { WechatCipher } from '../../src/platform/wechat/crypt.js'
import { arrival, openSubject } from '../conformance/channel-kit.js'
import { WECHAT_VECTORS, type WechatVector } from '../helpers/wechat-vectors.js'
import { KIT } from './wecom-kf-kit.js'
import { ACCOUNT } from './wecom-kf-platform.js'

/** An adapter with the secrets of a vector, and what it makes of the vector; `changes` of the query. */
function receive(vector: WechatVector, method: 'GET' | 'POST', changes: Record<string, string> = {}) {
  const { token, encodingAesKey, receiver, timestamp, nonce, encrypted, signature } = vector
  const { adapter } = openSubject(KIT, {
    secrets: { token, 'encoding-aes-key': encodingAesKey, secret: 'not-used-here' },
    settings: { 'corp-id': receiver, 'open-kfid': '' },
  })
  const query = {
    timestamp,
    nonce,
    msg_signature: signature,
    ...(method === 'GET' && { echostr: encrypted }),
    ...changes,
  }
  const body = Buffer.from(method === 'GET' ? '' : `<xml><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`)
  return adapter.receive(arrival({ method, query, headers: {}, body }, Number(timestamp) * 1_000))
}

const isRefused = (error: unknown) => isKefuError(error, 'KEFU_CALLBACK_REFUSED')

describe('wecom-kf: vectors', () => {
  for (const name of ['企业微信, echostr', '微信客服, echostr'] as const) {
    const vector = WECHAT_VECTORS[name]
    for (const echostr of new Set([vector.encrypted, vector.encrypted.replaceAll('+', ' ')]))
      test(`${name}: is answered in the clear${echostr.includes(' ') ? ', also when its pluses became spaces' : ''}`, () =>
        assert.equal(receive(vector, 'GET', { echostr }).answer.body, vector.message))

    test(`${name}: another nonce is refused`, () => {
      const nonce = `${vector.nonce.slice(0, -1)}4`
      assert.throws(() => receive(vector, 'GET', { nonce }), isRefused)
    })
  }

  for (const name of ['企业微信, received', '企业微信, sent'] as const) {
    const vector = WECHAT_VECTORS[name]
    test(`${name}: is a message, and no signal`, () => {
      const { answer, events, signal } = receive(vector, 'POST')
      assert.deepEqual([answer.status, answer.body, events, signal], [200, 'success', [], undefined])
    })

    test(`${name}: another signature and another company are refused`, () => {
      const { signature: other } = WECHAT_VECTORS['微信客服, event']
      assert.throws(() => receive(vector, 'POST', { msg_signature: other }), isRefused)
      assert.throws(() => receive({ ...vector, receiver: 'ww1234567890abcdef' }, 'POST'), isRefused)
    })
  }

  test('微信客服, event: is a signal', () => {
    const { answer, signal } = receive(WECHAT_VECTORS['微信客服, event'], 'POST')
    assert.deepEqual([answer.status, answer.body], [200, 'success'])
    assert.deepEqual(signal, { account: ACCOUNT, pass: 'ENCkefuToken0001' })
  })

  test('reads what @wecom/crypto writes, and the other way round', () => {
    const { token, encodingAesKey, receiver, timestamp, nonce } = WECHAT_VECTORS['微信客服, event']
    const message = '<xml><MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>T</Token></xml>'
    const theirs = encrypt(encodingAesKey, message, receiver)
    const signature = getSignature(token, timestamp, nonce, theirs)
    const vector = { ...WECHAT_VECTORS['微信客服, event'], encrypted: theirs, signature }
    assert.deepEqual(receive(vector, 'POST').signal, { account: '*', pass: 'T' })
    const ours = new WechatCipher(encodingAesKey, 'ww1').seal(message, Buffer.alloc(16, 97))
    const opened = decrypt(encodingAesKey, ours)
    assert.deepEqual([opened.message, opened.id], [message, 'ww1'])
  })
})

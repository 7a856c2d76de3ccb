import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import * as wecom from '@wecom/crypto'
import fc from 'fast-check'
import {
  ENCODING_AES_KEY,
  isWechatSignature,
  WechatCipher,
  WechatCryptError,
  wechatSignature,
} from '../../../src/platform/wechat/crypt.js'
import { FUZZ_COUNT, fuzzDecoder } from '../../helpers/mutate.js'
import { WECHAT_SIGNATURES, WECHAT_VECTORS, type WechatVector } from '../../helpers/wechat-vectors.js'

const VECTORS: Readonly<Record<string, WechatVector>> = WECHAT_VECTORS
const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const keys = fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 43, maxLength: 43 })

describe('callbacks of 微信: published vectors', () => {
  for (const [name, vector] of Object.entries(VECTORS)) {
    const { token, timestamp, nonce, encrypted, signature, random, message, messageBytes } = vector
    const cipher = new WechatCipher(vector.encodingAesKey, vector.receiver)

    it(`signs: ${name}`, () => {
      assert.equal(wechatSignature(token, timestamp, nonce, encrypted), signature)
      assert.ok(isWechatSignature(signature, encrypted, nonce, timestamp, token))
    })

    it(`opens and seals: ${name}`, () => {
      const opened = cipher.open(encrypted)
      if (message !== undefined) assert.equal(opened.toString(), message)
      if (messageBytes !== undefined) assert.equal(opened.length, messageBytes)
      assert.equal(cipher.seal(opened, Buffer.from(random)), encrypted)
    })

    it(`is what @wecom/crypto makes of it: ${name}`, () => {
      const theirs = wecom.decrypt(vector.encodingAesKey, encrypted)
      assert.equal(cipher.open(encrypted).toString(), theirs.message)
      assert.equal(theirs.id, vector.receiver)
      assert.equal(wecom.getSignature(token, timestamp, nonce, encrypted), signature)
    })

    it(`no bit of the signature or of what is signed can change: ${name}`, () => {
      for (const forged of flips(signature)) assert.ok(!isWechatSignature(forged, token, timestamp, nonce, encrypted))
      for (const forged of flips(encrypted)) assert.ok(!isWechatSignature(signature, token, timestamp, nonce, forged))
      for (const forged of flips(timestamp)) assert.ok(!isWechatSignature(signature, token, forged, nonce, encrypted))
      for (const forged of flips(nonce)) assert.ok(!isWechatSignature(signature, token, timestamp, forged, encrypted))
      for (const forged of flips(token)) assert.ok(!isWechatSignature(signature, forged, timestamp, nonce, encrypted))
    })
  }

  for (const { texts, signature } of WECHAT_SIGNATURES)
    it(`signs ${texts.join(', ')}`, () => assert.equal(wechatSignature(...texts), signature))

  it('knows a signature that is not right', () => {
    const { token, timestamp, encrypted, signature } = WECHAT_VECTORS['企业微信, echostr']
    assert.ok(!isWechatSignature(signature, token, timestamp, '437374424', encrypted))
    for (const wrong of ['', signature.slice(1), `${signature}0`, signature.toUpperCase(), '签'.repeat(40)])
      assert.ok(!isWechatSignature(wrong, token, timestamp, '437374425', encrypted), wrong)
  })
})

describe('WechatCipher', () => {
  const { encodingAesKey, receiver } = WECHAT_VECTORS['official account, UTF-8']
  const cipher = new WechatCipher(encodingAesKey, receiver)

  it('opens what it seals, and what @wecom/crypto does, and the other way round', () => {
    const samples = [fc.uint8Array({ maxLength: 400 }), keys, fc.string({ maxLength: 40 })] as const
    fc.assert(
      fc.property(...samples, (message, key, id) => {
        const random = randomBytes(16)
        const own = new WechatCipher(key, id)
        const sealed = own.seal(message, random)
        assert.deepEqual(Uint8Array.from(own.open(sealed)), message)
        const text = Buffer.from(message).toString()
        assert.equal(own.open(wecom.encrypt(key, text, id.toWellFormed(), random)).toString(), text)
        assert.equal(own.seal(text, random), wecom.encrypt(key, text, id, random))
        assert.equal(wecom.decrypt(key, own.seal(text, random)).message, text)
      }),
      { numRuns: 300 },
    )
  })

  it('reads keys whose last character carries more than 256 bits', () => {
    const noisy = `${encodingAesKey.slice(0, -1)}H`
    assert.notEqual(noisy, encodingAesKey)
    const [a, b] = ['G', 'H'].map(last => new WechatCipher(encodingAesKey.slice(0, -1) + last, receiver))
    assert.equal(b!.open(a!.seal('x', Buffer.alloc(16))).toString(), 'x')
  })

  it('pads whole blocks with one more', () => {
    // 16 random bytes, 4 of the length, 18 of the receiver: 26 fill two blocks.
    const sealed = cipher.seal('x'.repeat(26), Buffer.alloc(16))
    assert.equal(Buffer.from(sealed, 'base64').length, 96)
    assert.equal(cipher.open(sealed).length, 26)
  })

  it('refuses what is for another receiver, under another key, cut or empty', () => {
    const sealed = cipher.seal('hello', Buffer.alloc(16, 7))
    for (const other of ['wx0123456789abcdeF', 'wx0123456789abcde', `${receiver}0`, ''])
      assert.throws(() => new WechatCipher(encodingAesKey, other).open(sealed), WechatCryptError)
    assert.throws(() => new WechatCipher('B'.repeat(43), receiver).open(sealed), WechatCryptError)
    for (const wrong of ['', '=', 'AAAA', sealed.slice(4), sealed.slice(0, 40), sealed.slice(0, -4)])
      assert.throws(() => cipher.open(wrong), WechatCryptError, wrong)
  })

  it('refuses keys that are none', () => {
    for (const key of ['', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}=`, `${'A'.repeat(42)}+`]) {
      assert.ok(!ENCODING_AES_KEY.test(key))
      assert.throws(() => new WechatCipher(key, receiver), TypeError)
    }
    assert.throws(() => cipher.seal('x', Buffer.alloc(15)), TypeError)
  })

  it('opens anything or says why not', async () => {
    const corpus = ['', 'hello', '你好'.repeat(50)].map(text =>
      Buffer.from(cipher.seal(text, Buffer.alloc(16)), 'base64'),
    )
    const { values, errors } = await fuzzDecoder({
      name: 'WechatCipher.open',
      seed: 40,
      count: FUZZ_COUNT / 4,
      corpus,
      decode: bytes => cipher.open(Buffer.from(bytes).toString('base64')),
      isExpectedError: error => error instanceof WechatCryptError,
    })
    assert.ok(values > 0 && errors > 0)
  })
})

function* flips(text: string): Generator<string> {
  const bytes = Buffer.from(text)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    yield changed.toString('latin1')
  }
}

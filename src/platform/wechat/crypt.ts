import { createCipheriv, createDecipheriv, hash, timingSafeEqual } from 'node:crypto'

/**
 * Signatures and encryption of the callbacks of 微信 and 企业微信: SHA-1 over sorted texts, and AES-256-CBC with padding to 32 bytes around
 * random, length, message and receiver. After the platforms' "消息加解密说明" (公众号, 小程序, 企业微信: the same algorithm).
 */

/** What cannot be opened: damaged, forged, or meant for somebody else. */
export class WechatCryptError extends Error {
  override readonly name = 'WechatCryptError'
}

/** Characters of an EncodingAESKey. */
export const ENCODING_AES_KEY = /^[a-zA-Z0-9]{43}$/

const BLOCK_BYTES = 32
const RANDOM_BYTES = 16
const HEADER_BYTES = RANDOM_BYTES + 4

/** The lower-case hex SHA-1 of the texts, sorted and joined: `signature` of (token, timestamp, nonce), `msg_signature` with the encrypted text, too. */
export function wechatSignature(...texts: readonly string[]): string {
  return hash('sha1', texts.toSorted().join(''))
}

/** Whether a signature is that of the texts; in constant time. */
export function isWechatSignature(given: string, ...texts: readonly string[]): boolean {
  const expected = Buffer.from(wechatSignature(...texts))
  const actual = Buffer.from(given)
  return actual.length === expected.length && timingSafeEqual(actual, expected)
}

/** An EncodingAESKey, decoded once for many messages. `receiver`: the AppID, or the CorpID of 企业微信. */
export class WechatCipher {
  readonly #key: Buffer
  readonly #iv: Buffer
  readonly #receiver: Buffer

  /** Throws a TypeError for a key that is not 43 letters and digits. */
  constructor(encodingAesKey: string, receiver: string) {
    if (!ENCODING_AES_KEY.test(encodingAesKey)) throw new TypeError('an EncodingAESKey has 43 letters and digits')
    // The bits after the 256th are the platform's noise: decoded leniently.
    this.#key = Buffer.from(`${encodingAesKey}=`, 'base64')
    this.#iv = this.#key.subarray(0, 16)
    this.#receiver = Buffer.from(receiver)
  }

  /** The message in an encrypted text. Throws `WechatCryptError`. */
  open(encrypted: string): Buffer {
    const bytes = Buffer.from(encrypted, 'base64')
    if (bytes.length === 0 || bytes.length % 16 !== 0) throw new WechatCryptError('not a whole number of blocks')
    const decipher = createDecipheriv('aes-256-cbc', this.#key, this.#iv).setAutoPadding(false)
    // Whole blocks without automatic padding: the first part is all of it, and the last one is empty.
    const padded = decipher.update(bytes)
    const padding = padded[padded.length - 1]!
    if (padding < 1 || padding > BLOCK_BYTES || padding > padded.length)
      throw new WechatCryptError('the padding is wrong')
    const plain = padded.subarray(0, padded.length - padding)
    if (plain.length < HEADER_BYTES) throw new WechatCryptError('too short')
    const end = HEADER_BYTES + plain.readUInt32BE(RANDOM_BYTES)
    if (end > plain.length) throw new WechatCryptError('shorter than it says')
    const receiver = plain.subarray(end)
    if (receiver.length !== this.#receiver.length || !timingSafeEqual(receiver, this.#receiver))
      throw new WechatCryptError('meant for another receiver')
    return plain.subarray(HEADER_BYTES, end)
  }

  /** The encrypted text of a message; `random`: 16 bytes. */
  seal(message: Uint8Array | string, random: Uint8Array): string {
    if (random.length !== RANDOM_BYTES) throw new TypeError('16 random bytes are needed')
    const body = Buffer.from(message)
    const length = HEADER_BYTES + body.length + this.#receiver.length
    const padding = BLOCK_BYTES - (length % BLOCK_BYTES)
    const plain = Buffer.alloc(length + padding, padding)
    plain.set(random)
    plain.writeUInt32BE(body.length, RANDOM_BYTES)
    plain.set(body, HEADER_BYTES)
    plain.set(this.#receiver, HEADER_BYTES + body.length)
    const cipher = createCipheriv('aes-256-cbc', this.#key, this.#iv).setAutoPadding(false)
    const encrypted = cipher.update(plain, undefined, 'base64')
    return encrypted + cipher.final('base64')
  }
}

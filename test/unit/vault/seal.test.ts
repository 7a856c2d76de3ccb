import assert from 'node:assert/strict'
import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { MasterKey, type Sealed } from '../../../src/daemon/vault/seal.js'
import { unicode } from '../../helpers/arbitraries.js'

const PLACE = ['credential', 'channel/1', 'token']
const random = (length: number) => randomBytes(length)
const newKey = () => new MasterKey(randomBytes(32))

describe('sealing', () => {
  test('what is sealed for a place opens there, and nowhere else', () => {
    const [key, other] = [newKey(), newKey()]
    const place = fc.array(fc.string({ maxLength: 8 }), { maxLength: 4 })
    const property = (text: string, at: string[], elsewhere: string[]): void => {
      const sealed = key.seal(at, text, random)
      assert.equal(key.open(at, sealed), text)
      assert.equal(other.open(at, sealed), undefined)
      assert.equal(other.open(at, { ...sealed, key: other.id }), undefined)
      if (JSON.stringify(at) !== JSON.stringify(elsewhere)) assert.equal(key.open(elsewhere, sealed), undefined)
    }
    fc.assert(fc.property(unicode(0, 300), place, place, property), { numRuns: 300 })
  })

  test('every bit that is flipped is noticed, and every byte that is missing', () => {
    const key = newKey()
    for (const length of [0, 1, 16, 33]) {
      const sealed = key.seal(PLACE, 'x'.repeat(length), random)
      for (const field of ['nonce', 'box'] as const) {
        const bytes = sealed[field]
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const flipped = Uint8Array.from(bytes)
          flipped[bit >> 3]! ^= 1 << (bit & 7)
          assert.equal(key.open(PLACE, { ...sealed, [field]: flipped }), undefined, `${field} bit ${bit}`)
        }
        for (let end = 0; end < bytes.length; end++)
          assert.equal(key.open(PLACE, { ...sealed, [field]: bytes.subarray(0, end) }), undefined)
        assert.equal(key.open(PLACE, { ...sealed, [field]: Buffer.concat([bytes, Buffer.alloc(1)]) }), undefined)
      }
    }
  })

  test('never twice the same, and the same text has one digest under one key', () => {
    const key = newKey()
    const all = Array.from({ length: 50 }, () => key.seal(PLACE, 'same', random))
    const hex = ({ nonce, box }: Sealed) => Buffer.concat([nonce, box]).toString('hex')
    assert.equal(new Set(all.map(hex)).size, all.length)
    assert.equal(all[0]!.nonce.length, 12)
    assert.equal(key.digest('same'), key.digest('same'))
    assert.match(key.digest('same'), /^[0-9a-f]{8}$/)
    assert.notEqual(key.digest('same'), newKey().digest('same'))
  })

  test('what is on the disk is what the format says: HKDF-SHA-256, AES-256-GCM, bound to key and place', () => {
    const bytes = Buffer.alloc(32, 3)
    const [sealing, id] = (['seal', 'id'] as const).map(purpose =>
      Buffer.from(hkdfSync('sha256', bytes, '', `kefu vault 1 ${purpose}`, purpose === 'id' ? 8 : 32)),
    )
    const nonce = Buffer.alloc(12, 4)
    const cipher = createCipheriv('aes-256-gcm', sealing!, nonce)
    cipher.setAAD(Buffer.from(JSON.stringify(['kefu', '1', id!.toString('hex'), ...PLACE])))
    const box = Buffer.concat([cipher.update('a secret'), cipher.final(), cipher.getAuthTag()])
    const key = new MasterKey(bytes)
    assert.equal(key.id, id!.toString('hex'))
    assert.equal(key.open(PLACE, { key: key.id, nonce, box }), 'a secret')
    assert.deepEqual(
      key.seal(PLACE, 'a secret', () => nonce),
      { key: key.id, nonce, box },
    )
  })

  test('a key is told by nothing that prints it', () => {
    const bytes = randomBytes(32)
    const key = new MasterKey(bytes)
    const printed = `${inspect(key, { depth: 9, showHidden: true })}${JSON.stringify(key)}${String(key)}`
    for (const form of ['hex', 'base64', 'base64url'] as const) assert.ok(!printed.includes(bytes.toString(form)))
    assert.equal(new MasterKey(bytes).id, key.id)
    assert.match(key.id, /^[0-9a-f]{16}$/)
    assert.throws(() => new MasterKey(randomBytes(31)), RangeError)
  })

  test('a key can be sealed under another one, for whoever has that', () => {
    const [key, next] = [newKey(), newKey()]
    const sealed = next.sealKey(['key'], key, random)
    assert.equal(next.openKey(['key'], sealed)?.id, key.id)
    assert.equal(next.openKey(['other'], sealed), undefined)
    assert.equal(key.openKey(['key'], sealed), undefined)
    assert.equal(next.openKey(PLACE, next.seal(PLACE, 'no key', random)), undefined)
  })
})

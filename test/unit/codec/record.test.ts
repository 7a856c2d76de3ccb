import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { pack } from '../../../src/codec/msgpack.js'
import {
  openValue,
  packRecord,
  RECORD_FLAGS,
  RECORD_HEADER_BYTES,
  type RecordStamp,
  rawRecordBody,
  readRecordBody,
  readStamp,
  readUint64,
  sealValue,
  stampRecord,
  writeUint64,
} from '../../../src/codec/record.js'
import { isKefuError } from '../../../src/errors.js'
import { bytes, plainMap } from '../../helpers/arbitraries.js'
import { fuzzDecoder } from '../../helpers/mutate.js'

const CONVERSATION = fromHex('000102030405060708090a0b0c0d0e0f')
const GOLDEN_BYTES =
  '0102d358c011' +
  '0000000000000102' +
  '0000000000000003' +
  '0000000000000101' +
  '0000018bcfe5687b' +
  '82a474797065a76d657373616765a5706172747390'
const GOLDEN_STAMP = { flags: 2, seq: 258, n: 3, prev: 257, at: 1_700_000_000_123 }
const GOLDEN_BODY = { type: 'message', parts: [] }

const uint = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1))
const stamps: fc.Arbitrary<RecordStamp> = fc.record(
  { flags: fc.nat(7), seq: uint, n: uint, prev: uint, at: uint },
  { noNullPrototype: true },
)

const CORPUS = makeCorpus()

describe('stored records', () => {
  it('read back as they were written', () => {
    fc.assert(
      fc.property(bytes(16), stamps, plainMap(), (conversation, stamp, body) => {
        const record = recordOf(conversation, stamp, body)
        assert.deepEqual(readStamp(record, conversation), stamp)
        assert.deepEqual(readRecordBody(record), body)
        assert.deepEqual(Buffer.from(rawRecordBody(record)), Buffer.from(pack(body)))
      }),
      { numRuns: 500 },
    )
  })

  it('have these bytes', () => {
    assert.equal(hex(recordOf(CONVERSATION, GOLDEN_STAMP, GOLDEN_BODY)), GOLDEN_BYTES)
    assert.deepEqual(readStamp(fromHex(GOLDEN_BYTES), CONVERSATION), GOLDEN_STAMP)
    assert.deepEqual(readRecordBody(fromHex(GOLDEN_BYTES)), GOLDEN_BODY)
    assert.deepEqual(RECORD_FLAGS, { tombstone: 1, internal: 2, partial: 4, imported: 8 })
    assert.equal(RECORD_HEADER_BYTES, 38)
  })

  it('do not share bytes with one another', () => {
    const records = Array.from({ length: 100 }, (_, i) => recordOf(CONVERSATION, { ...GOLDEN_STAMP, n: i }, { i }))
    for (const [i, record] of records.entries()) {
      assert.equal(readStamp(record, CONVERSATION).n, i)
      assert.deepEqual(readRecordBody(record), { i })
      record.fill(0)
    }
  })

  it('are refused with any single bit flipped, in the record or in its key', () => {
    const body = { type: 'message', by: { role: 'contact' }, id: 'm1', parts: [{ type: 'text', text: '你好, hello' }] }
    const record = recordOf(CONVERSATION, GOLDEN_STAMP, body)
    eachFlip(record, flipped => assert.throws(() => readStamp(flipped, CONVERSATION), isRefusal))
    eachFlip(CONVERSATION, flipped => assert.throws(() => readStamp(record, flipped), isRefusal))
    assert.deepEqual(readStamp(record, CONVERSATION), GOLDEN_STAMP)
  })

  it('are refused with any run of up to 32 bits changed', () => {
    const record = recordOf(CONVERSATION, GOLDEN_STAMP, GOLDEN_BODY)
    fc.assert(
      fc.property(fc.nat(record.length - 1), bytes(4), (at, noise) => {
        const damaged = Buffer.from(record)
        for (let i = 0; i < 4 && at + i < damaged.length; i++) damaged[at + i]! ^= noise[i]!
        if (Buffer.compare(damaged, record) !== 0) assert.throws(() => readStamp(damaged, CONVERSATION), isRefusal)
      }),
      { numRuns: 2000 },
    )
  })

  it('are refused when truncated or extended', () => {
    const record = recordOf(CONVERSATION, GOLDEN_STAMP, GOLDEN_BODY)
    for (let length = 0; length < record.length; length++)
      assert.throws(() => readStamp(record.subarray(0, length), CONVERSATION), isRefusal)
    assert.throws(() => readStamp(Buffer.concat([record, Uint8Array.of(0)]), CONVERSATION), isRefusal)
  })

  it('are refused with an unknown version or flag although the CRC is right', () => {
    const withByte = (at: number, value: number) => {
      const record = Buffer.from(recordOf(CONVERSATION, GOLDEN_STAMP, GOLDEN_BODY))
      record[at] = value
      record.writeUInt32BE(crc32(record.subarray(6), crc32(record.subarray(0, 2), crc32(CONVERSATION))), 2)
      return record
    }
    assert.deepEqual(readStamp(withByte(1, 15), CONVERSATION), { ...GOLDEN_STAMP, flags: 15 })
    for (const version of [0, 2, 255])
      assert.throws(() => readStamp(withByte(0, version), CONVERSATION), /record version/)
    for (const flags of [16, 32, 128, 255])
      assert.throws(() => readStamp(withByte(1, flags), CONVERSATION), /record flags/)
  })

  it('have a map as body', () => {
    for (const body of ['90', '01', 'c0', 'a161', '81', 'c1', '8080', 'd6ff00000000', 'dfffffffff'])
      assert.throws(
        () => readRecordBody(Buffer.concat([new Uint8Array(RECORD_HEADER_BYTES), fromHex(body)])),
        isRefusal,
        body,
      )
  })

  it('give a stamp or KEFU_CODEC_INVALID for mutated bytes', async () => {
    const { errors } = await fuzzDecoder({
      name: 'readStamp',
      seed: 31,
      corpus: CORPUS,
      decode: input => readStamp(input, CONVERSATION),
      isExpectedError: isRefusal,
      check: (stamp, input) => {
        // Only a mutation that changed nothing, or became another entry of the corpus, gets past the CRC.
        assert.ok(CORPUS.some(entry => Buffer.compare(entry, input) === 0))
        assert.ok(Number.isSafeInteger(stamp.seq))
      },
    })
    assert.ok(errors > 1000, `${errors} errors`)
  })

  it('give a body or KEFU_CODEC_INVALID for mutated bytes behind a right CRC', async () => {
    const { values, errors } = await fuzzDecoder({
      name: 'readRecordBody',
      seed: 32,
      corpus: CORPUS.map(record => record.subarray(RECORD_HEADER_BYTES)),
      decode: body => {
        const record = Buffer.concat([new Uint8Array(RECORD_HEADER_BYTES), body])
        if (body.length > 0) {
          stampRecord(record, CONVERSATION, GOLDEN_STAMP)
          readStamp(record, CONVERSATION)
        }
        return readRecordBody(record)
      },
      isExpectedError: isRefusal,
      check: body => assert.ok(typeof body === 'object' && body !== null && !Array.isArray(body)),
    })
    assert.ok(values > 500 && errors > 500, `${values} values, ${errors} errors`)
  })
})

describe('sealed values', () => {
  const key = Buffer.from('Kchannel')

  it('open as they were sealed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), plainMap(), (key, value) => {
        assert.deepEqual(openValue(key, sealValue(key, value)), value)
      }),
      { numRuns: 300 },
    )
  })

  it('have these bytes', () => {
    assert.equal(hex(sealValue(Buffer.from('Kx'), { a: 1 })), '019b417c7b81a16101')
    assert.deepEqual(openValue(Buffer.from('Kx'), fromHex('019b417c7b81a16101')), { a: 1 })
  })

  it('are refused with any single bit flipped, truncated, extended, or under another key', () => {
    const sealed = sealValue(key, { name: 'web', number: 7, secret: 'abc' })
    eachFlip(sealed, flipped => assert.throws(() => openValue(key, flipped), isRefusal))
    eachFlip(key, flipped => assert.throws(() => openValue(flipped, sealed), isRefusal))
    for (let length = 0; length < sealed.length; length++)
      assert.throws(() => openValue(key, sealed.subarray(0, length)), isRefusal)
    assert.throws(() => openValue(key, Buffer.concat([sealed, Uint8Array.of(0)])), isRefusal)
  })

  it('are refused when the right CRC covers no msgpack', () => {
    for (const content of ['c1c1', '81', 'a5', 'dd01ffffff']) {
      const sealed = Buffer.concat([new Uint8Array(5), fromHex(content)])
      sealed[0] = 1
      sealed.writeUInt32BE(crc32(sealed.subarray(5), crc32(key)), 1)
      assert.throws(() => openValue(key, sealed), isRefusal, content)
    }
  })

  it('give a value or KEFU_CODEC_INVALID for mutated bytes', async () => {
    const { errors } = await fuzzDecoder({
      name: 'openValue',
      seed: 33,
      corpus: CORPUS.map(record => sealValue(key, readRecordBody(record))),
      decode: input => openValue(key, input),
      isExpectedError: isRefusal,
    })
    assert.ok(errors > 1000, `${errors} errors`)
  })
})

describe('64-bit integers', () => {
  it('read back as written, in byte order', () => {
    fc.assert(
      fc.property(uint, uint, (a, b) => {
        const [left, right] = [a, b].map(value => {
          const out = new Uint8Array(8)
          writeUint64(out, 0, value)
          assert.equal(readUint64(out, 0), value)
          assert.equal(Buffer.from(out).readBigUInt64BE(), BigInt(value))
          return out
        })
        assert.equal(Buffer.compare(left!, right!), Math.sign(a - b))
      }),
      { numRuns: 1000 },
    )
  })
})

function makeCorpus(): readonly Uint8Array[] {
  const bodies = fc.sample(plainMap(), { numRuns: 20, seed: 5 })
  return [GOLDEN_BODY, ...bodies].map(body => recordOf(CONVERSATION, GOLDEN_STAMP, body))
}

function recordOf(conversation: Uint8Array, stamp: RecordStamp, body: object): Uint8Array {
  const record = packRecord(body)
  stampRecord(record, conversation, stamp)
  return record
}

function eachFlip(input: Uint8Array, visit: (flipped: Uint8Array) => void): void {
  const flipped = Buffer.from(input)
  for (let bit = 0; bit < input.length * 8; bit++) {
    flipped[bit >>> 3]! ^= 1 << (bit & 7)
    visit(flipped)
    flipped[bit >>> 3]! ^= 1 << (bit & 7)
  }
}

function isRefusal(error: unknown): boolean {
  return isKefuError(error, 'KEFU_CODEC_INVALID')
}

function hex(input: Uint8Array): string {
  return Buffer.from(input).toString('hex')
}

function fromHex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

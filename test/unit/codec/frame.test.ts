import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  decodeBody,
  decodeFrame,
  decodeHeader,
  decodeJsonFrame,
  encodeFrame,
  encodeJsonFrame,
  encodeRawFrame,
  FRAME_HEADER_BYTES,
  packRawArray,
  packWithRaw,
} from '../../../src/codec/frame.js'
import { pack, unpack } from '../../../src/codec/msgpack.js'
import { FRAME_FLAGS, FRAME_KINDS, type FrameKind } from '../../../src/codec/wire.js'
import { isKefuError } from '../../../src/errors.js'
import { plainMap } from '../../helpers/arbitraries.js'
import { FUZZ_COUNT, fuzzDecoder } from '../../helpers/mutate.js'

const KINDS = Object.keys(FRAME_KINDS) as FrameKind[]

const channel = fc.nat(0xffff)
const kind = fc.constantFrom(...KINDS)
const correlation = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff))

/** Frames by their bytes, so that a change of the format is noticed. */
const GOLDEN = [
  {
    bytes: '0007 04 00 01020304 82 a26964 a161 a57061727473 91 82 a474797065 a474657874 a474657874 a3e597a8',
    frame: [7, 'message', 0x01020304, { id: 'a', parts: [{ type: 'text', text: '嗨' }] }],
  },
  { bytes: '0000 01 00 00000001 80', frame: [0, 'hello', 1, {}] },
  { bytes: 'ffff 0d 00 ffffffff 81 a161 cdffff', frame: [0xffff, 'goAway', 0xffff_ffff, { a: 0xffff }] },
  { bytes: '0001 06 00 00000000 81 a26174 cb4278bcfe56800000', frame: [1, 'deliver', 0, { at: 1_700_000_000_000 }] },
] as const

describe('binary frames', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(channel, kind, correlation, plainMap(), (channel, kind, correlation, body) => {
        const bytes = encodeFrame(channel, kind, correlation, body)
        assert.deepEqual(decodeFrame(bytes), { channel, kind, flags: 0, correlation, body })
        assert.deepEqual(decodeHeader(bytes), { channel, kind, flags: 0, correlation })
      }),
      { numRuns: 300 },
    )
  })

  it('have these bytes', () => {
    for (const { bytes, frame } of GOLDEN) {
      const [channel, kind, correlation, body] = frame
      assert.equal(hex(encodeFrame(channel, kind, correlation, body)), bytes.replaceAll(' ', ''))
      assert.deepEqual(decodeFrame(fromHex(bytes)), { channel, kind, flags: 0, correlation, body })
    }
  })

  it('have these kinds and flags, which are never reused', () => {
    assert.deepEqual(FRAME_KINDS, {
      hello: 1,
      welcome: 2,
      inbox: 3,
      message: 4,
      ack: 5,
      deliver: 6,
      typing: 7,
      read: 8,
      presence: 9,
      history: 10,
      page: 11,
      error: 12,
      goAway: 13,
      media: 14,
      command: 15,
      done: 16,
      queue: 17,
      listen: 18,
      contact: 19,
      canned: 20,
      delivered: 21,
      search: 22,
    })
    assert.deepEqual(FRAME_FLAGS, { zstd: 1 })
  })

  it('do not share bytes with one another', () => {
    const frames = Array.from({ length: 100 }, (_, i) => encodeFrame(i, 'ack', i, { id: `m${i}`, n: i }))
    for (const [i, bytes] of frames.entries()) {
      bytes.fill(0, 0, 4)
      assert.deepEqual(decodeBody(bytes.subarray(FRAME_HEADER_BYTES)), { id: `m${i}`, n: i })
    }
  })

  it('take a body that is packed already, compressed or not', () => {
    fc.assert(
      fc.property(channel, kind, correlation, plainMap(), (channel, kind, correlation, body) => {
        const raw = pack(body)
        assert.deepEqual(decodeFrame(encodeRawFrame(channel, kind, correlation, raw)).body, body)
        const compressed = encodeRawFrame(channel, kind, correlation, raw, FRAME_FLAGS.zstd)
        assert.deepEqual(decodeHeader(compressed), { channel, kind, flags: FRAME_FLAGS.zstd, correlation })
        assert.deepEqual(decodeBody(compressed.subarray(FRAME_HEADER_BYTES)), body)
        assert.throws(() => decodeFrame(compressed), isRefusal)
      }),
    )
  })

  it('take a packed value under a key', () => {
    const name = fc.constantFrom('record', 'r', 'a-key-of-31-characters-xxxxxxxx')
    fc.assert(
      fc.property(fc.nat(14), name, plainMap(), (count, name, value) => {
        const fields = Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, i * 1000]))
        assert.deepEqual(unpack(packWithRaw(fields, name, pack(value))), { ...fields, [name]: value })
      }),
    )
  })

  it('take an array of packed values', () => {
    fc.assert(
      fc.property(fc.array(plainMap(), { maxLength: 10 }), values => {
        assert.deepEqual(unpack(packRawArray(values.map(value => pack(value)))), values)
      }),
    )
    const many = Array.from({ length: 5000 }, (_, i) => i)
    assert.deepEqual(unpack(packRawArray(many.map(value => pack(value)))), many)
  })

  for (const [name, bytes] of [
    ['nothing', ''],
    ['a header cut short', '000004000000 00'],
    ['a header without a body', '0000040000000000'],
    ['kind 0', '0000000000000000 80'],
    ['kind 99', '0000630000000000 80'],
    ['kind 255', '0000ff0000000000 80'],
    ['a compressed body', '0000040100000000 80'],
    ['an unknown flag', '0000040200000000 80'],
    ['all flags', '000004ff00000000 80'],
    ['an array as body', '0000040000000000 90'],
    ['a number as body', '0000040000000000 01'],
    ['nil as body', '0000040000000000 c0'],
    ['a date as body', '0000040000000000 d6ff00000000'],
    ['a regular expression as body', '0000040000000000 c70578 92a3612b2bc0'],
    ['two values', '0000040000000000 8080'],
    ['a map that promises an entry', '0000040000000000 81a161'],
    ['a map of 2^32 - 1 entries', '0000040000000000 dfffffffff'],
    ['an array of 33,554,431 items', '0000040000000000 81a161dd01ffffff'],
    ['a text of 2 GiB', '0000040000000000 81a161db7fffffff61'],
    ['the byte that means nothing', '0000040000000000 81a161c1'],
    ['a date inside', '0000040000000000 81a161 d6ff00000000'],
    ['a record definition', '0000040000000000 d4724091a161 05'],
    ['a record definition with two bytes of id', '0000040000000000 d572400191a161 05'],
    ['a value that contains itself', '0000040000000000 81a161 d66900000001 91 d67000000001'],
    ['bundled texts', '0000040000000000 81a161 d66200000005 c0 a161 a162'],
    ['a set', '0000040000000000 81a161 d47300 91 01'],
    ['a typed array', '0000040000000000 81a161 d674 00010203'],
    ['an error', '0000040000000000 81a161 d46500 93 a54572726f72 a161 c0'],
    ['a big integer', '0000040000000000 81a161 d742 0011223344556677'],
    ['an unknown extension', '0000040000000000 81a161 d605 00000000'],
    ['33 levels of nesting', `0000040000000000 81a161 ${'91'.repeat(32)}c0`],
  ] as const)
    it(`refuse ${name}`, () => {
      assert.throws(() => decodeFrame(fromHex(bytes)), isRefusal)
    })

  it('refuse a header with an unknown flag or kind before the body is looked at', () => {
    for (const bytes of [
      '0000040200000000',
      '0000048000000000',
      '0000000000000000',
      '0000630000000000',
      '00000400000000',
    ])
      assert.throws(() => decodeHeader(fromHex(bytes)), isRefusal, bytes)
  })

  it('refuse nesting as deep as a frame can be', () => {
    for (const byte of [0x91, 0x81, 0xdc, 0xdd, 0xdf]) {
      const bytes = Buffer.concat([fromHex('0000040000000000 81a161'), Buffer.alloc(64 * 1024, byte)])
      assert.throws(() => decodeFrame(bytes), isRefusal)
    }
  })

  it('refuse in time what makes a decoder work', () => {
    const head = fromHex('0000040000000000 81a161')
    const array = (items: readonly Uint8Array[]) => {
      const bytes = Buffer.concat([head, packRawArray(items)])
      assert.ok(bytes.length <= 64 * 1024, `${bytes.length}`)
      return bytes
    }
    const name = (i: number) => i.toString(36).padStart(3, 'a')
    const attacks = {
      'code compiled for each of 4,000 record shapes': array(
        Array.from({ length: 4000 }, (_, i) => fromHex(`d4724091a3${hex(Buffer.from(name(i)))}01 400140014001`)),
      ),
      'one long text read 4,000 times': Buffer.concat([
        array(Array.from({ length: 4000 }, (_, i) => fromHex(`d662${hex(uint32((3999 - i) * 7 + 5))}c0`))),
        fromHex('da7fff'),
        Buffer.alloc(0x7fff, 'a'),
        fromHex('a161'),
      ]),
      '4,000 errors with their stacks': array(
        Array.from({ length: 4000 }, () => fromHex('d4650093a56162636465a161c0')),
      ),
      'a map of 13,000 keys': array([pack(Object.fromEntries(Array.from({ length: 13_000 }, (_, i) => [name(i), 0])))]),
    }
    for (const [attack, bytes] of Object.entries(attacks)) {
      let fastestMs = Number.POSITIVE_INFINITY
      for (let attempt = 0; attempt < 5; attempt++) {
        // Of the processor: what else the machine does is not the decoder's.
        const started = process.cpuUsage()
        try {
          decodeFrame(bytes)
        } catch (error) {
          assert.ok(isRefusal(error), attack)
        }
        fastestMs = Math.min(fastestMs, process.cpuUsage(started).user / 1_000)
      }
      assert.ok(fastestMs < 100, `${attack}: ${fastestMs} ms`)
    }
  })

  it('keep a key named __proto__ off the prototype', () => {
    const bytes = Buffer.concat([fromHex('0000040000000000 81a9'), Buffer.from('__proto__'), fromHex('81a16101')])
    const { body } = decodeFrame(bytes)
    assert.equal(Object.getPrototypeOf(body), Object.prototype)
    assert.equal('a' in body, false)
  })

  it('give a frame or KEFU_FRAME_INVALID for mutated bytes', async () => {
    const values = fc.sample(fc.tuple(channel, kind, correlation, plainMap()), { numRuns: 40, seed: 3 })
    const { values: accepted, errors } = await fuzzDecoder({
      name: 'decodeFrame',
      seed: 21,
      corpus: [
        ...GOLDEN.map(({ bytes }) => fromHex(bytes)),
        ...values.map(([channel, kind, correlation, body]) => encodeFrame(channel, kind, correlation, body)),
        // Types of msgpack that kefu does not write.
        fromHex('0000040000000000 82a161 c403010203 a162 d40000'),
        fromHex('0000040000000000 82a161 ca3f800000 a162 dd00000002 d2ffffffff d3ffffffffffffffff'),
        fromHex('0000040000000000 df00000001 db0000000161 de0001 d90162 c2'),
        fromHex(`0000040000000000 81a161 ${'91'.repeat(31)}c0`),
        fromHex('0000040000000000 81a161 d37fffffffffffffff'),
      ],
      decode: decodeFrame,
      isExpectedError: isRefusal,
      check: frame => {
        assert.ok(Object.hasOwn(FRAME_KINDS, frame.kind))
        assert.equal(frame.flags, 0)
        assert.ok(frame.channel <= 0xffff && frame.correlation <= 0xffff_ffff)
        assert.equal(typeof frame.body, 'object')
      },
    })
    assert.ok(accepted > FUZZ_COUNT / 40 && errors > FUZZ_COUNT / 40, `${accepted} values, ${errors} errors`)
  })
})

describe('JSON frames', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(channel, kind, correlation, plainMap(), (channel, kind, correlation, body) => {
        const text = encodeJsonFrame(channel, kind, correlation, body)
        assert.deepEqual(decodeJsonFrame(text), { channel, kind, flags: 0, correlation, body })
      }),
      { numRuns: 300 },
    )
  })

  it('have this text', () => {
    const text = '{"channel":7,"kind":"message","correlation":5,"body":{"id":"a"}}'
    assert.equal(encodeJsonFrame(7, 'message', 5, { id: 'a' }), text)
    assert.deepEqual(decodeJsonFrame(text), {
      channel: 7,
      kind: 'message',
      flags: 0,
      correlation: 5,
      body: { id: 'a' },
    })
  })

  it('may leave out channel, correlation and body', () => {
    assert.deepEqual(decodeJsonFrame('{"kind":"hello"}'), {
      channel: 0,
      kind: 'hello',
      flags: 0,
      correlation: 0,
      body: {},
    })
  })

  for (const text of [
    '',
    'null',
    '[]',
    '"hello"',
    '{}',
    '{"kind":"nonsense"}',
    '{"kind":"toString"}',
    '{"kind":"__proto__"}',
    '{"kind":1}',
    '{"kind":"hello","channel":-1}',
    '{"kind":"hello","channel":65536}',
    '{"kind":"hello","channel":1.5}',
    '{"kind":"hello","channel":"1"}',
    '{"kind":"hello","channel":null}',
    '{"kind":"hello","correlation":4294967296}',
    '{"kind":"hello","correlation":1e99}',
    '{"kind":"hello","body":[]}',
    '{"kind":"hello","body":null}',
    '{"kind":"hello","body":"x"}',
    '{"kind":"hello","flags":1}',
    '{"kind":"hello","__proto__":{"a":1}}',
    '{"kind":"hello"} {}',
    `{"kind":"hello","body":${'['.repeat(60_000)}`,
  ])
    it(`refuse ${text.slice(0, 60) || 'nothing'}`, () => {
      assert.throws(() => decodeJsonFrame(text), isRefusal)
    })

  it('do not change a prototype', () => {
    const { body } = decodeJsonFrame('{"kind":"hello","body":{"__proto__":{"polluted":1}}}')
    assert.equal(Object.getPrototypeOf(body), Object.prototype)
    assert.equal('polluted' in {}, false)
  })

  it('give a frame or KEFU_FRAME_INVALID for mutated text', async () => {
    const values = fc.sample(fc.tuple(channel, kind, correlation, plainMap()), { numRuns: 40, seed: 4 })
    const texts = values.map(([channel, kind, correlation, body]) => encodeJsonFrame(channel, kind, correlation, body))
    const { values: accepted, errors } = await fuzzDecoder({
      name: 'decodeJsonFrame',
      seed: 22,
      corpus: [...texts, '{"kind":"hello"}', '{"kind":"ack","body":{"n":1}}'].map(text => Buffer.from(text)),
      decode: bytes => decodeJsonFrame(Buffer.from(bytes).toString()),
      isExpectedError: isRefusal,
      check: frame => assert.ok(Object.hasOwn(FRAME_KINDS, frame.kind)),
    })
    assert.ok(accepted > FUZZ_COUNT / 40 && errors > FUZZ_COUNT / 40, `${accepted} values, ${errors} errors`)
  })
})

function isRefusal(error: unknown): boolean {
  return isKefuError(error, 'KEFU_FRAME_INVALID')
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function fromHex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

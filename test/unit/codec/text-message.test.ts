import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeFrame, encodeFrame } from '../../../src/codec/frame.js'
import { pack } from '../../../src/codec/msgpack.js'
import { readTextMessage } from '../../../src/codec/text-message.js'
import { WIRE_LIMITS } from '../../../src/codec/wire.js'
import { parseClientFrame } from '../../../src/codec/wire-schema.js'
import { isKefuError } from '../../../src/errors.js'
import { codePoint } from '../../helpers/arbitraries.js'
import { fuzzDecoder } from '../../helpers/mutate.js'

const id = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)),
  minLength: 1,
})
const text = fc.string({ unit: codePoint(), minLength: 1, maxLength: 400 })
const textPart = text.map(text => ({ type: 'text', text }))
const frame = (body: object, correlation = 7) => Buffer.from(encodeFrame(3, 'message', correlation, body))

/** What the general way makes of a frame: the frame, or the code of its refusal. */
function general(bytes: Uint8Array): unknown {
  try {
    return parseClientFrame(decodeFrame(bytes))
  } catch (error) {
    assert.ok(isKefuError(error, 'KEFU_FRAME_INVALID'), String(error))
    return undefined
  }
}

describe('readTextMessage', () => {
  it('reads what a general decoder and the schema would', () => {
    fc.assert(
      fc.property(
        id.map(id => id.slice(0, WIRE_LIMITS.idLength)),
        fc.array(textPart, { minLength: 1, maxLength: 15 }),
        fc.nat(0xffff_ffff),
        (id, parts, correlation) => {
          const bytes = frame({ id, parts }, correlation)
          assert.deepEqual(readTextMessage(bytes), general(bytes))
          assert.deepEqual(readTextMessage(bytes)?.body, { id, parts })
        },
      ),
      { numRuns: 500 },
    )
  })

  it('reads texts of every length of head', () => {
    for (const length of [1, 31, 32, 255, 256, 4_000, WIRE_LIMITS.messageBytes])
      for (const unit of ['a', '嗨', '😀']) {
        const text = unit.repeat(Math.floor(length / Buffer.byteLength(unit)) || 1)
        const bytes = frame({ id: 'x'.repeat(Math.min(length, 64)), parts: [{ type: 'text', text }] })
        assert.deepEqual(readTextMessage(bytes), general(bytes), `${length} bytes of ${unit}`)
        assert.notEqual(readTextMessage(bytes), undefined)
      }
  })

  it('leaves every other frame alone', () => {
    const parts = [{ type: 'text', text: 'hello' }]
    const others: Record<string, Uint8Array> = {
      'another kind': encodeFrame(0, 'typing', 0, { on: true }),
      'no id': frame({ parts }),
      'an empty id': frame({ id: '', parts }),
      'an id of 65 characters': frame({ id: 'x'.repeat(65), parts }),
      'an id with a space': frame({ id: 'a b', parts }),
      'an id with a letter outside ASCII': frame({ id: 'é', parts }),
      'fields in another order': frame({ parts, id: 'a' }),
      'a field more': frame({ id: 'a', parts, name: 'Ann' }),
      'an unknown field': frame({ id: 'a', parts, to: 'b' }),
      'no parts': frame({ id: 'a', parts: [] }),
      '16 parts': frame({ id: 'a', parts: Array(16).fill(parts[0]) }),
      'an empty text': frame({ id: 'a', parts: [{ type: 'text', text: '' }] }),
      'a text that is too long': frame({ id: 'a', parts: [{ type: 'text', text: 'a'.repeat(12_289) }] }),
      'a part of another type': frame({ id: 'a', parts: [{ type: 'image', media: 'md_1' }] }),
      'a part with a field more': frame({ id: 'a', parts: [{ type: 'text', text: 'a', url: 'b' }] }),
      'bytes after the end': Buffer.concat([frame({ id: 'a', parts }), Buffer.of(0xc0)]),
      'a flag': Uint8Array.from(frame({ id: 'a', parts }), (byte, i) => (i === 3 ? 1 : byte)),
      'text that is not UTF-8': invalidText(),
    }
    for (const [name, bytes] of Object.entries(others))
      assert.equal(readTextMessage(Buffer.from(bytes)), undefined, name)
  })

  it('leaves what is cut short alone', () => {
    const whole = frame({ id: 'a', parts: [{ type: 'text', text: 'x'.repeat(300) }] })
    for (let length = 0; length < whole.length; length++)
      assert.equal(readTextMessage(whole.subarray(0, length)), undefined, `${length} bytes`)
  })

  it('never accepts what the general way refuses, or something else', async () => {
    const corpus = [
      frame({ id: 'm1', parts: [{ type: 'text', text: 'hello 你好' }] }),
      frame({
        id: 'm'.repeat(40),
        parts: [
          { type: 'text', text: 'a'.repeat(40) },
          { type: 'text', text: '😀' },
        ],
      }),
      frame({ id: 'm2', parts: [{ type: 'text', text: 'b'.repeat(300) }] }),
    ]
    await fuzzDecoder({
      name: 'readTextMessage',
      seed: 11,
      corpus,
      decode: input => {
        const bytes = Buffer.from(input)
        const read = readTextMessage(bytes)
        if (read !== undefined) assert.deepEqual(read, general(bytes))
        return read
      },
      isExpectedError: () => false,
    })
  })
})

/** A message whose text is an unpaired surrogate as UTF-8 would have it, which UTF-8 does not. */
function invalidText(): Uint8Array {
  const bytes = frame({ id: 'a', parts: [{ type: 'text', text: '嗨' }] })
  assert.equal(bytes.includes(Buffer.from(pack('嗨')).subarray(1)), true)
  bytes.set([0xed, 0xa0, 0x80], bytes.length - 3)
  return bytes
}

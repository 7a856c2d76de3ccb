import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { encodeFrame } from '../../../src/codec/frame.js'
import { encodeAck, encodeDeliver, packTextMessage } from '../../../src/codec/message-bytes.js'
import { pack } from '../../../src/codec/msgpack.js'
import { MsgpackWriter, textRoom, VALUE_ROOM } from '../../../src/codec/msgpack-writer.js'
import type { Author } from '../../../src/codec/wire.js'
import { codePoint, plainMap } from '../../helpers/arbitraries.js'

const text = fc.oneof(
  fc.string({ unit: codePoint(), maxLength: 400 }),
  fc.string({ maxLength: 60 }),
  fc.constantFrom(
    'a'.repeat(31),
    'a'.repeat(32),
    'a'.repeat(255),
    'a'.repeat(256),
    '嗨'.repeat(85),
    '嗨'.repeat(30_000),
  ),
)
const uint = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.constantFrom(0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER),
)
const author: fc.Arbitrary<Author> = fc.constantFrom<Author>(
  { role: 'contact' },
  { role: 'system' },
  { role: 'agent', id: 'a_1', name: 'Ann 安' },
)

describe('MsgpackWriter', () => {
  it('writes texts and numbers as the general encoder does', () => {
    const writer = new MsgpackWriter()
    fc.assert(
      fc.property(fc.array(fc.oneof(text, uint), { maxLength: 40 }), values => {
        writer.begin(
          values.reduce<number>((room, value) => room + roomOf(value), VALUE_ROOM),
          0,
        )
        writer.array(values.length)
        for (const value of values) {
          if (typeof value === 'string') writer.text(value)
          else writer.uint(value)
        }
        assert.deepEqual(Buffer.from(writer.end()), Buffer.from(pack(values)))
      }),
      { numRuns: 500 },
    )
  })

  it('never writes over what it gave away', () => {
    const writer = new MsgpackWriter()
    const values = Array.from({ length: 5_000 }, (_, i) => `${i}`.repeat(i % 90))
    const written = values.map(value => {
      writer.begin(textRoom(value), 0)
      writer.text(value)
      return writer.end()
    })
    for (const [i, value] of values.entries()) assert.deepEqual(Buffer.from(written[i]!), Buffer.from(pack(value)))
  })
})

describe('the bytes of every message', () => {
  it('are those of the general encoder: records', () => {
    fc.assert(
      fc.property(author, text, fc.array(text, { maxLength: 20 }), fc.nat(64), (by, id, texts, reserved) => {
        const body = { type: 'message' as const, by, id, parts: texts.map(text => ({ type: 'text' as const, text })) }
        const bytes = packTextMessage(body, reserved)
        assert.deepEqual(Buffer.from(bytes!.subarray(reserved)), Buffer.from(pack(body)))
      }),
    )
  })

  it('are left to the general encoder for records with other parts, or without an id', () => {
    const by: Author = { role: 'contact' }
    assert.equal(packTextMessage({ by, parts: [{ type: 'text', text: 'a' }] }, 0), undefined)
    assert.equal(packTextMessage({ by, id: 'a', parts: [{ type: 'image', media: 'md_1' }] }, 0), undefined)
  })

  it('are those of the general encoder: acknowledgements', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), uint, text, text, uint, (channel, correlation, id, conversation, n) => {
        const answer = correlation % 0x1_0000_0000
        assert.deepEqual(
          Buffer.from(encodeAck(channel, answer, id, conversation, n)),
          Buffer.from(encodeFrame(channel, 'ack', answer, { id, conversation, n })),
        )
      }),
    )
  })

  it('are those of the general encoder: deliveries', () => {
    const optional = fc.option(text, { nil: undefined })
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        text,
        optional,
        uint,
        uint,
        optional,
        plainMap(),
        (channel, conversation, contact, n, at, cursor, record) => {
          const fields = { conversation, contact, n, at, cursor }
          const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
          assert.deepEqual(
            Buffer.from(encodeDeliver(channel, fields, pack(record))),
            Buffer.from(encodeFrame(channel, 'deliver', 0, { ...known, record })),
          )
        },
      ),
    )
  })
})

function roomOf(value: string | number): number {
  return typeof value === 'string' ? textRoom(value) : VALUE_ROOM
}

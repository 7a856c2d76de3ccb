import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { parseConversationId } from '../../src/codec/conversation-id.js'
import { headKey } from '../../src/codec/keys.js'
import type { Head } from '../../src/daemon/core/model.js'
import { decodeHead, encodeHead } from '../../src/daemon/store/level/head-value.js'
import { isKefuError } from '../../src/errors.js'
import { conversationId } from '../conformance/store-bench.js'

const text = fc.string({ unit: 'binary', maxLength: 130 })
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const head = fc.record<Omit<Head, 'conversation'>>({
  n: fc.maxSafeNat(),
  seq: fc.maxSafeNat(),
  at: fc.maxSafeNat(),
  channel: fc.nat(0xffff),
  kind: fc.constantFrom('web', 'app'),
  egress: fc.constantFrom('socket', 'outbox'),
  contact: text,
  name: optional(text),
  state: fc.constantFrom('new', 'waiting', 'active'),
  agent: optional(text),
  waitingSince: optional(fc.maxSafeNat()),
})
const departures = fc.array(
  fc.tuple(text, fc.maxSafeNat()).map(([agent, seq]) => ({ agent, seq })),
  { maxLength: 64 },
)

test('a head is read as it was written, and refused under another key', () => {
  const key = headKey(parseConversationId(conversationId(1)))
  const other = headKey(parseConversationId(conversationId(2)))
  fc.assert(
    fc.property(head, departures, fc.maxSafeNat(), (fields, departures, windowN) => {
      const value = { head: { conversation: conversationId(1), ...fields }, departures, windowN }
      const bytes = Buffer.from(encodeHead(value, crc32(key)))
      assert.deepEqual(decodeHead(key, bytes), value)
      assert.throws(
        () => decodeHead(other, bytes),
        error => isKefuError(error, 'KEFU_CODEC_INVALID'),
      )
    }),
  )
})

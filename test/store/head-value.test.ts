import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { parseConversationId } from '../../src/codec/conversation-id.js'
import { headKey } from '../../src/codec/keys.js'
import { PRIORITIES } from '../../src/codec/wire-commands.js'
import type { Details, Head } from '../../src/daemon/core/model.js'
import { decodeHead, encodeHead } from '../../src/daemon/store/level/head-value.js'
import { isKefuError } from '../../src/errors.js'
import { conversationId } from '../conformance/store-bench.js'
import { codePoint } from '../helpers/arbitraries.js'

const text = fc.string({ unit: codePoint(), maxLength: 130 })
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const texts = fc.array(text, { maxLength: 4 })
const word = fc.stringMatching(/^[a-z]{1,8}$/)
const details = fc.record<Details>(
  {
    episode: fc.nat(),
    openedAt: fc.maxSafeNat(),
    answeredAt: optional(fc.maxSafeNat()),
    lineSince: fc.maxSafeNat(),
    teamSince: fc.maxSafeNat(),
    overdueSince: optional(fc.maxSafeNat()),
    idleWarnedAt: optional(fc.maxSafeNat()),
    team: optional(text),
    priority: fc.constantFrom(...PRIORITIES),
    tags: texts,
    subject: optional(text),
    language: optional(text),
    requires: fc.dictionary(word, fc.integer({ min: 1, max: 5 }), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    prefers: texts,
    snoozedUntil: optional(fc.maxSafeNat()),
    declinedBy: texts,
    lastAgent: optional(fc.tuple(text, fc.maxSafeNat()).map(([id, at]) => ({ id, at }))),
    rating: optional(fc.nat(5)),
    attributes: fc.dictionary(word, text, { maxKeys: 4, noNullPrototype: true }),
    person: optional(text),
    wokenFor: optional(text),
    window: optional(
      fc.record({ n: fc.maxSafeNat(), until: fc.maxSafeNat(), messages: fc.nat() }, { noNullPrototype: true }),
    ),
  },
  { noNullPrototype: true },
)
const head = fc.record<Omit<Head, 'conversation'>>({
  n: fc.maxSafeNat(),
  seq: fc.maxSafeNat(),
  at: fc.maxSafeNat(),
  channel: fc.nat(0xffff),
  kind: fc.constantFrom('web', 'app'),
  egress: fc.constantFrom('socket', 'outbox'),
  contact: text,
  name: optional(text),
  state: fc.constantFrom('new', 'waiting', 'active', 'snoozed', 'closed'),
  agent: optional(text),
  waitingSince: optional(fc.maxSafeNat()),
  unansweredSince: optional(fc.maxSafeNat()),
  saidAt: optional(fc.maxSafeNat()),
  details,
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

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fromBase32, toBase32 } from '../../../src/codec/base32.js'
import { formatConversationId, isConversationId, parseConversationId } from '../../../src/codec/conversation-id.js'
import {
  dedupeKey,
  feedKey,
  headKey,
  KEY,
  parseFeedKey,
  parsePlaceValue,
  parseRecordKey,
  parseTextConversationKey,
  parseTextKey,
  parseTextSeqKey,
  parseWaitingKey,
  placeValue,
  prefixEnd,
  receiptKey,
  recordKey,
  textConversationKey,
  textKey,
  textSeqKey,
  waitingKey,
} from '../../../src/codec/keys.js'
import { isKefuError } from '../../../src/errors.js'
import { bytes, unicode } from '../../helpers/arbitraries.js'
import { fuzzDecoder } from '../../helpers/mutate.js'

const CONVERSATION = fromHex('000102030405060708090a0b0c0d0e0f')

const conversation = fc.oneof(
  bytes(16),
  fc.constantFrom(CONVERSATION, new Uint8Array(16), new Uint8Array(16).fill(255)),
)
const uint = fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constantFrom(0, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1))
const text = fc.oneof(
  unicode(0, 12),
  fc.constantFrom('', 'a', 'aa', 'ab', 'a\u0001', 'é', '嗨', '\ufeffa', '\u{1f600}', '\uffff'),
)
const name = text.filter(value => !value.includes('\0'))

describe('keys', () => {
  it('give back their fields', () => {
    fc.assert(
      fc.property(conversation, uint, name, fc.nat(255), (conversation, number, name, prefix) => {
        assert.deepEqual(plain(parseRecordKey(recordKey(conversation, number))), {
          conversation: hex(conversation),
          n: number,
        })
        assert.equal(parseFeedKey(feedKey(number)), number)
        assert.deepEqual(plain(parsePlaceValue(placeValue(conversation, number))), {
          conversation: hex(conversation),
          n: number,
        })
        assert.deepEqual(parseTextSeqKey(prefix, textSeqKey(prefix, name, number)), { text: name, seq: number })
        assert.deepEqual(plain(parseTextConversationKey(prefix, textConversationKey(prefix, name, conversation))), {
          text: name,
          conversation: hex(conversation),
        })
        assert.deepEqual(plain(parseWaitingKey(waitingKey(number, conversation))), {
          sinceMs: number,
          conversation: hex(conversation),
        })
        assert.equal(parseTextKey(prefix, textKey(prefix, name)), name)
      }),
      { numRuns: 1000 },
    )
  })

  it('sort as their fields do', () => {
    const byBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b)
    const byNumber = (a: number, b: number) => Math.sign(a - b)
    const byText = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
    // Pairs that share a field are the ones that show how the next field sorts.
    const two = <T>(one: fc.Arbitrary<T>) =>
      fc.oneof(
        fc.tuple(one, one),
        one.map(value => [value, value] as [T, T]),
      )
    fc.assert(
      fc.property(two(conversation), two(uint), two(name), ([c1, c2], [n1, n2], [t1, t2]) => {
        assert.equal(Buffer.compare(recordKey(c1, n1), recordKey(c2, n2)), byBytes(c1, c2) || byNumber(n1, n2))
        assert.equal(Buffer.compare(feedKey(n1), feedKey(n2)), byNumber(n1, n2))
        assert.equal(Buffer.compare(headKey(c1), headKey(c2)), byBytes(c1, c2))
        assert.equal(Buffer.compare(waitingKey(n1, c1), waitingKey(n2, c2)), byNumber(n1, n2) || byBytes(c1, c2))
        assert.equal(
          Buffer.compare(textSeqKey(KEY.inbox, t1, n1), textSeqKey(KEY.inbox, t2, n2)),
          byText(t1, t2) || byNumber(n1, n2),
        )
        assert.equal(
          Buffer.compare(textConversationKey(KEY.active, t1, c1), textConversationKey(KEY.active, t2, c2)),
          byText(t1, t2) || byBytes(c1, c2),
        )
        assert.equal(Buffer.compare(textKey(KEY.meta, t1), textKey(KEY.meta, t2)), byText(t1, t2))
        assert.equal(Buffer.compare(receiptKey(c1, t1), receiptKey(c2, t2)), byBytes(c1, c2) || byText(t1, t2))
        assert.equal(Buffer.compare(dedupeKey(0, c1), dedupeKey(1, c2)), -1)
      }),
      { numRuns: 3000 },
    )
  })

  it('have these bytes', () => {
    const id = '000102030405060708090a0b0c0d0e0f'
    assert.equal(hex(recordKey(CONVERSATION, 258)), `43${id}0000000000000102`)
    assert.equal(hex(feedKey(2 ** 40)), '4c0000010000000000')
    assert.equal(hex(placeValue(CONVERSATION, 258)), `${id}0000000000000102`)
    assert.equal(hex(headKey(CONVERSATION)), `48${id}`)
    assert.equal(hex(textSeqKey(KEY.inbox, 'a_1', 2 ** 40)), '49615f31000000010000000000')
    assert.equal(hex(textSeqKey(KEY.outbox, '', 1)), '4f000000000000000001')
    assert.equal(hex(waitingKey(1_700_000_000_123, CONVERSATION)), `570000018bcfe5687b${id}`)
    assert.equal(hex(textConversationKey(KEY.active, '嗨', CONVERSATION)), `41e597a800${id}`)
    assert.equal(hex(dedupeKey(1, CONVERSATION)), `4401${id}`)
    assert.equal(hex(receiptKey(CONVERSATION, 'a_1')), `52${id}615f31`)
    assert.equal(hex(textKey(KEY.directory, 'agent/a')), '4b6167656e742f61')
    assert.equal(hex(textKey(KEY.meta, 'format')), '4d666f726d6174')
    assert.equal(new Set(Object.values(KEY)).size, Object.keys(KEY).length)
  })

  it('refuse a text with NUL, which would end it', () => {
    for (const make of [textKey, (prefix: number, text: string) => textSeqKey(prefix, text, 1)])
      assert.throws(() => make(KEY.meta, 'a\0b'), isRefusal)
    assert.throws(() => receiptKey(CONVERSATION, '\0'), isRefusal)
    assert.throws(() => textConversationKey(KEY.active, '\0', CONVERSATION), isRefusal)
  })

  it('end a scan above every key of the prefix and below every other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), (prefix, rest) => {
        fc.pre(prefix.some(byte => byte < 255))
        const end = prefixEnd(prefix)
        assert.equal(Buffer.compare(Buffer.concat([prefix, rest]), end), -1)
        // The end is the smallest such key: the last byte less, and it is the prefix again or below.
        assert.ok(end.length <= prefix.length)
        const below = Buffer.from(end)
        below[below.length - 1]!--
        assert.equal(hex(below), hex(prefix.subarray(0, end.length)))
      }),
      { numRuns: 500 },
    )
    assert.equal(hex(prefixEnd(fromHex('43ffff'))), '44')
    assert.throws(() => prefixEnd(fromHex('ffff')), isRefusal)
  })

  it('give fields that make the same key, or KEFU_CODEC_INVALID, for mutated bytes', async () => {
    const keys = [
      recordKey(CONVERSATION, 258),
      feedKey(2 ** 40),
      placeValue(CONVERSATION, 3),
      textSeqKey(KEY.inbox, 'a_1', 2 ** 40),
      textSeqKey(KEY.outbox, '嗨', 1),
      textConversationKey(KEY.active, 'a_1', CONVERSATION),
      waitingKey(1_700_000_000_123, CONVERSATION),
      textKey(KEY.directory, 'agent/嗨'),
      headKey(CONVERSATION),
    ]
    const remake: readonly ((key: Uint8Array) => Uint8Array)[] = [
      key => {
        const { conversation, n } = parseRecordKey(key)
        return recordKey(conversation, n)
      },
      key => feedKey(parseFeedKey(key)),
      key => {
        const { conversation, n } = parsePlaceValue(key)
        return placeValue(conversation, n)
      },
      key => {
        const { text, seq } = parseTextSeqKey(KEY.inbox, key)
        return textSeqKey(KEY.inbox, text, seq)
      },
      key => {
        const { text, conversation } = parseTextConversationKey(KEY.active, key)
        return textConversationKey(KEY.active, text, conversation)
      },
      key => {
        const { sinceMs, conversation } = parseWaitingKey(key)
        return waitingKey(sinceMs, conversation)
      },
      key => textKey(KEY.directory, parseTextKey(KEY.directory, key)),
    ]
    let parsed = 0
    await fuzzDecoder({
      name: 'keys',
      seed: 41,
      corpus: keys,
      decode: key => {
        let made: Uint8Array | undefined
        for (const one of remake) {
          try {
            made = one(key)
          } catch (error) {
            if (!isRefusal(error)) throw error
            continue
          }
          // Numbers above 2^53 are rounded; keys that kefu writes have none.
          if (!hasHugeNumber(key)) assert.equal(hex(made), hex(key))
          parsed++
        }
        return made
      },
      isExpectedError: isRefusal,
    })
    assert.ok(parsed > 500, `${parsed} parsed`)
  })
})

describe('Base32', () => {
  it('gives back the bytes, in the order of the bytes', () => {
    const some = fc.uint8Array({ maxLength: 40 })
    fc.assert(
      fc.property(some, some, (a, b) => {
        assert.equal(hex(fromBase32(toBase32(a))!), hex(a))
        assert.match(toBase32(a), /^[0-9A-HJKMNP-TV-Z]*$/)
        if (a.length === b.length)
          assert.equal(Buffer.compare(Buffer.from(toBase32(a)), Buffer.from(toBase32(b))), Buffer.compare(a, b))
      }),
      { numRuns: 1000 },
    )
  })

  it('has these texts', () => {
    assert.equal(toBase32(CONVERSATION), '000G40R40M30E209185GR38E1W')
    assert.equal(toBase32(fromHex('ff')), 'ZW')
    assert.equal(toBase32(new Uint8Array(0)), '')
    assert.equal(toBase32(Buffer.from('kefu')), 'DDJPCX8')
  })

  it('refuses every other text', () => {
    for (const text of ['0', 'ZZ', 'zw', 'ZI', 'ZW=', 'Z W', 'é0', '嗨嗨', '\0\0', '000', 'ZW0'])
      assert.equal(fromBase32(text), undefined, text)
  })

  it('gives bytes of which the text is made, or nothing, for mutated text', async () => {
    await fuzzDecoder({
      name: 'fromBase32',
      seed: 42,
      corpus: ['', 'ZW', '000G40R40M30E209185GR38E1W', 'DDJPCX8'].map(text => Buffer.from(text)),
      decode: input => {
        const text = Buffer.from(input).toString('latin1')
        const decoded = fromBase32(text)
        if (decoded !== undefined) assert.equal(toBase32(decoded), text)
      },
      isExpectedError: () => false,
    })
  })
})

describe('conversation ids', () => {
  it('give back the bytes', () => {
    fc.assert(
      fc.property(conversation, id => {
        const text = formatConversationId(id)
        assert.match(text, /^c_[0-9A-Z]{26}$/)
        assert.equal(isConversationId(text), true)
        assert.equal(hex(parseConversationId(text)), hex(id))
      }),
    )
    assert.equal(formatConversationId(CONVERSATION), 'c_000G40R40M30E209185GR38E1W')
  })

  it('refuse every other text', () => {
    const good = formatConversationId(CONVERSATION)
    for (const text of [
      '',
      'c_',
      good.slice(0, -1),
      `${good}0`,
      good.toLowerCase(),
      `m${good.slice(1)}`,
      `${good.slice(0, -1)}X`,
    ]) {
      assert.equal(isConversationId(text), false, text)
      assert.throws(() => parseConversationId(text), isRefusal, text)
    }
  })

  it('give 16 bytes or KEFU_CODEC_INVALID for mutated text', async () => {
    await fuzzDecoder({
      name: 'parseConversationId',
      seed: 43,
      corpus: [Buffer.from(formatConversationId(CONVERSATION)), Buffer.from(formatConversationId(new Uint8Array(16)))],
      decode: input => parseConversationId(Buffer.from(input).toString()),
      isExpectedError: isRefusal,
      check: id => assert.equal(id.length, 16),
    })
  })
})

/** Whether the first field or the last one is a number above 2^53. */
function hasHugeNumber(key: Uint8Array): boolean {
  return [1, key.length - 8].some(
    at => at >= 0 && at + 8 <= key.length && Buffer.from(key).readBigUInt64BE(at) > 2n ** 53n,
  )
}

/** The fields with bytes as hex, to compare views of buffers. */
function plain(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Uint8Array ? hex(value) : value]),
  )
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

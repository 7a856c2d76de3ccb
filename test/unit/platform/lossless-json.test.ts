import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseLosslessJson } from '../../../src/platform/lossless-json.js'
import { codePoint } from '../../helpers/arbitraries.js'
import { FUZZ_COUNT, fuzzDecoder } from '../../helpers/mutate.js'

describe('parseLosslessJson', () => {
  it('keeps the digits of numbers that are too large, and only of these', () => {
    const text = '{"MsgId":24300000000000001,"s":"24300000000000001","n":-9007199254740993,"small":9007199254740991}'
    assert.deepEqual(parseLosslessJson(text), {
      MsgId: '24300000000000001',
      s: '24300000000000001',
      n: '-9007199254740993',
      small: 9_007_199_254_740_991,
    })
    assert.deepEqual(parseLosslessJson('[1234567890123456789, 1.5, 1e3, 12345678901234567890.5]'), [
      '1234567890123456789',
      1.5,
      1000,
      Number('12345678901234567890.5'),
    ])
  })

  it('leaves texts alone, whatever is quoted in them', () => {
    const texts = ['a "b" 12345678901234567', '\\', '\\"', '\n12345678901234567:', '{"x":12345678901234567}']
    assert.deepEqual(parseLosslessJson(JSON.stringify(texts)), texts)
  })

  it('is JSON.parse for everything else', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: codePoint() }), fc.constantFrom(0, 2), (value, blanks) => {
        // With a long number beside it the text goes the long way.
        const text = JSON.stringify({ value, id: 'ID' }, null, blanks)
        const digits = text.replace('"ID"', '24300000000000001')
        if (hasLargeNumber(value)) return
        assert.deepEqual(parseLosslessJson(text), JSON.parse(text))
        assert.deepEqual(parseLosslessJson(digits), { ...JSON.parse(text), id: '24300000000000001' })
      }),
    )
  })

  it('accepts no text that JSON.parse refuses', async () => {
    const samples = [
      '{"a":24300000000000001,"b":["x\\"y",-1.5e3,null,true],"c":"24300000000000001"}',
      '[9999999999999999]',
    ]
    const { values, errors } = await fuzzDecoder({
      name: 'parseLosslessJson',
      seed: 42,
      count: FUZZ_COUNT / 4,
      corpus: samples.map(text => Buffer.from(text)),
      decode: bytes => parseLosslessJson(Buffer.from(bytes).toString()),
      isExpectedError: error => error instanceof SyntaxError,
      check: (_, bytes) => JSON.parse(Buffer.from(bytes).toString()),
    })
    assert.ok(values > 0 && errors > 0)
    for (const text of [
      '00099999999999999999999',
      '1-99999999999999999',
      '"99999999999999999',
      '{"a":99999999999999999',
    ]) {
      assert.throws(() => JSON.parse(text), SyntaxError)
      assert.throws(() => parseLosslessJson(text), SyntaxError)
    }
  })

  it('refuses more values than are wanted before it makes any, and takes as many', () => {
    const list = (count: number): string =>
      `{"id":12345678901234567,"a\\\\":[${new Array(count).fill('{"b,[{":"1,2\\""}')}]}`
    assert.equal(Object.values(parseLosslessJson(list(100), 204) as object)[1].length, 100)
    const many = ['1,', '1 ', '"",', '" ""', '[', '{', '-1,', '123456789012345678,', '"a":1,'].map(each =>
      each.repeat(100_000),
    )
    for (const values of [list(1_000), ...many.map(each => `{"id":12345678901234567,"a":[${each}`)])
      assert.throws(() => parseLosslessJson(values, 300), { name: 'SyntaxError', message: 'too many values' })
    // One long text is one value.
    assert.deepEqual(parseLosslessJson(`["${',['.repeat(10_000)}"]`, 10), [',['.repeat(10_000)])
  })

  it('takes time that grows with the text alone', () => {
    const tails = ['\\"'.repeat(500_000), '"'.repeat(1_000_000), '\\'.repeat(1_000_000), '9'.repeat(1_000_000)]
    for (const tail of tails) {
      const text = `{"id":12345678901234567,"a":"${tail}`
      const startedMs = performance.now()
      assert.throws(() => parseLosslessJson(text), SyntaxError)
      assert.throws(() => parseLosslessJson(text, 4_096), SyntaxError)
      assert.ok(performance.now() - startedMs < 1_000)
    }
  })
})

function hasLargeNumber(value: unknown): boolean {
  return /\d{16}/.test(JSON.stringify(value) ?? '')
}

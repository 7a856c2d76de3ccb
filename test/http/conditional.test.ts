import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { acceptsZstd, matchesEtag, parseRange } from '../../src/daemon/http/conditional.js'

test('ranges', () => {
  const cases: readonly (readonly [string | undefined, unknown])[] = [
    [undefined, 'whole'],
    ['bytes=0-0', { first: 0, last: 0 }],
    ['bytes=0-99', { first: 0, last: 99 }],
    ['bytes=10-', { first: 10, last: 99 }],
    ['bytes=10-1000', { first: 10, last: 99 }],
    ['bytes=-10', { first: 90, last: 99 }],
    ['bytes=-1000', { first: 0, last: 99 }],
    ['bytes=100-', 'none'],
    ['bytes=-0', 'none'],
    ['bytes=999999999999999-', 'none'],
    ['bytes=5-4', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=0-1,5-6', 'whole'],
    ['bytes=a-b', 'whole'],
    ['bytes=1-2-3', 'whole'],
    ['bytes=9999999999999999999-', 'whole'],
    ['items=0-1', 'whole'],
    ['', 'whole'],
  ]
  for (const [header, expected] of cases) assert.deepEqual(parseRange(header, 100), expected, header)
  assert.equal(parseRange('bytes=0-', 0), 'none')
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^bytes=\d{0,4}-\d{0,4}$/)), fc.nat(2000), (header, size) => {
      const range = parseRange(header, size)
      if (typeof range === 'string') return
      assert.ok(range.first >= 0 && range.first <= range.last && range.last < size)
    }),
  )
})

test('entity tags', () => {
  for (const header of ['"a"', 'W/"a"', '*', '"b", "a"', ' "b" ,W/"a" ']) assert.ok(matchesEtag(header, '"a"'), header)
  for (const header of [undefined, '', 'a', '"A"', '"a', '"ab"', 'W/a']) assert.ok(!matchesEtag(header, '"a"'), header)
})

test('accepted encodings', () => {
  for (const header of ['zstd', 'gzip, zstd', 'ZSTD;q=0.5', 'zstd ; q=1.0', 'br;q=0, zstd'])
    assert.ok(acceptsZstd(header), header)
  for (const header of [undefined, '', 'gzip', '*', 'zstd;q=0', 'zstd; q=0.000', 'zstdx', 'x-zstd'])
    assert.ok(!acceptsZstd(header), header)
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { TextQuery } from '../../../../src/daemon/core/search.js'
import { foldText } from '../../../../src/daemon/search/query/fold.js'
import { compileMatcher } from '../../../../src/daemon/search/query/match.js'
import { compileRegex, foldRegex } from '../../../../src/daemon/search/query/regex.js'
import { regexNeeds } from '../../../../src/daemon/search/query/regex-needs.js'

const literal = (text: string): TextQuery => ({ type: 'literal', text })
const all = (...of: TextQuery[]): TextQuery => ({ type: 'and', of })
const any = (...of: TextQuery[]): TextQuery => ({ type: 'or', of })
const ALL: TextQuery = { type: 'all' }

function matches(source: string, original: string): boolean {
  return compileRegex(foldRegex(source)).test(foldText(original))
}

describe('an expression', () => {
  it('means either case, and full-width forms as ASCII', () => {
    assert.ok(matches('Order', 'my ORDER'))
    assert.ok(matches('[A-C]{3}', 'ａｂｃ'))
    assert.ok(matches('Ａ（[０-９]）', 'a(7)'))
    assert.ok(matches('（好）', '（好）'))
    assert.ok(matches('straße', 'STRASSE'))
    assert.ok(matches('λόγος$', 'ΛΌΓΟΣ'))
    assert.ok(matches('e\u0301', 'É'))
    assert.ok(matches(String.raw`\d{4}`, '单号１２３４'))
    assert.ok(matches(String.raw`\Q（a.\E`, '(a.'))
    assert.ok(matches('…$', 'wait...'))
    assert.ok(!matches('…', '好的好'))
  })

  it('sees lines', () => {
    assert.ok(matches('^好的$', 'a.png\n好的'))
    assert.ok(!matches('a.b', 'a\nb'))
    assert.ok(matches('(?s)a.b', 'a\nb'))
  })

  it('sees characters, also those outside of the first plane', () => {
    assert.ok(matches('^.$', '👍'))
    assert.ok(matches('[😀-🙏]', '😂'))
  })

  it('finds places in order, without empty ones', () => {
    const regex = compileRegex('a+|👍|x*')
    assert.deepEqual(regex.placesIn('aab👍a', 10), [
      [0, 2],
      [3, 5],
      [5, 6],
    ])
    assert.equal(regex.placesIn('ab'.repeat(50), 7).length, 7)
  })

  it('takes a bounded time for what others take for ever', () => {
    const text = 'a'.repeat(12_000)
    for (const source of ['(a*)*b', '(a|a)*b', '(a+a+)+b', '(?:a?){100}a{100}b', 'a.*b|a.*c|a', '(.|\\n){300}x']) {
      const regex = compileRegex(source)
      const startedAt = performance.now()
      regex.test(text)
      regex.placesIn(text, 256)
      const elapsedMs = performance.now() - startedAt
      assert.ok(elapsedMs < 5000, `${source}: ${elapsedMs} ms`)
    }
  })
})

describe('regexNeeds', () => {
  const GOLDEN: readonly (readonly [source: string, needs: TextQuery])[] = [
    ['订单号?', literal('订单')],
    ['订单号+', literal('订单号')],
    ['订单\\d{6}发货', all(literal('订单'), literal('发货'))],
    ['Ab*C', all(literal('a'), literal('c'))],
    ['ab{0,3}c', all(literal('a'), literal('c'))],
    ['ab{2}c', all(literal('ab'), literal('c'))],
    ['a{,2}', literal('a{,2}')],
    ['退款|换货', any(literal('退款'), literal('换货'))],
    ['退款|', ALL],
    ['(红|蓝)色', all(any(literal('红'), literal('蓝')), literal('色'))],
    ['(?:红|蓝)?色', literal('色')],
    ['(?P<x>ab)+?c', all(literal('ab'), literal('c'))],
    ['(?i)ab', literal('ab')],
    ['(?i:AB)', literal('ab')],
    ['ab(?i)?', ALL],
    ['[]a]b', literal('b')],
    ['[^\\]x]y[[:alpha:]]z', all(literal('y'), literal('z'))],
    ['\\p{Han}a\\pNb', all(literal('a'), literal('b'))],
    ['a\\.b', literal('a.b')],
    ['\\x41b', ALL],
    ['\\Qa|b\\E', ALL],
    ['[^]a]b[[:digit:]]]c', all(literal('b'), literal(']c'))],
    ['((a)[)]b)c', all(literal('a'), literal('b'), literal('c'))],
    ['x{0}ab', literal('ab')],
    ['𠮷?野', literal('野')],
    ['^$', ALL],
    ['👍?好', literal('好')],
  ]
  for (const [source, needs] of GOLDEN) it(`knows of ${source}`, () => assert.deepEqual(regexNeeds(source), needs))

  it('never asks for more than the expression', () => {
    const { pattern } = fc.letrec<{ pattern: string; sequence: string; atom: string }>(tie => ({
      pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map(of => of.join('|')),
      sequence: fc
        .array(fc.tuple(tie('atom'), fc.constantFrom('', '', '', '?', '*', '+', '{0}', '{1,2}', '{2}?', '*?')), {
          maxLength: 4,
        })
        .map(of => of.map(pair => pair.join('')).join('')),
      atom: fc.oneof(
        { maxDepth: 2, withCrossShrink: true },
        fc.constantFrom(
          'a',
          'B',
          '好',
          '.',
          '[ab]',
          '[^a]',
          '\\d',
          '\\b',
          '^',
          '$',
          '\\.',
          '1',
          'Ａ',
          'ß',
          '\\pL',
          '(?i)',
          '{',
        ),
        fc
          .tuple(fc.constantFrom('(', '(?:', '(?P<n>', '(?s:'), tie('pattern'))
          .map(([open, inside]) => `${open}${inside})`),
      ),
    }))
    const text = fc
      .array(fc.constantFrom('a', 'b', '好', '1', '.', '\n', 's', '{'), { maxLength: 8 })
      .map(of => of.join(''))
    let tried = 0
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 10, maxLength: 10 }), (written, texts) => {
        let source: string
        let regex: ReturnType<typeof compileRegex>
        try {
          source = foldRegex(written)
          regex = compileRegex(source)
        } catch {
          return
        }
        tried++
        const mayMatch = compileMatcher(regexNeeds(source))
        for (const one of texts) if (regex.test(one)) assert.ok(mayMatch(one), `${source} in ${JSON.stringify(one)}`)
      }),
      { numRuns: 1000 },
    )
    assert.ok(tried > 200, `only ${tried} of the patterns were expressions`)
  })
})

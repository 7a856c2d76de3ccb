import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createChatQueries, quoted } from '../../../../bench/lib/chat-queries.js'
import { createChatText } from '../../../../bench/lib/chat-text.js'
import type { TextQuery } from '../../../../src/daemon/core/search.js'
import { foldText } from '../../../../src/daemon/search/query/fold.js'
import { parseQuery, QUERY_LIMITS } from '../../../../src/daemon/search/query/parse.js'
import { isKefuError } from '../../../../src/errors.js'
import { nastyText } from './texts.js'

/** A query in short: `a` for a literal, `/a/`, `-a`, `(a & b)`, `(a | b)`. */
function short(query: TextQuery): string {
  switch (query.type) {
    case 'all':
      return '*'
    case 'literal':
      return query.text
    case 'regex':
      return `/${query.source}/`
    case 'not':
      return `-${short(query.of)}`
    default:
      return `(${query.of.map(short).join(query.type === 'and' ? ' & ' : ' | ')})`
  }
}

const GOLDEN: readonly (readonly [query: string, meaning: string])[] = [
  ['', '*'],
  [' \u3000\n', '*'],
  ['订单', '订单'],
  ['Order ＤＤ７', '(order & dd7)'],
  ['订单　发货', '(订单 & 发货)'],
  ['a AND b', '(a & b)'],
  ['a b OR c d', '((a & b) | (c & d))'],
  ['a OR b OR c', '(a | b | c)'],
  ['a ＯＲ b', '(a | b)'],
  ['a (b OR c)', '(a & (b | c))'],
  ['退款（全额 OR 部分）', '(退款 & (全额 | 部分))'],
  ['((a) (b c))', '(a & b & c)'],
  ['or and Or', '(or & and & or)'],
  ['"OR"', 'or'],
  ['"a  b"', 'a  b'],
  ['“你好 世界”', '你好 世界'],
  ['”你好“', '你好'],
  ['＂a “b” c＂', 'a “b” c'],
  ['订单“已发货”', '(订单 & 已发货)'],
  ['"a""b"', '(a & b)'],
  [String.raw`"say \"hi\" C:\\dir \n"`, String.raw`say "hi" c:\dir \n`],
  [String.raw`“a\”b”`, 'a”b'],
  ['-a', '-a'],
  ['－“a b”', '-a b'],
  ['a -b', '(a & -b)'],
  ['-(a OR b) c', '(-(a | b) & c)'],
  ['-(-a)', 'a'],
  ['-/a/', '-/a/'],
  ['-a OR -b', '(-a | -b)'],
  ['A-100', 'a-100'],
  ['A - B', '(a & - & b)'],
  ['-- a', '(-- & a)'],
  ['(a -)', '(a & -)'],
  ['/订单\\d+/', '/订单\\d+/'],
  ['/a\\/b \\\\/ c', '(/a/b \\\\/ & c)'],
  ['(/a|b/)', '/a|b/'],
  ['and/or 2026/01/02 https://a.example/b', '(and/or & 2026/01/02 & https://a.example/b)'],
  ['constructor __proto__', '(constructor & __proto__)'],
  ['\ud83d', '\ufffd'],
  ['a\0b', 'a\ufffdb'],
]

const WRONG: readonly (readonly [query: string, position: number | undefined, reason: RegExp])[] = [
  ['a "b', 3, /quote is not closed/],
  ['👍 “b', 3, /quote is not closed/],
  [String.raw`"a\"`, 1, /quote is not closed/],
  ['a ""', 3, /nothing stands between the quotes/],
  ['//', 1, /nothing stands between the slashes/],
  ['a /b', 3, /not ended by a slash/],
  ['/usr/bin', 5, /slash inside an expression/],
  ['OR a', 1, /OR needs something on both sides/],
  ['a OR', 3, /OR needs/],
  ['a OR OR b', 6, /OR needs/],
  ['(a OR) b', 4, /OR needs/],
  ['AND a', 1, /AND needs/],
  ['a AND', 3, /AND needs/],
  ['a AND OR b', 3, /AND needs/],
  ['-OR', 2, /a word is expected/],
  ['--help', 1, /one minus/],
  ['－-a', 1, /one minus/],
  ['(a', 1, /not closed/],
  ['a (b (c)', 3, /not closed/],
  ['a)', 2, /not opened/],
  [')', 1, /not opened/],
  ['a ()', 3, /nothing stands between the parentheses/],
  ['a /(/', 3, /RE2 does not take the expression, missing closing \): \($/],
  ['/a(?=b)/', 1, /RE2 does not take/],
  ['/(?<=a)b/', 1, /RE2 does not take/],
  [String.raw`/(a)\1/`, 1, /RE2 does not take/],
  ['/a{1001}/', 1, /RE2 does not take/],
  ['/(?:a{50}){50}/', 1, /RE2 does not take|repeats too much/],
  ['/.{999}b{999}/', 1, /repeats too much/],
  [`x /${'a'.repeat(257)}/`, 3, /at most 256 characters/],
  ['x'.repeat(513), undefined, /at most 512 characters/],
  ['a '.repeat(33), 65, /at most 32 words/],
  [`${'('.repeat(9)}a${')'.repeat(9)}`, 9, /8 deep at most/],
]

describe('parseQuery', () => {
  for (const [query, meaning] of GOLDEN) {
    it(`reads ${JSON.stringify(query)} as ${meaning}`, () => assert.equal(short(parseQuery(query)), meaning))
  }

  for (const [query, position, reason] of WRONG) {
    it(`says where ${JSON.stringify(query.slice(0, 40))} is wrong`, () => {
      assert.throws(
        () => parseQuery(query),
        error => {
          assert.ok(isKefuError(error, 'KEFU_SEARCH_INVALID'))
          assert.equal(error.detail.position, position)
          const place = position === undefined ? '' : ` (at character ${position})`
          assert.ok(error.message.endsWith(place))
          assert.match(error.message.slice(0, error.message.length - place.length), reason)
          return true
        },
      )
    })
  }

  it('takes what is just within the bounds', () => {
    parseQuery('a '.repeat(QUERY_LIMITS.terms))
    parseQuery(`${'('.repeat(QUERY_LIMITS.depth)}a${')'.repeat(QUERY_LIMITS.depth)}`)
    parseQuery('x'.repeat(QUERY_LIMITS.length))
    parseQuery(`/${'a'.repeat(256)}/`)
  })

  it('finds every text when it is quoted', () => {
    fc.assert(
      fc.property(nastyText(), text => {
        if (text === '') return
        assert.deepEqual(parseQuery(quoted(text)), { type: 'literal', text: foldText(text) })
      }),
      { numRuns: 2000 },
    )
  })

  it('reads any input or says what is wrong with it', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'a',
        '好',
        ' ',
        '"',
        '“',
        '”',
        '(',
        ')',
        '-',
        '－',
        '/',
        '\\',
        'OR',
        ' OR ',
        'AND ',
        '[',
        '{2}',
        '*',
      ),
      nastyText(2),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 16 }), pieces => {
        try {
          parseQuery(pieces.join(''))
        } catch (error) {
          assert.ok(isKefuError(error, 'KEFU_SEARCH_INVALID'), String(error))
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('reads the queries of the generator', () => {
    const next = createChatQueries(7, createChatText(7))
    for (let i = 0; i < 500; i++) parseQuery(next())
  })
})

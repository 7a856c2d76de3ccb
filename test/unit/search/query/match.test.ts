import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { quoted } from '../../../../bench/lib/chat-queries.js'
import type { TextQuery } from '../../../../src/daemon/core/search.js'
import { foldText } from '../../../../src/daemon/search/query/fold.js'
import { createHighlighter, HIGHLIGHT_LIMIT } from '../../../../src/daemon/search/query/highlight.js'
import { compileMatcher } from '../../../../src/daemon/search/query/match.js'
import { parseQuery } from '../../../../src/daemon/search/query/parse.js'
import { nastyText } from './texts.js'

const found = (query: string, original: string) => compileMatcher(parseQuery(query))(foldText(original))

/** The original with its marked stretches between brackets. */
function marked(query: string, original: string): string {
  let text = ''
  let at = 0
  for (const [start, end] of createHighlighter(parseQuery(query))(original)) {
    text += `${original.slice(at, start)}[${original.slice(start, end)}]`
    at = end
  }
  return text + original.slice(at)
}

describe('compileMatcher', () => {
  it('finds a literal where the folded text contains the folded literal, and nowhere else', () => {
    fc.assert(
      fc.property(nastyText(), nastyText(3), fc.nat(), fc.nat(), (text, other, from, length) => {
        const literals = [other, text.slice(from % (text.length + 1)).slice(0, 1 + (length % 4))]
        for (const literal of literals) {
          if (literal === '') continue
          assert.equal(found(quoted(literal), text), foldText(text).includes(foldText(literal)))
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('finds what is inside of words, in any script', () => {
    assert.ok(found('单', '订单号'))
    assert.ok(found('0518', 'DD20240518-001'))
    assert.ok(found('👍', '好的👍🏽'))
    assert.ok(found('SS', 'Straße'))
    assert.ok(!found('か', 'が'))
  })

  it('takes and, or and not at their word', () => {
    const { query } = fc.letrec<{ query: TextQuery }>(tie => ({
      query: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom<TextQuery>(
          { type: 'literal', text: 'a' },
          { type: 'literal', text: 'b' },
          { type: 'regex', source: 'c.' },
          { type: 'all' },
        ),
        fc.record({ type: fc.constantFrom('and', 'or'), of: fc.array(tie('query'), { maxLength: 3 }) }),
        fc.record({ type: fc.constant('not'), of: tie('query') }),
      ),
    }))
    const truth = (asked: TextQuery, text: string): boolean => {
      if (asked.type === 'all') return true
      if (asked.type === 'literal') return text.includes(asked.text)
      if (asked.type === 'regex') return /c./.test(text)
      if (asked.type === 'not') return !truth(asked.of, text)
      return asked.type === 'and' ? asked.of.every(one => truth(one, text)) : asked.of.some(one => truth(one, text))
    }
    fc.assert(
      fc.property(query, asked => {
        const matches = compileMatcher(asked)
        for (const text of ['', 'a', 'b', 'ab', 'c', 'ca', 'bcc']) assert.equal(matches(text), truth(asked, text))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('createHighlighter', () => {
  const GOLDEN: readonly (readonly [query: string, marked: string])[] = [
    ['', '订单'],
    ['订', '[订]单'],
    ['a b', 'x[A]y[B][a]'],
    ['aa', 'b[aaa]b'],
    ['ab ba', '[aba]'],
    ['a -b', '[a]c'],
    ['-(-a)', '[a]c'],
    ['-(a OR -c)', 'a[c]'],
    ['x OR 好', '[好]'],
    ['ss', 'Stra[ß]e'],
    ['fi', 'o[ﬃ]ce'],
    ['123', '单号[１２３]４'],
    ['ガ', '[ｶﾞ]ｷﾞ'],
    ['株', '[㈱]'],
    ['é', 'caf[e\u0301]s'],
    ['e', 'cafe\u0301s[e]s'],
    ['👩', '[👩‍💻]b[👩]'],
    ['👍', '[👍🏽]'],
    ['가', '[ㄱㅏ]ㅏ'],
    ['/b+/', 'a[Bb]c[ｂ]'],
    ['/^.$/', '[好]\nab'],
    ['"a b"', '[a　b]'],
  ]
  for (const [query, text] of GOLDEN) {
    it(`marks ${query} in ${JSON.stringify(text)}`, () =>
      assert.equal(marked(query, text.replace(/[[\]]/g, '')), mergedMarks(text)))
  }

  it('marks characters of which each contains a part of a hit, apart from each other', () => {
    fc.assert(
      fc.property(nastyText(), fc.nat(), fc.nat(), (text, from, length) => {
        const folded = foldText(text)
        const start = from % (folded.length + 1)
        const literal = foldText(folded.slice(start, start + 1 + (length % 3)))
        if (literal === '') return
        const spans = createHighlighter({ type: 'literal', text: literal })(text)
        assert.equal(spans.length > 0, folded.includes(literal))
        let last = -1
        for (const [first, end] of spans) {
          assert.ok(first > last && end > first && end <= text.length)
          assert.ok(foldText(text.slice(first, end)).includes(literal))
          last = end
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('is bounded', () => {
    const highlighter = createHighlighter(parseQuery('a OR /b/'))
    assert.equal(highlighter('a '.repeat(5000)).length, HIGHLIGHT_LIMIT)
    assert.equal(highlighter('b '.repeat(500)).length, HIGHLIGHT_LIMIT)
  })
})

/** Marks that touch are one. */
function mergedMarks(text: string): string {
  return text.replaceAll('][', '')
}

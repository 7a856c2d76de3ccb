import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { foldText, isFoldedInPlace } from '../../../../src/daemon/search/query/fold.js'
import { assignedCodePoints, nastyText } from './texts.js'

const GOLDEN: readonly (readonly [given: string, folded: string])[] = [
  ['', ''],
  ['Order DD-7', 'order dd-7'],
  ['ＡＢｃ１２３！？，：；（）～', 'abc123!?,:;()~'],
  ['你好，　在吗？', '你好, 在吗?'],
  ['“好的”。《书》、…', '“好的”。《书》、...'],
  ['ｶﾞｷﾞﾊﾟｱ', 'ガギパア'],
  ['か\u3099', 'が'],
  ['ﬁne oﬃce', 'fine office'],
  ['Straße STRASSE ẞ', 'strasse strasse ss'],
  ['ΛΌΓΟΣ ς Σ', 'λόγοσ σ σ'],
  ['İstanbul', 'i̇stanbul'],
  ['e\u0301É', 'éé'],
  ['①㈱㎏½', '1(株)kg1⁄2'],
  ['ㄱㅏ 가 ᄀ\u1161\u11a8', '가 가 각'],
  ['👩‍💻👍🏽❤️🇨🇳', '👩‍💻👍🏽❤️🇨🇳'],
  ['a\0b', 'a\ufffdb'],
  ['\ud83d', '\ufffd'],
  ['好\udc00a', '好\ufffda'],
  ['KÅſ', 'kås'],
]

describe('foldText', () => {
  for (const [given, folded] of GOLDEN) {
    it(`makes ${JSON.stringify(folded)} of ${JSON.stringify(given)}`, () => assert.equal(foldText(given), folded))
  }

  it('folds each character to the same alone as among others, and what is folded to itself', () => {
    const wrong: string[] = []
    const characters = assignedCodePoints()
    for (let at = 0; at < characters.length; at += 512) {
      const some = characters.slice(at, at + 512)
      const alone = some.map(foldText)
      // Not a text of the quick way: every character takes the one through Unicode's tables.
      const together = foldText(`É\n${some.join('\n')}`)
      // A line feed among them is two of them.
      if (`é\n${alone.join('\n')}` !== together || alone.some(folded => foldText(folded) !== folded))
        wrong.push(some[0]!)
    }
    assert.deepEqual(wrong, [])
  })

  it('is a form: folding again changes nothing, and it is well-formed and without NUL', () => {
    fc.assert(
      fc.property(nastyText(), text => {
        const folded = foldText(text)
        assert.equal(foldText(folded), folded)
        assert.ok(folded.isWellFormed() && !folded.includes('\0'))
        assert.equal(folded === '', text === '')
      }),
      { numRuns: 3000 },
    )
  })

  it('folds texts apart by line feeds one by one as together', () => {
    fc.assert(
      fc.property(fc.array(nastyText(6), { maxLength: 5 }), texts => {
        assert.equal(foldText(texts.join('\n')), texts.map(foldText).join('\n'))
      }),
      { numRuns: 2000 },
    )
  })

  it('takes every form of a text for the same', () => {
    fc.assert(
      fc.property(nastyText(), given => {
        const text = given.toWellFormed()
        const folded = foldText(text)
        for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD']) assert.equal(foldText(text.normalize(form)), folded, form)
      }),
      { numRuns: 2000 },
    )
  })

  it('does not look at case', () => {
    fc.assert(
      fc.property(nastyText(), text => {
        assert.equal(foldText(text.toLowerCase()), foldText(text))
        // By way of the decomposed form: upper case alone moves the iota below some Greek letters to the wrong side of their accents.
        assert.equal(foldText(text.normalize('NFKC').toUpperCase()), foldText(text))
      }),
      { numRuns: 2000 },
    )
  })

  it('returns what is folded as it is, whatever its length', () => {
    for (const text of ['好', '订单12,ok👍'.repeat(500)]) assert.equal(foldText(text), text)
    const long = '订单Ａ'.repeat(5000)
    assert.equal(foldText(long), '订单a'.repeat(5000))
  })
})

describe('isFoldedInPlace', () => {
  it('is only said of texts of which each unit folds by itself', () => {
    fc.assert(
      fc.property(nastyText(), text => {
        if (!isFoldedInPlace(text)) return
        assert.equal(foldText(text), text.split('').map(foldText).join(''))
        assert.equal(foldText(text).length, text.length)
      }),
      { numRuns: 2000 },
    )
  })
})

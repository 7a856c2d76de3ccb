import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { clustersOf, foldWithPlaces } from '../../../../src/daemon/search/query/clusters.js'
import { foldText } from '../../../../src/daemon/search/query/fold.js'
import { assignedCodePoints, nastyText } from './texts.js'

describe('clustersOf', () => {
  it('keeps together what people see as one', () => {
    for (const one of ['é', 'e\u0301', '👩‍💻', '👍🏽', '❤️', '🇨🇳', '1️⃣', 'ｶﾞ', '가', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'ㄱㅏ'])
      assert.deepEqual(clustersOf(one), [one], one)
    assert.deepEqual(clustersOf('a好👍b'), ['a', '好', '👍', 'b'])
    assert.deepEqual(clustersOf('🇨🇳🇺🇸🇨'), ['🇨🇳', '🇺🇸', '🇨'])
    assert.deepEqual(clustersOf('ㅋㅋㅋ'), ['ㅋ', 'ㅋ', 'ㅋ'])
  })

  it('loses nothing', () => {
    fc.assert(
      fc.property(nastyText(), text => assert.equal(clustersOf(text).join(''), text)),
      { numRuns: 1000 },
    )
  })
})

describe('foldWithPlaces', () => {
  it('folds as foldText does', () => {
    fc.assert(
      fc.property(nastyText(), text => assert.equal(foldWithPlaces(text).folded, foldText(text))),
      { numRuns: 5000 },
    )
  })

  it('keeps together all that Unicode composes', () => {
    const wrong = assignedCodePoints()
      .flatMap(character => [character.normalize('NFD'), character.normalize('NFKD')])
      .filter(text => text.length > 1 && foldWithPlaces(text).folded !== foldText(text))
    assert.deepEqual(wrong, [])
  })

  it('gives whole characters whose folding contains the stretch, and no more', () => {
    fc.assert(
      fc.property(nastyText(), fc.nat(), fc.nat(), (text, from, length) => {
        const { folded, spanOf } = foldWithPlaces(text)
        if (folded === '') return
        const start = from % folded.length
        const end = start + 1 + (length % (folded.length - start))
        const [first, last] = spanOf(start, end)
        const covered = text.slice(first, last)
        assert.ok(foldText(covered).includes(folded.slice(start, end)))
        const before = foldWithPlaces(text.slice(0, first)).folded
        // Without its first or its last character it would not reach.
        const clusters = clustersOf(covered)
        assert.ok(before.length <= start && before.length + foldText(clusters[0]!).length > start)
        const withoutLast = text.slice(0, last - clusters.at(-1)!.length)
        assert.ok(foldWithPlaces(withoutLast).folded.length < end)
      }),
      { numRuns: 3000 },
    )
  })
})

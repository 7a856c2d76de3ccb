import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteReader, ByteWriter } from '../../src/daemon/search/index/bytes.js'
import { readColumn, unzigzag, writeColumn, zigzag } from '../../src/daemon/search/index/columns.js'
import { GroupSet } from '../../src/daemon/search/index/groups.js'
import { addPostings, postingsBytes, readPostings, writePostings } from '../../src/daemon/search/index/postings.js'
import { TermTable } from '../../src/daemon/search/index/term-table.js'
import { eachTerm, literalTerms } from '../../src/daemon/search/index/terms.js'
import { foldText } from '../../src/daemon/search/query/fold.js'
import { Random } from '../helpers/random.js'
import { createDocs } from './texts.js'

describe('parts of the search index', () => {
  test('a text has all terms of each of its pieces', () => {
    const random = new Random(1)
    for (const doc of createDocs(random, 2000)) {
      const characters = Array.from(foldText(doc.text))
      if (characters.length === 0) continue
      const terms = termsOf(characters.join(''))
      const start = random.integer(0, characters.length - 1)
      const piece = characters.slice(start, start + random.integer(1, 12)).join('')
      for (const term of literalTerms(piece)) assert.ok(terms.has(term), `${piece} in ${characters.join('')}`)
    }
  })

  test('a longer number or word has few terms, the most telling ones', () => {
    assert.equal(literalTerms('20240517').length, 5)
    assert.equal(literalTerms('refund').length, 4)
    assert.equal(literalTerms('ab').length, 1)
    assert.equal(literalTerms('退').length, 1)
    assert.equal(literalTerms('退款').length, 1)
    // Four digits, two threes with letters, two pairs with the stroke.
    assert.equal(literalTerms('dd2024-1').length, 5)
  })

  test('columns of numbers come back as they were', () => {
    const random = new Random(2)
    for (let round = 0; round < 500; round++) {
      const most = random.pick([0, 1, 2, 127, 300, 65_535, 2 ** 31, 2 ** 32 - 1, 2 ** 33, Number.MAX_SAFE_INTEGER - 9])
      const least = random.pick([0, 0, 5])
      const values = Float64Array.from(
        { length: random.integer(0, 130) },
        () => least + (random.next() < 0.1 ? most : Math.floor(random.next() * Math.min(most, 2 ** 40))),
      )
      const out = new ByteWriter(1)
      writeColumn(values, out)
      out.byte(77)
      const bytes = new ByteReader(Buffer.from(out.view()))
      assert.deepEqual(readColumn(bytes, new Float64Array(values.length)), values)
      assert.equal(bytes.byte(), 77)
    }
    for (const value of [0, -1, 1, -(2 ** 50), 2 ** 50]) assert.equal(unzigzag(zigzag(value)), value)
  })

  test('groups come back as they were, in any form', () => {
    const random = new Random(3)
    for (let round = 0; round < 300; round++) {
      const total = random.pick([8, 512, 40_000])
      const share = random.pick([0.0001, 0.01, 0.2, 0.9, 1])
      const all = Int32Array.from(Array.from({ length: total }, (_, at) => at).filter(() => random.next() < share))
      const groups = all.length === 0 ? Int32Array.of(random.integer(0, total - 1)) : all
      const out = new ByteWriter()
      const head = writePostings(groups, groups.length, out)
      const bytes = Buffer.from(out.view())
      assert.equal(postingsBytes(head), bytes.length)
      assert.ok(bytes.length <= total / 8 + 1)
      const into = new Int32Array(groups.length + 1)
      assert.equal(readPostings(head, bytes, 5, into, 1), groups.length + 1)
      assert.deepEqual(
        into.slice(1),
        groups.map(group => group + 5),
      )
      const set = new GroupSet(total)
      addPostings(head, bytes, set)
      const expected = new GroupSet(total)
      for (const group of groups) expected.add(group)
      assert.deepEqual(set, expected)
    }
  })

  test('terms are collected with their groups', () => {
    const random = new Random(4)
    const table = new TermTable()
    const expected = new Map<number, Set<number>>()
    for (let group = 0; group < 60; group++) {
      for (let times = 0; times < 2000; times++) {
        const term = Math.floor(random.next() ** 6 * 2 ** random.pick([10, 22, 43]))
        table.put(term, group)
        if (!expected.has(term)) expected.set(term, new Set())
        expected.get(term)!.add(group)
      }
    }
    const room = new Int32Array(60)
    assert.deepEqual(
      [...table.sorted()],
      [...expected.keys()].sort((one, other) => one - other),
    )
    for (const [term, groups] of expected) assert.deepEqual([...table.groupsOf(term, room)], [...groups])
    assert.deepEqual([...table.groupsOf(-1, room)], [])
  })
})

function termsOf(text: string): ReadonlySet<number> {
  const terms = new Set<number>()
  eachTerm(text, term => terms.add(term))
  return terms
}

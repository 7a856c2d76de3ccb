import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createChatQueries } from '../../../../bench/lib/chat-queries.js'
import { createChatText } from '../../../../bench/lib/chat-text.js'
import type { ConversationId } from '../../../../src/codec/conversation-id.js'
import type { IndexQuery, SearchDoc } from '../../../../src/daemon/core/search.js'
import { countDocs, scanDocs } from '../../../../src/daemon/search/query/brute.js'
import { parseQuery } from '../../../../src/daemon/search/query/parse.js'

const ids: ConversationId[] = ['a', 'b', 'c'].map(letter => `c_${letter.repeat(26)}` as const)
const nextText = createChatText(3)
const docs: SearchDoc[] = Array.from({ length: 300 }, (_, index) => ({
  // With holes: not every record can be found.
  seq: index * 2 + 1,
  at: 1000 + index,
  conversation: ids[index % 3]!,
  channel: index % 2,
  direction: 'in',
  kinds: 1,
  agent: '',
  text: nextText(),
}))

function seqs(query: Partial<IndexQuery>): number[] {
  const found: number[] = []
  const asked: IndexQuery = { text: { type: 'all' }, filter: {}, order: 'newest', limit: 7, ...query }
  for (let after = asked.after; ; ) {
    const { hits, next } = scanDocs(docs, after === undefined ? asked : { ...asked, after })
    assert.ok(hits.length <= asked.limit)
    found.push(...hits.map(({ seq }) => seq))
    if (next === undefined) return found
    after = next
  }
}

describe('scanDocs', () => {
  it('gives every hit once, in either order, page by page', () => {
    const all = docs.map(({ seq }) => seq)
    assert.deepEqual(seqs({ order: 'oldest' }), all)
    assert.deepEqual(seqs({ order: 'newest' }), all.toReversed())
    assert.deepEqual(seqs({ order: 'newest', limit: 300 }), all.toReversed())
  })

  it('goes on behind a place, also one where nothing is', () => {
    assert.deepEqual(seqs({ order: 'oldest', after: 594 }), [595, 597, 599])
    assert.deepEqual(seqs({ order: 'oldest', after: 595 }), [597, 599])
    assert.deepEqual(seqs({ order: 'newest', after: 5 }), [3, 1])
    assert.deepEqual(seqs({ order: 'newest', after: 4 }), [3, 1])
    assert.deepEqual(seqs({ order: 'newest', after: 1 }), [])
    assert.deepEqual(seqs({ order: 'oldest', after: 9999 }), [])
  })

  it('says that there is no more where there is none', () => {
    const { next } = scanDocs(docs, { text: { type: 'all' }, filter: {}, order: 'oldest', limit: docs.length })
    assert.equal(next, undefined)
  })

  it('finds as many as it counts', () => {
    const nextQuery = createChatQueries(9, createChatText(3))
    let some = 0
    for (let i = 0; i < 200; i++) {
      const text = parseQuery(nextQuery())
      const filter = i % 3 === 0 ? { channels: [1] } : i % 3 === 1 ? { conversations: [ids[0]!] } : {}
      const found = seqs({ text, filter })
      assert.equal(found.length, countDocs(docs, text, filter))
      if (found.length > 0) some++
    }
    assert.ok(some > 50, `only ${some} queries found anything`)
  })
})

describe('chat texts', () => {
  it('are the same for the same seed, and about as long as what people write', () => {
    const [one, same, other] = [createChatText(1), createChatText(1), createChatText(2)]
    const texts = Array.from({ length: 5000 }, () => one())
    assert.deepEqual(
      Array.from({ length: 100 }, () => same()),
      texts.slice(0, 100),
    )
    assert.notDeepEqual(
      Array.from({ length: 100 }, () => other()),
      texts.slice(0, 100),
    )
    const mean = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / texts.length
    assert.ok(mean > 50 && mean < 70, `${mean} bytes`)
    assert.ok(texts.every(text => text.length > 0 && text.isWellFormed()))
  })
})

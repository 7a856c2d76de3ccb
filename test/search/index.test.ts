import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { IndexHit, IndexQuery, SearchDoc } from '../../src/daemon/core/search.js'
import { openSearchIndex, type SearchIndex } from '../../src/daemon/search/index/search-index.js'
import { countDocs, scanDocs } from '../../src/daemon/search/query/brute.js'
import { foldText } from '../../src/daemon/search/query/fold.js'
import { Random } from '../helpers/random.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { feed } from './feed.js'
import { createDocs, createFilter, createQuery } from './texts.js'

const IS_LONG = process.env.KEFU_TEST_LONG === '1'
const LIMITS = { tableDocs: 256, tableUnits: 4096, fan: 3 }
const BUDGET_MS = 60_000

describe('the search index', () => {
  test('answers as a scan of all records does', { timeout: IS_LONG ? 3_000_000 : 300_000 }, async t => {
    const random = new Random(1)
    const docs = createDocs(random, IS_LONG ? 100_000 : 4000)
    const index = await openSearchIndex({ path: tmpDir(t), limits: IS_LONG ? {} : LIMITS })
    t.after(() => index.close())
    await feed(index, docs)
    assert.ok(index.info().segments > 2)
    const folded = docs.map(doc => ({ ...doc, text: foldText(doc.text) }))
    for (let round = 0; round < (IS_LONG ? 2000 : 200); round++) await compare(index, folded, createAsk(random, docs))
  })

  test('answers so while records are added, written and merged', async t => {
    const random = new Random(2)
    const docs = createDocs(random, 3000).map(doc => ({ ...doc, text: foldText(doc.text) }))
    const index = await openSearchIndex({ path: tmpDir(t), limits: LIMITS })
    t.after(() => index.close())
    for (let at = 0; at < docs.length; at += 75) {
      const some = docs.slice(at, at + 75)
      index.add(some, some[some.length - 1]!.seq)
      const known = docs.slice(0, at + 75)
      const page = compare(index, known, createAsk(random, known))
      const maintained = index.maintain(at % 2)
      await page
      await maintained
      while (!index.hasRoom) await index.maintain(1)
    }
  })

  test('gives way to others while it searches', async t => {
    const docs = createDocs(new Random(3), 2000).map(doc => ({ ...doc, text: doc.text.repeat(40) }))
    const index = await openSearchIndex({ path: tmpDir(t) })
    t.after(() => index.close())
    await feed(index, docs)
    let [turns, isOver] = [0, false]
    const count = () => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const query = { text: { type: 'regex', source: '[a-z]+\\d+x{7}' }, filter: {}, order: 'newest', limit: 1 } as const
    const startedAt = performance.now()
    assert.deepEqual(await index.search(query, BUDGET_MS), { hits: [] })
    const spentMs = performance.now() - startedAt
    isOver = true
    assert.ok(spentMs > 40, `${spentMs} ms are too few to tell`)
    assert.ok(turns > 3, `${turns} turns`)
  })

  test('ends when the time is up, and goes on from there', async t => {
    const docs = createDocs(new Random(4), 3000)
    const index = await openSearchIndex({ path: tmpDir(t), limits: LIMITS })
    t.after(() => index.close())
    await feed(index, docs)
    const query = { text: { type: 'all' }, filter: {}, order: 'newest', limit: docs.length } as const
    const first = await index.search(query, 0)
    assert.ok(first.next !== undefined && first.hits.length > 0 && first.hits.length < docs.length)
    let [counted, after]: [number, number | undefined] = [0, undefined]
    do {
      const part: { count: number; next?: number } = await index.count(
        { ...query, ...(after !== undefined && { after }) },
        0,
      )
      counted += part.count
      after = part.next
    } while (after !== undefined)
    assert.equal(counted, countDocs(docs, query.text, query.filter))
  })

  test('takes no more than it can hold, and each record once', async t => {
    const docs = createDocs(new Random(5), 3000)
    const index = await openSearchIndex({ path: tmpDir(t), limits: { ...LIMITS, waiting: 2 } })
    t.after(() => index.close())
    let at = 0
    for (; index.hasRoom; at += 100) index.add(docs.slice(at, at + 100), docs[at + 99]!.seq)
    assert.throws(() => index.add(docs.slice(at), docs[docs.length - 1]!.seq), { code: 'KEFU_INTERNAL' })
    const { docs: count } = index.info()
    while (await index.maintain(1));
    index.add(docs.slice(0, at), docs[at - 1]!.seq)
    assert.deepEqual([index.info().docs, count, index.indexedSeq], [at, at, docs[at - 1]!.seq])
  })
})

function createAsk(random: Random, docs: readonly SearchDoc[]): IndexQuery {
  return {
    text: createQuery(random, docs),
    filter: createFilter(random, docs),
    order: random.pick(['newest', 'oldest'] as const),
    limit: random.pick([1, 3, 50]),
    ...(random.next() < 0.3 && { after: random.pick(docs).seq + random.integer(-2, 2) }),
  }
}

/** One page, and for some queries all pages and the count, equal those of a scan. */
async function compare(index: SearchIndex, docs: readonly SearchDoc[], query: IndexQuery): Promise<void> {
  const said = JSON.stringify(query)
  const expected = scanDocs(docs, query)
  const page = await index.search(query, BUDGET_MS)
  assert.deepEqual(page, expected, said)
  if (query.after !== undefined) return
  const { count, next } = await index.count(query, BUDGET_MS)
  assert.deepEqual([count, next], [countDocs(docs, query.text, query.filter), undefined], said)
  if (count > 200 || query.limit < 50) return
  assert.deepEqual(await allOf(index, query), scanDocs(docs, { ...query, limit: docs.length }).hits, said)
}

/** All hits, in pages and slices of time that are as short as can be. */
async function allOf(index: SearchIndex, query: IndexQuery): Promise<IndexHit[]> {
  const hits: IndexHit[] = []
  let after = query.after
  do {
    const page = await index.search({ ...query, ...(after !== undefined && { after }) }, 0)
    hits.push(...page.hits)
    after = page.next
  } while (after !== undefined)
  return hits
}

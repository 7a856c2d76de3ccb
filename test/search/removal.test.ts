import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type IndexQuery, SEARCH_KINDS, type SearchDoc } from '../../src/daemon/core/search.js'
import { openSearchIndex } from '../../src/daemon/search/index/search-index.js'
import { Segment } from '../../src/daemon/search/index/segment.js'
import { literalTerms } from '../../src/daemon/search/index/terms.js'
import { scanDocs } from '../../src/daemon/search/query/brute.js'
import { Random } from '../helpers/random.js'
import { tmpDir } from '../helpers/tmp-dir.js'
import { feed } from './feed.js'
import { createDocs } from './texts.js'

const LIMITS = { tableDocs: 256, fan: 3 }
/** Every character of it is in no other record. */
const SECRET = '陈贞嫻鑫猁'

describe('what is removed from the search index', () => {
  test('is neither found nor in any file, and everything else is', async t => {
    const { docs, secret } = createDocsWithSecret()
    const path = tmpDir(t)
    const index = await openSearchIndex({ path, limits: LIMITS })
    t.after(() => index.close())
    await feed(index, docs)
    await index.flush()
    assert.ok(whereIsSecret(path).length > 2, 'it is in segments and in the tail')
    const query = { text: { type: 'literal', text: SECRET }, filter: {}, order: 'newest', limit: 99 } as const
    assert.equal((await index.search(query, 60_000)).hits.length, secret.length)

    await index.remove([...secret, 999_999])
    assert.deepEqual(whereIsSecret(path), [])
    assert.deepEqual(await index.search(query, 60_000), { hits: [] })
    const rest = docs.filter(({ seq }) => !secret.includes(seq))
    await check(rest)
    // What is written from memory and merged later has it no more either.
    const more = createDocs(new Random(8), 2000, docs[docs.length - 1]!.seq + 1)
    await feed(index, more)
    await index.flush()
    assert.deepEqual(whereIsSecret(path), [])
    await check([...rest, ...more])

    async function check(expected: readonly SearchDoc[]): Promise<void> {
      for (const text of ['退', '12', 'ab', '订单'])
        for (const order of ['newest', 'oldest'] as const) {
          const query: IndexQuery = { text: { type: 'literal', text }, filter: {}, order, limit: 5000 }
          assert.deepEqual(await index.search(query, 60_000), scanDocs(expected, query))
        }
    }
  })

  test('is gone also while its segment is being written and merged', async t => {
    const { docs, secret } = createDocsWithSecret()
    const path = tmpDir(t)
    const index = await openSearchIndex({ path, limits: LIMITS })
    t.after(() => index.close())
    for (let at = 0; at < docs.length; at += 100) {
      const some = docs.slice(at, at + 100)
      index.add(some, some[some.length - 1]!.seq)
      do await index.maintain(0)
      while (!index.hasRoom)
    }
    await Promise.all([index.maintain(0), index.remove(secret), index.maintain(0)])
    while (await index.maintain(1));
    await index.flush()
    assert.deepEqual(whereIsSecret(path), [])
  })
})

function createDocsWithSecret(): { readonly docs: readonly SearchDoc[]; readonly secret: readonly number[] } {
  const docs = createDocs(new Random(7), 1700)
  const places = [0, 3, 127, 128, 700, 1690, 1699]
  const secret = places.map(place => docs[place]!.seq)
  return {
    docs: docs.map(doc =>
      secret.includes(doc.seq) ? { ...doc, kinds: SEARCH_KINDS.text.bit, text: `${doc.text}${SECRET}` } : doc,
    ),
    secret,
  }
}

/** Every place in the files of an index at which something of the secret is. */
function whereIsSecret(path: string): string[] {
  const places: string[] = []
  const terms = new Set(literalTerms(SECRET))
  for (const character of SECRET) terms.add(literalTerms(character)[0]!)
  for (const name of readdirSync(path)) {
    const file = join(path, name)
    const bytes = readFileSync(file)
    if (bytes.includes(SECRET, 0, 'utf8') || bytes.includes(SECRET, 0, 'utf16le')) places.push(`${name}: bytes`)
    if (!name.endsWith('.part')) continue
    const segment = Segment.open(file, statSync(file).size)
    for (const { term } of segment.postings()) if (terms.has(term)) places.push(`${name}: term ${term}`)
    for (let index = 0; index < segment.blockCount; index++) {
      for (const text of segment.read(index).texts())
        if (/[陈贞嫻鑫猁]/.test(text)) places.push(`${name}: block ${index}`)
    }
    segment.release()
  }
  return places
}

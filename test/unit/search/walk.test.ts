import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CHUNK_RECORDS, walk } from '../../../src/daemon/search/walk.js'
import { Random } from '../../helpers/random.js'

/** A log of `last` records and an index that has the first `indexed` of them, answers at most `step` records at a time, and now and then loses or gains some. */
function world(random: Random, last: number, order: 'newest' | 'oldest') {
  let indexed = random.integer(0, last)
  const seen: number[] = []
  const change = (): void => {
    if (random.next() < 0.2) indexed = random.integer(0, last)
  }
  return {
    seen,
    steps: {
      handed: () => indexed,
      isOver: () => false,
      async index(after: number, needed: number) {
        change()
        const indexedSeq = indexed
        if (indexedSeq < needed) return { indexedSeq, next: 1 }
        const step = random.integer(1, 300)
        const found = Array.from({ length: step }, (_, i) => (order === 'newest' ? after - 1 - i : after + 1 + i))
        const there = found.filter(seq => seq >= 1 && seq <= indexedSeq)
        seen.push(...there)
        const next = there.at(-1)
        const isEnd = next === undefined || (order === 'newest' ? next === 1 : next === indexedSeq)
        return isEnd ? { indexedSeq } : { indexedSeq, next }
      },
      async scan(seqs: readonly number[]) {
        assert.ok(seqs.length <= CHUNK_RECORDS)
        seen.push(...seqs)
        change()
        return undefined
      },
    },
  }
}

describe('a walk through index and log', () => {
  for (const order of ['newest', 'oldest'] as const)
    test(`${order} first sees each record once, however the index grows and falls back`, async () => {
      const random = new Random(5)
      for (let round = 0; round < 300; round++) {
        const last = random.integer(0, 1500)
        const after = random.next() < 0.5 ? undefined : random.integer(0, last + 2)
        const { seen, steps } = world(random, last, order)
        assert.equal(await walk({ order, after, last }, steps), undefined)
        const all = Array.from({ length: last }, (_, i) => i + 1)
        const wanted =
          order === 'newest'
            ? all.filter(seq => seq < (after ?? last + 1)).reverse()
            : all.filter(seq => seq > (after ?? 0))
        assert.deepEqual(seen, wanted)
      }
    })

  test('stops where there is enough, or the time is over, and says where', async () => {
    const enough = { handed: () => 0, isOver: () => false, index: async () => ({ indexedSeq: 0 }) }
    const range = { after: undefined, last: 1000 }
    assert.equal(await walk({ ...range, order: 'newest' }, { ...enough, scan: async () => 990 }), 990)
    assert.equal(await walk({ ...range, order: 'oldest' }, { ...enough, scan: async () => 7 }), 7)
    let left = 3
    const hurried = { ...enough, isOver: () => left-- === 0, scan: async () => undefined }
    assert.equal(await walk({ ...range, order: 'newest' }, hurried), 1001 - 3 * CHUNK_RECORDS)
    left = 2
    assert.equal(await walk({ ...range, order: 'oldest' }, hurried), 2 * CHUNK_RECORDS)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Numbered, Sequence } from '../../src/client/sequence.js'

/** Numbers that a sequence emits for these arrivals. */
function arrivals(sequence: Sequence<Numbered>, numbers: readonly number[]): number[] {
  const emitted: number[] = []
  for (const n of numbers) sequence.accept({ n }, item => emitted.push(item.n))
  return emitted
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe('sequence', () => {
  it('emits each number once and in order for any order and any repetition of arrivals', () => {
    fc.assert(
      fc.property(
        fc.nat(5),
        fc
          .integer({ min: 1, max: 40 })
          .chain(count =>
            fc.tuple(
              fc.shuffledSubarray(range(1, count), { minLength: count }),
              fc.array(fc.integer({ min: 1, max: count }), { maxLength: 30 }),
            ),
          ),
        (start, [order, repeats]) => {
          const sequence = new Sequence(start)
          const numbers = [...order.flatMap((n, at) => [n, ...repeats.slice(at, at + 2)]), ...repeats].map(
            n => n + start,
          )
          assert.deepEqual(arrivals(sequence, numbers), range(start + 1, start + order.length))
          assert.equal(sequence.missing, 0)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('emits what is contiguous, counts what is missing, and goes on when pages fill it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 10 }),
        (head, arrived, pageSize) => {
          const sequence = new Sequence(0)
          sequence.expect(head)
          const emitted = arrivals(sequence, arrived)
          const present = new Set(arrived)
          const highest = Math.max(head, ...arrived)
          assert.equal(sequence.head, highest)
          assert.deepEqual(emitted, range(1, sequence.known))
          assert.equal(sequence.missing, range(1, highest).filter(n => !present.has(n)).length)
          // A page after what is known: asked for until nothing is missing, it ends.
          for (let pages = 0; sequence.missing > 0; pages++) {
            assert.ok(pages < 60)
            const after = sequence.known
            emitted.push(...arrivals(sequence, range(after + 1, Math.min(after + pageSize, highest))))
          }
          assert.deepEqual(emitted, range(1, highest))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('keeps no more than its limit ahead of a hole, and gets the rest again', () => {
    const sequence = new Sequence(0, 3)
    assert.deepEqual(arrivals(sequence, [2, 3, 4, 5, 6]), [])
    assert.equal(sequence.missing, 3)
    assert.deepEqual(arrivals(sequence, [1]), [1, 2, 3, 4])
    assert.equal(sequence.missing, 2)
    assert.deepEqual(arrivals(sequence, [5, 6]), [5, 6])
  })

  it('has moved on when a listener looks', () => {
    const sequence = new Sequence(4)
    sequence.accept({ n: 5 }, () => assert.equal(sequence.known, 5))
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Fifo } from '../../../src/daemon/core/fifo.js'
import { turns } from '../../conformance/store-bench.js'

test('a list gives back what it took, in order', () => {
  const list = new Fifo<number>()
  let next = 0
  let expected = 0
  for (let round = 1; round < 60; round++) {
    for (let i = 0; i < round * 7; i++) list.push(next++)
    for (let i = 0; i < round * 5; i++) {
      assert.equal(list.peek(), expected)
      assert.equal(list.shift(), expected++)
    }
    assert.equal(list.length, next - expected)
  }
  assert.deepEqual(
    list.drain(),
    Array.from({ length: next - expected }, (_, i) => expected + i),
  )
  assert.deepEqual([list.length, list.peek(), list.shift()], [0, undefined, undefined])
})

test('a list does not keep in memory what was taken from it', async () => {
  const list = new Fifo<object>()
  const taken = [take(list), take(list)]
  list.push({ stays: true })
  list.push({ stays: true })
  taken.push(take(list))
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  await turns()
  collect()
  assert.deepEqual(
    taken.map(reference => reference.deref()),
    [undefined, undefined, undefined],
  )
  assert.equal(list.length, 2)
})

/** Puts something in, takes the first out, and only remembers it weakly. */
function take(list: Fifo<object>): WeakRef<object> {
  list.push({ bytes: new Uint8Array(1_000) })
  return new WeakRef(list.shift()!)
}

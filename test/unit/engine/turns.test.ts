import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Turns } from '../../../src/daemon/engine/platforms/turns.js'
import { isKefuError } from '../../../src/errors.js'
import { createManualClock } from '../../helpers/manual-clock.js'

type Owner = { readonly name: string }

const [CALM, FLOOD]: readonly [Owner, Owner] = [{ name: 'calm' }, { name: 'flood' }]

/** Beginning a piece of work takes `beginMs` of the event loop. */
function createRig(beginMs: number) {
  const clock = createManualClock()
  const turns = new Turns<Owner>(clock)
  const begun: string[] = []
  const run = (owner: Owner, count: number): Promise<string[]> =>
    Promise.all(
      Array.from({ length: count }, (_, at) =>
        turns.run(owner, async () => {
          clock.advance(beginMs)
          begun.push(`${owner.name} ${at}`)
          return `${owner.name} ${at}`
        }),
      ),
    )
  return { clock, turns, begun, run }
}

async function rounds(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await nextTurn()
}

describe('turns of the event loop', () => {
  test('an owner alone begins whatever it comes with, a slice in each turn of the loop', async () => {
    const { begun, run } = createRig(0.5)
    const outcomes = run(FLOOD, 20)
    const seen = [begun.length]
    for (let at = 0; at < 4; at++) {
      await nextTurn()
      seen.push(begun.length)
    }
    assert.deepEqual(seen, [4, 8, 12, 16, 20])
    assert.deepEqual(await outcomes, begun)
  })

  test('while others have work, too, each begins a thousand a second, and nobody waits for the line of another', async () => {
    const { clock, begun, run } = createRig(0)
    const outcomes = [run(CALM, 1)]
    clock.advance(20)
    outcomes.push(run(FLOOD, 500))
    await rounds(2)
    assert.equal(begun.length, 1 + 9)
    for (let ms = 1; ms <= 100; ms++) {
      clock.advance(1)
      await rounds(2)
      assert.equal(begun.length, 1 + 9 + ms)
    }
    outcomes.push(run(CALM, 2))
    assert.deepEqual(begun.slice(-2), ['calm 0', 'calm 1'])
    clock.advance(20)
    await rounds(2)
    assert.equal(begun.length, 1 + 9 + 2 + 100 + 9, 'no more than a burst is saved up')
    while (begun.length < 503) {
      clock.advance(8)
      await rounds(2)
    }
    await Promise.all(outcomes)
  })

  test('who comes with more gives way to one who has come in the last 20 ms and keeps to its share, not to others with a line', async () => {
    const { clock, begun, run } = createRig(0)
    const another: Owner = { name: 'another' }
    const outcomes = [run(FLOOD, 1), run(another, 120), run(FLOOD, 120)]
    const eachMs = async (count: number): Promise<number> => {
      const before = begun.length
      for (let ms = 0; ms < count; ms++) {
        clock.advance(1)
        await rounds(2)
      }
      return begun.length - before
    }
    await eachMs(20)
    assert.equal(await eachMs(20), 40)
    outcomes.push(run(CALM, 1))
    await eachMs(4)
    assert.equal(await eachMs(12), 6)
    await eachMs(8)
    assert.equal(await eachMs(10), 20)
    await eachMs(120)
    await Promise.all(outcomes)
  })

  test('lines are served in turn, each in its order', async () => {
    const { begun, run } = createRig(2)
    const outcomes = [run({ name: 'first' }, 1), run({ name: 'a' }, 3), run({ name: 'b' }, 3)]
    await rounds(8)
    assert.deepEqual(begun, ['first 0', 'a 0', 'b 0', 'a 1', 'b 1', 'a 2', 'b 2'])
    await Promise.all(outcomes)
  })

  test('an owner is alone again when the others have been silent for ten seconds, and owes nothing for what it began alone', async () => {
    const { clock, begun, run } = createRig(0)
    const outcomes = [run(CALM, 1)]
    clock.advance(9_999)
    outcomes.push(run(FLOOD, 40))
    await rounds(2)
    assert.equal(begun.length, 1 + 9)
    clock.advance(1)
    await rounds(2)
    assert.equal(begun.length, 41)
    outcomes.push(run(FLOOD, 500))
    await rounds(2)
    assert.equal(begun.length, 541)
    outcomes.push(run(CALM, 1), run(FLOOD, 1))
    clock.advance(1)
    await rounds(2)
    assert.equal(begun.length, 543)
    await Promise.all(outcomes)
  })

  test('a line takes half a second of work; what is more is told to come again', async () => {
    const { clock, begun, run, turns } = createRig(0)
    const outcomes = [run(CALM, 1), run(FLOOD, 9 + 512)]
    await assert.rejects(
      turns.run(FLOOD, () => Promise.resolve()),
      (error: unknown) => isKefuError(error, 'KEFU_LANE_CLOSED'),
    )
    while (begun.length < 522) {
      clock.advance(8)
      await rounds(2)
    }
    await Promise.all(outcomes)
  })

  test('work that fails fails for whoever asked, and for nobody else', async () => {
    const { clock, turns, run } = createRig(0)
    const outcomes = [run(CALM, 1)]
    const broken = Array.from({ length: 20 }, (_, at) =>
      turns.run(FLOOD, () => (at % 2 === 0 ? Promise.reject(new Error('later')) : Promise.resolve(at))),
    )
    const settled = Promise.allSettled(broken)
    for (let at = 0; at < 3; at++) {
      clock.advance(8)
      await rounds(2)
    }
    assert.deepEqual(
      (await settled).map(({ status }) => status === 'fulfilled'),
      broken.map((_, at) => at % 2 === 1),
    )
    await Promise.all(outcomes)
  })
})

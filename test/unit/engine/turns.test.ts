import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Turns } from '../../../src/daemon/engine/platforms/turns.js'
import { createManualClock } from '../../helpers/manual-clock.js'

/** Beginning a piece of work takes `beginMs` of the event loop; it ends when it is told to. */
function createRig(beginMs: number) {
  const clock = createManualClock()
  const turns = new Turns<string>(clock)
  const begun: string[] = []
  const ends: (() => void)[] = []
  const run = (owner: string, count: number): Promise<string[]> =>
    Promise.all(
      Array.from({ length: count }, (_, at) => {
        const name = `${owner} ${at}`
        return turns.run(owner, () => {
          clock.advance(beginMs)
          begun.push(name)
          return new Promise<string>(resolve => ends.push(() => resolve(name)))
        })
      }),
    )
  const endAll = (): void => {
    for (const end of ends.splice(0)) end()
  }
  return { clock, turns, begun, run, endAll }
}

async function rounds(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await nextTurn()
}

describe('turns of the event loop', () => {
  test('an owner alone begins whatever it comes with, a slice in each turn of the loop', async () => {
    const { begun, run, endAll } = createRig(0.5)
    const outcomes = run('a', 20)
    const seen = [begun.length]
    for (let at = 0; at < 4; at++) {
      await nextTurn()
      seen.push(begun.length)
    }
    assert.deepEqual(seen, [4, 8, 12, 16, 20])
    endAll()
    assert.deepEqual(await outcomes, begun)
  })

  test('while others have work, too, each has a share under way, and nobody waits for the line of another', async () => {
    const { begun, run, endAll } = createRig(0)
    const calm = run('calm', 1)
    const flood = run('flood', 100)
    assert.equal(begun.length, 1 + 4)
    const more = run('calm', 2)
    assert.deepEqual(begun.slice(-2), ['calm 0', 'calm 1'])
    await rounds(3)
    assert.equal(begun.length, 1 + 4 + 2)
    while (begun.length < 103) {
      endAll()
      await rounds(2)
    }
    endAll()
    assert.deepEqual((await flood).length + (await more).length + (await calm).length, 103)
  })

  test('lines are served in turn, each in its order', async () => {
    const { begun, run, endAll } = createRig(2)
    const first = run('first', 1)
    const both = [run('a', 3), run('b', 3)]
    await rounds(8)
    assert.deepEqual(begun, ['first 0', 'a 0', 'b 0', 'a 1', 'b 1', 'a 2', 'b 2'])
    endAll()
    await Promise.all([first, ...both])
  })

  test('an owner is alone again when the others have been silent for ten seconds', async () => {
    const { clock, begun, run, endAll } = createRig(0)
    const calm = run('calm', 1)
    clock.advance(9_999)
    const flood = [run('flood', 40)]
    await rounds(2)
    assert.equal(begun.length, 1 + 4)
    clock.advance(1)
    flood.push(run('flood', 0))
    endAll()
    await rounds(2)
    assert.equal(begun.length, 41)
    endAll()
    await Promise.all([calm, ...flood])
  })

  test('a share is as much a second as before where work takes longer', async () => {
    const { clock, begun, run, endAll } = createRig(0)
    const outcomes = [run('calm', 1), run('flood', 400)]
    const perRound: number[] = []
    while (perRound.length < 20) {
      const before = begun.length
      clock.advance(20)
      endAll()
      outcomes.push(run('calm', 1))
      await rounds(3)
      perRound.push(begun.length - before - 1)
    }
    // In 20 ms, as on a disk that takes them: a thousand a second.
    assert.deepEqual([perRound[0], perRound.at(-1)], [4, 20], perRound.join())
    while (begun.length < 421) {
      endAll()
      await rounds(3)
    }
    endAll()
    await Promise.all(outcomes)
  })

  test('work that fails fails for whoever asked, and gives its place back', async () => {
    const { turns, run, endAll } = createRig(0)
    const calm = run('calm', 1)
    const broken = Array.from({ length: 20 }, (_, at) =>
      turns.run('a', () => (at % 2 === 0 ? Promise.reject(new Error('later')) : Promise.resolve(at))),
    )
    const outcomes = await Promise.allSettled(broken)
    assert.deepEqual(
      outcomes.map(({ status }) => status === 'fulfilled'),
      outcomes.map((_, at) => at % 2 === 1),
    )
    endAll()
    await calm
  })
})
